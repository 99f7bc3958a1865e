using System.Collections.Concurrent;
using System.Security.Cryptography;
using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>A token with its secrets in the clear. Its text form holds none.</summary>
internal sealed record HeldToken(TokenRecord Row, string? Access, string? Refresh)
{
    public override string ToString() => $"token {Row.Version} of {Row.ConnectionId}";
}

/// <summary>Whose token. The server is part of it: while a connection is given another address, no call to the new one takes what the old one gave.</summary>
internal readonly record struct TokenKey(string ConnectionId, string Server, string LocationId)
{
    public static TokenKey Of(Connection connection, string location) => new(connection.Id, connection.BaseUrl.GetLeftPart(UriPartial.Authority), location);
}

/// <summary>What this process knows of tokens: opened, for a moment, before their rows are read again.</summary>
internal sealed class HeldTokens(ITokenStore store, TokenSeal seal, TimeProvider clock)
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<TokenKey, (HeldToken Token, DateTimeOffset Until)> cache = new();

    /// <summary>As it was a moment ago.</summary>
    public async ValueTask<HeldToken> LoadAsync(Connection connection, string location, CancellationToken cancellationToken) =>
        cache.TryGetValue(TokenKey.Of(connection, location), out var cached) && cached.Until > clock.GetUtcNow() ? cached.Token : await ReadAsync(connection, location, cancellationToken);

    /// <summary>As it is now.</summary>
    public async ValueTask<HeldToken> ReadAsync(Connection connection, string location, CancellationToken cancellationToken) =>
        Keep(connection, Open(connection, await store.FindAsync(connection.Id, location, cancellationToken) ?? new TokenRecord { ConnectionId = connection.Id, LocationId = location }));

    public HeldToken Keep(Connection connection, HeldToken held)
    {
        cache[TokenKey.Of(connection, held.Row.LocationId)] = (held, clock.GetUtcNow() + Life);
        return held;
    }

    public void Drop(Connection connection, string location) => cache.TryRemove(TokenKey.Of(connection, location), out _);

    /// <summary>Of a connection; null: of all.</summary>
    public void Forget(string? connectionId)
    {
        foreach (var key in cache.Keys.Where(key => connectionId is null || key.ConnectionId == connectionId))
        {
            cache.TryRemove(key, out _);
        }
    }

    public HeldToken Open(Connection connection, TokenRecord row)
    {
        try
        {
            var (access, refresh) = seal.Open(row);
            return new HeldToken(row, access, refresh);
        }
        catch (CryptographicException exception)
        {
            throw new ConnectorException($"The token of the connection '{connection.Name}' cannot be decrypted with the keys of this installation.", exception)
            {
                Code = "credential-unreadable",
                Action = $"Restore the key folder that belongs to this database. {TokenClient.Reconnect(connection)}",
            };
        }
    }
}
