using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Incidents;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Running;

/// <content>What is done with one instance that is held: loaded, run to its next rest, committed, or given up with a reason.</content>
public sealed partial class Runner
{
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
