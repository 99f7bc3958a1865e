using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Definitions;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>Starts, resumes, cancels and replays runs for the API and for HTTP endpoints.</summary>
public sealed partial class RunService(
    WorkflowEngine engine,
    Runner runner,
    LeaseKeeper leases,
    EventRouter events,
    DefinitionService definitions,
    IDefinitionStore versions,
    IRunStore runs,
    IEffectStore effects,
    HeldEvents held,
    IIncidentStore incidents,
    IDoorbell doorbell,
    Node node,
    TimeProvider clock)
{
    /// <summary>Children looked at per page when a run is cancelled.</summary>
    private const int PageSize = 100;

    /// <summary>Levels of executed children that run on the caller's thread; deeper ones go on by themselves.</summary>
    private const int DeepestExecution = 16;

    /// <summary>How long a caller waits for a run that another worker is about to go on with.</summary>
    private static readonly TimeSpan HandOver = TimeSpan.FromSeconds(5);

    /// <summary>Starts a run and works on the caller's thread until it suspends or ends; its state is committed before this returns.</summary>
    /// <remarks>A caller that goes away does not stop the run.</remarks>
    /// <exception cref="KeyNotFoundException">No such version.</exception>
    /// <exception cref="InstanceExistsException">The wanted instance id is taken.</exception>
    /// <exception cref="ActivationRefusedException">The definition's activation strategy lets no other run start now.</exception>
    public async Task<WorkflowRun> ExecuteAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var instance = await NewInstanceAsync(request, cancellationToken);
        var plan = await definitions.GetPlanAsync(instance.VersionId, cancellationToken) ?? throw NoVersion(request);
        var (mayStart, key) = await Activation.CheckAsync(runs, plan.Definition.Options, instance.DefinitionId, request.CorrelationId, cancellationToken);
        if (!mayStart)
        {
            throw new ActivationRefusedException(instance.DefinitionId);
        }

        instance = instance with { Activation = key };

        try
        {
            var run = await runner.StartAsync(plan, instance, request.HttpExchange);
            return await WithChildrenAsync(run, request.HttpExchange, cancellationToken);
        }
        catch (LeaseLostException) when (request.InstanceId is not null)
        {
            // An id of the caller's choice: the insert of its row failed, so nothing was sent or stored. (The lease of a row of our own cannot be lost this way.)
            throw new InstanceExistsException(request.InstanceId);
        }
    }

    /// <summary>Queues a run and rings for it; returns its instance id at once.</summary>
    /// <exception cref="KeyNotFoundException">No such version.</exception>
    /// <exception cref="ActivationRefusedException">The definition's activation strategy lets no other run start now.</exception>
    public async Task<string> DispatchAsync(StartRequest request, CancellationToken cancellationToken) =>
        await DispatchAsync(request, 1, cancellationToken) is [var id] ? id : throw new ActivationRefusedException(request.DefinitionId);

    /// <summary>Queues several runs of one definition in one transaction and rings for them; returns the instance ids of those that its activation strategy lets start.</summary>
    /// <exception cref="KeyNotFoundException">No such version.</exception>
    public async Task<IReadOnlyList<string>> DispatchAsync(StartRequest request, int count, CancellationToken cancellationToken)
    {
        var first = await NewInstanceAsync(request, cancellationToken);
        var version = await versions.FindVersionAsync(first.VersionId, cancellationToken) ?? throw NoVersion(request);
        var (mayStart, key) = await Activation.CheckAsync(runs, version, request.CorrelationId, cancellationToken);
        if (!mayStart)
        {
            return [];
        }

        first = first with { Activation = key };
        var instances = Enumerable.Range(0, count).Select(number => number == 0 ? first : WithId(first, Ids.New(clock))).ToList();
        var refused = await runs.EnqueueAsync(instances, [], cancellationToken);
        List<string> started = [.. instances.Select(instance => instance.Id).Where(id => !refused.Contains(id))];
        doorbell.RingRuns(started);
        return started;
    }

    /// <summary>Resumes one bookmark on the caller's thread if nobody else holds the instance, else queues the stimulus. Null: it was queued.</summary>
    /// <exception cref="KeyNotFoundException">No run waits on this bookmark.</exception>
    public async Task<WorkflowRun?> ResumeAsync(string bookmarkId, JToken? input, IHttpExchange? exchange, CancellationToken cancellationToken)
    {
        var waiting = await runs.FindBookmarkAsync(bookmarkId, cancellationToken)
            ?? throw new KeyNotFoundException($"No run waits on the bookmark '{bookmarkId}': it was resumed already, or its run has ended.");

        var run = await runner.ResumeAsync(new PendingStimulus(waiting.InstanceId, new Stimulus(Ids.New(clock), bookmarkId, input)), exchange, cancellationToken);
        if (run is null)
        {
            doorbell.RingRuns([waiting.InstanceId]);
            return null;
        }

        return await WithChildrenAsync(run, exchange, cancellationToken);
    }

    /// <summary>Sends an event: starts the flows that listen, resumes the runs that wait. Where there are none it is kept for a while, for a run that comes to wait. Synchronously: returns when their bursts are over.</summary>
    /// <returns>Ids of the instances started or resumed.</returns>
    public async Task<IReadOnlyList<string>> PublishEventAsync(string name, string? correlationId, string? instanceId, string? activityInstanceId, JToken? input, bool synchronously, CancellationToken cancellationToken)
    {
        var address = new EventAddress(name, correlationId, instanceId, activityInstanceId, input);
        var targets = await events.RouteAsync(address, cancellationToken);
        if (targets.InstanceIds.Count == 0)
        {
            await held.HoldAsync(address.Held(clock.GetUtcNow()), cancellationToken);
            return [];
        }

        if (await runs.EnqueueAsync(targets.Instances, targets.Stimuli, cancellationToken) is { Count: > 0 } refused)
        {
            targets = targets with { Instances = [.. targets.Instances.Where(instance => !refused.Contains(instance.Id))] };
        }

        if (synchronously)
        {
            await runner.RunNowAsync(targets.InstanceIds, cancellationToken);
            foreach (var id in targets.InstanceIds)
            {
                await RunChildrenAsync(id, null, 0, cancellationToken);
            }
        }
        else
        {
            doorbell.RingRuns(targets.InstanceIds);
        }

        return targets.InstanceIds;
    }

    /// <summary>Gives variables of a run new values, by id or name. False: there is no such run, or it has finished.</summary>
    /// <exception cref="KeyNotFoundException">The run has no such variable now.</exception>
    /// <exception cref="FaultException">A value does not fit its variable's type.</exception>
    public async Task<bool> SetVariablesAsync(string instanceId, JObject values, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(instanceId, cancellationToken) is not { Status: WorkflowStatus.Running } instance)
        {
            return false;
        }

        if (await runs.GetStateAsync(instanceId, cancellationToken) is { Length: > 0 } state && await definitions.GetPlanAsync(instance.VersionId, cancellationToken) is { } plan)
        {
            // Tried on a copy: what cannot be applied is refused now, and not found out in the burst.
            var copy = engine.Load(plan, state);
            if (copy.SetVariables(values) is [var unknown, ..])
            {
                throw new KeyNotFoundException($"The run has no variable '{unknown}'. It has: {string.Join(", ", copy.Variables.Select(variable => variable.Name))}.");
            }
        }

        await runs.EnqueueAsync([], [VariablesRequest.For(instanceId, values, clock)], cancellationToken);
        await runner.RunNowAsync([instanceId], cancellationToken);
        return true;
    }

    /// <summary>Cancels a run and its children. False: there is no such run, or it has finished.</summary>
    public async Task<bool> CancelAsync(string instanceId, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(instanceId, cancellationToken) is not { Status: WorkflowStatus.Running })
        {
            return false;
        }

        // The parent first, so that it starts no more children while theirs are looked for.
        await runs.EnqueueAsync([], [CancelRequest.For(instanceId)], cancellationToken);
        leases.Find(instanceId)?.Interrupt(Interruption.Cancelled);
        await runner.RunNowAsync([instanceId], cancellationToken);
        for (var page = 0; ; page++)
        {
            var children = await runs.ListAsync(new RunFilter { ParentInstanceId = instanceId, OrderBy = "Created", Descending = false, Page = page, PageSize = PageSize }, cancellationToken);
            foreach (var child in children.Items.Where(child => child.Status == WorkflowStatus.Running))
            {
                await CancelAsync(child.Id, cancellationToken);
            }

            if (children.Items.Count < PageSize)
            {
                return true;
            }
        }
    }

    /// <summary>A run that waits for children which it executes is not answered for yet: they run now, and then the run itself, as far as that goes.</summary>
    private async Task<WorkflowRun> WithChildrenAsync(WorkflowRun run, IHttpExchange? exchange, CancellationToken cancellationToken) =>
        run.Bookmarks.Any(IsExecution)
        && await RunChildrenAsync(run.InstanceId, exchange, 0, cancellationToken)
        && await runs.GetStateAsync(run.InstanceId, cancellationToken) is { Length: > 0 } state
            ? engine.Load(run.Plan, state)
            : run;

    /// <summary>True: the run itself has gone on. Others may have claimed a run a moment before and not begun with it: those are waited for.</summary>
    private async Task<bool> RunChildrenAsync(string instanceId, IHttpExchange? exchange, int depth, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var hasGoneOn = false;
        while (depth < DeepestExecution && await ExecutedAsync() is { Count: > 0 } children)
        {
            await runner.RunNowAsync(children, cancellationToken);
            var states = await StatesAsync(children);
            if (!states.Exists(IsAtWork))
            {
                foreach (var waiting in states.Where(child => child.Status == WorkflowStatus.Running))
                {
                    await RunChildrenAsync(waiting.Id, null, depth + 1, cancellationToken);
                }

                if (exchange is null || await runner.TryRunAsync(instanceId, exchange, cancellationToken) is null)
                {
                    await runner.RunNowAsync([instanceId], cancellationToken);
                }

                if (!(await ExecutedAsync()).SequenceEqual(children))
                {
                    hasGoneOn = true;
                    continue;
                }

                states = await StatesAsync(children);
            }

            // Children that wait for something else leave their parent waiting.
            if (states.TrueForAll(child => child.SubStatus == WorkflowSubStatus.Suspended) || clock.GetElapsedTime(started) > HandOver)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), clock, cancellationToken);
        }

        return hasGoneOn;

        async Task<List<string>> ExecutedAsync() =>
            [.. (await runs.ListBookmarksAsync(instanceId, cancellationToken)).Select(waiting => waiting.Bookmark).Where(IsExecution).Select(bookmark => bookmark.Key!).Order(StringComparer.Ordinal)];

        async Task<List<InstanceRecord>> StatesAsync(List<string> ids) =>
            [.. (await runs.ListAsync(new RunFilter { Ids = ids, PageSize = ids.Count }, cancellationToken)).Items];

        static bool IsAtWork(InstanceRecord child) => child.SubStatus is WorkflowSubStatus.Pending or WorkflowSubStatus.Executing;
    }

    private static bool IsExecution(Bookmark bookmark) => bookmark is { Name: "Elsa.ExecuteWorkflow", Key: not null };

    private static NewInstance WithId(NewInstance instance, string id) => instance with { Id = id, Start = instance.Start with { InstanceId = id, Lineage = id } };

    private async Task<NewInstance> NewInstanceAsync(StartRequest request, CancellationToken cancellationToken)
    {
        var version = await FindVersionAsync(request, cancellationToken);
        var id = request.InstanceId ?? Ids.New(clock);
        return new NewInstance
        {
            Id = id,
            DefinitionId = version.DefinitionId,
            VersionId = version.Id,
            Version = version.Version,
            DefinitionName = version.Name,
            Start = new RunStart
            {
                InstanceId = id,
                Lineage = id,
                CorrelationId = request.CorrelationId,
                Name = request.Name,
                LocationId = request.LocationId,
                Input = request.Input,
                Variables = request.Variables,
                TriggerActivityId = request.TriggerActivityId,
                OnlyNodeId = request.OnlyNodeId,
                TriggerPayload = request.TriggerPayload,
                IsDryRun = request.IsDryRun,
            },
            TriggerId = request.TriggerId,
            StartedBy = request.StartedBy,
            CreatedAt = clock.GetUtcNow(),
        };
    }

    /// <summary>The version to start. One that is known by its id comes from the plan cache: an HTTP endpoint reads nothing before it runs.</summary>
    private async Task<(string Id, string DefinitionId, int Version, string? Name)> FindVersionAsync(StartRequest request, CancellationToken cancellationToken)
    {
        if (request.VersionId is { } id)
        {
            var definition = (await definitions.GetPlanAsync(id, cancellationToken) ?? throw NoVersion(request)).Definition;
            return (id, definition.DefinitionId, definition.Version, definition.Name);
        }

        var version = await versions.FindAsync(request.DefinitionId, request.Version, cancellationToken) ?? throw NoVersion(request);
        return (version.Id, version.DefinitionId, version.Version, version.Name);
    }

    private static KeyNotFoundException NoVersion(StartRequest request) =>
        new($"The workflow '{request.DefinitionId}' has no version that fits ({request.VersionId ?? request.Version.Number?.ToString() ?? request.Version.Kind}).");
}
