using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Tokens that the other side gave. Its text form holds no secret.</summary>
public sealed record TokenAnswer
{
    public required string AccessToken { get; init; }
    public string? RefreshToken { get; init; }

    /// <summary>Life of the access token; null: it was not said.</summary>
    public TimeSpan? Life { get; init; }

    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary><c>Company</c> or <c>Location</c>.</summary>
    public string? UserType { get; init; }

    public string? LocationId { get; init; }
    public string? CompanyId { get; init; }

    public override string ToString() => $"{UserType ?? "some"} token";
}

/// <summary>Speaks with the token endpoint of a connector: exchanges codes and refresh tokens, and an agency's token for a location's. Keeps nothing and tries once.</summary>
public sealed class TokenClient(IHttpClientFactory http, OperationCatalog catalog, TimeProvider clock)
{
    /// <summary>How long a request may take: shorter than the lease under which it is made.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(8);

    private const int MaximumAnswer = 256 * 1024;

    /// <summary>Exchanges the code that the provider sent the person back with.</summary>
    /// <exception cref="ConnectorException">Refused (<c>reconnect</c>), or not to be had now.</exception>
    public Task<TokenAnswer> ExchangeAsync(Connection connection, string code, string redirectUri, CancellationToken cancellationToken) => ExchangeAsync(
        connection,
        new Dictionary<string, string?> { ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirectUri },
        code,
        cancellationToken);

    /// <summary>Exchanges the connection's refresh token. The answer brings a new one, and the old one is used up.</summary>
    /// <exception cref="ConnectorException">Refused (<c>reconnect</c>), or not to be had now.</exception>
    public Task<TokenAnswer> RefreshAsync(Connection connection, CancellationToken cancellationToken) => ExchangeAsync(
        connection,
        new Dictionary<string, string?> { ["grant_type"] = "refresh_token", ["refresh_token"] = connection.Credential.RefreshToken, ["user_type"] = connection.Credential.UserType },
        null,
        cancellationToken);

    /// <summary>Makes a location's token of the agency's.</summary>
    /// <exception cref="ConnectorException">Refused, or not to be had now.</exception>
    public Task<TokenAnswer> LocateAsync(Connection agency, string companyId, string locationId, CancellationToken cancellationToken)
    {
        var operation = catalog.Find(catalog.ConnectorOf(agency.Connector).OAuth!.LocationTokenOperation!)!;
        var request = RequestBuilder.Build(operation, agency, new JObject { ["companyId"] = companyId, ["locationId"] = locationId });
        var message = new HttpRequestMessage(new HttpMethod(request.Method), request.Url) { Content = RequestContent.Of(request) };
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", agency.Credential.Bearer);
        foreach (var (name, value) in request.Headers.Where(header => header.Key != "Content-Type"))
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        return SendAsync(agency, message, null, cancellationToken);
    }

    private Task<TokenAnswer> ExchangeAsync(Connection connection, Dictionary<string, string?> fields, string? secret, CancellationToken cancellationToken)
    {
        fields["client_id"] = connection.Credential.ClientId;
        fields["client_secret"] = connection.Credential.ClientSecret;
        var shape = catalog.ConnectorOf(connection.Connector).OAuth ?? throw new ConnectorException($"{connection.Connector} connections are not connected by OAuth 2.0 here.")
        {
            Code = "reconnect",
            Action = $"Give connection '{connection.Name}' a new access token.",
        };
        var message = new HttpRequestMessage(HttpMethod.Post, connection.BaseUrl.AbsoluteUri.TrimEnd('/') + shape.TokenPath)
        {
            Content = new FormUrlEncodedContent(fields.Where(field => !string.IsNullOrEmpty(field.Value)).Select(field => KeyValuePair.Create(field.Key, field.Value!))),
        };
        message.Headers.Accept.ParseAdd("application/json");
        return SendAsync(connection, message, secret, cancellationToken);
    }

    private async Task<TokenAnswer> SendAsync(Connection connection, HttpRequestMessage message, string? secret, CancellationToken cancellationToken)
    {
        using var sent = message;
        using var deadline = new CancellationTokenSource(Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var client = http.CreateClient(ConnectorOptions.HttpClientName);
            client.Timeout = System.Threading.Timeout.InfiniteTimeSpan;
            client.MaxResponseContentBufferSize = MaximumAnswer;
            using var answer = await client.SendAsync(sent, HttpCompletionOption.ResponseContentRead, either.Token);
            var text = Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(either.Token));
            var body = Parse(text);
            return answer.IsSuccessStatusCode && Read(body) is { } tokens ? tokens : throw Refused(connection, answer, body, secret);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable(connection, $"did not answer within {Timeout.TotalSeconds:0} s", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw exception.GetBaseException() is PrivateNetworkException closed
                ? new ConnectorException(closed.Message, exception) { Code = "private-network", Action = $"Correct the base URL of connection '{connection.Name}', or ask an operator to open private networks." }
                : Unavailable(connection, $"cannot be reached ({Redaction.Clean(exception.GetBaseException().Message, connection.Credential)})", exception);
        }
    }

    private static TokenAnswer? Read(JObject? body) => JsonPaths.Text(body?["access_token"]) is { Length: > 0 } access
        ? new TokenAnswer
        {
            AccessToken = access,
            RefreshToken = JsonPaths.Text(body!["refresh_token"]),
            Life = body["expires_in"] is JValue { Type: JTokenType.Integer or JTokenType.Float } life && (double)life is > 0 and < 1e9 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
            Scopes = JsonPaths.Text(body["scope"])?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } scopes ? scopes : null,
            UserType = JsonPaths.Text(body["userType"]),
            LocationId = JsonPaths.Text(body["locationId"]),
            CompanyId = JsonPaths.Text(body["companyId"]),
        }
        : null;

    private static ConnectorException Refused(Connection connection, HttpResponseMessage answer, JObject? body, string? secret)
    {
        var status = (int)answer.StatusCode;
        var said = ErrorMap.ProviderMessage(body, "", connection.Credential);
        said = secret is null ? said : said?.Replace(secret, Redaction.Mark, StringComparison.Ordinal);
        var words = said is null ? "" : $" It says: {said}";
        var trace = ErrorMap.TraceId(body, answer.Headers.ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase));
        if (status is 400 or 401 or 403 or 422)
        {
            return new ConnectorException($"{connection.Connector} no longer gives connection '{connection.Name}' access ({status}).{words}")
            {
                Status = status,
                Code = "reconnect",
                ProviderMessage = said,
                TraceId = trace,
                Action = Reconnect(connection),
            };
        }

        return new ConnectorException($"{connection.Connector} gave connection '{connection.Name}' no token ({status}).{words}")
        {
            Status = status,
            Code = status == 404 ? "not-found" : "token-unavailable",
            ProviderMessage = said,
            TraceId = trace,
            IsTransient = status is 408 or 429 or >= 500 or (>= 200 and < 300),
            Action = status == 404 ? $"Check the base URL of connection '{connection.Name}', and that the app is installed in the location." : "It is tried again by itself. If it stays, check the provider's status page.",
        };
    }

    /// <summary>What a person can do about a connection whose access is gone.</summary>
    public static string Reconnect(Connection connection) => $"Reconnect the account: open the connection '{connection.Name}' and choose Connect. Flows go on by themselves afterwards.";

    private static ConnectorException Unavailable(Connection connection, string what, Exception inner) => new($"{connection.BaseUrl.Authority} {what}: connection '{connection.Name}' has no new token yet.", inner)
    {
        Code = "token-unavailable",
        IsTransient = true,
        Action = "It is tried again by itself. If it stays, check the provider's status page.",
    };

    private static JObject? Parse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) ? null : Json.Parse(text) as JObject;
        }
        catch (JsonException)
        {
            // A page or half an answer: no token, said with the status alone, since it may hold one.
            return null;
        }
    }
}
