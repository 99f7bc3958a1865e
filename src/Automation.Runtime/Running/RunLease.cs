using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Running;

/// <summary>Why a burst is stopped between two activities.</summary>
internal enum Interruption
{
    None,

    /// <summary>A person cancelled the run: what was done is committed, the rest is dropped.</summary>
    Cancelled,

    /// <summary>The node stops: the lease is freed, another burst goes on from the last commit.</summary>
    Stopping,

    /// <summary>The lease is gone, or a commit failed: nothing more is sent or committed.</summary>
    Lost,
}

/// <summary>What a burst's commits need to know of its instance beside the run itself.</summary>
internal sealed record RunOrigin(string DefinitionId, string? LocationId, bool IsSandbox, string? ParentInstanceId, string? ParentBookmarkId);

/// <summary>
/// The durable side of a burst: a fencing token and a deadline. The database's clock judges who owns the row; the deadline is this process's own, monotonic and
/// earlier by a margin, so that a paused or cut-off node stops sending before anybody else may start.
/// </summary>
public sealed class RunLease : IRunHost, IDisposable
{
    /// <summary>Sending stops this long before the lease may pass to another.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly LeaseKeeper keeper;
    private readonly RunCommitter committer;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource lost;
    private readonly CancellationTokenSource burst;
    private readonly Lock gate = new();
    private TaskCompletionSource? ended;
    private long deadline;
    private Interruption interruption;
    private bool disposed;

    internal RunLease(LeaseKeeper keeper, RunCommitter committer, string instanceId, Lease lease, RunOrigin origin, NewInstance? insert, long since, TimeSpan duration, TimeProvider clock)
    {
        this.keeper = keeper;
        this.committer = committer;
        this.clock = clock;
        Duration = duration;
        InstanceId = instanceId;
        Lease = lease;
        Origin = origin;
        Insert = insert;
        lost = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        burst = CancellationTokenSource.CreateLinkedTokenSource(lost.Token);
        Extend(since);
    }

    public string InstanceId { get; }

    /// <summary>Owner and fencing token.</summary>
    public Lease Lease { get; }

    /// <summary>Cancelled when the lease is gone: cuts off a call in flight.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>How long it lasts from a claim, renewal or commit on.</summary>
    internal TimeSpan Duration { get; }

    internal RunOrigin Origin { get; }

    /// <summary>Set until the first commit of a run that has no row yet.</summary>
    internal NewInstance? Insert { get; set; }

    /// <summary>Stops the burst between two activities.</summary>
    internal CancellationToken Burst => burst.Token;

    internal Interruption Interruption
    {
        get
        {
            lock (gate)
            {
                return lost.IsCancellationRequested ? Interruption.Lost : interruption;
            }
        }
    }

    /// <summary>The state as last committed in this burst; null: not yet.</summary>
    internal byte[]? CommittedState { get; set; }

    /// <summary>Effects whose outcome became unknown in this burst, by the activity instance that faults because of it: the run's incident is the effect's.</summary>
    internal Dictionary<string, EffectRecord> UnknownEffects { get; } = new(StringComparer.Ordinal);

    /// <summary>Checked before every send.</summary>
    /// <exception cref="LeaseLostException">The deadline has passed, or a renewal or commit failed.</exception>
    public void EnsureHeld()
    {
        if (!lost.IsCancellationRequested && clock.GetTimestamp() < Interlocked.Read(ref deadline))
        {
            return;
        }

        Lose();
        throw new LeaseLostException(InstanceId);
    }

    /// <inheritdoc />
    public async ValueTask CheckpointAsync(WorkflowRun run, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await CommitAsync(run, null, false, []);
    }

    /// <summary>Commits what the run did since its last commit; see <see cref="RunCommitter"/>. Is not cancelled: a commit that was begun is waited for.</summary>
    /// <returns>Whether stimuli are waiting.</returns>
    internal async ValueTask<bool> CommitAsync(WorkflowRun run, EffectRecord? intent, bool release, IReadOnlyList<string> stimuliDone)
    {
        // A burst whose commit failed has drained its changes already: what it would commit now had a hole.
        if (Interruption == Interruption.Lost)
        {
            throw new LeaseLostException(InstanceId);
        }

        var since = clock.GetTimestamp();
        bool waiting;
        try
        {
            waiting = await committer.CommitAsync(this, run, intent, release, stimuliDone);
            if (!release)
            {
                Extend(since);
            }
        }
        catch
        {
            Lose();
            throw;
        }

        // The run is stored before anybody hears of it; a crash here leaves a caller without an answer, who asks again.
        await run.SendReplyAsync();
        return waiting;
    }

    /// <summary>The lease was renewed by a request that began at a timestamp.</summary>
    internal void Extend(long since)
    {
        var remaining = Duration - Margin - clock.GetElapsedTime(since);
        if (remaining <= TimeSpan.Zero)
        {
            Lose();
            return;
        }

        Interlocked.Exchange(ref deadline, since + (long)((Duration - Margin).TotalSeconds * clock.TimestampFrequency));
        lock (gate)
        {
            if (!disposed)
            {
                lost.CancelAfter(remaining);
            }
        }
    }

    /// <summary>Nothing more is sent or committed.</summary>
    internal void Lose() => Cancel(lost);

    /// <summary>Asks the burst to stop between two activities. The first reason counts.</summary>
    internal void Interrupt(Interruption reason)
    {
        lock (gate)
        {
            if (interruption != Interruption.None)
            {
                return;
            }

            interruption = reason;
        }

        Cancel(burst);
    }

    /// <summary>Ends when the burst is over.</summary>
    internal Task WhenEnded()
    {
        lock (gate)
        {
            if (disposed)
            {
                return Task.CompletedTask;
            }

            return (ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
        }

        keeper.Close(this);
        burst.Dispose();
        lost.Dispose();
        ended?.TrySetResult();
    }

    private void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The burst ended in this moment: there is nothing left to stop.
        }
    }
}
