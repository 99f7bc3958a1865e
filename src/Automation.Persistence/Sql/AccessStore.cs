using System.Data.Common;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Users, API keys and settings.</summary>
internal sealed class AccessStore(SqlDatabase database) : IAccessStore
{
    private const string KeyFields = "id, name, hash, role, created_at";

    public Task<UserRecord?> FindUserAsync(string name, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.First(
            ReadUser,
            "SELECT name, password_hash, role, created_at FROM users WHERE name = @name",
            name),
        cancellationToken);

    public Task<int> CountUsersAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => (int)(session.Long("SELECT COUNT(*) FROM users") ?? 0), cancellationToken);

    public Task SaveUserAsync(UserRecord user, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            """
            INSERT INTO users (name, password_hash, role, created_at) VALUES (@name, @hash, @role, @created_at)
            ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, role = excluded.role
            """,
            user.Name,
            user.PasswordHash,
            user.Role,
            Columns.Ticks(user.CreatedAt)),
        cancellationToken);

    public Task<IReadOnlyList<UserRecord>> ListUsersAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<UserRecord>>(
        session => session.List(ReadUser, "SELECT name, password_hash, role, created_at FROM users ORDER BY created_at, name"),
        cancellationToken);

    public Task<bool> DeleteUserAsync(string name, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Run("DELETE FROM users WHERE name = @name", name) == 1, cancellationToken);

    public Task<IReadOnlyList<ApiKeyRecord>> ListApiKeysAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ApiKeyRecord>>(
        session => session.List(ReadKey, $"SELECT {KeyFields} FROM api_keys ORDER BY created_at, id"),
        cancellationToken);

    public Task<ApiKeyRecord?> FindApiKeyAsync(string hash, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(ReadKey, $"SELECT {KeyFields} FROM api_keys WHERE hash = @hash", hash), cancellationToken);

    public Task SaveApiKeyAsync(ApiKeyRecord key, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            $"""
            INSERT INTO api_keys ({KeyFields}) VALUES (@id, @name, @hash, @role, @created_at)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, role = excluded.role
            """,
            key.Id,
            key.Name,
            key.Hash,
            key.Role,
            Columns.Ticks(key.CreatedAt)),
        cancellationToken);

    public Task<bool> DeleteApiKeyAsync(string id, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Run("DELETE FROM api_keys WHERE id = @id", id) == 1, cancellationToken);

    public Task<string?> GetSettingAsync(string name, CancellationToken cancellationToken) =>
        database.ReadAsync(session => (string?)session.Scalar("SELECT value FROM settings WHERE name = @name", name), cancellationToken);

    public Task SetSettingAsync(string name, string value, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run("INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value),
        cancellationToken);

    private static UserRecord ReadUser(DbDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.Time(3));

    private static ApiKeyRecord ReadKey(DbDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.Time(4));
}
