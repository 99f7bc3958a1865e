namespace Automation.Runtime.Storage;

/// <summary>A token of an OAuth 2.0 connection, as stored: the account's own (location <c>""</c>), or that of a location which an agency's token gave.</summary>
public sealed record TokenRecord
{
    public required string ConnectionId { get; init; }
    public required string LocationId { get; init; }

    /// <summary>Access and refresh token, encrypted by the vault; null: there is none yet.</summary>
    public byte[]? Secret { get; init; }

    /// <summary><c>Company</c> or <c>Location</c>; null: not known.</summary>
    public string? UserType { get; init; }

    /// <summary>What it may do; null: not known.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }
    public DateTimeOffset? IssuedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Last time that it was renewed here; null: not yet.</summary>
    public DateTimeOffset? RefreshedAt { get; init; }

    /// <summary>Why the last try to renew it failed; null: it did not.</summary>
    public string? Error { get; init; }
    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>The other side takes the refresh token no more: a person has to connect again.</summary>
    public bool IsRefused { get; init; }

    /// <summary>Rises with each token.</summary>
    public long Version { get; init; }
}

/// <summary>An authorization that a person has begun: kept until the provider sends them back, for one use.</summary>
/// <param name="Hash">Of the state that travels with the person.</param>
/// <param name="ConnectionId">The connection to be connected.</param>
/// <param name="SessionHash">Of what only the browser that began it holds.</param>
/// <param name="RedirectUri">Where the provider was told to send them back to.</param>
/// <param name="UserName">Who began it; null: a program.</param>
/// <param name="ExpiresAt">Not taken after it.</param>
public sealed record AuthorizationRecord(string Hash, string ConnectionId, string SessionHash, string RedirectUri, string? UserName, DateTimeOffset ExpiresAt);

/// <summary>Tokens of connections, and the leases under which they are renewed.</summary>
public interface ITokenStore
{
    Task<TokenRecord?> FindAsync(string connectionId, string locationId, CancellationToken cancellationToken);

    /// <summary>All of a connection; null: of all connections.</summary>
    Task<IReadOnlyList<TokenRecord>> ListAsync(string? connectionId, CancellationToken cancellationToken);

    /// <summary>A new account: replaces the connection's own token, whoever holds its lease, and drops those of its locations.</summary>
    Task ConnectAsync(TokenRecord token, CancellationToken cancellationToken);

    /// <summary>Takes the lease on a token, which makes its row where there is none. Null: somebody else holds it. Judged by the database's clock.</summary>
    Task<(TokenRecord Token, Lease Lease)?> TryLeaseAsync(string connectionId, string locationId, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Stores a token under its lease, and frees it. False: the lease was lost, nothing was written.</summary>
    Task<bool> ReplaceAsync(TokenRecord token, Lease lease, CancellationToken cancellationToken);

    /// <summary>Notes a failure and frees the lease; the token stays as it is.</summary>
    Task<bool> FailAsync(string connectionId, string locationId, Lease lease, string error, bool isRefused, DateTimeOffset at, CancellationToken cancellationToken);

    Task ReleaseAsync(string connectionId, string locationId, Lease lease, CancellationToken cancellationToken);

    /// <summary>Encrypts anew: only where the secret is still the one that was read.</summary>
    Task<bool> ReencryptAsync(string connectionId, string locationId, byte[] before, byte[] after, CancellationToken cancellationToken);

    /// <summary>Keeps an authorization; those that have expired go.</summary>
    Task BeginAsync(AuthorizationRecord authorization, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Takes an authorization: it is gone for everybody else. Null: there is none, or it has been taken.</summary>
    Task<AuthorizationRecord?> TakeAsync(string hash, CancellationToken cancellationToken);
}
