using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Webhooks;

/// <summary>Delivers what came for triggers while they were paused, in its order, each once: when they are resumed, and at every sweep.</summary>
public sealed class ArrivalDeliverer(IWebhookStore store, IDefinitionStore definitions, IRunStore runs, IDoorbell doorbell, TimeProvider clock, ILogger<ArrivalDeliverer> log)
{
    private const int BatchSize = 100;

    /// <summary>Delivers for all triggers that are not paused. Safe at any time, from any node.</summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        foreach (var trigger in await store.ListAwaitedAsync(cancellationToken))
        {
            await DeliverAsync(trigger, cancellationToken);
        }
    }

    /// <summary>Delivers until nothing waits for a trigger, or its flow's activation strategy lets no other run start now.</summary>
    public async Task DeliverAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        while (await store.ListWaitingAsync(trigger.Id, BatchSize, cancellationToken) is { Count: > 0 } waiting)
        {
            if (await definitions.FindVersionAsync(trigger.VersionId, cancellationToken) is not { } version)
            {
                log.LogError("Trigger {TriggerId} names a version of its workflow that is not there: what waits for it stays. Publish the workflow again.", trigger.Id);
                return;
            }

            // As at their arrival: a secret address asks the strategy, a webhook always has its run.
            var (mayStart, activation) = trigger.Kind == "hook" ? await Activation.CheckAsync(runs, version, null, cancellationToken) : (true, null);
            if (!mayStart)
            {
                return;
            }

            var now = clock.GetUtcNow();
            var current = waiting.Select(entry => (entry.No, entry.Arrival with
            {
                Instance = entry.Arrival.Instance with
                {
                    VersionId = version.Id,
                    Version = version.Version,
                    DefinitionName = version.Name,
                    Activation = activation,
                    CreatedAt = now,
                },
            })).ToList();

            // 1. A crash before this commit: they wait, and are delivered at the next sweep. After it: their runs are pending rows, and the sweep rings for them.
            var (started, all) = await store.DeliverWaitingAsync(trigger.Id, current, cancellationToken);
            if (started.Count > 0)
            {
                doorbell.RingRuns(started);
            }

            if (!all)
            {
                return;
            }
        }
    }

    /// <summary>The incident of a trigger that was paused for so long that what came for it was deleted: one a day.</summary>
    public static IncidentRecord Dropped(TriggerRecord trigger, DateTimeOffset now) => new()
    {
        Id = Bookmark.HashOf("arrivals-dropped", $"{trigger.Id}/{now.UtcDateTime:yyyy-MM-dd}"),
        Kind = "trigger",
        DefinitionId = trigger.DefinitionId,
        ActivityId = trigger.ActivityId,
        ActivityType = trigger.ActivityType,
        LocationId = trigger.LocationId,
        Code = "arrivals-dropped",
        Message = "Webhooks that have waited for a paused trigger for longer than runs are kept were deleted; they start no run.",
        Action = "Resume the trigger, or retract its flow: then its address tells the sender that nothing is taken.",
        CreatedAt = now,
    };
}
