using System.Net.Http.Headers;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

/// <summary>Sends the requests of the HTTP activities: within time and size, and only to addresses that the guard lets through.</summary>
public sealed class HttpCaller(IHttpClientFactory clients, TimeProvider clock)
{
    /// <summary>Name of the guarded HTTP client.</summary>
    public const string ClientName = "automation-http";

    /// <summary>How long one call may take, its answer included.</summary>
    public static TimeSpan CallTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes an answer may have: 10 MB.</summary>
    public const int MaximumAnswer = 10 * 1024 * 1024;

    private static readonly string[] ContentHeaders = ["Content-Type", "Content-Language", "Content-Encoding", "Content-Disposition", "Content-Location", "Content-Range", "Expires", "Last-Modified", "Allow"];

    /// <summary>A header that tells of the content.</summary>
    public static bool IsOfContent(string name) => name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) || ContentHeaders.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Sends a request. Any status is an answer; what is not JSON is text, and bytes where the type says so.</summary>
    /// <param name="request">The request, without secrets.</param>
    /// <param name="url">The URL, with what was hidden in the request's.</param>
    /// <param name="secrets">Headers that are kept out of the request's record.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <param name="keepBytes">The answer is kept as it came, not parsed.</param>
    /// <exception cref="ConnectorException">No answer came (<c>unreachable</c>, <c>timeout</c>, <c>private-network</c>), or it is too large.</exception>
    public async ValueTask<ConnectorResponse> SendAsync(ConnectorRequest request, Uri url, IReadOnlyDictionary<string, string> secrets, CancellationToken cancellationToken, bool keepBytes = false)
    {
        var started = clock.GetTimestamp();
        using var timeout = new CancellationTokenSource(CallTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var message = MessageOf(request, url, secrets);
            using var client = clients.CreateClient(ClientName);
            using var answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop.Token);
            var bytes = await ReadAsync(answer.Content, url, stop.Token);
            var type = answer.Content.Headers.ContentType;
            var content = keepBytes ? bytes : null;
            return new ConnectorResponse
            {
                Status = (int)answer.StatusCode,
                ContentType = type?.ToString(),
                Body = keepBytes ? null : Parse(bytes, type, out content),
                Content = content,
                Headers = answer.Headers.Concat(answer.Content.Headers).Where(header => !IsSecret(header.Key))
                    .ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase),
                Duration = clock.GetElapsedTime(started),
            };
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ConnectorException($"{url.Host} did not answer within {CallTimeout.TotalSeconds:0} s.", exception)
            {
                Code = "timeout",
                Action = "Try again later, or look why the other side is slow.",
                IsTransient = true,
                MayHaveHappened = true,
            };
        }
        catch (HttpRequestException exception) when (exception.InnerException is PrivateNetworkException refused)
        {
            throw new ConnectorException(refused.Message, exception) { Code = "private-network", Action = "Call a public address, or let an operator open private networks.", Property = "url" };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // Half an answer, or none: only when no connection was made is it sure that nothing happened.
            var before = exception is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError };
            throw new ConnectorException($"{url.Host} could not be reached: {exception.Message}", exception)
            {
                Code = "unreachable",
                Action = "Check the address, and whether the other side is up.",
                IsTransient = true,
                MayHaveHappened = !before,
            };
        }
    }

    /// <summary>Headers that hold a credential: sent, but in no record.</summary>
    public static bool IsSecret(string header) =>
        header.Equals("Cookie", StringComparison.OrdinalIgnoreCase) || header.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase)
        || header.Contains("auth", StringComparison.OrdinalIgnoreCase) || header.Contains("token", StringComparison.OrdinalIgnoreCase)
        || header.Contains("secret", StringComparison.OrdinalIgnoreCase) || header.Contains("password", StringComparison.OrdinalIgnoreCase)
        || (header.Contains("key", StringComparison.OrdinalIgnoreCase) && !header.Equals("Idempotency-Key", StringComparison.OrdinalIgnoreCase));

    private static HttpRequestMessage MessageOf(ConnectorRequest request, Uri url, IReadOnlyDictionary<string, string> secrets)
    {
        var message = new HttpRequestMessage(HttpMethod.Parse(request.Method), url);
        var headers = request.Headers.Concat(secrets).ToLookup(header => ContentHeaders.Contains(header.Key, StringComparer.OrdinalIgnoreCase));
        if (request.Body is { } body)
        {
            message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body is JValue { Value: string text } ? text : Json.Write(body)));
            foreach (var header in headers[true])
            {
                message.Content.Headers.TryAddWithoutValidation(header.Key, header.Value);
            }
        }

        foreach (var header in headers[false])
        {
            message.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        return message;
    }

    private static async Task<byte[]> ReadAsync(HttpContent content, Uri url, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var chunk = new byte[16 * 1024];
        for (var count = await stream.ReadAsync(chunk, cancellationToken); count > 0; count = await stream.ReadAsync(chunk, cancellationToken))
        {
            if (buffer.Length + count > MaximumAnswer)
            {
                throw new ConnectorException($"The answer of {url.Host} is larger than {MaximumAnswer / (1024 * 1024)} MB.") { Code = "answer-too-large", Action = "Ask for less, for instance page by page.", MayHaveHappened = true };
            }

            buffer.Write(chunk, 0, count);
        }

        return buffer.ToArray();
    }

    private static JToken? Parse(byte[] bytes, MediaTypeHeaderValue? type, out byte[]? content)
    {
        content = null;
        if (bytes.Length == 0)
        {
            return null;
        }

        var media = type?.MediaType ?? "";
        if (media.StartsWith("image/", StringComparison.OrdinalIgnoreCase) || media.StartsWith("audio/", StringComparison.OrdinalIgnoreCase) || media.StartsWith("video/", StringComparison.OrdinalIgnoreCase)
            || media is "application/octet-stream" or "application/pdf" or "application/zip")
        {
            content = bytes;
            return null;
        }

        var text = EncodingOf(type).GetString(bytes);
        if (!media.Contains("json", StringComparison.OrdinalIgnoreCase) && media.Length > 0)
        {
            return new JValue(text);
        }

        try
        {
            return Json.Parse(text);
        }
        catch (JsonReaderException)
        {
            return new JValue(text); // HTML under a JSON flag, or half an answer: the flow sees what came.
        }
    }

    private static Encoding EncodingOf(MediaTypeHeaderValue? type)
    {
        try
        {
            return type?.CharSet is { Length: > 0 } name ? Encoding.GetEncoding(name.Trim('"')) : Encoding.UTF8;
        }
        catch (ArgumentException)
        {
            return Encoding.UTF8; // A charset that nobody knows.
        }
    }
}
