using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Runtime.Definitions;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>Hands the events of ledgers to the triggers that consume them: one delivery and one pending instance per event that fires, with the trigger's position, in one transaction per batch.</summary>
public sealed class Deliverer(
    IPollStore store,
    IConnections connections,
    OperationCatalog operations,
    DefinitionService definitions,
    WorkflowEngine engine,
    IDoorbell doorbell,
    TimeProvider clock,
    ILogger<Deliverer> log)
{
    private const int BatchSize = 200;
    private const int TriggersAtOnce = 100;
    private readonly ExpressionFactory expressions = new(engine.Options);

    /// <summary>Delivers until no trigger is behind. Safe at any time, from any node: a batch is refused when the position has moved.</summary>
    /// <param name="sourceId">One source; null: all.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>Instances created.</returns>
    public async Task<int> ConsumeAsync(string? sourceId, CancellationToken cancellationToken)
    {
        var started = 0;
        while (true)
        {
            var behind = await store.ListBehindAsync(sourceId, TriggersAtOnce, cancellationToken);
            var moved = false;
            foreach (var trigger in behind)
            {
                try
                {
                    var (count, hasMoved) = await DrainAsync(trigger, cancellationToken);
                    started += count;
                    moved |= hasMoved;
                }
                catch (Exception exception) when (behind.Count > 1 && !cancellationToken.IsCancellationRequested)
                {
                    // One flow does not hold up the others; the sweep tries it again.
                    log.LogError(exception, "The events of trigger {TriggerId} could not be delivered; they stay in the ledger, and the next sweep tries again.", trigger.Id);
                }
            }

            if (!moved)
            {
                return started;
            }
        }
    }

    private async Task<(int Started, bool Moved)> DrainAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        var plan = await definitions.GetPlanAsync(trigger.VersionId, cancellationToken);
        if (plan is null || trigger.SourceId is null)
        {
            return (0, false);
        }

        var isSandbox = await TriggeredRun.IsSandboxAsync(connections, trigger, cancellationToken);
        var filter = TriggerFilter.Read(trigger, operations.Find(trigger.ActivityType)?.Poll, expressions, clock);
        var started = 0;
        var moved = false;
        var position = trigger.Position;
        while (true)
        {
            var events = await store.ReadEventsAsync(trigger.SourceId, position, BatchSize, cancellationToken);
            if (events.Count == 0)
            {
                return (started, moved);
            }

            var now = clock.GetUtcNow();
            var instances = new List<(string EventKey, NewInstance Instance)>();
            var filtered = new List<(string EventKey, string Reason)>();
            foreach (var item in events)
            {
                var payload = TriggeredRun.Payload(item);
                var verdict = filter.Judge(item, payload, cancellationToken);
                var isAgain = verdict is { Fires: true, OnlyFirst: true }
                    && (instances.Exists(entry => Of(entry.EventKey, item.ItemId)) || (await store.ListDeliveriesAsync(trigger.Id, item.ItemId, 1000, cancellationToken)).Any(delivery => delivery.InstanceId is not null && delivery.Generation == trigger.Generation));
                if (verdict.Fires && !isAgain)
                {
                    instances.Add((item.Key, TriggeredRun.Of(trigger, plan.Definition, item, payload, "poll", isSandbox, clock)));
                }
                else
                {
                    filtered.Add((item.Key, verdict.Reason ?? "The trigger fires on new items only; this one has passed its filter, and fired, before."));
                }
            }

            var batch = new DeliveryBatch
            {
                TriggerId = trigger.Id,
                VersionId = trigger.VersionId,
                SourceId = trigger.SourceId,
                FromPosition = position,
                Generation = trigger.Generation,
                ToPosition = events[^1].Sequence,
                Instances = instances,
                Filtered = filtered,
                At = now,
            };

            // 2. A crash before this commit: the trigger is still behind, and the sweep delivers. After it: the instances are pending rows, and the sweep rings for them.
            if (!await store.DeliverAsync(batch, cancellationToken))
            {
                return (started, moved);
            }

            moved = true;
            position = batch.ToPosition;
            started += instances.Count;
            if (instances.Count > 0)
            {
                doorbell.RingRuns([.. instances.Select(entry => entry.Instance.Id)]);
            }

            if (events.Count < BatchSize)
            {
                return (started, moved);
            }
        }
    }

    private static bool Of(string eventKey, string itemId) => eventKey.StartsWith(itemId, StringComparison.Ordinal) && eventKey.LastIndexOf('@') == itemId.Length;
}
