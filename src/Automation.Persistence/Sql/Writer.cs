
namespace Automation.Persistence.Sql;

/// <summary>
/// Writes of a database queue up; a thread (SQLite has one writer, PostgreSQL a few) takes all that wait (up to a bound), executes each inside a savepoint,
/// commits once, and only then answers the callers. Nothing waits for a batch to fill: an idle writer commits at once, and while it commits the next batch gathers.
/// </summary>
internal sealed class Writer : IDisposable
{
    /// <summary>How often a write that lost to another one (a deadlock) is tried again, alone.</summary>
    private const int MostRetries = 5;

    /// <summary>How long writes wait for a database that is away: it restarts in that time, or somebody has to look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly SqlDatabase _database;
    private readonly int _mostWrites;
    private readonly Thread[] _threads;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly ManualResetEventSlim _closing = new();
    private readonly Queue<Write> _queue = new();
    private int _sleeping;
    private bool _closed;

    public Writer(SqlDatabase database, int threads, int mostWrites)
    {
        _database = database;
        _mostWrites = mostWrites;
        _threads = new Thread[threads];
        for (var i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Loop) { IsBackground = true, Name = "Database writer" };
            _threads[i].Start();
        }
    }

    /// <summary>Queues a write; the task ends when the write is durable, or with what it threw, having changed nothing.</summary>
    public Task<T> WriteAsync<T>(Func<Session, T> work, CancellationToken cancellationToken)
    {
        return Enqueue(new Write<T>(work, cancellationToken), cancellationToken);
    }

    private Task<T> Enqueue<T>(Write<T> write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _queue.Enqueue(write);

            // A thread that is awake looks again before it sleeps: one signal per sleeper is enough.
            if (_sleeping > 0)
            {
                _sleeping--;
                _signal.Release();
            }
        }

        return write.Task;
    }

    private void Loop()
    {
        Session? session = null;
        while (Next() is { } batch)
        {
            Commit(ref session, batch);
        }

        session?.Dispose();
    }

    /// <summary>Waits for writes; null: closed, and none are left.</summary>
    private List<Write>? Next()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_queue.Count > 0)
                {
                    // All that waits: what a commit costs is its flush, however much is in it, and while one writer flushes the next gathers.
                    var count = Math.Min(_mostWrites, _queue.Count);
                    var batch = new List<Write>(count);
                    for (; count > 0; count--)
                    {
                        batch.Add(_queue.Dequeue());
                    }

                    return batch;
                }

                if (_closed)
                {
                    return null;
                }

                _sleeping++;
            }

            _signal.Wait();
        }
    }

    /// <summary>The same for a write that may share its statements with others.</summary>
    public Task<T> WriteAsync<T>(GroupedWork<T> work, CancellationToken cancellationToken) => Enqueue(new GroupedWrite<T>(work, cancellationToken), cancellationToken);

    private void Commit(ref Session? session, List<Write> batch)
    {
        batch.RemoveAll(write => write.IsCancelled());
        if (batch.Count == 0 || Try(ref session, batch, together: _database.WritesTogether) is not { } failure)
        {
            return;
        }

        if (failure.IsAway)
        {
            if (Outlast(ref session, batch, failure) is not { } last)
            {
                return;
            }

            failure = last;
        }

        if (!failure.IsRetriable)
        {
            batch.ForEach(write => write.Fail(failure.Error));
            return;
        }

        // Two transactions waited for each other and the database ended this one: nothing of it is applied. Alone its writes hold little that another could wait for.
        foreach (var write in batch)
        {
            var again = Try(ref session, [write], together: false);
            for (var retries = 1; again is { IsRetriable: true } && retries < MostRetries; retries++)
            {
                again = Try(ref session, [write], together: false);
            }

            if (again is { IsAway: true } away)
            {
                again = Outlast(ref session, [write], away);
            }

            if (again is { } final)
            {
                write.Fail(final.Error);
            }
        }
    }

    /// <summary>
    /// The connection broke: waits until the database answers again, finds out whether the transaction was committed, and commits it anew when it was not.
    /// </summary>
    /// <returns>Why it was given up; null: it is committed, once, and its callers are answered.</returns>
    private Failure? Outlast(ref Session? session, List<Write> batch, Failure failure)
    {
        var since = Environment.TickCount64;
        for (var pause = TimeSpan.FromMilliseconds(20); failure.IsAway; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            if (TimeSpan.FromMilliseconds(Environment.TickCount64 - since) > Patience || _closing.Wait(pause))
            {
                return failure;
            }

            if (failure.Unsure is { } transaction)
            {
#pragma warning disable CA1031 // As in Try.
                try
                {
                    session ??= _database.OpenWriter();
                    switch (session.OutcomeOf(transaction))
                    {
                        case true:
                            batch.ForEach(write => write.Answer());
                            return null;
                        case null:
                            // The database has not noticed yet that its other side is gone.
                            continue;
                    }
                }
                catch (Exception exception)
                {
                    session?.Dispose();
                    session = null;
                    if (!_database.IsAway(exception))
                    {
                        return new Failure(exception, false);
                    }

                    continue;
                }
#pragma warning restore CA1031
            }

            if (Try(ref session, batch, together: false) is not { } again)
            {
                return null;
            }

            failure = again;
        }

        return failure;
    }

    /// <param name="Error">What went wrong.</param>
    /// <param name="IsRetriable">Lost to another transaction: worth trying at once, each write alone.</param>
    /// <param name="IsAway">The database is not there: worth waiting for.</param>
    /// <param name="Unsure">The transaction that may be committed: the connection broke while it was waited for.</param>
    private sealed record Failure(Exception Error, bool IsRetriable, bool IsAway = false, long? Unsure = null);

    /// <summary>Executes and commits a batch and answers its callers; a failure that concerns all of it is returned, and nothing is applied.</summary>
    private Failure? Try(ref Session? session, List<Write> batch, bool together)
    {
#pragma warning disable CA1031 // Whatever goes wrong, the writer goes on, and every caller of the batch is told.
        var isCommitting = false;
        try
        {
            // 1. Killed before BEGIN: nothing of the batch is in the database; whoever waited is gone with the process, and the rows say what is still to be done.
            session ??= _database.OpenWriter();
            session.Begin();

            // 2. Killed between BEGIN and COMMIT: the database drops what was not committed, and shows the state of 1.
            if (together)
            {
                ExecuteTogether(session, batch);
            }
            else
            {
                foreach (var write in batch)
                {
                    Execute(session, write);
                }
            }

            // 3. COMMIT is the one moment at which all of the batch becomes true. On SQLite with synchronous=FULL, and on PostgreSQL, it is on the disk when the call returns (power loss);
            //    on SQLite with NORMAL it is with the operating system (a killed process loses nothing).
            isCommitting = true;
            session.Commit();
        }
        catch (Exception exception)
        {
            // Disk full, I/O error, locked by another process: nothing of the batch is applied. The connection lost while COMMIT was on its way: the database knows.
            var away = _database.IsAway(exception);
            var spoiled = together && !away;
            var retriable = spoiled || session?.IsWorthRetrying(exception) == true;
            var unsure = away && isCommitting ? session?.Transaction : null;
            if (session is not null && !session.RollBack())
            {
                // The connection is beyond use: the next batch opens another one, and the database drops what this one left undone.
                session.Dispose();
                session = null;
            }

            if (spoiled)
            {
                // Whose fault it was is seen when each is tried alone.
                _database.Spoiled();
            }
            else
            {
                _database.Failed(exception);
            }

            return new Failure(exception, retriable, away, unsure);
        }
#pragma warning restore CA1031

        if (batch.Find(write => write.Error is not null) is { } failed)
        {
            // It undid itself, and may say that no other would fare better: a full disk lets an empty transaction commit.
            _database.Failed(failed.Error!);
        }
        else
        {
            _database.Worked();
        }

        // 4. Killed here: all is durable and nobody was told. Callers that come again find it done: unique keys, fencing tokens and positions refuse the second time.
        batch.ForEach(write => write.Answer());
        return null;
    }

    /// <summary>
    /// Executes all without a way back for each: what may share statements shares them, the others go one after the other, and what needs no answer travels with COMMIT. When anything fails, all is taken back and each is tried alone.
    /// </summary>
    private static void ExecuteTogether(Session session, List<Write> batch)
    {
        foreach (var group in batch.Where(write => write.GroupKey is not null).GroupBy(write => write.GroupKey))
        {
            group.First().ExecuteGroup(session, [.. group]);
        }

        foreach (var write in batch.Where(write => write.GroupKey is null))
        {
            write.ExecuteOpenly(session);
        }
    }

    /// <summary>Executes one write so that its failure undoes it alone.</summary>
    private static void Execute(Session session, Write write)
    {
        session.BeginPart();
        if (write.Execute(session))
        {
            return;
        }

        if (session.IsWorthRetrying(write.Error!) || !session.DropPart())
        {
            throw write.Error!;
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

        _closing.Set();
        _signal.Release(_threads.Length);
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _signal.Dispose();
        _closing.Dispose();
    }

    private abstract class Write
    {
        public Exception? Error { get; protected set; }
        public abstract bool IsCancelled();
        public abstract bool Execute(Session session);

        /// <summary>Executes it; what it throws is everybody's.</summary>
        public abstract void ExecuteOpenly(Session session);

        /// <summary>Writes of equal keys share their statements; null: alone.</summary>
        public virtual object? GroupKey => null;

        public virtual void ExecuteGroup(Session session, IReadOnlyList<Write> group) => throw new NotSupportedException();
        public abstract void Answer();
        public abstract void Fail(Exception exception);
    }

    private class Write<T>(Func<Session, T> work, CancellationToken cancellationToken) : Write
    {
        private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected T Result { get; set; } = default!;

        public Task<T> Task => _source.Task;

        /// <summary>Cancelled while it waited. Once it is in a transaction it runs to its end, so that nobody is left not knowing.</summary>
        public override bool IsCancelled() => cancellationToken.IsCancellationRequested && _source.TrySetCanceled(cancellationToken);

#pragma warning disable CA1031 // Whatever a write throws is its caller's to see; the batch goes on without it.
        public override bool Execute(Session session)
        {
            Error = null;
            try
            {
                Result = work(session);

                // What was posted fails here, when it does: it is this write's failure.
                session.KeepPart();
                return true;
            }
            catch (Exception exception)
            {
                Error = exception;
                return false;
            }
        }
#pragma warning restore CA1031

        public override void ExecuteOpenly(Session session)
        {
            Error = null;
            Result = work(session);
        }

        public override void Answer()
        {
            if (Error is null)
            {
                _source.TrySetResult(Result);
            }
            else
            {
                _source.TrySetException(Error);
            }
        }

        public override void Fail(Exception exception) => _source.TrySetException(Error ?? exception);
    }

    /// <summary>A write that may share its statements with others.</summary>
    private sealed class GroupedWrite<T>(GroupedWork<T> work, CancellationToken cancellationToken) : Write<T>(work.Write, cancellationToken)
    {
        public override object? GroupKey => work.Key;

        private GroupedWork<T> Work => work;

        public override void ExecuteGroup(Session session, IReadOnlyList<Write> group)
        {
            var writes = group.Cast<GroupedWrite<T>>().ToList();
            work.WriteGroup(session, writes.ConvertAll(write => write.Work));
            writes.ForEach(write => (write.Result, write.Error) = (write.Work.Result, write.Work.Failure));
        }
    }
}
