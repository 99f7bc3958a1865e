using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>A poll source: owns scan state and an append-only event ledger.</summary>
public sealed record SourceRecord
{
    /// <summary>Hash of connection, location, operation and inputs.</summary>
    public required string Id { get; init; }
    public required string ConnectionId { get; init; }
    public string? LocationId { get; init; }

    /// <summary>Activity type of the operation.</summary>
    public required string Operation { get; init; }

    /// <summary>Inputs by API name.</summary>
    public required JObject Inputs { get; init; }

    /// <summary>The location that inputs name; null: they leave it to the connection.</summary>
    public static string? LocationIn(JObject inputs) => (string?)inputs["locationId"] ?? (string?)inputs["location_id"];

    /// <summary>Shortest interval of its triggers that are not paused.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>When the first scan ended; null: not yet, and nothing fires.</summary>
    public DateTimeOffset? BaselinedAt { get; init; }

    /// <summary>Committed watermark: everything changed before it has been seen, but for what the list shows late. Where the list is read by its items' updated-at, it is a time of that list's own clock.</summary>
    public DateTimeOffset? Watermark { get; init; }

    /// <summary>Nothing changed before it is looked for again: what shows up late has had its time. Null: no scan by updated-at has ended.</summary>
    public DateTimeOffset? Floor { get; init; }

    /// <summary>It has a trigger that is not paused.</summary>
    public bool IsActive { get; init; }

    /// <summary>Upper bound of the scan in progress; null: none is.</summary>
    public DateTimeOffset? ScanUpper { get; init; }
    public string? PageToken { get; init; }
    public int ScanPages { get; init; }
    public DateTimeOffset? ScanStartedAt { get; init; }

    /// <summary>Last sequence number of its ledger.</summary>
    public long LedgerEnd { get; init; }
    public DateTimeOffset? DueAt { get; init; }
    public DateTimeOffset? LastPollAt { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public string? LastError { get; init; }
    public int Failures { get; init; }
    public long ItemCount { get; init; }

    /// <summary>When something was read that webhooks told of; null: none has come for this source.</summary>
    public DateTimeOffset? HintedAt { get; init; }

    /// <summary>Changes that polls found while webhooks were coming for this source, and of which none told.</summary>
    public long Missed { get; init; }

    /// <summary>When the last of these was found.</summary>
    public DateTimeOffset? MissedAt { get; init; }
}

/// <summary>A trigger of a published definition.</summary>
public sealed record TriggerRecord
{
    /// <summary>Hash of definition id, activity id and location: survives republish.</summary>
    public required string Id { get; init; }
    public required string DefinitionId { get; init; }
    public required string VersionId { get; init; }
    public required string ActivityId { get; init; }
    public required string ActivityType { get; init; }

    /// <summary><c>poll</c>, <c>schedule</c> (cron, timer, start at), <c>http</c>, <c>event</c>, <c>webhook</c>, <c>hook</c> (a secret address).</summary>
    public required string Kind { get; init; }
    public string? LocationId { get; init; }
    public string? ConnectionId { get; init; }

    /// <summary>The source it consumes, for <c>poll</c>.</summary>
    public string? SourceId { get; init; }

    /// <summary><see cref="Automation.Engine.Bookmark.HashOf"/> of what it listens to, for <c>http</c> and <c>event</c>.</summary>
    public string? Hash { get; init; }

    /// <summary><c>updated</c>, <c>new</c>, <c>changed</c>, <c>edge</c>.</summary>
    public string Mode { get; init; } = "updated";

    /// <summary>As configured: <c>5m</c>, a cron, an event name, <c>get:/path</c>.</summary>
    public string? Configured { get; init; }
    public string? TimeZone { get; init; }
    public TimeSpan? EffectiveInterval { get; init; }

    /// <summary>Further settings: filter, options of HTTP endpoints.</summary>
    public JObject Settings { get; init; } = [];

    /// <summary>Last sequence number of its source that it has consumed.</summary>
    public long Position { get; init; }

    /// <summary>Raised by rewind, so that events may be delivered again.</summary>
    public int Generation { get; init; } = 1;
    public bool IsPaused { get; init; }

    /// <summary>Next time of a schedule.</summary>
    public DateTimeOffset? DueAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? LastFiredAt { get; init; }

    /// <summary>Delivery of what was there before the trigger; null: none was asked for.</summary>
    public BackfillState? Backfill { get; init; }
}

/// <summary>Filters of a list of triggers. Pages are 0-based here.</summary>
public sealed record TriggerQuery
{
    public string? DefinitionId { get; init; }
    public string? ConnectionId { get; init; }
    public string? Kind { get; init; }

    /// <summary>Part of the flow's name or id, the connection's name, the location or the activity's type, in any case.</summary>
    public string? Search { get; init; }

    /// <summary>Null: all.</summary>
    public TriggerState? State { get; init; }
    public int Page { get; init; }
    public int PageSize { get; init; } = 50;
}

/// <summary>How a trigger is doing.</summary>
public enum TriggerState
{
    /// <summary>It is not paused, and nothing is wrong with its source.</summary>
    Active,
    Paused,

    /// <summary>It is not paused, and the last poll of its source failed.</summary>
    Failing,
}

/// <summary>How far the delivery of the items of a source that were there before is. Stored as its text.</summary>
public sealed record BackfillState
{
    /// <summary><c>wanted</c> (begins after the baseline), <c>running</c>, <c>finished</c>, <c>stopped</c>.</summary>
    public required string State { get; init; }

    /// <summary>Number of the last item that was looked at, and of the last one to look at.</summary>
    public long Next { get; init; }
    public long End { get; init; }

    /// <summary>Items there when it began, how many of them would fire, and how many runs it has started.</summary>
    public long Items { get; init; }
    public long Fires { get; init; }
    public long Fired { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    public static BackfillState Read(string json) => JsonConvert.DeserializeObject<BackfillState>(json, Settings) ?? throw new FormatException("A backfill is stored as nothing.");

    public override string ToString() => JsonConvert.SerializeObject(this, Settings);

    private static readonly JsonSerializerSettings Settings = new() { DateFormatString = "o", NullValueHandling = NullValueHandling.Ignore };
}

/// <summary>An event of a ledger: an item seen new or changed.</summary>
public sealed record EventRecord
{
    public required string SourceId { get; init; }
    public required long Sequence { get; init; }
    public required string ItemId { get; init; }
    public required int Revision { get; init; }
    public required DateTimeOffset ObservedAt { get; init; }
    public required JObject Item { get; init; }
    public JObject? Previous { get; init; }
    public IReadOnlyList<string> Subjects { get; init; } = [];

    /// <summary><c>item@revision</c>.</summary>
    public string Key => $"{ItemId}@{Revision}";
}

/// <summary>A page to take in, in one transaction with its scan state.</summary>
public sealed record IntakePage
{
    public required string SourceId { get; init; }

    /// <summary>Lease under which the page was read; a stale one commits nothing.</summary>
    public required Lease Lease { get; init; }
    public required IReadOnlyList<Automation.Connectors.PolledItem> Items { get; init; }

    /// <summary>Baseline: rows are written, no events.</summary>
    public required bool IsBaseline { get; init; }
    public required DateTimeOffset ObservedAt { get; init; }

    /// <summary>Scan state after this page.</summary>
    public required DateTimeOffset ScanUpper { get; init; }
    public string? NextPageToken { get; init; }

    /// <summary>The scan ends with this page: the watermark moves, and a baseline is complete.</summary>
    public required bool EndsScan { get; init; }

    /// <summary>
    /// The list is read by its items' updated-at, and shows a change this late: the watermark is the newest updated-at, by the list's own clock, less the time that the scan took. Null: the
    /// watermark becomes <see cref="ScanUpper"/>.
    /// </summary>
    public TimeSpan? Lateness { get; init; }

    /// <summary>Ids of all items that the whole list has, where one that is gone is to be forgotten; null: nothing is.</summary>
    public IReadOnlyCollection<string>? Present { get; init; }

    /// <summary>A few items were read outside of any scan: rows and events only, the scan's state stays as it is.</summary>
    public bool IsAside { get; init; }

    /// <summary>When the source is due next: after the end of a scan, its interval; in the middle of one, now.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>Quarantined items. Their ids are hashes of source, item and reason: one that is there already is skipped, so that a bad item is one incident, not one per poll.</summary>
    public IReadOnlyList<IncidentRecord> Incidents { get; init; } = [];
}

/// <summary>What a page came to.</summary>
public sealed record IntakeResult(int New, int Changed, int Unchanged, long LedgerEnd);

/// <summary>Events handed to one trigger: instances to start, and the trigger's new position, in one transaction.</summary>
public sealed record DeliveryBatch
{
    public required string TriggerId { get; init; }

    /// <summary>Version and source that the batch was made by; it is refused when the trigger has others since, or is paused.</summary>
    public required string VersionId { get; init; }
    public required string SourceId { get; init; }

    /// <summary>Position read before; the batch is refused when it has moved since.</summary>
    public required long FromPosition { get; init; }
    public required int Generation { get; init; }
    public required long ToPosition { get; init; }

    /// <summary>An instance per event that fires. A (trigger, event key, generation) that was delivered before is skipped.</summary>
    public required IReadOnlyList<(string EventKey, NewInstance Instance)> Instances { get; init; }

    /// <summary>Events that did not fire, with the reason, for "why did it not fire?".</summary>
    public IReadOnlyList<(string EventKey, string Reason)> Filtered { get; init; } = [];
    public required DateTimeOffset At { get; init; }

    /// <summary>Items of a backfill instead of events: its state moves, from the first to the second, and the position stays.</summary>
    public (BackfillState From, BackfillState To)? Backfill { get; init; }
}

/// <summary>A delivery, as stored.</summary>
/// <param name="TriggerId">The trigger.</param>
/// <param name="EventKey"><c>item@revision</c>, or the time of a schedule.</param>
/// <param name="Generation">The trigger's generation.</param>
/// <param name="InstanceId">The run it started; null: it was filtered.</param>
/// <param name="Reason">Why it was filtered.</param>
/// <param name="At">When.</param>
public sealed record DeliveryRecord(string TriggerId, string EventKey, int Generation, string? InstanceId, string? Reason, DateTimeOffset At);

/// <summary>What the store knows of an item, for "why did it not fire?".</summary>
public sealed record ItemRecord(string SourceId, string ItemId, int Revision, string Hash, DateTimeOffset? UpdatedAt, DateTimeOffset SeenAt, bool FromBaseline, JObject? Payload)
{
    /// <summary>The list does not show it any more, or a webhook said that it was deleted: it is new when it comes back.</summary>
    public bool IsGone { get; init; }
}

/// <summary>Sources, items, events, triggers, deliveries.</summary>
public interface IPollStore
{
    Task<SourceRecord?> FindSourceAsync(string id, CancellationToken cancellationToken);
    /// <summary>Those of these ids that there are.</summary>
    Task<IReadOnlyList<SourceRecord>> FindSourcesAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken);
    Task<IReadOnlyList<SourceRecord>> ListSourcesAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Active sources that have failed so often in a row, have failed and not succeeded for so many intervals, or were due so many intervals ago and not polled since; of the last kind none that were
    /// due before <paramref name="startedAt"/> only.
    /// </summary>
    Task<IReadOnlyList<SourceRecord>> ListSilentAsync(DateTimeOffset now, DateTimeOffset startedAt, int missed, CancellationToken cancellationToken);

    /// <summary>Leases sources that are due and have a trigger that is not paused; those leased by a living owner are left out.</summary>
    Task<IReadOnlyList<(SourceRecord Source, Lease Lease)>> ClaimSourcesAsync(IReadOnlyList<string>? ids, string owner, TimeSpan duration, int limit, bool evenIfNotDue, CancellationToken cancellationToken);

    /// <summary>
    /// One transaction: item rows and revisions, events, scan state, lease kept. Older reads (<c>UpdatedAt</c> before the stored one) are ignored; of two items with one id the newer counts.
    /// An item that was forgotten and comes back is an event without a previous.
    /// </summary>
    /// <exception cref="Automation.Engine.LeaseLostException">The lease is gone.</exception>
    Task<IntakeResult> IntakeAsync(IntakePage page, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a poll that failed: notes the error, sets when it is due again, frees the lease. The scan stays where it is, to be resumed at its page, unless
    /// <paramref name="abandonScan"/>: then the next one begins anew from the watermark (upper bound, page token and page count are cleared).
    /// </summary>
    Task FailScanAsync(string sourceId, Lease lease, string error, DateTimeOffset at, DateTimeOffset dueAt, bool abandonScan, IncidentRecord? incident, CancellationToken cancellationToken);

    /// <summary>Frees the lease after a poll.</summary>
    Task ReleaseSourceAsync(string sourceId, Lease lease, CancellationToken cancellationToken);

    /// <summary>Lengthens a lease.</summary>
    Task<bool> RenewSourceAsync(string sourceId, Lease lease, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Makes a source due at <paramref name="now"/>, if it is not due earlier.</summary>
    Task<bool> PollNowAsync(string sourceId, DateTimeOffset now, CancellationToken cancellationToken);

    Task<IReadOnlyList<EventRecord>> ReadEventsAsync(string sourceId, long afterSequence, int limit, CancellationToken cancellationToken);

    /// <summary>Ledger of a source, newest first, for pages and the API.</summary>
    Task<PageOf<EventRecord>> ListEventsAsync(string sourceId, int page, int pageSize, CancellationToken cancellationToken);

    Task<TriggerRecord?> FindTriggerAsync(string id, CancellationToken cancellationToken);
    Task<PageOf<TriggerRecord>> ListTriggersAsync(TriggerQuery query, CancellationToken cancellationToken);

    /// <summary>All triggers that consume a source, paused ones too.</summary>
    Task<IReadOnlyList<TriggerRecord>> ListTriggersOfSourceAsync(string sourceId, CancellationToken cancellationToken);

    /// <summary>Triggers of kind <c>http</c>, <c>event</c> and <c>webhook</c> that listen to one of these hashes.</summary>
    Task<IReadOnlyList<TriggerRecord>> FindListeningAsync(IReadOnlyList<string> hashes, CancellationToken cancellationToken);

    /// <summary>Poll triggers, not paused, whose position is before their source's ledger end.</summary>
    Task<IReadOnlyList<TriggerRecord>> ListBehindAsync(string? sourceId, int limit, CancellationToken cancellationToken);

    /// <summary>One transaction: deliveries, instances (pending), position. False: the position had moved, or the trigger was paused, changed or removed; nothing was written.</summary>
    Task<bool> DeliverAsync(DeliveryBatch batch, CancellationToken cancellationToken);

    /// <summary>Pause, position, generation and due time of a trigger.</summary>
    Task<bool> UpdateTriggerAsync(string id, bool? isPaused, long? position, int? generation, DateTimeOffset? dueAt, CancellationToken cancellationToken);

    /// <summary>Fires a schedule: delivery, instance and next due time in one transaction. False: another node was first. No instance: only the due time moves on.</summary>
    Task<bool> FireScheduleAsync(string triggerId, DateTimeOffset dueAt, DateTimeOffset? nextDueAt, NewInstance? instance, CancellationToken cancellationToken);

    /// <summary>Moves a schedule from one due time to another, without firing it. False: it is not there any more.</summary>
    Task<bool> MoveScheduleAsync(string triggerId, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken);

    /// <summary>Makes active sources due that were polled later than a time that is to come yet.</summary>
    /// <returns>How many.</returns>
    Task<int> RecallSourcesAsync(DateTimeOffset now, DateTimeOffset polledAfter, CancellationToken cancellationToken);

    Task<IReadOnlyList<DeliveryRecord>> ListDeliveriesAsync(string triggerId, string? itemId, int limit, CancellationToken cancellationToken);

    /// <summary>Items of a source by id or by a subject key.</summary>
    Task<IReadOnlyList<ItemRecord>> FindItemsAsync(string sourceId, string key, CancellationToken cancellationToken);

    Task<long> CountEventsAsync(string sourceId, long afterSequence, CancellationToken cancellationToken);

    /// <summary>Whether the ledger has an event of an item after a place.</summary>
    Task<bool> HasEventAsync(string sourceId, string itemId, long afterSequence, CancellationToken cancellationToken);

    /// <summary>Items that the source has, in the order in which they came, with the number that goes on after each.</summary>
    Task<IReadOnlyList<(long No, ItemRecord Item)>> ListItemsAsync(string sourceId, long afterNo, long untilNo, int limit, CancellationToken cancellationToken);

    /// <summary>Number of the last item of a source; 0: it has none.</summary>
    Task<long> LastItemAsync(string sourceId, CancellationToken cancellationToken);

    /// <summary>Triggers with a backfill, also an ended one.</summary>
    Task<IReadOnlyList<TriggerRecord>> ListBackfillsAsync(CancellationToken cancellationToken);

    /// <summary>Sets the state of a backfill. False: it is not <paramref name="from"/> any more.</summary>
    Task<bool> UpdateBackfillAsync(string triggerId, BackfillState? from, BackfillState? to, CancellationToken cancellationToken);

    /// <summary>Runs that a trigger has started and that wait for their turn, or have it.</summary>
    Task<int> CountRunnableAsync(string triggerId, CancellationToken cancellationToken);

    /// <summary>Deletes, up to a number of rows, what nobody needs any more: sources that no trigger consumes and that were polled last before a time, and older events that all triggers of their source have consumed.</summary>
    /// <returns>Rows deleted; 0: nothing is left to delete.</returns>
    Task<int> PruneAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken);
}
