using System.Data.Common;
using Automation.Engine;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Tokens of connections. Whoever renews one holds its lease; the row changes only under it, or by a person who connects anew.</summary>
internal sealed class TokenStore(SqlDatabase database) : ITokenStore
{
    private const string Fields = "connection_id, location_id, secret, user_type, scopes, issued_at, expires_at, refreshed_at, error, failed_at, is_refused, version";
    private const string Of = "WHERE connection_id = @connection AND location_id = @location";
    private const string Held = $"{Of} AND lease_owner = @owner AND lease_token = @token";

    public Task<TokenRecord?> FindAsync(string connectionId, string locationId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"SELECT {Fields} FROM tokens {Of}", connectionId, locationId), cancellationToken);

    public Task<IReadOnlyList<TokenRecord>> ListAsync(string? connectionId, CancellationToken cancellationToken)
    {
        var where = new Where();
        where.AddIf(connectionId is not null, "connection_id = @connection", connectionId);
        return database.ReadAsync<IReadOnlyList<TokenRecord>>(session => session.List(Read, $"SELECT {Fields} FROM tokens {where} ORDER BY connection_id, location_id", where.With()), cancellationToken);
    }

    public Task ConnectAsync(TokenRecord token, CancellationToken cancellationToken) => database.WriteAsync(session => Connect(session, token, "The account was connected again."), cancellationToken);

    public Task<(TokenRecord Token, Lease Lease)?> TryLeaseAsync(string connectionId, string locationId, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        database.WriteAsync<(TokenRecord, Lease)?>(
            session =>
            {
                session.Run("INSERT INTO tokens (connection_id, location_id) VALUES (@connection, @location) ON CONFLICT DO NOTHING", connectionId, locationId);
                using var reader = session.Query(
                    $"UPDATE tokens SET lease_owner = @owner, lease_token = lease_token + 1, lease_until = {Columns.Now} + @duration {Of} AND lease_until <= {Columns.Now} RETURNING {Fields}, lease_token",
                    owner,
                    duration.Ticks,
                    connectionId,
                    locationId);
                return reader.Read() ? (Read(reader), new Lease(owner, reader.GetInt64(12))) : null;
            },
            cancellationToken);

    public Task<bool> ReplaceAsync(TokenRecord token, Lease lease, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.Connections);
            if (session.Long(
                $"""
                UPDATE tokens SET secret = @secret, user_type = @user_type, scopes = @scopes, issued_at = @issued_at, expires_at = @expires_at, refreshed_at = @refreshed_at,
                    error = NULL, failed_at = NULL, is_refused = 0, version = version + 1, lease_owner = NULL, lease_until = 0
                {Held} RETURNING version
                """,
                token.Secret,
                token.UserType,
                Join(token.Scopes),
                Columns.Ticks(token.IssuedAt),
                Columns.Ticks(token.ExpiresAt),
                Columns.Ticks(token.RefreshedAt),
                token.ConnectionId,
                token.LocationId,
                lease.Owner,
                lease.Token) is not { } version)
            {
                return false;
            }

            Resolve(session, token.ConnectionId, token.LocationId, version - 1, "The access was renewed.", token.RefreshedAt);
            return true;
        },
        cancellationToken);

    public Task<bool> FailAsync(string connectionId, string locationId, Lease lease, string error, bool isRefused, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            $"UPDATE tokens SET error = @error, failed_at = @at, is_refused = @refused, lease_owner = NULL, lease_until = 0 {Held}",
            error,
            Columns.Ticks(at),
            isRefused,
            connectionId,
            locationId,
            lease.Owner,
            lease.Token) == 1,
        cancellationToken);

    public Task ReleaseAsync(string connectionId, string locationId, Lease lease, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Run($"UPDATE tokens SET lease_owner = NULL, lease_until = 0 {Held}", connectionId, locationId, lease.Owner, lease.Token), cancellationToken);

    public Task<bool> ReencryptAsync(string connectionId, string locationId, byte[] before, byte[] after, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Run($"UPDATE tokens SET secret = @after {Of} AND secret = @before", after, connectionId, locationId, before) == 1, cancellationToken);

    public Task BeginAsync(AuthorizationRecord authorization, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Run("DELETE FROM authorizations WHERE expires_at < @now", Columns.Ticks(now));
            session.Run(
                "INSERT INTO authorizations (hash, connection_id, session_hash, redirect_uri, user_name, expires_at) VALUES (@hash, @connection, @session, @redirect, @user, @expires)",
                authorization.Hash,
                authorization.ConnectionId,
                authorization.SessionHash,
                authorization.RedirectUri,
                authorization.UserName,
                Columns.Ticks(authorization.ExpiresAt));
        },
        cancellationToken);

    public Task<AuthorizationRecord?> TakeAsync(string hash, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.First(
            reader => new AuthorizationRecord(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.Text(4), reader.Time(5)),
            "DELETE FROM authorizations WHERE hash = @hash RETURNING hash, connection_id, session_hash, redirect_uri, user_name, expires_at",
            hash),
        cancellationToken);

    /// <summary>Marks a token as refused: the account was disconnected on the other side, at a time. The connection's own token counts for all of its locations.</summary>
    /// <returns>False: it was given after that time, and stays.</returns>
    public static bool Refuse(Session session, string connectionId, string locationId, DateTimeOffset at, IncidentRecord incident)
    {
        session.Run("INSERT INTO tokens (connection_id, location_id) VALUES (@connection, @location) ON CONFLICT DO NOTHING", connectionId, locationId);
        if (session.Long(
            $"UPDATE tokens SET error = @error, failed_at = @at, is_refused = 1, lease_owner = NULL, lease_until = 0 {Of} AND (issued_at IS NULL OR issued_at <= @removed) RETURNING version",
            incident.Message,
            Columns.Ticks(incident.CreatedAt),
            connectionId,
            locationId,
            Columns.Ticks(at)) is not { } version)
        {
            return false;
        }

        ChangeStore.Note(session, Topics.Connections);
        IncidentStore.Insert(session, [incident with { Id = AccessTokens.IncidentIdOf(connectionId, locationId, version) }]);
        if (locationId.Length == 0)
        {
            Drop(session, connectionId, exceptOwn: true, "The app was removed from the whole account.", incident.CreatedAt);
        }

        return true;
    }

    /// <summary>Takes a refusal back: the next call tries again.</summary>
    public static void Forgive(Session session, string connectionId, string locationId, string why, DateTimeOffset at)
    {
        if (session.Long($"UPDATE tokens SET error = NULL, failed_at = NULL, is_refused = 0 {Of} AND error IS NOT NULL RETURNING version", connectionId, locationId) is { } version)
        {
            ChangeStore.Note(session, Topics.Connections);
            Resolve(session, connectionId, locationId, version, why, at);
        }
    }

    /// <summary>A lease on the token that was is void: whoever renews that one finds it lost.</summary>
    public static void Connect(Session session, TokenRecord token, string why)
    {
        session.Run("INSERT INTO tokens (connection_id, location_id) VALUES (@connection, @location) ON CONFLICT DO NOTHING", token.ConnectionId, token.LocationId);
        var version = session.Long(
            $"""
            UPDATE tokens SET secret = @secret, user_type = @user_type, scopes = @scopes, issued_at = @issued_at, expires_at = @expires_at, refreshed_at = NULL,
                error = NULL, failed_at = NULL, is_refused = 0, version = version + 1, lease_owner = NULL, lease_token = lease_token + 1, lease_until = 0
            {Of} RETURNING version
            """,
            token.Secret,
            token.UserType,
            Join(token.Scopes),
            Columns.Ticks(token.IssuedAt),
            Columns.Ticks(token.ExpiresAt),
            token.ConnectionId,
            token.LocationId);
        Resolve(session, token.ConnectionId, token.LocationId, version!.Value - 1, why, token.IssuedAt);
        Drop(session, token.ConnectionId, exceptOwn: true, why, token.IssuedAt);
    }

    /// <summary>Drops the tokens of a connection, and with them what was wrong with them.</summary>
    public static void Drop(Session session, string connectionId, bool exceptOwn, string why, DateTimeOffset? at)
    {
        foreach (var (location, version) in session.List(
            reader => (reader.GetString(0), reader.GetInt64(1)),
            $"DELETE FROM tokens WHERE connection_id = @connection {(exceptOwn ? "AND location_id <> ''" : "")} RETURNING location_id, version",
            connectionId))
        {
            Resolve(session, connectionId, location, version, why, at);
        }
    }

    private static void Resolve(Session session, string connectionId, string locationId, long version, string why, DateTimeOffset? at) =>
        session.Post(IncidentStore.ResolveSql, at?.UtcTicks, why, AccessTokens.IncidentIdOf(connectionId, locationId, version));

    private static string? Join(IReadOnlyList<string>? scopes) => scopes is null ? null : string.Join(' ', scopes);

    private static TokenRecord Read(DbDataReader reader) => new()
    {
        ConnectionId = reader.GetString(0),
        LocationId = reader.GetString(1),
        Secret = reader.Blob(2),
        UserType = reader.Text(3),
        Scopes = reader.Text(4)?.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        IssuedAt = reader.TimeOrNull(5),
        ExpiresAt = reader.TimeOrNull(6),
        RefreshedAt = reader.TimeOrNull(7),
        Error = reader.Text(8),
        FailedAt = reader.TimeOrNull(9),
        IsRefused = reader.Flag(10),
        Version = reader.GetInt64(11),
    };
}
