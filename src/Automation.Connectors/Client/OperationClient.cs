using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The one way out to a connector: builds a request from inputs, adds the credential, waits for the budget, sends, retries what is safe, maps errors, redacts.</summary>
public sealed class OperationClient(IHttpClientFactory http, IRateBudget budget, IAccessTokens tokens, OperationCatalog catalog, IOptions<ConnectorOptions> options, TimeProvider clock)
{
    private readonly ConnectorOptions options = options.Value;

    /// <summary>Builds the request of an operation. Nothing is sent.</summary>
    /// <exception cref="ConnectorException">An input is missing, of a wrong type, not among the enum's values, too large or unknown (<c>invalid-input</c>, with its property).</exception>
    public ConnectorRequest Build(Operation operation, Connection connection, JObject inputs) => RequestBuilder.Build(operation, connection, inputs);

    /// <summary>Sends a request that was built, or recorded by an effect. Retries by effect class and <see cref="ConnectorException.IsTransient"/>.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="request">The request.</param>
    /// <param name="priority">Who calls.</param>
    /// <param name="idempotencyKey">The same for every try of a write.</param>
    /// <param name="cancellationToken">Cuts it off.</param>
    /// <param name="beforeSend">Called right before each try; what it throws stops the call.</param>
    /// <exception cref="ConnectorException">It failed for good.</exception>
    public async ValueTask<ConnectorResponse> SendAsync(Operation operation, Connection connection, ConnectorRequest request, CallPriority priority, string? idempotencyKey, CancellationToken cancellationToken, Action? beforeSend = null)
    {
        if (connection.IsBrief)
        {
            throw new ConnectorException($"{operation.Name}: connection '{connection.Name}' hands work to people and has no API to call.") { Code = "no-api", Action = "Choose a connection with an API." };
        }

        using var span = Telemetry.Source.StartActivity($"call {operation.ActivityType}", System.Diagnostics.ActivityKind.Client);
        span?.SetTag("automation.operation", operation.ActivityType).SetTag("automation.connection.id", connection.Id).SetTag("automation.priority", priority.ToString());
        var started = clock.GetTimestamp();
        try
        {
            var response = await SendWithRetriesAsync(operation, connection, request, priority, idempotencyKey, beforeSend, cancellationToken);
            Telemetry.Call(span, clock.GetElapsedTime(started), operation.ActivityType, response.Status, null);
            return response;
        }
        catch (ConnectorException failure)
        {
            Telemetry.Call(span, clock.GetElapsedTime(started), operation.ActivityType, failure.Status, failure.Code);
            throw;
        }
    }

    private async ValueTask<ConnectorResponse> SendWithRetriesAsync(Operation operation, Connection connection, ConnectorRequest request, CallPriority priority, string? idempotencyKey, Action? beforeSend, CancellationToken cancellationToken)
    {
        var uri = AddressOf(operation, connection, request);
        var location = RequestBuilder.LocationOf(operation, request) ?? connection.LocationId;
        var authorized = await tokens.AuthorizeAsync(connection, operation, location, cancellationToken);
        var keyHeader = operation.Effect == EffectClass.Read ? null : catalog.ConnectorOf(operation.Connector).IdempotencyHeader;
        var key = keyHeader is null ? null : HeaderSafe(idempotencyKey ?? Ids.New(clock));
        var started = clock.GetTimestamp();

        var calling = TimeSpan.Zero;
        var isRenewed = false;
        var mayHaveHappened = false;
        for (var attempt = 1; ; attempt++)
        {
            RefuseWithoutCredential(operation, authorized);
            await budget.AcquireAsync(authorized, priority, cancellationToken);

            // The turn may have been waited for, and so may the pause between two tries: whoever asks looks once more whether it may still send.
            beforeSend?.Invoke();
            var sent = clock.GetTimestamp();
            try
            {
                var response = await SendOnceAsync(operation, authorized, request, uri, keyHeader, key, cancellationToken);
                return response with { Duration = clock.GetElapsedTime(started), Body = operation.SecretResult && response.Body is { } body ? Redaction.Clean(body) : response.Body };
            }
            catch (ConnectorException failure) when (!isRenewed && failure is { Status: 401, Code: "unauthorized" })
            {
                // Nothing was done, whatever the effect: a token that was refused is renewed once, and the call sent again.
                isRenewed = true;
                if (await tokens.RenewAsync(authorized, operation, location, cancellationToken) is not { } renewed)
                {
                    throw;
                }

                authorized = renewed;
                attempt--;
            }
            catch (ConnectorException gone) when (mayHaveHappened && gone.Status == 404 && request.Method == "DELETE")
            {
                // The try before had no answer, and had deleted it.
                return new ConnectorResponse { Status = 404, TraceId = gone.TraceId, Duration = clock.GetElapsedTime(started) };
            }
            catch (ConnectorException failure)
            {
                mayHaveHappened |= failure.MayHaveHappened;

                // A side that lets every call time out is not waited for four times over: somebody, or a lease, waits here.
                calling += clock.GetElapsedTime(sent);
                // A poll that is told twice to slow down comes back at its next time.
                var isTold = failure.Status == 429 && attempt > 1 && priority != CallPriority.Action && beforeSend is null;
                if (isTold || calling >= options.Patience || RetryTable.PauseBefore(operation.Effect, attempt, options, failure, Random.Shared.NextDouble(), isRun: beforeSend is not null) is not { } pause)
                {
                    throw;
                }

                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }

    private async Task<ConnectorResponse> SendOnceAsync(Operation operation, Connection connection, ConnectorRequest request, Uri uri, string? keyHeader, string? key, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), uri);
        foreach (var (name, value) in request.Headers)
        {
            if (!name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (keyHeader is not null)
        {
            message.Headers.TryAddWithoutValidation(keyHeader, key);
        }

        // Here and nowhere else does the credential meet the request.
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", connection.Credential.Bearer);
        if (request.Body is not null)
        {
            message.Content = RequestContent.Of(request);
        }

        using var deadline = new CancellationTokenSource(options.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var client = http.CreateClient(ConnectorOptions.HttpClientName);
            client.Timeout = Timeout.InfiniteTimeSpan;
            using var answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var headers = HeadersOf(answer);
            var status = (int)answer.StatusCode;
            budget.Observe(connection, status, headers);
            var bytes = await ReadAsync(answer, either.Token) ?? throw ErrorMap.TooLarge(operation, connection, status, options.MaximumAnswer);
            return Interpret(operation, connection, answer, status, headers, bytes);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw ErrorMap.TimedOut(operation, connection, options.Timeout);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The handler's own limit on connecting.
            throw ErrorMap.Unreachable(operation, connection, new HttpRequestException(HttpRequestError.ConnectionError, "no connection in time", exception));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw ErrorMap.Unreachable(operation, connection, exception);
        }
    }

    private ConnectorResponse Interpret(Operation operation, Connection connection, HttpResponseMessage answer, int status, IReadOnlyDictionary<string, string> headers, byte[] bytes)
    {
        var contentType = answer.Content.Headers.ContentType?.ToString();
        var isSuccess = answer.IsSuccessStatusCode;
        if (isSuccess && operation.Response.Binary)
        {
            return new ConnectorResponse { Status = status, Content = bytes, ContentType = contentType, TraceId = ErrorMap.TraceId(null, headers) };
        }

        var text = Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF');
        JToken? body = null;
        JsonException? defect = null;
        if (!string.IsNullOrWhiteSpace(text))
        {
            try
            {
                body = Json.Parse(text);
            }
            catch (JsonException exception)
            {
                defect = exception;
            }
        }

        if (!isSuccess)
        {
            throw ErrorMap.FromAnswer(operation, connection, status, body, text, headers, clock.GetUtcNow());
        }

        var trace = ErrorMap.TraceId(body, headers);
        if (defect is not null)
        {
            throw ErrorMap.NotJson(operation, connection, status, text, contentType, trace, defect);
        }

        return new ConnectorResponse { Status = status, Body = body, ContentType = contentType, TraceId = trace };
    }

    /// <summary>The whole answer; null: it is larger than allowed.</summary>
    private async Task<byte[]?> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.Content.Headers.ContentLength > options.MaximumAnswer)
        {
            return null;
        }

        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var whole = new byte[(int)Math.Min((answer.Content.Headers.ContentLength + 1) ?? 4096, options.MaximumAnswer + 1L)];
        var length = 0;
        int read;
        while ((read = await stream.ReadAsync(whole.AsMemory(length), cancellationToken)) > 0)
        {
            length += read;
            if (length > options.MaximumAnswer)
            {
                return null;
            }

            if (length == whole.Length)
            {
                Array.Resize(ref whole, (int)Math.Min(2L * length, options.MaximumAnswer + 1L));
            }
        }

        return length == whole.Length ? whole : whole[..length];
    }

    private static Dictionary<string, string> HeadersOf(HttpResponseMessage answer)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in answer.Headers)
        {
            headers[name] = string.Join(", ", values);
        }

        return headers;
    }

    /// <summary>The address of a request. A credential goes to its own connection's host only, also when an old effect names another.</summary>
    private static Uri AddressOf(Operation operation, Connection connection, ConnectorRequest request)
    {
        if (!Uri.TryCreate(request.Url, UriKind.Absolute, out var uri) || uri.Authority != connection.BaseUrl.Authority || uri.Scheme != connection.BaseUrl.Scheme)
        {
            throw new ConnectorException($"{operation.Name}: the request is for {uri?.Authority ?? "an unreadable address"}, and connection '{connection.Name}' is for {connection.BaseUrl.Authority}. It was not sent.")
            {
                Code = "invalid-input",
                Action = $"Set the base URL of connection '{connection.Name}' back to what it was when the request was recorded, or settle the effect by hand.",
            };
        }

        return uri;
    }

    private static void RefuseWithoutCredential(Operation operation, Connection connection)
    {
        if (string.IsNullOrEmpty(connection.Credential.Bearer))
        {
            throw new ConnectorException($"{operation.Name}: connection '{connection.Name}' has no {(connection.Credential.Kind == "apiKey" ? "API key" : "access token")}. Nothing was sent.")
            {
                Code = "unauthorized",
                Action = $"Give connection '{connection.Name}' a credential.",
            };
        }
    }

    /// <summary>An effect key as a header value: at most 255 characters of ASCII; a longer or stranger one becomes its hash, the same every time.</summary>
    private static string HeaderSafe(string key) =>
        key.Length <= 255 && key.All(c => c is > ' ' and < '\u007f')
            ? key
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
