using System.Globalization;
using System.Net.Http;
using System.Net.Sockets;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Turns answers and transport failures into what a person needs: what failed, the provider's own words, and what to do.</summary>
internal static class ErrorMap
{
    private static readonly string[] TraceHeaders = ["x-trace-id", "traceid", "x-request-id", "x-correlation-id"];

    public static ConnectorException FromAnswer(Operation operation, Connection connection, int status, JToken? body, string text, IReadOnlyDictionary<string, string> headers, DateTimeOffset now)
    {
        var provider = ProviderMessage(body, text, connection.Credential);
        var trace = TraceId(body, headers);
        var scopes = operation.Scopes.Count == 0 ? "" : $" ({string.Join(", ", operation.Scopes)})";
        var isScope = status == 403 || (status == 401 && provider is not null && provider.Contains("scope", StringComparison.OrdinalIgnoreCase));
        var (code, what, action) = status switch
        {
            _ when isScope => ("missing-scope", "refused it: the credential lacks a permission", $"Give the credential of connection '{connection.Name}' the scope{(operation.Scopes.Count == 1 ? "" : "s")}{scopes} and, where {TokenWord(operation)} is needed, use one."),
            401 => ("unauthorized", "does not accept the credential", $"Renew the credential of connection '{connection.Name}'; it may have expired, been rotated, or belong to another location."),
            400 or 422 => ("invalid-input", "found an input wrong", "Correct the input that the provider names."),
            404 => ("not-found", "has no such record", $"Check the ids, and that the record belongs to the location of connection '{connection.Name}'."),
            409 => ("conflict", "says it conflicts with what is there", "Read the record and decide: change it instead, or leave it."),
            429 => ("rate-limited", "has too many requests", "It is tried again by itself. If it stays, lengthen the intervals of polls or spread the work."),
            408 or >= 500 => ("provider-error", "failed by itself", "It is tried again by itself where that is safe. If it stays, ask the provider, with the trace id."),
            >= 300 and < 400 => ("provider-error", "answered with a redirect, which is not followed", $"Correct the base URL of connection '{connection.Name}'."),
            _ => ("provider-error", "refused it", "Look at the provider's message."),
        };
        return new ConnectorException(Sentence(operation, connection, status, what, provider, trace))
        {
            Status = status,
            Code = code,
            ProviderMessage = provider,
            TraceId = trace,
            Action = action,
            IsTransient = status is 429 or 408 or >= 500,
            RetryAfter = RetryAfter(status, headers, now),
            MayHaveHappened = status is 408 or >= 500,
            Property = status is 400 or 422 ? PropertyIn(operation, provider, body) : null,
        };
    }

    public static ConnectorException NotJson(Operation operation, Connection connection, int status, string text, string? contentType, string? trace, Exception? inner)
    {
        var excerpt = InputBinding.Cut(Redaction.Clean(text.ReplaceLineEndings(" ").Trim(), connection.Credential), 200);
        var kind = text.AsSpan().TrimStart().StartsWith("<", StringComparison.Ordinal) ? "a page of HTML" : inner is null ? $"something of type {contentType ?? "unknown"}" : "text that is not whole JSON";
        return new ConnectorException($"{operation.Name}: {connection.Connector} answered {status} with {kind} where JSON was expected. It begins: {excerpt}", inner)
        {
            Status = status,
            Code = "not-json",
            ProviderMessage = excerpt,
            TraceId = trace,
            Action = $"Check that {connection.BaseUrl.Authority} is the API and not a page, a proxy or a sign-in in front of it.",
            IsTransient = true,
            MayHaveHappened = true,
        };
    }

    public static ConnectorException TooLarge(Operation operation, Connection connection, int status, int limit) =>
        new($"{operation.Name}: the answer of {connection.Connector} is larger than {limit / (1024 * 1024)} MB.")
        {
            Status = status,
            Code = "provider-error",
            Action = "Ask for less: a smaller page, a filter, or a shorter time.",
            MayHaveHappened = true,
        };

    public static ConnectorException TimedOut(Operation operation, Connection connection, TimeSpan timeout) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{operation.Name}: {connection.BaseUrl.Authority} did not answer within {timeout.TotalSeconds:0.#} s."))
        {
            Code = "timeout",
            Action = "It is tried again by itself where that is safe. If it stays, check the provider's status page.",
            IsTransient = true,
            MayHaveHappened = true,
        };

    public static ConnectorException Unreachable(Operation operation, Connection connection, Exception exception)
    {
        if (exception.GetBaseException() is PrivateNetworkException closed)
        {
            return new ConnectorException($"{operation.Name}: {closed.Message}", exception)
            {
                Code = "private-network",
                Action = $"Correct the base URL of connection '{connection.Name}', or ask an operator to open private networks.",
            };
        }

        var before = NothingLeft(exception);
        var reason = Redaction.Clean(exception.GetBaseException().Message, connection.Credential);
        return new ConnectorException($"{operation.Name}: {connection.BaseUrl.Authority} {(before ? "cannot be reached" : "broke the connection off")} ({reason}).", exception)
        {
            Code = "unreachable",
            Action = before ? $"Check the base URL of connection '{connection.Name}' and this machine's way to it." : "It is tried again by itself where that is safe.",
            IsTransient = true,
            MayHaveHappened = !before,
        };
    }

    /// <summary>No byte of the request can have left: the name was not found, the connection refused, or the handshake failed.</summary>
    private static bool NothingLeft(Exception exception)
    {
        if (exception is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError })
        {
            return true;
        }

        return exception.GetBaseException() is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.TryAgain };
    }

    /// <summary>The provider's words: GoHighLevel's message is text or a list of texts.</summary>
    public static string? ProviderMessage(JToken? body, string text, Credential credential)
    {
        var found = body is JObject answer ? MessageOf(answer["message"]) ?? MessageOf(answer["msg"]) ?? MessageOf(answer["error_description"]) ?? MessageOf(answer["error"]) ?? MessageOf(answer["errors"]) : null;
        found ??= body is null && text.Length > 0 ? text.ReplaceLineEndings(" ").Trim() : null;
        return string.IsNullOrEmpty(found) ? null : InputBinding.Cut(Redaction.Clean(found, credential), 500);
    }

    private static string? MessageOf(JToken? token) => token switch
    {
        JArray list => string.Join("; ", list.Select(item => MessageOf(item) ?? Json.Write(item))),
        JObject inner => MessageOf(inner["message"]),
        _ => JsonPaths.Text(token),
    };

    public static string? TraceId(JToken? body, IReadOnlyDictionary<string, string> headers)
    {
        var found = body is JObject answer ? JsonPaths.Text(answer["traceId"]) : null;
        foreach (var header in TraceHeaders)
        {
            found ??= headers.GetValueOrDefault(header);
        }

        return found is null ? null : InputBinding.Cut(found, 100);
    }

    /// <summary>How long the provider asks to wait: Retry-After in seconds or as a date, else with a 429 the length of GoHighLevel's interval.</summary>
    public static TimeSpan? RetryAfter(int status, IReadOnlyDictionary<string, string> headers, DateTimeOffset now)
    {
        if (headers.GetValueOrDefault("Retry-After") is { } asked)
        {
            if (double.TryParse(asked, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < 1e7)
            {
                return TimeSpan.FromSeconds(seconds);
            }

            if (DateTimeOffset.TryParse(asked, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
            {
                return at > now ? at - now : TimeSpan.Zero;
            }
        }

        return status == 429 && int.TryParse(headers.GetValueOrDefault("X-RateLimit-Interval-Milliseconds"), CultureInfo.InvariantCulture, out var interval) && interval > 0
            ? TimeSpan.FromMilliseconds(interval)
            : null;
    }

    private static string? PropertyIn(Operation operation, string? provider, JToken? body)
    {
        var named = body is JObject answer ? JsonPaths.Text(answer["field"]) : null;
        named ??= provider?.Split([' ', '.', '[', ':'], 2)[0].Trim('"', '\'');
        return operation.Inputs.FirstOrDefault(i => i.Name == named)?.PropertyName;
    }

    private static string TokenWord(Operation operation) => operation.TokenType == "agency" ? "an agency token" : "another kind of token";

    private static string Sentence(Operation operation, Connection connection, int status, string what, string? provider, string? trace) =>
        $"{operation.Name}: {connection.Connector} {what} ({status}).{(provider is null ? "" : $" It says: {provider}")}{(trace is null ? "" : $" [trace {trace}]")}";
}
