using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Running;

/// <content>Runs that go again: replays, and incidents that a person has settled.</content>
public sealed partial class RunService
{
    /// <summary>Runs again: from the start or from the failed activity; effects already done are not done again.</summary>
    /// <returns>Id of the new run.</returns>
    /// <exception cref="KeyNotFoundException">No such run, or its version is gone.</exception>
    /// <exception cref="InvalidOperationException">The run has not finished, or from the failed activity: it did not fault.</exception>
    public Task<string> ReplayAsync(string instanceId, bool fromFailed, CancellationToken cancellationToken) =>
        ReplayAsync(instanceId, Ids.New(clock), fromFailed, cancellationToken);

    /// <summary>Settles an incident: <c>resolve</c> closes it; for an unknown outcome <c>happened</c> records it as done, <c>notHappened</c> allows it to be sent again; both retry the run.</summary>
    /// <returns>False: there is no such incident.</returns>
    /// <exception cref="InvalidOperationException">The resolution does not fit the incident; the message says what does.</exception>
    public async Task<bool> ResolveIncidentAsync(string incidentId, string resolution, CancellationToken cancellationToken)
    {
        if (await incidents.FindAsync(incidentId, cancellationToken) is not { } incident)
        {
            return false;
        }

        if (incident.ResolvedAt is not null)
        {
            return true;
        }

        switch (resolution)
        {
            case "resolve":
                break;
            case "happened" or "notHappened":
                await SettleAsync(incident, resolution == "happened", cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"'{resolution}' is no resolution: 'resolve' closes an incident; 'happened' and 'notHappened' settle a write whose outcome is unknown.");
        }

        await incidents.ResolveAsync(incidentId, resolution, clock.GetUtcNow(), cancellationToken);
        return true;
    }

    private async Task SettleAsync(IncidentRecord incident, bool happened, CancellationToken cancellationToken)
    {
        if (incident.EffectKey is not { } key || await effects.FindAsync(key, cancellationToken) is not { } effect)
        {
            throw new InvalidOperationException("This incident is not about a write whose outcome is unknown; 'resolve' closes it.");
        }

        // Checkpoint 1: a crash here leaves the effect settled and the incident open; settling it again goes on below.
        if (effect.Status == "unknown")
        {
            var settled = happened
                ? effect with { Status = "done", Response = new ConnectorResponse { Status = 200 }, OutcomeAt = clock.GetUtcNow() }
                : effect with { Status = "abandoned", OutcomeAt = clock.GetUtcNow() };
            await effects.CompleteAsync(settled, null, null, cancellationToken);
        }

        // Checkpoint 2: the replay's id follows from the incident, so that settling it twice starts one run.
        if (incident.InstanceId is { } id && await runs.FindAsync(id, cancellationToken) is { SubStatus: WorkflowSubStatus.Faulted })
        {
            var replay = Bookmark.HashOf("replay", incident.Id);
            if (await runs.FindAsync(replay, cancellationToken) is null)
            {
                await ReplayAsync(id, replay, true, cancellationToken);
            }
        }
    }

    private async Task<string> ReplayAsync(string instanceId, string newId, bool fromFailed, CancellationToken cancellationToken)
    {
        var old = await runs.FindAsync(instanceId, cancellationToken) ?? throw new KeyNotFoundException($"There is no run '{instanceId}'.");
        if (old.Status != WorkflowStatus.Finished)
        {
            throw new InvalidOperationException($"Run {instanceId} has not finished. Cancel it first, or wait for its end.");
        }

        if (old.StartedBy == RunTransfer.StartedBy)
        {
            throw new InvalidOperationException($"Run {instanceId} is the record of a run of another installation: what it wrote is not known here, so it is not run again.");
        }

        if (fromFailed && old.SubStatus != WorkflowSubStatus.Faulted)
        {
            throw new InvalidOperationException($"Run {instanceId} did not fault, so there is no failed activity to start from. Replay it from the start.");
        }

        var start = await runs.GetStartAsync(instanceId, cancellationToken);
        var instance = new NewInstance
        {
            Id = newId,
            DefinitionId = old.DefinitionId,
            VersionId = old.VersionId,
            Version = old.Version,
            DefinitionName = old.DefinitionName,

            // The lineage is kept: the effects of the old run are this run's too, and are not done again.
            Start = (start ?? new RunStart { InstanceId = newId, CorrelationId = old.CorrelationId, LocationId = old.LocationId }) with
            {
                InstanceId = newId,
                Lineage = old.Lineage ?? start?.Lineage ?? instanceId,
                ParentInstanceId = null,
            },
            TriggerId = old.TriggerId,
            StartedBy = "replay",
            Subjects = old.Subjects,
            IsSandbox = old.IsSandbox,
            CreatedAt = clock.GetUtcNow(),
        };
        if (fromFailed && await runs.GetStateAsync(instanceId, cancellationToken) is { Length: > 0 } state)
        {
            var plan = await definitions.GetPlanAsync(old.VersionId, cancellationToken)
                ?? throw new KeyNotFoundException($"Version {old.Version} of the workflow '{old.DefinitionName ?? old.DefinitionId}' is not there any more, so run {instanceId} cannot be replayed from its failed activity.");
            var run = engine.Replay(plan, state, newId);
            await runs.CommitAsync(
                new RunCommit
                {
                    InstanceId = newId,
                    Lease = new Lease(node.Id, 1),
                    Insert = instance,
                    Status = WorkflowStatus.Running,
                    SubStatus = WorkflowSubStatus.Pending,
                    CorrelationId = run.CorrelationId,
                    Name = run.Name,
                    State = run.SaveState(),
                    Changes = run.DrainChanges(),
                    Release = true,
                    At = clock.GetUtcNow(),
                },
                cancellationToken);
        }
        else
        {
            await runs.EnqueueAsync([instance], [], cancellationToken);
        }

        doorbell.RingRuns([newId]);
        return newId;
    }
}
