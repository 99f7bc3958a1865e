using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Runtime.Definitions;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>
/// Delivers what a source had before a trigger came, where a user wants it: counted first, then a batch at a time behind everything else, its position stored with every batch. What the trigger has
/// fired already it fires no more.
/// </summary>
public sealed class Backfiller(
    IPollStore store,
    IConnections connections,
    OperationCatalog operations,
    DefinitionService definitions,
    WorkflowEngine engine,
    IDoorbell doorbell,
    TimeProvider clock,
    ILogger<Backfiller> log)
{
    /// <summary>Mark of an event that a backfill delivers: calls of its run wait behind all others of the API budget.</summary>
    public const string Mark = "backfill";

    private const int BatchSize = 100;

    /// <summary>Runs of one backfill that wait or run at the same time.</summary>
    private const int MostRunsAtOnce = 200;

    private readonly ExpressionFactory expressions = new(engine.Options);

    /// <summary>What a backfill would look at, and how many runs it would start. Changes nothing.</summary>
    /// <returns>Null: the trigger is not polled, or its first poll has not ended.</returns>
    public async Task<(long Items, long Fires)?> CountAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        if (trigger.SourceId is not { } sourceId || await store.FindSourceAsync(sourceId, cancellationToken) is not { BaselinedAt: not null })
        {
            return null;
        }

        var (items, fires, after) = (0L, 0L, 0L);
        var last = await store.LastItemAsync(sourceId, cancellationToken);
        var filter = FilterOf(trigger);
        while (await store.ListItemsAsync(sourceId, after, last, BatchSize, cancellationToken) is { Count: > 0 } page)
        {
            items += page.Count;
            after = page[^1].No;
            foreach (var (_, item) in page)
            {
                var record = EventOf(trigger, item);
                fires += filter.Judge(record, PayloadOf(record), cancellationToken).Fires ? 1 : 0;
            }
        }

        return (items, fires);
    }

    /// <summary>Counts, and begins; one that has ended begins anew.</summary>
    /// <returns>Null: it cannot begin before the first poll has ended, or runs already.</returns>
    public async Task<BackfillState?> StartAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        if (trigger.Backfill is { State: "running" } || await CountAsync(trigger, cancellationToken) is not var (items, fires))
        {
            return null;
        }

        var begun = new BackfillState
        {
            State = "running",
            End = await store.LastItemAsync(trigger.SourceId!, cancellationToken),
            Items = items,
            Fires = fires,
            StartedAt = clock.GetUtcNow(),
        };
        return await store.UpdateBackfillAsync(trigger.Id, trigger.Backfill, begun, cancellationToken) ? begun : null;
    }

    /// <summary>Ends a backfill where it is.</summary>
    /// <returns>False: none is wanted or running.</returns>
    public async Task<bool> StopAsync(string triggerId, CancellationToken cancellationToken)
    {
        // It moves on while one wants to stop it: the state is read again until it holds still.
        while (await store.FindTriggerAsync(triggerId, cancellationToken) is { Backfill: { State: "wanted" or "running" } state })
        {
            if (await store.UpdateBackfillAsync(triggerId, state, state with { State = "stopped", EndedAt = clock.GetUtcNow() }, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Moves every backfill on as far as its runs keep up; begins those that are wanted and whose first poll has ended. Safe at any time, from any node.</summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        foreach (var trigger in await store.ListBackfillsAsync(cancellationToken))
        {
            try
            {
                var current = trigger;
                if (current is { IsPaused: false, Backfill.State: "wanted" })
                {
                    current = await StartAsync(current, cancellationToken) is { } begun ? current with { Backfill = begun } : current;
                }

                if (current is { IsPaused: false, Backfill.State: "running" })
                {
                    await DeliverAsync(current, cancellationToken);
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // One flow does not hold up the others.
                log.LogError(exception, "The backfill of trigger {TriggerId} could not be moved on; it is tried again.", trigger.Id);
            }
        }
    }

    private async Task DeliverAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        if (await definitions.GetPlanAsync(trigger.VersionId, cancellationToken) is not { } plan || trigger.SourceId is not { } sourceId)
        {
            return;
        }

        var isSandbox = await TriggeredRun.IsSandboxAsync(connections, trigger, cancellationToken);
        var filter = FilterOf(trigger);
        var state = trigger.Backfill!;
        while (await store.CountRunnableAsync(trigger.Id, cancellationToken) < MostRunsAtOnce)
        {
            var page = await store.ListItemsAsync(sourceId, state.Next, state.End, BatchSize, cancellationToken);
            var now = clock.GetUtcNow();
            var instances = new List<(string, NewInstance Instance)>();
            foreach (var (_, item) in page)
            {
                var record = EventOf(trigger, item);
                var payload = PayloadOf(record);
                if (filter.Judge(record, payload, cancellationToken).Fires)
                {
                    instances.Add((record.Key, TriggeredRun.Of(trigger, plan.Definition, record, payload, Mark, isSandbox, clock)));
                }
            }

            var isEnd = page.Count < BatchSize;
            var next = state with
            {
                Next = page.Count == 0 ? state.End : page[^1].No,
                Fired = state.Fired + instances.Count,
                State = isEnd ? "finished" : "running",
                EndedAt = isEnd ? now : null,
            };

            // 1. A crash before this commit: the same items are looked at again. After it: their runs are pending rows, and it goes on behind them.
            var batch = new DeliveryBatch
            {
                TriggerId = trigger.Id,
                VersionId = trigger.VersionId,
                SourceId = sourceId,
                FromPosition = trigger.Position,
                ToPosition = trigger.Position,
                Generation = trigger.Generation,
                Instances = instances,
                At = now,
                Backfill = (state, next),
            };
            if (!await store.DeliverAsync(batch, cancellationToken))
            {
                return;
            }

            doorbell.RingRuns([.. instances.Select(entry => entry.Instance.Id)]);
            if (isEnd)
            {
                return;
            }

            state = next;
        }
    }

    private TriggerFilter FilterOf(TriggerRecord trigger) => TriggerFilter.Read(trigger, operations.Find(trigger.ActivityType)?.Poll, expressions, clock);

    private EventRecord EventOf(TriggerRecord trigger, ItemRecord item) => new()
    {
        SourceId = item.SourceId,
        Sequence = 0,
        ItemId = item.ItemId,
        Revision = item.Revision,
        ObservedAt = item.SeenAt,
        Item = item.Payload ?? [],
        Subjects = operations.Find(trigger.ActivityType) is { } operation && item.Payload is { } payload ? Subjects.Of(operation, payload) : [],
    };

    private static JObject PayloadOf(EventRecord record)
    {
        var payload = TriggeredRun.Payload(record);
        payload[Mark] = true;
        return payload;
    }
}

/// <summary>Moves backfills on, a little at a time.</summary>
public sealed class BackfillService(Backfiller backfiller, IOptions<AutomationOptions> options, TimeProvider clock, ILogger<BackfillService> log) : BackgroundService
{
    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Runner.SweepInterval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await backfiller.PassAsync(stoppingToken);
                }
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    log.LogError(exception, "Backfills could not be moved on; the next try is in {Interval}.", options.Value.Runner.SweepInterval);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }
}
