using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Automation.Sandbox;

/// <summary>
/// State of the stand-ins: one SQLite file. A write is committed before its request is answered (WAL, synchronous NORMAL: survives a killed
/// process), and its row in the request log is part of the same transaction.
/// </summary>
internal sealed class SandboxStore : IDisposable
{
    private const string Schema = """
        create table if not exists records (
            seq integer primary key,
            api text not null,
            collection text not null,
            key text not null,
            location_id text not null,
            parent_id text not null,
            email text,
            phone text,
            created_at integer not null,
            updated_at integer not null,
            json text not null,
            unique (api, collection, key)
        );
        create index if not exists records_updated on records (api, collection, location_id, updated_at, key);
        create index if not exists records_created on records (api, collection, location_id, created_at, key);
        create index if not exists records_parent on records (api, collection, parent_id) where parent_id <> '';
        create index if not exists records_email on records (api, collection, location_id, email) where email is not null;
        create index if not exists records_phone on records (api, collection, location_id, phone) where phone is not null;
        create table if not exists requests (
            seq integer primary key autoincrement,
            at integer not null,
            api text not null,
            method text not null,
            path text not null,
            query text not null,
            body text,
            status integer not null,
            idempotency_key text
        );
        create index if not exists requests_at on requests (at);
        create table if not exists idempotency (
            api text not null,
            key text not null,
            request text not null,
            status integer not null,
            body text,
            primary key (api, key)
        ) without rowid;
        create table if not exists seeded (api text primary key) without rowid;
        """;

    private readonly Lock gate = new();
    private readonly ConcurrentBag<SandboxConnection> readers = [];
    private readonly string connectionString;
    private readonly SandboxConnection writer;
    private readonly int keptRequests;

    public SandboxStore(SandboxSettings settings, TimeProvider clock)
    {
        Clock = clock;
        keptRequests = settings.KeptRequests;
        Directory.CreateDirectory(settings.DataDirectory);
        connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(settings.DataDirectory, "sandbox.db"),
            Pooling = false,
            DefaultTimeout = 30,
        }.ToString();
        writer = Open();
        writer.Execute(Schema);
    }

    public TimeProvider Clock { get; }

    /// <summary>Begins a write: one at a time; waits for its turn. Nothing is kept unless it is committed.</summary>
    public SandboxSession BeginWrite(string api)
    {
        gate.Enter();
        try
        {
            writer.Execute("begin immediate");
            return new SandboxSession(this, writer, api, writes: true);
        }
        catch
        {
            gate.Exit();
            throw;
        }
    }

    /// <summary>Begins a read of one moment's state.</summary>
    public SandboxSession BeginRead(string api)
    {
        var connection = readers.TryTake(out var free) ? free : Open();
        connection.Execute("begin");
        return new SandboxSession(this, connection, api, writes: false);
    }

    /// <summary>Logs a request that changed nothing.</summary>
    public void Log(ReceivedRequest request)
    {
        using var session = BeginWrite(request.Api);
        session.Log(request, keptRequests);
        session.Commit();
    }

    /// <summary>Logs a request in the transaction of what it changed.</summary>
    public void Log(SandboxSession session, ReceivedRequest request) => session.Log(request, keptRequests);

    public void Dispose()
    {
        lock (gate)
        {
            writer.Dispose();
        }

        while (readers.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    internal void Release(SandboxConnection connection, bool writes)
    {
        if (writes)
        {
            gate.Exit();
        }
        else
        {
            readers.Add(connection);
        }
    }

    private SandboxConnection Open()
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        var opened = new SandboxConnection(connection);
        opened.Execute("pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -16000;");
        return opened;
    }
}
