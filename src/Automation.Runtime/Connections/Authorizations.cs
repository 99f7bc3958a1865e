using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>Connects an account by OAuth 2.0: sends a person to the provider's chooser, and takes what they come back with.</summary>
public sealed class Authorizations(ITokenStore store, IConnectionStore connections, ConnectionVault vault, OperationCatalog operations, TokenClient client, TimeProvider clock)
{
    /// <summary>How long a person may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    /// <summary>Begins: the address to send the person to.</summary>
    /// <param name="connector">The connector named in the path.</param>
    /// <param name="connectionId">The connection, by id or name.</param>
    /// <param name="redirectUri">Where the provider is to send them back to.</param>
    /// <param name="session">What only their browser holds.</param>
    /// <param name="userName">Who they are; null: not known.</param>
    /// <param name="moreScopes">Scopes beside those that the flows need.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="AuthorizationException">It cannot be connected that way.</exception>
    public async Task<Uri> BeginAsync(string connector, string? connectionId, string redirectUri, string session, string? userName, IReadOnlyList<string> moreScopes, CancellationToken cancellationToken)
    {
        var record = connectionId is null ? null : await connections.FindAsync(connectionId, cancellationToken);
        if (record is null || record.Connector != connector)
        {
            throw new AuthorizationException("no-connection", connectionId is null ? "Which connection is to be connected is missing." : $"There is no {connector} connection '{connectionId}'.", "Open the connection's page and choose Connect there.");
        }

        var connection = await vault.FindAsync(record.Id, cancellationToken);
        if (operations.ConnectorOf(connector).OAuth is not { } shape || connection?.Credential is not { Kind: "oauth2", ClientId.Length: > 0, ClientSecret.Length: > 0 } credential)
        {
            throw new AuthorizationException("not-oauth", $"The connection '{record.Name}' has no OAuth 2.0 client to be connected with.", "Give it the client id and the client secret of your app: auth {kind: \"oauth2\", clientId, clientSecret}.");
        }

        var state = NewSecret();
        var now = clock.GetUtcNow();
        await store.BeginAsync(new AuthorizationRecord(HashOf(state), record.Id, HashOf(session), redirectUri, userName, now + Patience), now, cancellationToken);
        var scopes = (await vault.NeededScopesAsync(record, cancellationToken)).Concat(moreScopes).Distinct(StringComparer.Ordinal);
        var parameters = new Dictionary<string, string>(shape.AuthorizeParameters)
        {
            ["response_type"] = "code",
            ["client_id"] = credential.ClientId,
            ["redirect_uri"] = redirectUri,
            ["scope"] = string.Join(' ', scopes),
            ["state"] = state,
        };
        var page = connection.BaseUrl.Authority == operations.ConnectorOf(connector).DefaultBaseUrl.Authority ? shape.AuthorizeUrl.AbsoluteUri : connection.BaseUrl.AbsoluteUri.TrimEnd('/') + shape.AuthorizePath;
        return new Uri(page + "?" + string.Join('&', parameters.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={Uri.EscapeDataString(pair.Value)}"))));
    }

    /// <summary>Takes what the person came back with, and stores the tokens.</summary>
    /// <returns>The connection, connected.</returns>
    /// <exception cref="AuthorizationException">Denied, or not begun here; nothing was changed.</exception>
    /// <exception cref="ConnectorException">The provider did not exchange the code; nothing was changed.</exception>
    public async Task<ConnectionRecord> CompleteAsync(string connector, AuthorizationReturn back, CancellationToken cancellationToken)
    {
        // Taken before it is looked at: a state is for one use, also for one that fails.
        if (back.State is not { Length: > 0 } state || await store.TakeAsync(HashOf(state), cancellationToken) is not { } begun)
        {
            throw new AuthorizationException("unknown-state", "This answer belongs to no connection that was begun here, or it was used already.", "Open the connection's page and choose Connect again.");
        }

        if (begun.ExpiresAt <= clock.GetUtcNow())
        {
            throw new AuthorizationException("expired", $"The connection was begun more than {Patience.TotalMinutes:0} minutes ago.", "Open the connection's page and choose Connect again.");
        }

        if (back.Session is null || HashOf(back.Session) != begun.SessionHash || (back.UserName is not null && begun.UserName is not null && back.UserName != begun.UserName))
        {
            throw new AuthorizationException("other-session", "The connection was begun in another browser, or by somebody else.", "Sign in here, open the connection's page and choose Connect.");
        }

        if (back.Error is { } error)
        {
            throw new AuthorizationException(
                error == "access_denied" ? "denied" : "provider-error",
                error == "access_denied" ? "Access was denied on the provider's page. Nothing was changed." : $"The provider answered '{Redaction.Clean(error)}'{(back.ErrorDescription is { Length: > 0 } more ? $": {Redaction.Clean(more)}" : "")}. Nothing was changed.",
                "Choose Connect again, pick the account and allow it.");
        }

        if (await vault.FindAsync(begun.ConnectionId, cancellationToken) is not { } connection || connection.Connector != connector)
        {
            throw new AuthorizationException("no-connection", "The connection was deleted meanwhile.", "Add it again and choose Connect there.");
        }

        if (back.Code is not { Length: > 0 } code)
        {
            throw new AuthorizationException("no-code", "The provider sent no code along. Nothing was changed.", "Choose Connect again.");
        }

        var asked = clock.GetUtcNow();
        var answer = await client.ExchangeAsync(connection, code, begun.RedirectUri, cancellationToken);
        RefuseOtherAccount(connection, answer);

        // A crash before this commit: the code is used up, and the person begins again.
        return await vault.SaveAsync(
            connection with
            {
                LocationId = connection.LocationId ?? answer.LocationId,
                CompanyId = connection.CompanyId ?? answer.CompanyId,
                Credential = connection.Credential with
                {
                    AccessToken = answer.AccessToken,
                    RefreshToken = answer.RefreshToken,
                    ExpiresAt = answer.Life is { } life ? asked + life : null,
                    Scopes = answer.Scopes,
                    UserType = answer.UserType,
                },
            },
            cancellationToken);
    }

    /// <summary>A secret of 256 bits, for addresses.</summary>
    public static string NewSecret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>Flows that write into one account must not find themselves in another.</summary>
    private static void RefuseOtherAccount(Connection connection, TokenAnswer answer)
    {
        var (what, own, chosen) = connection.LocationId is { } location && answer.LocationId is { } other && location != other ? ("location", location, other)
            : connection.CompanyId is { } company && answer.CompanyId is { } otherCompany && company != otherCompany ? ("company", company, otherCompany)
            : ("", "", "");
        if (what.Length > 0)
        {
            throw new AuthorizationException("other-account", $"The connection '{connection.Name}' is to {what} {own}, and {chosen} was chosen. Nothing was changed.", $"Choose Connect again and pick {own}, or add a connection of its own for {chosen}.");
        }
    }

    private static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}

/// <summary>What a person came back from the provider with.</summary>
/// <param name="State">The state that they were sent with.</param>
/// <param name="Session">What their browser holds.</param>
/// <param name="UserName">Who they are; null: not signed in.</param>
/// <param name="Code">The provider's code.</param>
/// <param name="Error">The provider's error.</param>
/// <param name="ErrorDescription">More about it.</param>
public sealed record AuthorizationReturn(string? State, string? Session, string? UserName, string? Code, string? Error, string? ErrorDescription)
{
    public override string ToString() => "return of an authorization";
}

/// <summary>An account was not connected: why, and what to do.</summary>
public sealed class AuthorizationException(string code, string message, string action) : Exception(message)
{
    /// <summary><c>no-connection</c>, <c>not-oauth</c>, <c>unknown-state</c>, <c>expired</c>, <c>other-session</c>, <c>denied</c>, <c>provider-error</c>, <c>no-code</c>, <c>other-account</c>.</summary>
    public string Code { get; } = code;

    public string Action { get; } = action;
}
