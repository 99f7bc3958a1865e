using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Definitions;
using Automation.Runtime.Incidents;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Runtime.Running;

/// <summary>
/// Claims runnable instances in batches and works on each until it suspends or ends: claim → plan and state → burst → commit. Rows are the truth: the queue
/// only says where to look, and an instance that this node loses in any way is found again by the sweep when its lease has run out.
/// </summary>
public sealed class Runner(
    WorkflowEngine engine,
    DefinitionService definitions,
    IRunStore runs,
    IIncidentStore incidents,
    RunCommitter committer,
    LeaseKeeper leases,
    RunQueue queue,
    IServiceScopeFactory scopes,
    Node node,
    IOptions<AutomationOptions> options,
    TimeProvider clock,
    ILogger<Runner> log) : BackgroundService
{
    /// <summary>Claims without a commit after which a run is given up: it takes its process down with it, or its commits can never succeed.</summary>
    internal const int MostAttempts = 10;

    /// <summary>Instances claimed in one transaction.</summary>
    private const int BatchSize = 64;

    /// <summary>Runnable instances looked at by one sweep.</summary>
    private const int SweepSize = 1_000;

    /// <summary>How long a run that this node cannot run is left to others.</summary>
    private static readonly TimeSpan Aside = TimeSpan.FromMinutes(1);

    /// <summary>How long a stopping node lets bursts end by themselves; a call in flight may need it.</summary>
    private static readonly TimeSpan PatienceAtStop = TimeSpan.FromSeconds(20);

    /// <summary>How long it waits for stopped bursts to free their leases.</summary>
    private static readonly TimeSpan FarewellAtStop = TimeSpan.FromSeconds(2);

    private readonly RunnerOptions settings = options.Value.Runner;
    private readonly SemaphoreSlim slots = new(options.Value.Runner.Concurrency, options.Value.Runner.Concurrency);
    private readonly SemaphoreSlim claims = new(runs.ClaimsAtOnce, runs.ClaimsAtOnce);
    private readonly Dictionary<string, DateTimeOffset> aside = new(StringComparer.Ordinal);
    private readonly Lock asideGate = new();

    /// <summary>Finds runnable instances that nobody rang for, and puts them in the queue.</summary>
    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        int left;
        lock (asideGate)
        {
            var now = clock.GetUtcNow();
            foreach (var (id, until) in aside)
            {
                if (until <= now)
                {
                    aside.Remove(id);
                }
            }

            left = aside.Count;
        }

        // What another process was working on when it ended must not wait for all that has not begun.
        var interrupted = await runs.ListInterruptedAsync(SweepSize + left, cancellationToken);
        var runnable = await runs.ListRunnableAsync(SweepSize + left, cancellationToken);
        lock (asideGate)
        {
            interrupted = interrupted.Where(id => !aside.ContainsKey(id)).ToList();
            runnable = runnable.Where(id => !aside.ContainsKey(id)).ToList();
        }

        if (interrupted.Count > 0)
        {
            queue.AddFirst(interrupted);
        }

        if (runnable.Count > 0)
        {
            queue.Add(runnable);
        }
    }

    /// <summary>Runs a new instance on the caller's thread. Its row is inserted by its first commit: before its first effect, suspension or response, or at its end.</summary>
    /// <remarks>A caller that goes away does not stop it.</remarks>
    /// <exception cref="LeaseLostException">An instance of this id exists.</exception>
    /// <exception cref="ActivationRefusedException">The definition's activation strategy lets no other run start now.</exception>
    /// <exception cref="ServerStoppingException">This node stops.</exception>
    internal async Task<WorkflowRun> StartAsync(WorkflowPlan plan, NewInstance instance, IHttpExchange? exchange)
    {
        var origin = new RunOrigin(instance.DefinitionId, instance.Start.LocationId, instance.IsSandbox, instance.Start.ParentInstanceId, instance.ParentBookmarkId);
        using var lease = leases.Hold(committer, instance.Id, new Lease(node.Id, 1), origin, instance, clock.GetTimestamp());
        var run = engine.Create(plan, instance.Start);
        if (instance.Activation is not null)
        {
            // Checkpoint: of starts at the same moment one gets its row, before anything of it is executed. A crash after it: the run is claimed and starts when the lease has run out.
            await lease.CommitAsync(run, null, false, []);
        }

        if (await BurstAsync(lease, run, null, [], exchange))
        {
            return run;
        }

        throw lease.Interruption == Interruption.Stopping
            ? new ServerStoppingException(instance.Id, lease.Insert is null)
            : new InvalidOperationException($"Run {instance.Id} was stopped in the middle: its incident says why.");
    }

    /// <summary>Works on one instance on the caller's thread. Null: somebody else holds it, or it is not runnable.</summary>
    internal async Task<WorkflowRun?> TryRunAsync(string instanceId, IHttpExchange? exchange, CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        var claimed = await runs.ClaimAsync([instanceId], node.Id, settings.LeaseDuration, 1, cancellationToken);
        return claimed.Count == 0 ? null : await RunClaimedAsync(claimed[0], since, exchange);
    }

    /// <summary>Queues a stimulus and works on its instance on the caller's thread. Null: somebody else holds the instance, and applies the stimulus when it is done.</summary>
    internal async Task<WorkflowRun?> ResumeAsync(PendingStimulus stimulus, IHttpExchange? exchange, CancellationToken cancellationToken)
    {
        // Checkpoint: the stimulus is stored with the claim. A crash after it: whoever claims the run when the lease has run out applies it.
        var since = clock.GetTimestamp();
        var claimed = await runs.StimulateAndClaimAsync(stimulus, node.Id, settings.LeaseDuration, cancellationToken);
        return claimed is null ? null : await RunClaimedAsync(claimed, since, exchange);
    }

    /// <summary>Works on instances now and returns when their bursts are over, also those that this node is working on already. Those that another node holds are left to it.</summary>
    internal async Task RunNowAsync(IReadOnlyList<string> instanceIds, CancellationToken cancellationToken)
    {
        foreach (var batch in instanceIds.Distinct().Chunk(BatchSize))
        {
            await Task.WhenAll(batch.Select(id => RunToEndAsync(id, cancellationToken)));
        }
    }

    private async Task RunToEndAsync(string instanceId, CancellationToken cancellationToken)
    {
        while (await TryRunAsync(instanceId, null, cancellationToken) is null && leases.Find(instanceId) is { } busy)
        {
            await busy.WhenEnded().WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        queue.Add([]);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await queue.WaitAsync(stoppingToken);
                if (queue.TakeLookForAny())
                {
                    await SweepAsync(stoppingToken);
                }

                while (queue.HasIds)
                {
                    await ClaimBatchAsync(stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                log.LogError(exception, "Runs could not be claimed; the next sweep tries again.");
            }
        }

        // What is being claimed becomes bursts, which the stop waits for.
        for (var i = 0; i < runs.ClaimsAtOnce; i++)
        {
            await claims.WaitAsync(CancellationToken.None);
        }
    }

    /// <summary>Stops claiming, lets the bursts in progress end, and when time is up frees their leases.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await BurstsAsync().WaitAsync(PatienceAtStop, clock, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            var left = leases.Open.ToList();
            log.LogInformation("{Count} runs are still in progress; they are stopped at their last commit, and go on when a node starts again.", left.Count);
            foreach (var lease in left)
            {
                lease.Interrupt(Interruption.Stopping);
            }

            await BurstsAsync().WaitAsync(FarewellAtStop, clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task BurstsAsync() => Task.WhenAll(leases.Open.Select(lease => lease.WhenEnded()));

    /// <summary>Takes ids for the slots that are free, and claims them; several such claims may be on their way.</summary>
    private async Task ClaimBatchAsync(CancellationToken cancellationToken)
    {
        await claims.WaitAsync(cancellationToken);
        try
        {
            await slots.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            claims.Release();
            throw;
        }

        var taken = 1;
        while (taken < BatchSize && slots.Wait(0, CancellationToken.None))
        {
            taken++;
        }

        var ids = queue.Take(taken);
        var claim = ClaimAsync(ids, taken, cancellationToken);
        if (runs.ClaimsAtOnce == 1)
        {
            await claim;
        }
    }

    private async Task ClaimAsync(IReadOnlyList<string> ids, int taken, CancellationToken cancellationToken)
    {
        try
        {
            if (ids.Count == 0)
            {
                return;
            }

            // Checkpoint: a crash after the claim leaves rows leased to nobody; they are runnable again when their leases run out.
            var since = clock.GetTimestamp();
            foreach (var claimed in await runs.ClaimAsync(ids, node.Id, settings.LeaseDuration, ids.Count, cancellationToken))
            {
                taken--;
                _ = Task.Run(() => RunInSlotAsync(claimed, since), CancellationToken.None);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError(exception, "Runs could not be claimed; the next sweep tries again.");
        }
        catch (OperationCanceledException)
        {
            // Stopping: nothing was claimed.
        }
        finally
        {
            if (taken > 0)
            {
                slots.Release(taken);
            }

            claims.Release();
        }
    }

    private async Task RunInSlotAsync(ClaimedInstance claimed, long since)
    {
        try
        {
            await RunClaimedAsync(claimed, since, null);
        }
        catch (Exception)
        {
            // Logged where it happened; the row stays leased until its lease runs out, which is the pause before the next try.
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Loads a claimed instance and works on it. Null: it was not run to a commit, for a reason that is logged.</summary>
    private async Task<WorkflowRun?> RunClaimedAsync(ClaimedInstance claimed, long since, IHttpExchange? exchange)
    {
        var instance = claimed.Instance;
        var origin = new RunOrigin(instance.DefinitionId, instance.LocationId, instance.IsSandbox, instance.ParentInstanceId, claimed.ParentBookmarkId);
        using var lease = leases.Hold(committer, instance.Id, claimed.Lease, origin, null, since);
        try
        {
            if (claimed.Attempts > MostAttempts)
            {
                await GiveUpAsync(lease, claimed.State, claimed.Stimuli, "given-up", $"The run was started {claimed.Attempts - 1} times without getting to a commit: its process ended in the middle, or its result could not be stored.", null);
                return null;
            }

            if (await definitions.GetPlanAsync(instance.VersionId, CancellationToken.None) is not { } plan)
            {
                if (CancelRequest.IsIn(claimed.Stimuli))
                {
                    await committer.EndAsync(lease, WorkflowSubStatus.Cancelled, claimed.State ?? [], await BookmarksOfAsync(lease), IdsOf(claimed.Stimuli), null);
                    return null;
                }

                await SetAsideAsync(lease, "definition-missing", $"Version {instance.Version} of the workflow '{instance.DefinitionName ?? instance.DefinitionId}' is not there, so this run cannot go on.", "Import the workflow again with this version, or cancel the run.");
                return null;
            }

            if (Load(plan, claimed) is not { } run)
            {
                await SetAsideAsync(lease, "state-format", $"The state of this run was written by a newer version; this program reads formats up to {WorkflowEngine.StateFormat}.", "Let a node of the newer version finish this run, or upgrade this one.");
                return null;
            }

            return await BurstAsync(lease, run, claimed.State, claimed.Stimuli, exchange) ? run : null;
        }
        catch (InvalidDataException exception)
        {
            log.LogError(exception, "Run {InstanceId}: its state cannot be read.", instance.Id);
            await GiveUpAsync(lease, claimed.State, claimed.Stimuli, "state-unreadable", "The stored state of this run cannot be read, so it cannot go on.", exception.Message);
            return null;
        }
        catch (LeaseLostException)
        {
            log.LogWarning("Run {InstanceId}: the burst was stopped because its lease was lost; nothing more of it was sent or committed.", instance.Id);
            return null;
        }
        catch (Exception exception)
        {
            log.LogError(exception, "Run {InstanceId}: the burst could not be stored; it is tried again when its lease has run out.", instance.Id);
            throw;
        }
    }

    /// <summary>One burst and its commit. False: it was cut off, by a bug of the engine (the run has its incident) or because the node stops (the lease is freed).</summary>
    private async Task<bool> BurstAsync(RunLease lease, WorkflowRun run, byte[]? state, IReadOnlyList<Stimulus> stimuli, IHttpExchange? exchange)
    {
        run.Host = lease;
        run.HttpExchange = exchange;
        var started = clock.GetTimestamp();
        using var span = Telemetry.Source.StartActivity("run");
        span?.SetTag("automation.run.id", run.InstanceId).SetTag("automation.definition.id", run.Plan.Definition.DefinitionId).SetTag("automation.definition.version", run.Plan.Definition.Version);
        try
        {
            if (CancelRequest.IsIn(stimuli))
            {
                engine.Cancel(run);
            }
            else
            {
                VariablesRequest.Apply(run, stimuli);
                if (!await RunAsync(lease, run, stimuli))
                {
                    return false;
                }
            }
        }
        catch (Exception exception) when (exception is not LeaseLostException && lease.Interruption != Interruption.Lost)
        {
            log.LogError(exception, "Run {InstanceId}: the engine failed. This is a bug of the program.", run.InstanceId);
            await GiveUpAsync(lease, state, stimuli, "internal-error", "The engine failed while it worked on this run. This is a bug of the program, not of the flow.", exception.GetType().Name);
            return false;
        }

        // A run that had not started took none of its stimuli: they stay queued for its next burst.
        var taken = state is null && run.Status == WorkflowStatus.Running ? [] : IdsOf(stimuli);

        // Final checkpoint: all of the burst, the taken stimuli and the end of the lease in one transaction. A crash before it repeats the burst from its
        // last commit (effects answer from their ledger); a crash after it repeats nothing.
        var waiting = await lease.CommitAsync(run, null, true, taken);
        Telemetry.Burst(span, clock.GetElapsedTime(started), run.Plan.Definition.DefinitionId, run.SubStatus.ToString());
        if (waiting)
        {
            queue.Add([run.InstanceId]);
        }

        return true;
    }

    /// <summary>Runs the engine. False: the node stops, and the lease was freed.</summary>
    private async Task<bool> RunAsync(RunLease lease, WorkflowRun run, IReadOnlyList<Stimulus> stimuli)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            await engine.RunAsync(run, stimuli, scope.ServiceProvider, lease.Burst);
        }
        catch (OperationCanceledException) when (lease.Burst.IsCancellationRequested)
        {
        }

        if (!lease.Burst.IsCancellationRequested || run.Status == WorkflowStatus.Finished)
        {
            return true;
        }

        switch (lease.Interruption)
        {
            case Interruption.Cancelled:
                engine.Cancel(run);
                return true;
            case Interruption.Stopping when lease.Insert is null:
                await runs.ReleaseAsync(lease.InstanceId, lease.Lease, CancellationToken.None);
                return false;
            case Interruption.Stopping:
                return false;
            default:
                throw new LeaseLostException(lease.InstanceId);
        }
    }

    /// <summary>The run of a claimed instance; null: its state was written by a newer program.</summary>
    private WorkflowRun? Load(WorkflowPlan plan, ClaimedInstance claimed)
    {
        try
        {
            return claimed.State is { } state
                ? engine.Load(plan, state)
                : engine.Create(plan, claimed.Start ?? throw new InvalidDataException("The instance has neither a state nor a start."));
        }
        catch (StateFormatException)
        {
            return null;
        }
    }

    /// <summary>Ends a run that cannot go on, with an incident. What was committed last is kept; from there it can be replayed.</summary>
    private async Task GiveUpAsync(RunLease lease, byte[]? state, IReadOnlyList<Stimulus> stimuli, string code, string message, string? detail)
    {
        var kept = lease.CommittedState ?? state ?? [];
        var incident = IncidentRecords.OfRuntime(lease.InstanceId, lease.Origin, code, message, detail, "See the server's log, and replay the run when the cause is gone.", clock.GetUtcNow());
        await committer.EndAsync(lease, WorkflowSubStatus.Faulted, kept, await BookmarksOfAsync(lease), IdsOf(stimuli), incident);
    }

    private async Task<IReadOnlyList<string>> BookmarksOfAsync(RunLease lease) =>
        lease.Insert is null ? (await runs.ListBookmarksAsync(lease.InstanceId, CancellationToken.None)).Select(bookmark => bookmark.Bookmark.Id).ToList() : [];

    private static List<string> IdsOf(IReadOnlyList<Stimulus> stimuli) => stimuli.Select(stimulus => stimulus.Id).ToList();

    /// <summary>Leaves a run that this node cannot run as it is, with one incident, and looks at it again later.</summary>
    private async Task SetAsideAsync(RunLease lease, string code, string message, string action)
    {
        log.LogWarning("Run {InstanceId}: {Message}", lease.InstanceId, message);
        lock (asideGate)
        {
            aside[lease.InstanceId] = clock.GetUtcNow() + Aside;
        }

        await incidents.AddAsync([IncidentRecords.OfRuntime(lease.InstanceId, lease.Origin, code, message, null, action, clock.GetUtcNow())], CancellationToken.None);
        await runs.ReleaseAsync(lease.InstanceId, lease.Lease, CancellationToken.None);
    }
}
