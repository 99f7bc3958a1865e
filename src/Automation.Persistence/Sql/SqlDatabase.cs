using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>A database: its writers, its readers, its schema. Opened when first used.</summary>
/// <param name="folder">Folder of the schema scripts among the resources.</param>
/// <param name="writers">Transactions that write at a time.</param>
/// <param name="mostWrites">Most writes of one transaction: bounds how long its first caller waits for its last.</param>
internal abstract class SqlDatabase(string folder, int writers, int mostWrites) : IDatabase, IDisposable
{
    /// <summary>How long a read waits for a database that is away.</summary>
    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Claims without a commit after which a run is suspected to be what ends the process: it waits for its lease to run out, so that all others go on first, and a
    /// process that is restarted again and again for another reason does not use up the run's tries within seconds.
    /// </summary>
    private const int SuspectAttempts = 4;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>More readers than this only wait for processors.</summary>
    protected static readonly int MostReaders = Math.Max(4, Environment.ProcessorCount * 2);

    private readonly SemaphoreSlim _readers = new(MostReaders);
    private readonly ConcurrentBag<Session> _idle = [];
    private volatile string? _trouble;
    private long _spoiled;
    private readonly Lock _gate = new();
    private Writer? _writer;
    private bool _disposed;

    public abstract string Description { get; }

    /// <summary>The database as messages name it.</summary>
    protected abstract string Name { get; }

    protected abstract Session OpenReader();

    /// <summary>Writes of a batch share statements and round trips, and are made alone only when one of them fails. Worth it where the database is another process.</summary>
    internal virtual bool WritesTogether => false;

    /// <summary>Batches that had to be made write by write: few, or something is wrong with the statements that they share.</summary>
    internal long SpoiledGroups => Interlocked.Read(ref _spoiled);

    internal void Spoiled() => Interlocked.Increment(ref _spoiled);

    /// <summary>A connection of a writer.</summary>
    internal abstract Session OpenWriter();

    /// <summary>Whether an exception says that the database cannot be reached now, and may be in a moment: it restarts, or the network is interrupted.</summary>
    internal virtual bool IsAway(Exception exception) => false;

    /// <summary>In a user's words, why a write failed that no other write would survive either (disk full, no right to write); null: it is the write's own matter.</summary>
    protected virtual string? Explain(Exception exception) => null;

    /// <inheritdoc />
    public string? Trouble => _trouble;

    internal void Failed(Exception exception) => _trouble = Explain(exception) ?? _trouble;

    internal void Worked() => _trouble = null;
    public abstract Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Whether an exception says that the database is away or broken, so that readiness is no.</summary>
    protected abstract bool IsFromDatabase(Exception exception);

    /// <summary>Whether a session may serve the next reader after its work threw.</summary>
    protected virtual bool SurvivesErrors => true;

    /// <summary>Queues a write for the next group commit. It may be executed again when its transaction lost to another.</summary>
    public Task<T> WriteAsync<T>(Func<Session, T> work, CancellationToken cancellationToken) => StartWriter().WriteAsync(work, cancellationToken);

    /// <summary>The same for a write that answers nothing.</summary>
    public Task WriteAsync(Action<Session> work, CancellationToken cancellationToken) => StartWriter().WriteAsync(
        session =>
        {
            work(session);
            return true;
        },
        cancellationToken);

    /// <summary>The same for a write that may share its statements with others.</summary>
    public Task<T> WriteAsync<T>(GroupedWork<T> work, CancellationToken cancellationToken) => StartWriter().WriteAsync(work, cancellationToken);

    /// <summary>Reads what is committed, on one of a few connections. A database that restarts is waited for.</summary>
    public async Task<T> ReadAsync<T>(Func<Session, T> work, CancellationToken cancellationToken)
    {
        var since = Environment.TickCount64;
        for (var pause = ShortestPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await ReadOnceAsync(work, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsAway(exception) && !_disposed && TimeSpan.FromMilliseconds(Environment.TickCount64 - since) < ReadPatience)
            {
                Failed(exception);
                ForgetIdle();
                await Task.Delay(pause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<T> ReadOnceAsync<T>(Func<Session, T> work, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        await _readers.WaitAsync(cancellationToken).ConfigureAwait(false);
        Session? session = null;
        var done = false;
        try
        {
            if (!_idle.TryTake(out session))
            {
                session = OpenReader();
            }

            var result = work(session);
            done = true;
            return result;
        }
        finally
        {
            if (session is not null && !_disposed && (done || SurvivesErrors))
            {
                _idle.Add(session);
            }
            else
            {
                session?.Dispose();
            }

            _readers.Release();
        }
    }

    /// <summary>Connections from before a restart are of no use.</summary>
    private void ForgetIdle()
    {
        while (_idle.TryTake(out var session))
        {
            session.Dispose();
        }
    }

    public async Task<bool> PingAsync(CancellationToken cancellationToken)
    {
        static bool Ping(Session session) => session.Long("SELECT 1 FROM schema_versions LIMIT 1") == 1;

        try
        {
            bool answers;
            try
            {
                answers = await ReadOnceAsync(Ping, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsAway(exception))
            {
                // It may have been a connection from before a restart.
                ForgetIdle();
                answers = await ReadOnceAsync(Ping, cancellationToken).ConfigureAwait(false);
            }

            if (_trouble is not null)
            {
                // Nobody may be writing any more: whether it works again is found out by a write.
                await WriteAsync(session => session.Run("INSERT INTO settings (name, value) VALUES ('write-probe', @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", Environment.TickCount64.ToString(CultureInfo.InvariantCulture)), cancellationToken).ConfigureAwait(false);
            }

            return answers;
        }
        catch (Exception exception) when (IsFromDatabase(exception))
        {
            return false;
        }
    }

    public Task<int> FreeLeasesAsync(CancellationToken cancellationToken) => WriteAsync(
        session =>
            session.Run("UPDATE instances SET lease_owner = NULL, lease_until = 0 WHERE runnable = 1 AND lease_owner IS NOT NULL AND attempts < @most", SuspectAttempts)
            + session.Run("UPDATE sources SET lease_owner = NULL, lease_until = 0 WHERE lease_owner IS NOT NULL"),
        cancellationToken);

    private Writer StartWriter()
    {
        if (_writer is { } writer)
        {
            return writer;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _writer ??= new Writer(this, writers, mostWrites);
        }
    }

    /// <summary>Applies the numbered scripts that are missing, each in a transaction with the row that says so: killed in between, the next start goes on there.</summary>
    /// <exception cref="InvalidOperationException">The schema is newer than this program.</exception>
    protected void Migrate(Session session, Func<Session, bool> hasVersions, Action<Session, string> run, CancellationToken cancellationToken)
    {
        int Version() => hasVersions(session) ? (int)(session.Long("SELECT MAX(version) FROM schema_versions") ?? 0) : 0;

        var scripts = Scripts();
        var version = Version();
        if (version > scripts.Count)
        {
            throw new StartRefusedException(
                $"The database {Name} has schema {version}; this version of Automation knows schemas up to {scripts.Count}. It was upgraded by a newer version: start that one, or restore a backup made before the upgrade.");
        }

        for (; version < scripts.Count; version++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Begin();

            // Another process may have been first while this one waited for the lock.
            if (Version() == version)
            {
                run(session, scripts[version].Sql);
                session.Run("CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)");
                session.Run($"INSERT INTO schema_versions (version, name, applied_at) VALUES (@version, @name, {Columns.Now})", version + 1, scripts[version].Name);
            }

            session.Commit();
        }
    }

    private List<(string Name, string Sql)> Scripts()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var prefix = folder + "/";
        var names = assembly.GetManifestResourceNames().Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        return names.Select((name, index) =>
        {
            if (int.Parse(name.AsSpan(prefix.Length, 4), CultureInfo.InvariantCulture) != index + 1)
            {
                throw new InvalidOperationException($"The schema script {name} is out of order: scripts are numbered from 0001 without gaps.");
            }

            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return (name[prefix.Length..], reader.ReadToEnd());
        }).ToList();
    }

    protected virtual void Dispose(bool disposing)
    {
        Writer? writer;
        lock (_gate)
        {
            _disposed = true;
            writer = _writer;
        }

        writer?.Dispose();
        ForgetIdle();
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }
}
