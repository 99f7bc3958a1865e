using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Connections;

/// <summary>
/// Keeps the tokens of OAuth 2.0 connections fresh: renewed when four fifths of their life are over, and once after a 401. One refresh at a time in this process, and by a lease in the database among all
/// nodes; the rotated refresh token is stored before the new access token is used; a failure never overwrites what is there. An agency's token gives one per location, kept and renewed the same way.
/// </summary>
public sealed class AccessTokens(ITokenStore store, TokenClient client, OperationCatalog catalog, TokenSeal seal, IIncidentStore incidents, Node node, TimeProvider clock, ILogger<AccessTokens> log) : IAccessTokens
{
    /// <summary>Longer than the request for a token may take, and shorter than the half minute in which the provider answers a repeated refresh with the same new token.</summary>
    private static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(10);

    private const double LifeBeforeRefresh = 0.8;

    /// <summary>A token with more life than this is used while another is fetched.</summary>
    private static readonly TimeSpan EnoughLife = TimeSpan.FromMinutes(1);

    /// <summary>A request may take a moment to arrive.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan PauseWhileValid = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PauseOfLocations = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseBetweenRenewals = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WaitForOthers = TimeSpan.FromMilliseconds(100);

    private readonly HeldTokens known = new(store, seal, clock);
    private readonly ConcurrentDictionary<TokenKey, Lazy<Task<HeldToken>>> running = new();

    /// <summary>Id of the incident about a token that cannot be renewed: one per outage.</summary>
    public static string IncidentIdOf(string connectionId, string locationId, long version) => Bookmark.HashOf("token", $"{connectionId}/{locationId}/{version}");

    /// <inheritdoc />
    public async ValueTask<Connection> AuthorizeAsync(Connection connection, Operation operation, string? locationId, CancellationToken cancellationToken)
    {
        if (connection.Credential.Kind != "oauth2")
        {
            return connection;
        }

        var location = await LocationOfAsync(connection, operation, locationId, cancellationToken);
        return With(connection, await FreshAsync(connection, location, cancellationToken));
    }

    /// <inheritdoc />
    public async ValueTask<Connection?> RenewAsync(Connection refused, Operation operation, string? locationId, CancellationToken cancellationToken)
    {
        if (refused.Credential.Kind != "oauth2")
        {
            return null;
        }

        var location = await LocationOfAsync(refused, operation, locationId, cancellationToken);
        var held = await known.ReadAsync(refused, location, cancellationToken);
        if (held.Access is not null && held.Access != refused.Credential.AccessToken)
        {
            // Another caller or node has renewed it meanwhile.
            return With(refused, held);
        }

        if (IsWithin(held.Row.RefreshedAt, PauseBetweenRenewals))
        {
            // A fresh token is refused, too: another one would be no better.
            return null;
        }

        return With(refused, await RefreshAsync(refused, held, cancellationToken));
    }

    /// <summary>Forgets what this process knows of a connection's tokens; null: of all.</summary>
    public void Forget(string? connectionId) => known.Forget(connectionId);

    /// <summary>Which token a call needs: "" the account's own, else that of a location.</summary>
    private async ValueTask<string> LocationOfAsync(Connection connection, Operation operation, string? locationId, CancellationToken cancellationToken)
    {
        if (catalog.ConnectorOf(connection.Connector).OAuth?.LocationTokenOperation is null)
        {
            return "";
        }

        var own = await known.LoadAsync(connection, "", cancellationToken);
        var type = TokenOwner.TypeOf(own.Row.UserType, own.Access) ?? (connection is { CompanyId: not null, LocationId: null } ? "Company" : null);
        if (type == "Location" && operation.TokenType == "agency")
        {
            throw new ConnectorException($"{operation.Name} is for agencies, and connection '{connection.Name}' is to a single location. Nothing was sent.")
            {
                Code = "wrong-token",
                Action = "Use a connection to the agency: add one, choose Connect, and pick the agency instead of a location.",
                Property = "connectionId",
            };
        }

        if (type != "Company" || operation.TokenType != "location")
        {
            return "";
        }

        return locationId ?? throw new ConnectorException($"{operation.Name} works in one location, and connection '{connection.Name}' is to an agency with many. Nothing was sent.")
        {
            Code = "invalid-input",
            Action = $"Set the location as an input where there is one, give connection '{connection.Name}' a location, or start the flow by a trigger of a location.",
            Property = "connectionId",
        };
    }

    private async ValueTask<HeldToken> FreshAsync(Connection connection, string location, CancellationToken cancellationToken)
    {
        var held = await known.LoadAsync(connection, location, cancellationToken);
        if (location.Length == 0 && held is { Access: null, Refresh: null, Row.Error: null })
        {
            throw new ConnectorException($"The connection '{connection.Name}' is not connected to an account yet. Nothing was sent.")
            {
                Code = "not-connected",
                Action = $"Open the connection '{connection.Name}' and choose Connect.",
            };
        }

        var now = clock.GetUtcNow();
        if (held.Access is not null && (held.Row.ExpiresAt is not { } end || end > now + Margin))
        {
            if (!IsNearEnd(held.Row, now) || IsWithin(held.Row.FailedAt, PauseWhileValid) || !MayRefresh(connection, held))
            {
                return held;
            }

            if (held.Row.ExpiresAt - now > EnoughLife)
            {
                // Nobody waits: this call goes with the token that is still good. A failure is on the token's row, and in the log.
                _ = RefreshQuietlyAsync(connection, held);
                return held;
            }

            try
            {
                return await RefreshAsync(connection, held, cancellationToken);
            }
            catch (ConnectorException)
            {
                return held;
            }
        }

        return await RefreshAsync(connection, held, cancellationToken);
    }

    private async Task RefreshQuietlyAsync(Connection connection, HeldToken held)
    {
        try
        {
            await RefreshAsync(connection, held, CancellationToken.None);
        }
        catch (ConnectorException)
        {
            // Said by whoever did it.
        }
        catch (Exception exception)
        {
            log.LogError(exception, "The token of connection {ConnectionId} could not be renewed ahead of time.", connection.Id);
        }
    }

    /// <summary>One refresh at a time per token: callers share it. It goes on when a caller leaves.</summary>
    private async Task<HeldToken> RefreshAsync(Connection connection, HeldToken stale, CancellationToken cancellationToken)
    {
        var key = TokenKey.Of(connection, stale.Row.LocationId);
        var mine = new Lazy<Task<HeldToken>>(() => Task.Run(() => RefreshAndLeaveAsync(key, connection, stale), CancellationToken.None));
        return await running.GetOrAdd(key, mine).Value.WaitAsync(cancellationToken);
    }

    /// <summary>It takes itself off the list, also when nobody waits for it any more: what it came to is not for those who come later.</summary>
    private async Task<HeldToken> RefreshAndLeaveAsync(TokenKey key, Connection connection, HeldToken stale)
    {
        try
        {
            return await RefreshOnceAsync(connection, stale);
        }
        finally
        {
            running.TryRemove(key, out _);
        }
    }

    private async Task<HeldToken> RefreshOnceAsync(Connection connection, HeldToken stale)
    {
        var location = stale.Row.LocationId;
        RefuseWhilePaused(connection, stale.Row);

        // The agency's own token first: fetching that one takes a lease and a request of its own.
        var agency = location.Length == 0 ? null : With(connection, await FreshAsync(connection, "", CancellationToken.None));
        for (var isRenewed = false; ; isRenewed = true)
        {
            // 1. A crash before the answer is stored: the lease ends by itself, and the next refresh with the old token is answered with the same new one.
            var (row, taken) = await LeaseAsync(connection, stale.Row, CancellationToken.None);
            if (taken is not { } lease)
            {
                return known.Keep(connection, known.Open(connection, row));
            }

            try
            {
                var held = known.Open(connection, row);
                var answer = agency is null ? await RenewOwnAsync(connection, held) : await client.LocateAsync(agency, TokenFailures.CompanyOf(agency), location, CancellationToken.None);
                return known.Keep(connection, await StoreAsync(connection, held, lease, answer));
            }
            catch (ConnectorException failure) when (agency is not null && failure.Status == 401 && !isRenewed)
            {
                await store.ReleaseAsync(connection.Id, location, lease, CancellationToken.None);
                var own = await known.ReadAsync(connection, "", CancellationToken.None);
                agency = With(connection, own.Access == agency.Credential.AccessToken ? await RefreshAsync(connection, own, CancellationToken.None) : own);
            }
            catch (ConnectorException failure)
            {
                throw await FailAsync(connection, row, lease, agency is null ? failure : TokenFailures.OfLocation(failure, connection, location));
            }
        }
    }

    /// <summary>The lease, or no lease and the row as somebody else renewed it.</summary>
    private async Task<(TokenRecord Row, Lease? Lease)> LeaseAsync(Connection connection, TokenRecord stale, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            if (await store.TryLeaseAsync(connection.Id, stale.LocationId, node.Id, LeaseDuration, cancellationToken) is var (row, lease))
            {
                if (row.Version == stale.Version || row.Secret is null)
                {
                    return (row, lease);
                }

                await store.ReleaseAsync(connection.Id, stale.LocationId, lease, cancellationToken);
                return (row, null);
            }

            if (clock.GetElapsedTime(started) > LeaseDuration + LeaseDuration)
            {
                throw TokenFailures.Unavailable(connection, "another server has been renewing it for too long");
            }

            await Task.Delay(WaitForOthers, clock, cancellationToken);
            if (await store.FindAsync(connection.Id, stale.LocationId, cancellationToken) is { } now)
            {
                if (now.Version != stale.Version && now.Secret is not null)
                {
                    return (now, null);
                }

                if (now.FailedAt is not null && now.FailedAt != stale.FailedAt)
                {
                    throw TokenFailures.Recorded(connection, now);
                }
            }
        }
    }

    private async Task<TokenAnswer> RenewOwnAsync(Connection connection, HeldToken held)
    {
        if (!MayRefresh(connection, held))
        {
            throw new ConnectorException($"The access of connection '{connection.Name}' has ended, and there is {(held.Refresh is null ? "no refresh token" : "no client id and secret")} to renew it with.")
            {
                Code = "reconnect",
                Action = TokenClient.Reconnect(connection),
            };
        }

        return await client.RefreshAsync(With(connection, held), CancellationToken.None);
    }

    private async Task<HeldToken> StoreAsync(Connection connection, HeldToken before, Lease lease, TokenAnswer answer)
    {
        var now = clock.GetUtcNow();
        var refresh = answer.RefreshToken ?? before.Refresh;
        var row = before.Row with
        {
            Secret = seal.Close(answer.AccessToken, refresh),
            UserType = TokenOwner.TypeOf(answer.UserType, answer.AccessToken) ?? before.Row.UserType,
            Scopes = answer.Scopes ?? before.Row.Scopes,
            IssuedAt = now,
            ExpiresAt = answer.Life is { } life ? now + life : null,
            RefreshedAt = now,
            Error = null,
            FailedAt = null,
            IsRefused = false,
            Version = before.Row.Version + 1,
        };

        // 2. The old refresh token is used up: what was answered is worth a few tries. The provider says the same again for half a minute.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await store.ReplaceAsync(row, lease, CancellationToken.None))
                {
                    break;
                }

                // Somebody else took over, or a person connected anew: theirs counts.
                var other = await store.FindAsync(row.ConnectionId, row.LocationId, CancellationToken.None);
                return other?.Version > before.Row.Version ? known.Open(connection, other) : throw TokenFailures.Unavailable(connection, "another server took over");
            }
            catch (Exception exception) when (exception is not ConnectorException && attempt < 5)
            {
                log.LogWarning(exception, "The new token of connection {ConnectionId} could not be stored, attempt {Attempt}.", row.ConnectionId, attempt);
                await Task.Delay(TimeSpan.FromSeconds(1), clock);
            }
        }

        // 3. Stored, and with it what was wrong is settled: from here on it is used. A crash: whoever comes next reads it.
        log.LogInformation("The token of connection {ConnectionId} was renewed; it lasts until {ExpiresAt:u}.", row.ConnectionId, row.ExpiresAt);
        return new HeldToken(row, answer.AccessToken, refresh);
    }

    /// <summary>Notes a failure; a person hears of it when they have to act, or when calls fail for it.</summary>
    private async Task<ConnectorException> FailAsync(Connection connection, TokenRecord row, Lease lease, ConnectorException failure)
    {
        var now = clock.GetUtcNow();
        var isRefused = failure.Code is "reconnect" or "not-installed";
        await store.FailAsync(row.ConnectionId, row.LocationId, lease, failure.Message, isRefused, now, CancellationToken.None);
        known.Drop(connection, row.LocationId);
        log.LogWarning("The token of connection {ConnectionId} ({Location}) could not be renewed: {Reason}", row.ConnectionId, row.LocationId, failure.Message);
        if (isRefused || row.Secret is null || row.ExpiresAt <= now + Margin)
        {
            await incidents.AddAsync(
                [
                    new IncidentRecord
                    {
                        Id = IncidentIdOf(row.ConnectionId, row.LocationId, row.Version),
                        Kind = "connection",
                        LocationId = row.LocationId.Length == 0 ? connection.LocationId : row.LocationId,
                        Code = failure.Code,
                        Message = failure.Message,
                        Detail = failure.ProviderMessage is null ? null : failure.TraceId is null ? failure.ProviderMessage : $"{failure.ProviderMessage} [trace {failure.TraceId}]",
                        Action = failure.Action,
                        CreatedAt = now,
                    },
                ],
                CancellationToken.None);
        }

        return failure;
    }

    private void RefuseWhilePaused(Connection connection, TokenRecord row)
    {
        var pause = !row.IsRefused ? PauseAfterFailure : row.LocationId.Length == 0 ? PauseAfterRefusal : PauseOfLocations;
        if (IsWithin(row.FailedAt, pause))
        {
            throw TokenFailures.Recorded(connection, row);
        }
    }

    /// <summary>Less than a pause ago; what is dated far into the future was noted by a clock that has been set back since.</summary>
    private bool IsWithin(DateTimeOffset? at, TimeSpan pause) => at is { } time && (clock.GetUtcNow() - time).Duration() < pause;

    private static bool MayRefresh(Connection connection, HeldToken held) =>
        held.Row.LocationId.Length > 0 || (held.Refresh is not null && !string.IsNullOrEmpty(connection.Credential.ClientId) && !string.IsNullOrEmpty(connection.Credential.ClientSecret));

    private static bool IsNearEnd(TokenRecord row, DateTimeOffset now) =>
        row.ExpiresAt is { } end && (row.IssuedAt is { } issued ? now >= issued + ((end - issued) * LifeBeforeRefresh) : now >= end - EnoughLife);

    private Connection With(Connection connection, HeldToken held) => connection with
    {
        LocationId = held.Row.LocationId.Length > 0 ? held.Row.LocationId : connection.LocationId,
        Credential = connection.Credential with
        {
            AccessToken = held.Access,
            RefreshToken = held.Refresh,
            ExpiresAt = held.Row.ExpiresAt,
            Scopes = held.Row.Scopes,
            UserType = TokenOwner.TypeOf(held.Row.UserType, held.Access),
        },
    };
}
