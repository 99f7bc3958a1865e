using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>Triggers for pages and the API: poll now, pause, rewind, explain. Pages are 0-based.</summary>
public sealed class TriggerService(
    IPollStore store,
    IDefinitionStore definitions,
    IConnectionStore connections,
    IWebhookStore webhooks,
    ArrivalDeliverer arrivals,
    Poller poller,
    Backfiller backfiller,
    IDoorbell doorbell,
    TimeProvider clock)
{
    /// <summary>How long <see cref="PollNowAsync"/> waits for a scan that another node has in hand.</summary>
    private static readonly TimeSpan PatienceForOthers = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public async Task<PageOf<TriggerView>> ListAsync(TriggerQuery query, CancellationToken cancellationToken)
    {
        var triggers = await store.ListTriggersAsync(query, cancellationToken);
        return new PageOf<TriggerView>(await ViewAsync(triggers.Items, cancellationToken), triggers.Total);
    }

    public async Task<TriggerView?> FindAsync(string id, CancellationToken cancellationToken) =>
        await store.FindTriggerAsync(id, cancellationToken) is { } trigger ? (await ViewAsync([trigger], cancellationToken))[0] : null;

    /// <summary>Ledger of the trigger's source, newest first; empty for triggers that are not polled.</summary>
    public async Task<PageOf<EventRecord>> EventsAsync(string id, int page, int pageSize, CancellationToken cancellationToken) =>
        await store.FindTriggerAsync(id, cancellationToken) is { SourceId: { } sourceId }
            ? await store.ListEventsAsync(sourceId, page, pageSize, cancellationToken)
            : new PageOf<EventRecord>([], 0);

    /// <summary>Polls the trigger's source now and waits until the scan has ended and its events are delivered. A poll that fails is a poll too: the source says why.</summary>
    /// <returns>False: there is no such trigger, it is paused, or is not polled.</returns>
    public async Task<bool> PollNowAsync(string id, CancellationToken cancellationToken)
    {
        if (await store.FindTriggerAsync(id, cancellationToken) is not { SourceId: { } sourceId, IsPaused: false })
        {
            return false;
        }

        var started = clock.GetTimestamp();
        while ((await poller.PollAsync([sourceId], evenIfNotDue: true, cancellationToken)).Count == 0)
        {
            // Somebody else scans it now: that scan may have begun before the change that the caller wants to see, so ours follows it.
            if (clock.GetElapsedTime(started) > PatienceForOthers)
            {
                throw new TimeoutException("The source is being scanned by another server and has not ended in two minutes. Try again later.");
            }

            await Task.Delay(Pause, clock, cancellationToken);
        }

        await poller.ConsumeAsync(sourceId, cancellationToken);
        return true;
    }

    /// <summary>Stops a trigger where it is: events pile up in its source's ledger if others keep that polled, what comes by itself waits, and both are delivered when it is resumed.</summary>
    public Task<bool> PauseAsync(string id, CancellationToken cancellationToken) =>
        store.UpdateTriggerAsync(id, isPaused: true, null, null, null, cancellationToken);

    public async Task<bool> ResumeAsync(string id, CancellationToken cancellationToken)
    {
        if (await store.FindTriggerAsync(id, cancellationToken) is not { } trigger)
        {
            return false;
        }

        // A schedule does not make up for the times it was paused: it waits for its next one.
        var due = trigger is { Kind: "schedule", IsPaused: true } ? TriggerSchedule.Of(trigger).Next(clock.GetUtcNow()) : null;
        await store.UpdateTriggerAsync(id, isPaused: false, null, null, due, cancellationToken);
        if (trigger.SourceId is { } sourceId)
        {
            await poller.ConsumeAsync(sourceId, cancellationToken);
        }
        else if (trigger.Kind is "hook" or "webhook")
        {
            await arrivals.DeliverAsync(trigger, cancellationToken);
        }

        doorbell.RingClock();
        return true;
    }

    /// <summary>
    /// Moves the position back and raises the generation, so that the events after it are delivered again. A preview only counts what would be looked at again.
    /// </summary>
    /// <param name="id">The trigger.</param>
    /// <param name="toSequence">Sequence number after which it goes on; negative: that many numbers back. It never moves forward.</param>
    /// <param name="preview">Change nothing.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Null: there is no such trigger, or it is not polled.</returns>
    public async Task<RewindResult?> RewindAsync(string id, long toSequence, bool preview, CancellationToken cancellationToken)
    {
        if (await store.FindTriggerAsync(id, cancellationToken) is not { SourceId: { } sourceId } trigger)
        {
            return null;
        }

        var from = trigger.Position;
        var to = Math.Clamp(toSequence < 0 ? from + toSequence : toSequence, 0, from);
        var events = await store.CountEventsAsync(sourceId, to, cancellationToken);
        if (preview)
        {
            return new RewindResult(from, to, events, trigger.Generation);
        }

        await store.UpdateTriggerAsync(id, null, to, trigger.Generation + 1, null, cancellationToken);
        await poller.ConsumeAsync(sourceId, cancellationToken);
        return new RewindResult(from, to, events, trigger.Generation + 1);
    }

    /// <summary>What a backfill would look at, and start. Null: the trigger is not polled, or its first poll has not ended.</summary>
    public Task<(long Items, long Fires)?> CountBackfillAsync(TriggerRecord trigger, CancellationToken cancellationToken) => backfiller.CountAsync(trigger, cancellationToken);

    /// <summary>Begins a backfill, and delivers its first batch. Null: see <see cref="Backfiller.StartAsync"/>.</summary>
    public async Task<BackfillState?> StartBackfillAsync(TriggerRecord trigger, CancellationToken cancellationToken)
    {
        var begun = await backfiller.StartAsync(trigger, cancellationToken);
        if (begun is not null)
        {
            await backfiller.PassAsync(cancellationToken);
        }

        return begun;
    }

    /// <summary>Ends a backfill where it is. False: there is none to end.</summary>
    public Task<bool> StopBackfillAsync(string id, CancellationToken cancellationToken) => backfiller.StopAsync(id, cancellationToken);

    /// <summary>Why an item did or did not fire: an item id, or a subject such as an e-mail. Null: there is no such trigger.</summary>
    public async Task<JObject?> ExplainAsync(string id, string key, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } view)
        {
            return null;
        }

        var items = view.Source is null ? [] : await store.FindItemsAsync(view.Source.Id, key, cancellationToken);
        if (items.Count == 0 && view.Source is not null && Phone(key) is { } phone)
        {
            items = await store.FindItemsAsync(view.Source.Id, phone, cancellationToken);
        }

        var explained = new List<TriggerExplanation.Item>();
        foreach (var item in items.Take(10))
        {
            var deliveries = await store.ListDeliveriesAsync(id, item.ItemId, 20, cancellationToken);
            explained.Add(new TriggerExplanation.Item(item, deliveries, await store.HasEventAsync(item.SourceId, item.ItemId, view.Trigger.Position, cancellationToken)));
        }

        return TriggerExplanation.Of(view, key, explained);
    }

    /// <summary>A phone number as accounts keep it, however it was written (a plus sign in an address arrives as a space); null: it is none.</summary>
    private static string? Phone(string key)
    {
        var digits = new string([.. key.Where(char.IsAsciiDigit)]);
        return digits.Length is >= 7 and <= 15 && key.All(c => char.IsAsciiDigit(c) || c is '+' or ' ' or '-' or '.' or '/' or '(' or ')') ? "+" + digits : null;
    }

    private async Task<IReadOnlyList<TriggerView>> ViewAsync(IReadOnlyList<TriggerRecord> triggers, CancellationToken cancellationToken)
    {
        if (triggers.Count == 0)
        {
            return [];
        }

        var definitionIds = triggers.Select(trigger => trigger.DefinitionId).Distinct().ToList();
        var published = await definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.Published, DefinitionIds = definitionIds, PageSize = definitionIds.Count }, withJson: false, cancellationToken);
        var definitionNames = published.Items.ToLookup(version => version.DefinitionId, version => version.Name);
        var connectionNames = (await connections.ListAsync(cancellationToken)).ToDictionary(connection => connection.Id, connection => connection.Name);
        var sources = (await store.FindSourcesAsync([.. triggers.Select(trigger => trigger.SourceId).OfType<string>().Distinct()], cancellationToken)).ToDictionary(source => source.Id, StringComparer.Ordinal);
        var arriving = triggers.Where(trigger => trigger.Kind is "hook" or "webhook").Select(trigger => trigger.Id).ToList();
        var waiting = arriving.Count == 0 ? null : await webhooks.CountWaitingAsync(arriving, cancellationToken);
        return [.. triggers.Select(trigger =>
        {
            var source = trigger.SourceId is null ? null : sources.GetValueOrDefault(trigger.SourceId);
            return new TriggerView(
                trigger with { EffectiveInterval = source?.Interval ?? trigger.EffectiveInterval },
                source,
                definitionNames[trigger.DefinitionId].FirstOrDefault(),
                trigger.ConnectionId is null ? null : connectionNames.GetValueOrDefault(trigger.ConnectionId))
            {
                Waiting = waiting?.GetValueOrDefault(trigger.Id) ?? 0,
            };
        })];
    }
}

/// <summary>A trigger with its source and definition. Its effective interval is how often its source is polled now: the shortest that any flow with the same source wants.</summary>
public sealed record TriggerView(TriggerRecord Trigger, SourceRecord? Source, string? DefinitionName, string? ConnectionName)
{
    /// <summary>What came by itself while it was paused, and is delivered when it is resumed.</summary>
    public long Waiting { get; init; }
}

/// <summary>What a rewind does, or would do.</summary>
public sealed record RewindResult(long FromPosition, long ToPosition, long Events, int Generation);
