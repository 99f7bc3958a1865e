using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Definitions;
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
public sealed partial class Runner(
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
}
