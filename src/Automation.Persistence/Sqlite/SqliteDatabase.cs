using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Automation.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Automation.Persistence.Sqlite;

/// <summary>A SQLite file: its one writer, its readers, its schema. Opened when first used.</summary>
internal sealed class SqliteDatabase(string path, bool fullDurability) : IDatabase, IDisposable
{
    /// <summary>Readers do not wait for the writer (WAL), but more of them than this only wait for processors.</summary>
    private readonly SemaphoreSlim _readers = new(Math.Max(4, Environment.ProcessorCount * 2));
    private readonly ConcurrentBag<Session> _idle = [];
    private readonly Lock _gate = new();
    private Writer? _writer;
    private bool _disposed;

    public string Description => $"SQLite {path} ({(fullDurability ? "Full" : "Normal")})";

    /// <summary>Queues a write for the next group commit.</summary>
    public Task<T> WriteAsync<T>(Func<Session, T> work, CancellationToken cancellationToken) => OpenWriter().WriteAsync(work, cancellationToken);

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<Session> work, CancellationToken cancellationToken) => OpenWriter().WriteAsync(
        session =>
        {
            work(session);
            return true;
        },
        cancellationToken);

    /// <summary>Reads what is committed, on one of a few connections.</summary>
    public async Task<T> ReadAsync<T>(Func<Session, T> work, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await _readers.WaitAsync(cancellationToken).ConfigureAwait(false);
        Session? session = null;
        try
        {
            if (!_idle.TryTake(out session))
            {
                session = Open(SqliteOpenMode.ReadWrite, "PRAGMA query_only = 1; PRAGMA cache_size = -4000;");
            }

            var result = work(session);
            if (!_disposed)
            {
                _idle.Add(session);
                session = null;
            }

            return result;
        }
        finally
        {
            session?.Dispose();
            _readers.Release();
        }
    }

    public Task MigrateAsync(CancellationToken cancellationToken)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        using var session = Open(SqliteOpenMode.ReadWriteCreate, "PRAGMA journal_mode = WAL;");
        Migrate(session, cancellationToken);
        return Task.CompletedTask;
    }

    public async Task<bool> PingAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(session => session.Long("SELECT 1 FROM schema_versions LIMIT 1") == 1, cancellationToken).ConfigureAwait(false);
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    private Writer OpenWriter()
    {
        if (_writer is { } writer)
        {
            return writer;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);

            // The WAL is folded back every 16 MB instead of every 4: fewer flushes while much is written.
            return _writer ??= new Writer(() => Open(SqliteOpenMode.ReadWrite, "PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;"));
        }
    }

    private Session Open(SqliteOpenMode mode, string pragmas)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, ForeignKeys = true }.ToString());
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA busy_timeout = 10000; PRAGMA synchronous = {(fullDurability ? "FULL" : "NORMAL")}; PRAGMA temp_store = MEMORY; {pragmas}";
            command.ExecuteNonQuery();
            return new Session(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Applies the numbered scripts that are missing, each in a transaction with the row that says so: killed in between, the next start goes on there.</summary>
    /// <exception cref="InvalidOperationException">The schema is newer than this program.</exception>
    private void Migrate(Session session, CancellationToken cancellationToken)
    {
        var scripts = Scripts();
        var version = SchemaVersion(session);
        if (version > scripts.Count)
        {
            throw new InvalidOperationException(
                $"The database {path} has schema {version}; this version of Automation knows schemas up to {scripts.Count}. It was upgraded by a newer version: start that one, or restore a backup made before the upgrade.");
        }

        for (; version < scripts.Count; version++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Run("BEGIN IMMEDIATE");

            // Another process may have been first while this one waited for the lock.
            if (SchemaVersion(session) == version)
            {
                using var command = session.Connection.CreateCommand();
                command.CommandText = scripts[version].Sql;
                command.ExecuteNonQuery();
                session.Run("CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)");
                session.Run($"INSERT INTO schema_versions (version, name, applied_at) VALUES (@version, @name, {Columns.Now})", version + 1, scripts[version].Name);
            }

            session.Run("COMMIT");
        }
    }

    private static int SchemaVersion(Session session) =>
        session.Long("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_versions'") is null
            ? 0
            : (int)(session.Long("SELECT MAX(version) FROM schema_versions") ?? 0);

    private static List<(string Name, string Sql)> Scripts()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var names = assembly.GetManifestResourceNames().Where(n => n.StartsWith("Sqlite/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        return names.Select((name, index) =>
        {
            if (int.Parse(name.AsSpan("Sqlite/".Length, 4), CultureInfo.InvariantCulture) != index + 1)
            {
                throw new InvalidOperationException($"The schema script {name} is out of order: scripts are numbered from 0001 without gaps.");
            }

            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return (name["Sqlite/".Length..], reader.ReadToEnd());
        }).ToList();
    }

    public void Dispose()
    {
        Writer? writer;
        lock (_gate)
        {
            _disposed = true;
            writer = _writer;
        }

        writer?.Dispose();
        while (_idle.TryTake(out var session))
        {
            session.Dispose();
        }
    }
}
