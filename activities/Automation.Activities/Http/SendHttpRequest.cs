using System.Globalization;
using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

/// <summary>What both HTTP request activities share: their inputs and outputs.</summary>
public abstract class HttpRequestActivity(HttpCaller caller) : HttpSender(caller)
{
    [Input(TypeName = "Uri", Required = true, UIHint = "singleline", Description = "The address to call.")]
    public Input<Uri> Url { get; init; } = default!;

    [Input(UIHint = "dropdown", Default = "GET", Options = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"], Description = "The HTTP method to use when sending the request.")]
    public Input<string> Method { get; init; } = default!;

    [Input(Description = "The content to send with the request: text, or an object that is sent as JSON.")]
    public Input<object> Content { get; init; } = default!;

    [Input(DisplayName = "Content Type", UIHint = "dropdown", Options = ["application/json", "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded"], Description = "The content type to use when sending the request.")]
    public Input<string> ContentType { get; init; } = default!;

    [Input(Category = "Security", IsSensitive = true, Description = "The Authorization header to send with the request, as Bearer {token}.")]
    public Input<string> Authorization { get; init; } = default!;

    [Input(DisplayName = "Disable Authorization Header Validation", Category = "Security", Description = "Sends the Authorization header without validation.")]
    public Input<bool> DisableAuthorizationHeaderValidation { get; init; } = default!;

    [Input(DisplayName = "Request Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", UIHint = "json-editor", Category = "Advanced", IsSensitive = true, Description = "The headers to send along with the request.")]
    public Input<JObject> RequestHeaders { get; init; } = default!;

    [Input(DisplayName = "Enable Resiliency", Description = "Obsolete. The activity's retry policy takes its place.")]
    public Input<bool> EnableResiliency { get; init; } = default!;

    [Output(DisplayName = "Status Code", Description = "The HTTP response status code.")]
    public Output<int> StatusCode { get; init; } = default!;

    [Output(DisplayName = "Parsed Content", Description = "The parsed content, if any.")]
    public Output<object> ParsedContent { get; init; } = default!;

    [Output(DisplayName = "Response Headers", TypeName = "Elsa.Http.HttpHeaders, Elsa.Http", Description = "The response headers that were received.")]
    public Output<JObject> ResponseHeaders { get; init; } = default!;

    [Output(TypeName = "HttpResponseMessage")]
    public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        SendAsync(context, new Call(context.Get(Url), context.Get(Method), context.Get(Content), context.Get(ContentType), context.Get(Authorization), context.Get(RequestHeaders)), cancellationToken);

    /// <summary>Which way to go after an answer with this status.</summary>
    protected abstract ActivityResult Answer(ActivityContext context, int status);

    protected override ActivityResult Answered(ActivityContext context, ConnectorResponse response)
    {
        var headers = new JObject(response.Headers.Select(header => new JProperty(header.Key, header.Value)));
        context.Set(StatusCode, response.Status);
        context.Set(ParsedContent, response.Content is { } bytes ? bytes : response.Body is JValue scalar ? scalar.Value : response.Body);
        context.Set(ResponseHeaders, headers);
        context.Set(Result, new JObject { ["statusCode"] = response.Status, ["contentType"] = response.ContentType, ["headers"] = headers.DeepClone() });
        return Answer(context, response.Status);
    }

    /// <summary>Status codes in a list of numbers or of <c>{statusCode}</c>.</summary>
    private protected static int? CodeOf(JToken token) => token switch
    {
        JObject entry => entry["statusCode"] is { } code ? CodeOf(code) : null,
        JValue value when int.TryParse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out var code) => code,
        _ => null,
    };
}

[Activity("Elsa.SendHttpRequest", "HTTP", "Sends an HTTP request.", DisplayName = "HTTP Request", Kind = ActivityKind.Task)]
public sealed class SendHttpRequest(HttpCaller caller) : HttpRequestActivity(caller)
{
    private readonly Dictionary<int, PlannedActivity?> cases = [];

    [Input(DisplayName = "Expected Status Codes", TypeName = "Elsa.Http.HttpStatusCodeCase, Elsa.Http[]", UIHint = "http-status-codes", Description = "Expected status codes, and what to do at each.")]
    public JToken? ExpectedStatusCodes { get; init; }

    [Port] public PlannedActivity? UnmatchedStatusCode { get; init; }
    [Port] public PlannedActivity? FailedToConnect { get; init; }
    [Port] public PlannedActivity? Timeout { get; init; }

    public override void Compile(ActivityCompilation compilation)
    {
        foreach (var entry in ExpectedStatusCodes as JArray ?? [])
        {
            if (CodeOf(entry) is { } code)
            {
                cases[code] = entry is JObject { } found && found["activity"] is JObject child ? compilation.Child(child) : null;
            }
        }
    }

    protected override ActivityResult Answer(ActivityContext context, int status) =>
        Run(context, cases.TryGetValue(status, out var matched) ? matched : UnmatchedStatusCode);

    protected override ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault) =>
        (isTimeout ? Timeout : FailedToConnect) is { } port ? Run(context, port) : ActivityResult.Faulted(fault);

    private static ActivityResult Run(ActivityContext context, PlannedActivity? child)
    {
        if (child is null)
        {
            return ActivityResult.Done;
        }

        context.Schedule(child);
        return ActivityResult.Waiting;
    }
}

[Activity("Elsa.FlowSendHttpRequest", "HTTP", "Sends an HTTP request; a flowchart goes on by its status code.", DisplayName = "HTTP Request (flow)", Kind = ActivityKind.Task)]
public sealed class FlowSendHttpRequest(HttpCaller caller) : HttpRequestActivity(caller)
{
    [Input(DisplayName = "Expected Status Codes", UIHint = "multitext", Description = "A list of expected status codes to handle.")]
    public Input<int[]> ExpectedStatusCodes { get; init; } = default!;

    protected override ActivityResult Answer(ActivityContext context, int status) => DownloadHttpFile.ByStatus(context.Get(ExpectedStatusCodes), status);

    protected override ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault) => ActivityResult.Completed(isTimeout ? "Timeout" : "Failed to connect");
}
