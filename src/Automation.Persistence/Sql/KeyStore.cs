using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>The key ring, and settings that are set once.</summary>
internal sealed class KeyStore(SqlDatabase database) : IKeyStore
{
    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(reader => reader.GetString(0), "SELECT xml FROM key_ring ORDER BY created_at, id"),
        cancellationToken);

    public Task AddAsync(string id, string xml, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run("INSERT INTO key_ring (id, xml, created_at) VALUES (@id, @xml, @at) ON CONFLICT (id) DO NOTHING", id, xml, Columns.Ticks(at)),
        cancellationToken);

    public Task<string> SettleAsync(string setting, string value, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Run("INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING", setting, value);
            return (string)session.Scalar("SELECT value FROM settings WHERE name = @name", setting)!;
        },
        cancellationToken);
}
