using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>Looks for access that ends soon and that nobody can renew: a person hears of it before flows fail. What is renewed by itself says so when that fails.</summary>
public sealed class TokenWatch(ITokenStore tokens, TokenSeal seal, ConnectionVault vault, IIncidentStore incidents, TimeProvider clock)
{
    /// <summary>How long before the end, at most; of a token with a short life its last fifth.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(1);

    /// <summary>Makes each an incident, once; the next token resolves it, as it resolves one that was refused.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        foreach (var token in await tokens.ListAsync(null, cancellationToken))
        {
            if (token is { LocationId.Length: 0, Secret: not null, IsRefused: false, ExpiresAt: { } end } && now >= end - AheadOf(token, end)
                && await vault.FindAsync(token.ConnectionId, cancellationToken) is { Credential: { Kind: "oauth2" } credential } connection
                && seal.Open(token).Refresh is var refresh && (string.IsNullOrEmpty(refresh) || string.IsNullOrEmpty(credential.ClientId) || string.IsNullOrEmpty(credential.ClientSecret)))
            {
                await incidents.AddAsync(
                    [
                        new IncidentRecord
                        {
                            Id = AccessTokens.IncidentIdOf(token.ConnectionId, token.LocationId, token.Version),
                            Kind = "connection",
                            LocationId = connection.LocationId,
                            Code = "access-ends",
                            Message = $"The access of connection '{connection.Name}' ends at {end.UtcDateTime:yyyy-MM-dd HH:mm} UTC, and nothing can renew it: it has {(string.IsNullOrEmpty(refresh) ? "no refresh token" : "no client id and secret")}.",
                            Action = TokenClient.Reconnect(connection),
                            CreatedAt = now,
                        },
                    ],
                    cancellationToken);
            }
        }
    }

    private static TimeSpan AheadOf(TokenRecord token, DateTimeOffset end) => token.IssuedAt is { } issued && (end - issued) / 5 is var fifth && fifth < Ahead ? fifth : Ahead;
}
