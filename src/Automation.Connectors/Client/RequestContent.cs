using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// A request's body as its content type wants it: JSON, a form, or a form with files. It is kept as JSON until it is sent, so that an effect records and a person sees the same
/// whatever the other side takes.
/// </summary>
internal static class RequestContent
{
    public static HttpContent Of(ConnectorRequest request)
    {
        var type = request.Headers.GetValueOrDefault("Content-Type") ?? "application/json";
        if (request.Body is JObject fields && type.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            return new FormUrlEncodedContent(fields.Properties().Select(field => KeyValuePair.Create(field.Name, Text(field.Value))));
        }

        if (request.Body is JObject parts && type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            var form = new MultipartFormDataContent();
            foreach (var (name, value) in parts)
            {
                Add(form, name, value!);
            }

            return form;
        }

        var json = new ByteArrayContent(Encoding.UTF8.GetBytes(Json.Write(request.Body)));
        json.Headers.TryAddWithoutValidation("Content-Type", type);
        return json;
    }

    /// <summary>What is wrong with a value as a file, to be read after the input's name; null: nothing.</summary>
    public static string? DefectOfFile(JObject file)
    {
        if (file["text"] is JValue { Value: string })
        {
            return null;
        }

        return file["base64"] is JValue { Value: string base64 } && Convert.TryFromBase64String(base64, new byte[base64.Length], out _)
            ? null
            : "is no file: it must hold its content as base64 or as text, as {\"name\": \"a.png\", \"contentType\": \"image/png\", \"base64\": \"…\"}";
    }

    private static void Add(MultipartFormDataContent form, string name, JToken value)
    {
        if (value is not JObject file)
        {
            form.Add(new StringContent(Text(value)), Quoted(name));
            return;
        }

        var content = new ByteArrayContent(file["text"] is JValue { Value: string text } ? Encoding.UTF8.GetBytes(text) : Convert.FromBase64String((string)file["base64"]!));
        if (MediaTypeHeaderValue.TryParse(JsonPaths.Text(file["contentType"]), out var type))
        {
            content.Headers.ContentType = type;
        }

        form.Add(content, Quoted(name), Quoted(JsonPaths.Text(file["name"]) ?? name));
    }

    /// <summary>Names are always quoted: some readers of forms do not know them bare.</summary>
    private static string Quoted(string name) => $"\"{name.Replace('"', '_').ReplaceLineEndings("_")}\"";

    private static string Text(JToken value) => value switch
    {
        JValue { Value: bool flag } => flag ? "true" : "false",
        JValue { Value: null } => "",
        JValue plain => Convert.ToString(plain.Value, CultureInfo.InvariantCulture)!,
        _ => Json.Write(value),
    };
}
