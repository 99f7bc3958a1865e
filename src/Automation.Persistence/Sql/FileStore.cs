using Automation.Connectors;

namespace Automation.Persistence.Sql;

/// <summary>Files that runs write, where several servers share a database: written on one of them, read on any.</summary>
internal sealed class FileStore(SqlDatabase database) : IFileStore
{
    public Task WriteAsync(string name, byte[] data, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            $"INSERT INTO files (name, data, updated_at) VALUES (@name, @data, {Columns.Now}) ON CONFLICT (name) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
            name,
            data),
        cancellationToken);

    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) =>
        database.ReadAsync(session => (byte[]?)session.Scalar("SELECT data FROM files WHERE name = @name", name), cancellationToken);

    public Task<IReadOnlyList<StoredFile>> ListAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<StoredFile>>(
        session => session.List(reader => new StoredFile(reader.GetString(0), reader.GetInt64(1), reader.Time(2)), "SELECT name, length(data), updated_at FROM files ORDER BY name"),
        cancellationToken);
}
