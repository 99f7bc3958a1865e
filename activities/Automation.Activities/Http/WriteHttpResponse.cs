using System.Globalization;
using System.Net;
using System.Text;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Engine.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

[Activity("Elsa.WriteHttpResponse", "HTTP", "Answers the HTTP request that the flow is at.", DisplayName = "HTTP Response")]
public sealed class WriteHttpResponse : Activity
{
    [Input(DisplayName = "Status Code", TypeName = "HttpStatusCode", UIHint = "dropdown", DefaultSyntax = "Literal", Options = ["OK", "Created", "Accepted", "NoContent", "Redirect", "BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict", "UnprocessableEntity", "TooManyRequests", "InternalServerError", "ServiceUnavailable"], Description = "The status code to return: a name or a number.")]
    public Input<HttpStatusCode> StatusCode { get; init; } = default!;

    [Input(Description = "The content to write back. Text is sent as it is, objects as JSON.")]
    public Input<object> Content { get; init; } = default!;

    [Input(DisplayName = "Content Type", UIHint = "dropdown", Options = ["application/json", "text/plain", "text/html", "application/xml"], Description = "The content type of the response.")]
    public Input<string> ContentType { get; init; } = default!;

    [Input(DisplayName = "Response Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", UIHint = "json-editor", Category = "Advanced", Description = "The headers to send along with the response.")]
    public Input<JObject> ResponseHeaders { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var status = (int)context.Get(StatusCode);
        var (body, type) = BodyOf(context.Get(Content), context.Get(ContentType));
        return new(HttpAnswer.Send(context, new HttpReply(status == 0 ? 200 : status, type, body, HttpAnswer.HeadersOf(context.Get(ResponseHeaders)))));
    }

    private static (byte[] Body, string? Type) BodyOf(object? content, string? type)
    {
        var chosen = string.IsNullOrWhiteSpace(type) ? null : type;
        return content switch
        {
            null => ([], chosen),
            byte[] bytes => (bytes, chosen ?? "application/octet-stream"),
            string text => (Encoding.UTF8.GetBytes(text), chosen ?? "text/plain"),
            _ => (Encoding.UTF8.GetBytes(Json.Write(ValueConverter.ToJson(content))), chosen ?? "application/json"),
        };
    }
}

[Activity("Elsa.WriteFileHttpResponse", "HTTP", "Answers the HTTP request with a file.", DisplayName = "HTTP File Response")]
public sealed class WriteFileHttpResponse : Activity
{
    [Input(DisplayName = "Content Type", Description = "The content type of the file. Empty: application/octet-stream.")]
    public Input<string> ContentType { get; init; } = default!;

    [Input(Description = "The name of the file to serve.")]
    public Input<string> Filename { get; init; } = default!;

    [Input(DisplayName = "Entity Tag", Description = "The entity tag of the file to serve.")]
    public Input<string> EntityTag { get; init; } = default!;

    [Input(Description = "The file: bytes, or text.")]
    public Input<object> Content { get; init; } = default!;

    [Input(DisplayName = "Enable Resumable Downloads", Description = "Not used: files are sent in one piece.")]
    public Input<bool> EnableResumableDownloads { get; init; } = default!;

    [Input(DisplayName = "Download Correlation Id", Description = "Not used: files are sent in one piece.")]
    public Input<string> DownloadCorrelationId { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var body = context.Get(Content) switch
        {
            null => null,
            byte[] bytes => bytes,
            string text => Encoding.UTF8.GetBytes(text),
            JArray list when HttpAnswer.BytesOf(list) is { } bytes => bytes,
            var other => Encoding.UTF8.GetBytes(Json.Write(ValueConverter.ToJson(other))),
        };
        if (body is null)
        {
            return new(HttpAnswer.Send(context, new HttpReply(204, null, [], new Dictionary<string, string>())));
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var name = context.Get(Filename) is { Length: > 0 } given ? given : "file.bin";
        headers["Content-Disposition"] = new System.Net.Http.Headers.ContentDispositionHeaderValue("attachment") { FileName = name, FileNameStar = name }.ToString();

        if (context.Get(EntityTag) is { Length: > 0 } tag)
        {
            headers["ETag"] = tag.StartsWith('"') || tag.StartsWith("W/", StringComparison.Ordinal) ? tag : $"\"{tag}\"";
        }

        var type = context.Get(ContentType) is { Length: > 0 } chosen ? chosen : HttpAnswer.TypeOf(name);
        return new(HttpAnswer.Send(context, new HttpReply(200, type, body, headers)));
    }
}

/// <summary>Sending a response.</summary>
internal static class HttpAnswer
{
    public static ActivityResult Send(ActivityContext context, HttpReply reply)
    {
        if (reply.Status is < 200 or > 599)
        {
            return ActivityResult.Faulted(new Fault($"{reply.Status} is no status code of a response.") { Code = "conversion", Property = "statusCode", Action = "Give a name such as OK, or a number from 200 to 599." });
        }

        if (reply.Headers.Append(new("Content-Type", reply.ContentType ?? "")).FirstOrDefault(header => !IsHeader(header.Key, header.Value)) is { Key: { } unfit })
        {
            return ActivityResult.Faulted(new Fault($"The response header '{unfit}' has a name or a value that HTTP does not allow.") { Code = "conversion", Property = "responseHeaders", Action = "Leave out line breaks and letters beyond ASCII; encode them." });
        }

        if (context.Run.HttpExchange is null)
        {
            // Executed through the API, or resumed after the request had gone: there is nobody to answer.
            context.Journal("NoRequest", $"There is no HTTP request to answer: the response {reply.Status.ToString(CultureInfo.InvariantCulture)} was not sent.");
            return ActivityResult.Done;
        }

        return context.TryReply(reply)
            ? ActivityResult.Done
            : ActivityResult.Faulted(new Fault("The HTTP request has been answered already; a second response cannot be sent.") { Code = "already-answered", Action = "Leave one response activity on each way through the flow." });
    }

    private static bool IsHeader(string name, string value) =>
        name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter)) && value.All(letter => letter is '\t' or >= ' ' and < '\x7f');

    /// <summary>The bytes that a script made; null: the list holds other things.</summary>
    public static byte[]? BytesOf(JArray list) => list.Count > 0 && list.All(item => item is JValue { Value: >= 0L and <= 255L }) ? [.. list.Select(item => (byte)(long)item)] : null;

    /// <summary>Type of a file by its name.</summary>
    public static string TypeOf(string fileName) => Path.GetExtension(fileName).ToLowerInvariant() switch
    {
        ".txt" or ".log" => "text/plain",
        ".csv" => "text/csv",
        ".htm" or ".html" => "text/html",
        ".json" => "application/json",
        ".xml" => "application/xml",
        ".pdf" => "application/pdf",
        ".zip" => "application/zip",
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".gif" => "image/gif",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };

    public static Dictionary<string, string> HeadersOf(JObject? headers)
    {
        var result = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in headers?.Properties() ?? [])
        {
            result[header.Name] = header.Value is JArray list ? string.Join(", ", list.Select(item => item.ToString())) : header.Value.ToString();
        }

        return result;
    }
}
