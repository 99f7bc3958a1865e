using System.Globalization;
using System.Net.Http.Headers;
using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

[Activity("Elsa.DownloadHttpFile", "HTTP", "Downloads a file from a URL.", DisplayName = "Download File", Kind = ActivityKind.Task)]
public sealed class DownloadHttpFile(HttpCaller caller) : HttpSender(caller)
{
    [Input(DisplayName = "URL", TypeName = "Uri", Required = true, UIHint = "singleline", Description = "The URL to download the file from.")]
    public Input<Uri> Url { get; init; } = default!;

    [Input(UIHint = "dropdown", Default = "GET", Options = ["GET", "POST", "PUT"], Description = "The HTTP method to use when sending the request.")]
    public Input<string> Method { get; init; } = default!;

    [Input(DisplayName = "Expected Status Codes", UIHint = "multitext", Description = "A list of expected status codes to handle.")]
    public Input<int[]> ExpectedStatusCodes { get; init; } = default!;

    [Input(DisplayName = "Request Content", Description = "The content to send with the request: text, or an object that is sent as JSON.")]
    public Input<object> Content { get; init; } = default!;

    [Input(DisplayName = "Content Type", UIHint = "dropdown", Options = ["application/json", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded"], Description = "The content type to use when sending the request.")]
    public Input<string> RequestContentType { get; init; } = default!;

    [Input(Category = "Security", IsSensitive = true, Description = "The Authorization header to send with the request, as Bearer {token}.")]
    public Input<string> Authorization { get; init; } = default!;

    [Input(DisplayName = "Disable Authorization Header Validation", Category = "Security", Description = "Sends the Authorization header without validation.")]
    public Input<bool> DisableAuthorizationHeaderValidation { get; init; } = default!;

    [Input(DisplayName = "Request Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", UIHint = "json-editor", Category = "Advanced", IsSensitive = true, Description = "The headers to send along with the request.")]
    public Input<JObject> RequestHeaders { get; init; } = default!;

    [Output(TypeName = "HttpResponseMessage")] public Output<object> Response { get; init; } = default!;

    [Output(DisplayName = "Status Code", Description = "The HTTP response status code.")]
    public Output<int> StatusCode { get; init; } = default!;

    [Output(DisplayName = "Response Content Stream", TypeName = "Stream", Description = "The downloaded content, if any.")]
    public Output<byte[]> ResponseContentStream { get; init; } = default!;

    [Output(DisplayName = "Response Content Bytes", TypeName = "byte[]", Description = "The downloaded content, if any.")]
    public Output<byte[]> ResponseContentBytes { get; init; } = default!;

    [Output(DisplayName = "Response Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", Description = "The response headers that were received.")]
    public Output<JObject> ResponseHeaders { get; init; } = default!;

    [Output(DisplayName = "Content Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", Description = "The headers of the content.")]
    public Output<JObject> ResponseContentHeaders { get; init; } = default!;

    [Output(TypeName = "Elsa.Http.HttpFile, Elsa.Http")] public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        SendAsync(context, new Call(context.Get(Url), context.Get(Method), context.Get(Content), context.Get(RequestContentType), context.Get(Authorization), context.Get(RequestHeaders), KeepBytes: true), cancellationToken);

    protected override ActivityResult Answered(ActivityContext context, ConnectorResponse response)
    {
        var bytes = response.Content is { Length: > 0 } content ? content : null;
        var headers = response.Headers.ToLookup(header => HttpCaller.IsOfContent(header.Key), header => new JProperty(header.Key, header.Value));
        context.Set(StatusCode, response.Status);
        context.Set(ResponseContentStream, bytes);
        context.Set(ResponseContentBytes, bytes);
        context.Set(ResponseHeaders, new JObject(headers[false]));
        context.Set(ResponseContentHeaders, new JObject(headers[true]));
        context.Set(Response, new JObject { ["statusCode"] = response.Status, ["contentType"] = response.ContentType, ["headers"] = new JObject(headers[false]) });
        context.Set(Result, bytes is null ? null : new JObject
        {
            ["filename"] = NameOf(response.Headers.GetValueOrDefault("Content-Disposition")) ?? context.Get(Url)!.Segments[^1].Trim('/') switch { "" => "file.dat", var name => name },
            ["contentType"] = response.ContentType,
            ["eTag"] = response.Headers.GetValueOrDefault("ETag"),
            ["content"] = Convert.ToBase64String(bytes),
        });
        return ByStatus(context.Get(ExpectedStatusCodes), response.Status);
    }

    protected override ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault) => ActivityResult.Completed(isTimeout ? "Timeout" : "Failed to connect");

    /// <summary>Outcomes by status: that of the code, where codes are expected, and Done.</summary>
    internal static ActivityResult ByStatus(int[]? expected, int status) =>
        expected is null or { Length: 0 } ? ActivityResult.Done
            : ActivityResult.Completed(expected.Contains(status) ? status.ToString(CultureInfo.InvariantCulture) : "Unmatched status code", Outcome.Done);

    private static string? NameOf(string? disposition) =>
        ContentDispositionHeaderValue.TryParse(disposition, out var parsed) ? (parsed.FileNameStar ?? parsed.FileName)?.Trim('"') : null;
}
