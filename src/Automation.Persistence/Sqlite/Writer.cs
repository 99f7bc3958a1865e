using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Automation.Persistence.Sqlite;

/// <summary>
/// The one writer of a database. Writes queue up; a thread of its own takes all that wait (up to a bound), executes each inside a savepoint,
/// commits once, and only then answers the callers. Nothing waits for a batch to fill: an idle writer commits at once, and while it commits the next batch gathers.
/// </summary>
internal sealed class Writer : IDisposable
{
    /// <summary>Most writes of one transaction: bounds how long its first caller waits for its last.</summary>
    public const int MostWrites = 256;

    private readonly Func<Session> _open;
    private readonly Thread _thread;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _signal = new(0);
    private List<Write> _queue = [];
    private bool _closed;
    private Session? _session;

    public Writer(Func<Session> open)
    {
        _open = open;
        _thread = new Thread(Loop) { IsBackground = true, Name = "SQLite writer" };
        _thread.Start();
    }

    /// <summary>Queues a write; the task ends when the write is durable, or with what it threw, having changed nothing.</summary>
    public Task<T> WriteAsync<T>(Func<Session, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new Write<T>(work, cancellationToken);
        bool wake;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            wake = _queue.Count == 0;
            _queue.Add(write);
        }

        if (wake)
        {
            _signal.Release();
        }

        return write.Task;
    }

    private void Loop()
    {
        var batch = new List<Write>();
        while (true)
        {
            _signal.Wait();
            while (Take(ref batch))
            {
                for (var start = 0; start < batch.Count; start += MostWrites)
                {
                    Commit(batch.GetRange(start, Math.Min(MostWrites, batch.Count - start)));
                }

                batch.Clear();
            }

            if (IsDone())
            {
                _session?.Dispose();
                return;
            }
        }
    }

    private bool IsDone()
    {
        lock (_gate)
        {
            return _closed && _queue.Count == 0;
        }
    }

    private bool Take(ref List<Write> batch)
    {
        lock (_gate)
        {
            (batch, _queue) = (_queue, batch);
            return batch.Count > 0;
        }
    }

    private void Commit(List<Write> batch)
    {
        batch.RemoveAll(write => write.IsCancelled());
        if (batch.Count == 0)
        {
            return;
        }

#pragma warning disable CA1031 // Whatever goes wrong, the writer goes on, and every caller of the batch is told.
        try
        {
            // 1. Killed before BEGIN: nothing of the batch is in the file; whoever waited is gone with the process, and the rows say what is still to be done.
            var session = _session ??= _open();
            session.Run("BEGIN IMMEDIATE");

            // 2. Killed between BEGIN and COMMIT: the WAL ends without a commit frame, and the next one to open the file sees the state of 1.
            foreach (var write in batch)
            {
                Execute(session, write, alone: batch.Count == 1);
            }

            // 3. COMMIT is the one moment at which all of the batch becomes true. With synchronous=FULL it is on the disk when the call returns (power loss);
            //    with NORMAL it is with the operating system (a killed process loses nothing).
            session.Run("COMMIT");
        }
        catch (Exception exception)
        {
            // Disk full, I/O error, locked by another process: nothing of the batch is applied.
            RollBack();
            foreach (var write in batch)
            {
                write.Fail(exception);
            }

            return;
        }
#pragma warning restore CA1031

        // 4. Killed here: all is durable and nobody was told. Callers that come again find it done: unique keys, fencing tokens and positions refuse the second time.
        foreach (var write in batch)
        {
            write.Answer();
        }
    }

    /// <summary>Executes one write so that its failure undoes it alone.</summary>
    private static void Execute(Session session, Write write, bool alone)
    {
        if (!alone)
        {
            session.Run("SAVEPOINT one");
        }

        if (write.Execute(session))
        {
            if (!alone)
            {
                session.Run("RELEASE one");
            }

            return;
        }

        if (raw.sqlite3_get_autocommit(session.Connection.Handle) != 0)
        {
            // Disk full, I/O error, out of memory: SQLite has rolled the whole transaction back by itself.
            throw write.Error!;
        }

        if (alone)
        {
            // The transaction goes on empty: COMMIT of nothing costs nothing.
            session.Run("ROLLBACK");
            session.Run("BEGIN");
        }
        else
        {
            session.Run("ROLLBACK TO one");
            session.Run("RELEASE one");
        }
    }

    private void RollBack()
    {
        if (_session is not { } session)
        {
            return;
        }

        try
        {
            if (raw.sqlite3_get_autocommit(session.Connection.Handle) == 0)
            {
                session.Run("ROLLBACK");
            }
        }
        catch (SqliteException)
        {
            // The connection is beyond use: the next batch opens another one, and SQLite drops what this one left undone.
            session.Dispose();
            _session = null;
        }
    }

    /// <summary>Commits what is queued, then closes.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        _signal.Release();
        _thread.Join();
        _signal.Dispose();
    }

    private abstract class Write
    {
        public Exception? Error { get; protected set; }
        public abstract bool IsCancelled();
        public abstract bool Execute(Session session);
        public abstract void Answer();
        public abstract void Fail(Exception exception);
    }

    private sealed class Write<T>(Func<Session, T> work, CancellationToken cancellationToken) : Write
    {
        private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;

        public Task<T> Task => _source.Task;

        /// <summary>Cancelled while it waited. Once it is in a transaction it runs to its end, so that nobody is left not knowing.</summary>
        public override bool IsCancelled() => cancellationToken.IsCancellationRequested && _source.TrySetCanceled(cancellationToken);

#pragma warning disable CA1031 // Whatever a write throws is its caller's to see; the batch goes on without it.
        public override bool Execute(Session session)
        {
            try
            {
                _result = work(session);
                return true;
            }
            catch (Exception exception)
            {
                Error = exception;
                return false;
            }
        }
#pragma warning restore CA1031

        public override void Answer()
        {
            if (Error is null)
            {
                _source.TrySetResult(_result);
            }
            else
            {
                _source.TrySetException(Error);
            }
        }

        public override void Fail(Exception exception) => _source.TrySetException(Error ?? exception);
    }
}
