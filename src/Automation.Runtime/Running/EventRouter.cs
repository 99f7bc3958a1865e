using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>Where an event goes: the bookmarks that it resumes, and the flows that it starts. Filters are exact.</summary>
/// <param name="Name">The event's name.</param>
/// <param name="CorrelationId">Only runs of this correlation id; started runs get it.</param>
/// <param name="InstanceId">Only this instance; nothing is started.</param>
/// <param name="ActivityInstanceId">Only this execution of an activity; nothing is started.</param>
/// <param name="Payload">What it brings.</param>
public sealed record EventAddress(string Name, string? CorrelationId, string? InstanceId, string? ActivityInstanceId, JToken? Payload)
{
    /// <summary>The event as it is kept when nobody takes it.</summary>
    internal HeldEvent Held(DateTimeOffset now) => new(Bookmark.HashOf(EventRouter.BookmarkName, Name), InstanceId, CorrelationId, ActivityInstanceId, Payload, now + HeldEvents.Life);
}

/// <summary>What an event comes to: committed together.</summary>
public sealed record EventTargets(IReadOnlyList<NewInstance> Instances, IReadOnlyList<PendingStimulus> Stimuli)
{

    /// <summary>Ids of the instances started or resumed.</summary>
    public IReadOnlyList<string> InstanceIds => [.. Instances.Select(instance => instance.Id), .. Stimuli.Select(stimulus => stimulus.InstanceId).Distinct()];
}

/// <summary>Finds who waits for an event, and which published triggers listen to it.</summary>
public sealed class EventRouter(IRunStore runs, IPollStore triggers, IDefinitionStore definitions, TimeProvider clock)
{
    /// <summary>Name of the bookmark and trigger of the activity <c>Elsa.Event</c>; its key is the event's name.</summary>
    public const string BookmarkName = "Elsa.Event";

    /// <summary>Finds the targets of an event. Nothing is written.</summary>
    public async Task<EventTargets> RouteAsync(EventAddress address, CancellationToken cancellationToken)
    {
        var hash = Bookmark.HashOf(BookmarkName, address.Name);
        var stimuli = new List<PendingStimulus>();
        foreach (var waiting in await runs.FindBookmarksAsync(hash, cancellationToken))
        {
            if ((address.InstanceId is null || address.InstanceId == waiting.InstanceId)
                && (address.CorrelationId is null || address.CorrelationId == waiting.CorrelationId)
                && (address.ActivityInstanceId is null || address.ActivityInstanceId == waiting.Bookmark.ActivityInstanceId))
            {
                stimuli.Add(new PendingStimulus(waiting.InstanceId, new Stimulus(Ids.New(clock), waiting.Bookmark.Id, address.Payload)));
            }
        }

        var instances = new List<NewInstance>();
        if (address.InstanceId is null && address.ActivityInstanceId is null)
        {
            foreach (var trigger in await triggers.FindListeningAsync([hash], cancellationToken))
            {
                if (!trigger.IsPaused && await StartByTriggerAsync(definitions, runs, clock, trigger, "event", address.CorrelationId, address.Payload, cancellationToken) is { MayStart: true } start)
                {
                    instances.Add(start.Instance);
                }
            }
        }

        return new EventTargets(instances, stimuli);
    }

    /// <summary>A pending instance of a trigger's flow, and whether the flow's activation strategy lets it start; null: its version is gone.</summary>
    internal static async Task<(NewInstance Instance, bool MayStart)?> StartByTriggerAsync(IDefinitionStore definitions, IRunStore runs, TimeProvider clock, TriggerRecord trigger, string startedBy, string? correlationId, JToken? payload, CancellationToken cancellationToken)
    {
        if (await definitions.FindVersionAsync(trigger.VersionId, cancellationToken) is not { } version)
        {
            return null;
        }

        var id = Ids.New(clock);
        var instance = new NewInstance
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
                CorrelationId = correlationId,
                LocationId = trigger.LocationId,
                TriggerActivityId = trigger.ActivityId,
                TriggerPayload = payload,
            },
            TriggerId = trigger.Id,
            StartedBy = startedBy,
            CreatedAt = clock.GetUtcNow(),
        };
        var (mayStart, key) = await Activation.CheckAsync(runs, version, correlationId, cancellationToken);
        return (instance with { Activation = key }, mayStart);
    }
}
