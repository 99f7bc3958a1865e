using Automation.Persistence.Sql;
using Automation.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Automation.Persistence.Sqlite;

/// <summary>A SQLite file: one writer; readers do not wait for it (WAL).</summary>
internal sealed class SqliteDatabase(string path, bool fullDurability) : SqlDatabase("Sqlite", writers: 1, mostWrites: 256)
{
    public override string Description => $"SQLite {path} ({(fullDurability ? "Full" : "Normal")})";

    protected override string Name => path;

    public override Task MigrateAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
            {
                Directory.CreateDirectory(folder);
            }

            Migrate(cancellationToken);
            return Task.CompletedTask;
        }
        catch (SqliteException error)
        {
            throw new StartRefusedException(Explain(error) ?? $"The database {path} cannot be opened: {error.Message} Where the file is damaged, restore a backup.", error);
        }
    }

    private void Migrate(CancellationToken cancellationToken)
    {
        using var session = Open(SqliteOpenMode.ReadWriteCreate, "PRAGMA journal_mode = WAL;");
        Migrate(
            session,
            s => s.Long("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_versions'") is not null,
            (_, script) =>
            {
                using var command = session.Connection.CreateCommand();
                command.CommandText = script;
                command.ExecuteNonQuery();
            },
            cancellationToken);
    }

    protected override Session OpenReader() => Open(SqliteOpenMode.ReadWrite, "PRAGMA query_only = 1; PRAGMA cache_size = -4000;");

    // The WAL is folded back every 16 MB instead of every 4: fewer flushes while much is written.
    internal override Session OpenWriter() => Open(SqliteOpenMode.ReadWrite, "PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;");

    protected override bool IsFromDatabase(Exception exception) => exception is SqliteException;

    protected override string? Explain(Exception exception) => (exception as SqliteException)?.SqliteErrorCode switch
    {
        13 => $"The disk that holds {path} is full: nothing can be written. Free some space; work goes on by itself.",
        8 => $"The file {path} cannot be written: it, or its folder, is read-only for this process. Give it the right to write.",
        10 => $"Reading or writing {path} failed ({exception.Message}). Look at the disk.",
        _ => null,
    };

    private SqliteSession Open(SqliteOpenMode mode, string pragmas)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA busy_timeout = 10000; PRAGMA synchronous = {(fullDurability ? "FULL" : "NORMAL")}; PRAGMA temp_store = MEMORY; {pragmas}";
            command.ExecuteNonQuery();
            return new SqliteSession(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
