using System.Data.Common;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Connections.</summary>
internal sealed class ConnectionStore(SqlDatabase database) : IConnectionStore
{
    private const string Fields = "id, name, connector, base_url, location_id, company_id, auth_kind, secret, is_sandbox, created_at, updated_at, webhook_key";

    private const string Upsert =
        $"""
        INSERT INTO connections ({Fields}) VALUES (@id, @name, @connector, @base_url, @location_id, @company_id, @auth_kind, @secret, @is_sandbox, @created_at, @updated_at, @webhook_key)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, connector = excluded.connector, base_url = excluded.base_url, location_id = excluded.location_id, company_id = excluded.company_id, auth_kind = excluded.auth_kind,
            secret = excluded.secret, is_sandbox = excluded.is_sandbox, webhook_key = excluded.webhook_key, updated_at = excluded.updated_at
        """;

    /// <summary>An id wins over a name that is spelled like it.</summary>
    public Task<ConnectionRecord?> FindAsync(string idOrName, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.First(Read, $"SELECT {Fields} FROM connections WHERE id = @key OR name = @key ORDER BY CASE WHEN id = @key THEN 0 ELSE 1 END LIMIT 1", idOrName),
        cancellationToken);

    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ConnectionRecord>>(
        session => session.List(Read, $"SELECT {Fields} FROM connections ORDER BY name COLLATE nocase"),
        cancellationToken);

    public Task SaveAsync(ConnectionRecord connection, TokenRecord? token, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.Connections);
            var before = session.First(Read, $"SELECT {Fields} FROM connections WHERE id = @id", connection.Id);
            var isElsewhere = before is not null && !ConnectionVault.IsSameServer(new Uri(before.BaseUrl), new Uri(connection.BaseUrl));
            if (isElsewhere && !(before!.IsSandbox && connection.IsSandbox))
            {
                // What another server has is no change of what this one had: its lists take a new baseline, from their beginning. (The sandbox is the same wherever it listens.)
                session.Run($"UPDATE sources SET {PublicationWrite.NewBaseline}, watermark = NULL, floor = NULL, newest = NULL, newest_at = NULL WHERE connection_id = @id", connection.Id);
                session.Run("UPDATE items SET absent = 2 WHERE absent < 2 AND source_no IN (SELECT no FROM sources WHERE connection_id = @id)", connection.Id);
                ChangeStore.Note(session, Topics.DueTimes);
            }

            session.Run(
                Upsert,
                connection.Id,
                connection.Name,
                connection.Connector,
                connection.BaseUrl,
                connection.LocationId,
                connection.CompanyId,
                connection.AuthKind,
                connection.Secret,
                connection.IsSandbox,
                Columns.Ticks(connection.CreatedAt),
                Columns.Ticks(connection.UpdatedAt),
                connection.WebhookKey);

            // Sources that failed wait longer and longer: with another credential they are tried at once.
            if (session.Run($"UPDATE sources SET due_at = {Columns.Now} WHERE connection_id = @id AND failures > 0 AND due_at > {Columns.Now}", connection.Id) > 0)
            {
                ChangeStore.Note(session, Topics.DueTimes);
            }

            if (token is not null)
            {
                TokenStore.Connect(session, token, isElsewhere ? "The connection was given another address." : "The account was connected again.");
            }
            else if (connection.AuthKind != "oauth2")
            {
                TokenStore.Drop(session, connection.Id, exceptOwn: false, "The connection signs in another way.", connection.UpdatedAt);
            }
        },
        cancellationToken);

    public Task<bool> ReencryptAsync(string id, byte[] before, byte[] after, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.Connections);
            return session.Run("UPDATE connections SET secret = @after WHERE id = @id AND secret = @before", after, id, before) == 1;
        },
        cancellationToken);

    public Task<bool> DeleteAsync(string id, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.Connections);
            TokenStore.Drop(session, id, exceptOwn: false, "The connection was deleted.", at);
            session.Run("DELETE FROM authorizations WHERE connection_id = @id", id);
            return session.Run("DELETE FROM connections WHERE id = @id", id) == 1;
        },
        cancellationToken);

    private static ConnectionRecord Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        Name = reader.GetString(1),
        Connector = reader.GetString(2),
        BaseUrl = reader.GetString(3),
        LocationId = reader.Text(4),
        CompanyId = reader.Text(5),
        AuthKind = reader.GetString(6),
        Secret = reader.Blob(7)!,
        IsSandbox = reader.Flag(8),
        CreatedAt = reader.Time(9),
        UpdatedAt = reader.Time(10),
        WebhookKey = reader.Text(11),
    };
}
