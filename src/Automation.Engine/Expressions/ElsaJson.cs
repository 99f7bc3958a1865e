using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>JSON text letter by letter as Elsa's <c>toJson</c> writes it: letters of all languages as they are, quotes and what HTML knows as \u00XX.</summary>
internal static class ElsaJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public static string Write(JToken token)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            Write(writer, token);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Write(Utf8JsonWriter writer, JToken token)
    {
        switch (token)
        {
            case JObject map:
                writer.WriteStartObject();
                foreach (var property in map.Properties())
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JArray list:
                writer.WriteStartArray();
                foreach (var item in list)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JValue { Value: string text }:
                writer.WriteStringValue(text);
                break;
            default:
                writer.WriteRawValue(Json.Write(token));
                break;
        }
    }
}
