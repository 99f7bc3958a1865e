using System.Globalization;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

/// <summary>What the activities that call an address share: building the request and sending it, writes as effects.</summary>
public abstract class HttpSender(HttpCaller caller) : Activity
{
    /// <summary>A call, as the activity's inputs have it.</summary>
    /// <param name="Url">The address.</param>
    /// <param name="Method">The method; empty: GET.</param>
    /// <param name="Content">The body.</param>
    /// <param name="ContentType">Its type; empty: by the content.</param>
    /// <param name="Authorization">The Authorization header.</param>
    /// <param name="Headers">Other headers.</param>
    /// <param name="KeepBytes">The answer is wanted as it came, not parsed.</param>
    protected sealed record Call(Uri? Url, string? Method, object? Content, string? ContentType, string? Authorization, JObject? Headers, bool KeepBytes = false);

    /// <summary>Takes the answer.</summary>
    protected abstract ActivityResult Answered(ActivityContext context, ConnectorResponse response);

    /// <summary>Which way to go when no answer came.</summary>
    protected abstract ActivityResult NoAnswer(ActivityContext context, bool isTimeout, Fault fault);

    /// <summary>Sends a call and takes its answer.</summary>
    protected async ValueTask<ActivityResult> SendAsync(ActivityContext context, Call call, CancellationToken cancellationToken)
    {
        var url = call.Url;
        if (url is null || !url.IsAbsoluteUri || url.Scheme is not ("http" or "https"))
        {
            return ActivityResult.Faulted(new Fault(url is null ? "There is no address to call." : "The address to call must be absolute, with http or https.") { Code = "invalid-input", Property = "url", Action = "Give a URL such as https://example.com/api/items." });
        }

        var method = call.Method is { Length: > 0 } chosen ? chosen.Trim().ToUpperInvariant() : "GET";
        if (method.Any(letter => !char.IsAsciiLetterUpper(letter)))
        {
            return ActivityResult.Faulted(new Fault($"'{method}' is no HTTP method.") { Code = "invalid-input", Property = "method", Action = "Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS." });
        }

        var secrets = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var request = Build(call, url, method, secrets);
        try
        {
            context.Run.Host?.EnsureHeld();
            var response = method is "GET" or "HEAD" or "OPTIONS"
                ? await caller.SendAsync(request, url, secrets, cancellationToken, call.KeepBytes)
                : await WriteAsync(context, request, call, url, secrets, cancellationToken);
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

    private ValueTask<ConnectorResponse> WriteAsync(ActivityContext context, ConnectorRequest request, Call call, Uri url, Dictionary<string, string> secrets, CancellationToken cancellationToken) =>
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
            (recorded, token) => caller.SendAsync(recorded, recorded.Url == request.Url ? url : new Uri(recorded.Url), secrets, token, call.KeepBytes),
            probe: null,
            cancellationToken);

    private static ConnectorRequest Build(Call call, Uri url, string method, Dictionary<string, string> secrets)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in HttpAnswer.HeadersOf(call.Headers))
        {
            (HttpCaller.IsSecret(name) ? secrets : headers)[name] = value;
        }

        if (call.Authorization is { Length: > 0 } authorization)
        {
            secrets["Authorization"] = authorization;
        }

        var (body, type) = method is "GET" or "HEAD" ? (null, null) : BodyOf(call.Content, call.ContentType);
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

    private static Fault FaultOf(ConnectorException exception) => new(exception.Message)
    {
        Code = exception.Code,
        Action = exception.Action,
        Property = exception.Property,
        IsTransient = exception.IsTransient,
        ExceptionType = typeof(HttpRequestException).FullName,
    };
}
