using System.Globalization;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

/// <summary>What both HTTP request activities share: building the request, sending it (writes as effects), and its outputs.</summary>
public abstract class HttpRequestActivity(HttpCaller caller) : Activity
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

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var url = context.Get(Url);
        if (url is null || !url.IsAbsoluteUri || url.Scheme is not ("http" or "https"))
        {
            return ActivityResult.Faulted(new Fault(url is null ? "There is no address to call." : "The address to call must be absolute, with http or https.") { Code = "invalid-input", Property = "url", Action = "Give a URL such as https://example.com/api/items." });
        }

        var method = context.Get(Method) is { Length: > 0 } chosen ? chosen.Trim().ToUpperInvariant() : "GET";
        if (method.Any(letter => !char.IsAsciiLetterUpper(letter)))
        {
            return ActivityResult.Faulted(new Fault($"'{method}' is no HTTP method.") { Code = "invalid-input", Property = "method", Action = "Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS." });
        }

        var secrets = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var request = Build(context, url, method, secrets);
        try
        {
            var response = method is "GET" or "HEAD" or "OPTIONS"
                ? await caller.SendAsync(request, url, secrets, cancellationToken)
                : await WriteAsync(context, request, url, secrets, cancellationToken);
            return Answered(context, response);
        }
        catch (ConnectorException exception) when (exception.Code is "timeout" or "unreachable")
        {
            var fault = FaultOf(exception);
            context.Journal(exception.Code == "timeout" ? "Timeout" : "FailedToConnect", exception.Message);
            return NoAnswer(context, exception.Code == "timeout", fault);
        }
        catch (ConnectorException exception)
        {
            return ActivityResult.Faulted(FaultOf(exception));
        }
    }

    /// <summary>Which way to go after an answer with this status.</summary>
    protected abstract ActivityResult Answer(ActivityContext context, int status);

    /// <summary>Which way to go when no answer came.</summary>
    protected abstract ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault);

    private ValueTask<ConnectorResponse> WriteAsync(ActivityContext context, ConnectorRequest request, Uri url, Dictionary<string, string> secrets, CancellationToken cancellationToken) =>
        context.Services.GetRequiredService<IEffectLedger>().SendAsync(
            context,
            new Effect
            {
                Key = context.EffectKey,
                Class = request.Method is "PUT" or "DELETE" ? EffectClass.Safe : EffectClass.Unsafe,
                Operation = "http",
                Request = request,
            },
            // What was recorded is sent again; only what no record may hold comes from the inputs.
            (recorded, token) => caller.SendAsync(recorded, recorded.Url == request.Url ? url : new Uri(recorded.Url), secrets, token),
            probe: null,
            cancellationToken);

    private ConnectorRequest Build(ActivityContext context, Uri url, string method, Dictionary<string, string> secrets)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in HttpAnswer.HeadersOf(context.Get(RequestHeaders)))
        {
            (HttpCaller.IsSecret(name) ? secrets : headers)[name] = value;
        }

        if (context.Get(Authorization) is { Length: > 0 } authorization)
        {
            secrets["Authorization"] = authorization;
        }

        var (body, type) = method is "GET" or "HEAD" ? (null, null) : BodyOf(context.Get(Content), context.Get(ContentType));
        if (type is not null)
        {
            headers["Content-Type"] = type;
        }

        return new ConnectorRequest { Method = method, Url = Redaction.Clean(url.AbsoluteUri), Headers = headers, Body = body };
    }

    private static (JToken? Body, string? Type) BodyOf(object? content, string? type)
    {
        var chosen = string.IsNullOrWhiteSpace(type) ? null : type;
        switch (content)
        {
            case null:
                return (null, null);
            case string text:
                return (new JValue(text), chosen ?? (text.TrimStart() is ['{', ..] or ['[', ..] ? "application/json; charset=utf-8" : "text/plain; charset=utf-8"));
            default:
                var token = ValueConverter.ToJson(content);
                return chosen == "application/x-www-form-urlencoded" && token is JObject form
                    ? (new JValue(string.Join('&', form.Properties().Select(field => $"{Uri.EscapeDataString(field.Name)}={Uri.EscapeDataString(field.Value is JValue ? field.Value.ToString() : Json.Write(field.Value))}"))), chosen)
                    : (new JValue(Json.Write(token)), chosen ?? "application/json; charset=utf-8");
        }
    }

    private ActivityResult Answered(ActivityContext context, ConnectorResponse response)
    {
        var headers = new JObject(response.Headers.Select(header => new JProperty(header.Key, header.Value)));
        context.Set(StatusCode, response.Status);
        context.Set(ParsedContent, response.Content is { } bytes ? bytes : response.Body is JValue scalar ? scalar.Value : response.Body);
        context.Set(ResponseHeaders, headers);
        context.Set(Result, new JObject { ["statusCode"] = response.Status, ["contentType"] = response.ContentType, ["headers"] = headers.DeepClone() });
        return Answer(context, response.Status);
    }

    private static Fault FaultOf(ConnectorException exception) => new(exception.Message)
    {
        Code = exception.Code,
        Action = exception.Action,
        Property = exception.Property,
        IsTransient = exception.IsTransient,
        ExceptionType = typeof(HttpRequestException).FullName,
    };

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

    protected override ActivityResult Answer(ActivityContext context, int status)
    {
        var expected = context.Get(ExpectedStatusCodes);
        return expected is null or { Length: 0 } ? ActivityResult.Done
            : ActivityResult.Completed(expected.Contains(status) ? status.ToString(CultureInfo.InvariantCulture) : "Unmatched status code", Outcome.Done);
    }

    protected override ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault) => ActivityResult.Completed(isTimeout ? "Timeout" : "Failed to connect");
}
