using System.Data.Common;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>Sources, items, events, triggers and deliveries.</summary>
internal sealed partial class PollStore(SqlDatabase database) : IPollStore
{
    public const string SourceFields =
        "id, connection_id, location_id, operation, inputs, interval, baselined_at, watermark, scan_upper, page_token, scan_pages, scan_started_at, ledger_end, due_at, last_poll_at, last_success_at, last_error, failures, item_count, floor, is_active, hinted_at, missed, missed_at";

    private const string Held = "WHERE id = @id AND lease_owner = @owner AND lease_token = @token";

    private const string Free =
        $"SELECT no FROM sources WHERE is_active = 1 AND lease_until <= {Columns.Now} AND (@even_if_not_due = 1 OR due_at <= {Columns.Now})";

    private const string TakeLease = $"UPDATE sources SET lease_owner = @owner, lease_token = lease_token + 1, lease_until = {Columns.Now} + @duration";
    private const string Claim = $"{TakeLease} WHERE no IN ({Free} ORDER BY due_at LIMIT @limit {Columns.SkipLocked}) RETURNING {SourceFields}, lease_token";
    private const string ClaimOf = $"{TakeLease} WHERE no IN ({Free} AND id IN (#each @ids#) ORDER BY due_at LIMIT @limit {Columns.SkipLocked}) RETURNING {SourceFields}, lease_token";

    private const string EventFields = "sequence, item_id, revision, observed_at, item, previous, subjects";

    public Task<SourceRecord?> FindSourceAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(ReadSource, $"SELECT {SourceFields} FROM sources WHERE id = @id", id), cancellationToken);

    public Task<IReadOnlyList<SourceRecord>> FindSourcesAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken) => ids.Count == 0
        ? Task.FromResult<IReadOnlyList<SourceRecord>>([])
        : database.ReadAsync<IReadOnlyList<SourceRecord>>(session => session.List(ReadSource, $"SELECT {SourceFields} FROM sources WHERE id IN (#each @ids#)", [ids.ToArray()]), cancellationToken);

    public Task<IReadOnlyList<SourceRecord>> ListSourcesAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<SourceRecord>>(session => session.List(ReadSource, $"SELECT {SourceFields} FROM sources ORDER BY no"), cancellationToken);

    public Task<IReadOnlyList<SourceRecord>> ListSilentAsync(DateTimeOffset now, DateTimeOffset startedAt, int missed, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<SourceRecord>>(
        session => session.List(
            ReadSource,
            $"""
            SELECT {SourceFields} FROM sources WHERE is_active = 1 AND (failures >= @missed OR (failures > 0 AND last_success_at < @now - @missed * interval)
                OR (due_at < @now - @missed * interval AND COALESCE(last_poll_at, 0) < @now - @missed * interval AND @started < @now - @missed * interval)) ORDER BY no
            """,
            (long)missed,
            Columns.Ticks(now),
            Columns.Ticks(startedAt)),
        cancellationToken);

    public Task<IReadOnlyList<(SourceRecord Source, Lease Lease)>> ClaimSourcesAsync(
        IReadOnlyList<string>? ids,
        string owner,
        TimeSpan duration,
        int limit,
        bool evenIfNotDue,
        CancellationToken cancellationToken)
    {
        if (limit <= 0 || ids is { Count: 0 })
        {
            return Task.FromResult<IReadOnlyList<(SourceRecord, Lease)>>([]);
        }

        object?[] arguments = ids is null ? [owner, duration.Ticks, evenIfNotDue, limit] : [owner, duration.Ticks, evenIfNotDue, ids.ToArray(), limit];
        return database.WriteAsync<IReadOnlyList<(SourceRecord, Lease)>>(
            session => session.List(reader => (ReadSource(reader), new Lease(owner, reader.GetInt64(24))), ids is null ? Claim : ClaimOf, arguments),
            cancellationToken);
    }

    public async Task<IntakeResult> IntakeAsync(IntakePage page, CancellationToken cancellationToken)
    {
        var write = new IntakeWrite(page);
        await database.ReadAsync(write.Prepare, cancellationToken).ConfigureAwait(false);
        return await database.WriteAsync(write.Write, cancellationToken).ConfigureAwait(false);
    }

    /// <remarks>With a lease that is gone nothing is written: whoever holds it now says how the poll went.</remarks>
    public Task FailScanAsync(string sourceId, Lease lease, string error, DateTimeOffset at, DateTimeOffset dueAt, bool abandonScan, IncidentRecord? incident, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                var changed = session.Run(
                    $"""
                    UPDATE sources SET last_error = @error, last_poll_at = @at, due_at = @due, failures = failures + 1, lease_owner = NULL, lease_until = 0,
                        scan_upper = CASE WHEN @abandon = 1 THEN NULL ELSE scan_upper END, page_token = CASE WHEN @abandon = 1 THEN NULL ELSE page_token END,
                        scan_pages = CASE WHEN @abandon = 1 THEN 0 ELSE scan_pages END, scan_started_at = CASE WHEN @abandon = 1 THEN NULL ELSE scan_started_at END
                    {Held}
                    """,
                    error,
                    Columns.Ticks(at),
                    Columns.Ticks(dueAt),
                    abandonScan,
                    sourceId,
                    lease.Owner,
                    lease.Token);
                if (changed == 1 && incident is not null)
                {
                    IncidentStore.Insert(session, [incident]);
                }
            },
            cancellationToken);

    public Task ReleaseSourceAsync(string sourceId, Lease lease, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Run($"UPDATE sources SET lease_owner = NULL, lease_until = 0 {Held}", sourceId, lease.Owner, lease.Token), cancellationToken);

    public Task<bool> RenewSourceAsync(string sourceId, Lease lease, TimeSpan duration, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run($"UPDATE sources SET lease_until = {Columns.Now} + @duration {Held}", duration.Ticks, sourceId, lease.Owner, lease.Token) == 1,
        cancellationToken);

    public Task<bool> PollNowAsync(string sourceId, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.DueTimes);
            return session.Run("UPDATE sources SET due_at = CASE WHEN due_at < @now THEN due_at ELSE @now END WHERE id = @id", Columns.Ticks(now), sourceId) == 1;
        },
        cancellationToken);

    public Task<IReadOnlyList<EventRecord>> ReadEventsAsync(string sourceId, long afterSequence, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<EventRecord>>(
            session => session.List(
                reader => ReadEvent(reader, sourceId),
                $"SELECT {EventFields} FROM events WHERE source_no = (SELECT no FROM sources WHERE id = @id) AND sequence > @after ORDER BY sequence LIMIT @limit",
                sourceId,
                afterSequence,
                limit),
            cancellationToken);

    public Task<PageOf<EventRecord>> ListEventsAsync(string sourceId, int page, int pageSize, CancellationToken cancellationToken) => database.ReadAsync(
        session => new PageOf<EventRecord>(
            session.List(
                reader => ReadEvent(reader, sourceId),
                $"SELECT {EventFields} FROM events WHERE source_no = (SELECT no FROM sources WHERE id = @id) ORDER BY sequence DESC LIMIT @limit OFFSET @offset",
                sourceId,
                pageSize,
                (long)page * pageSize),
            CountEvents(session, sourceId, 0)),
        cancellationToken);

    public Task<long> CountEventsAsync(string sourceId, long afterSequence, CancellationToken cancellationToken) =>
        database.ReadAsync(session => CountEvents(session, sourceId, afterSequence), cancellationToken);

    public Task<bool> HasEventAsync(string sourceId, string itemId, long afterSequence, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.Long("SELECT 1 FROM events WHERE source_no = (SELECT no FROM sources WHERE id = @id) AND sequence > @after AND item_id = @item LIMIT 1", sourceId, afterSequence, itemId) is not null,
        cancellationToken);

    public Task<TriggerRecord?> FindTriggerAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE t.id = @id", id), cancellationToken);

    public Task<PageOf<TriggerRecord>> ListTriggersAsync(TriggerQuery query, CancellationToken cancellationToken)
    {
        const string Failing = "EXISTS (SELECT 1 FROM sources s WHERE s.id = t.source_id AND s.failures > 0)";
        var where = new Where();
        where.AddIf(query.DefinitionId is not null, "t.definition_id = @definition", query.DefinitionId);
        where.AddIf(query.ConnectionId is not null, "t.connection_id = @connection", query.ConnectionId);
        where.AddIf(query.Kind is not null, "t.kind = @kind", query.Kind);
        where.AddIf(
            !string.IsNullOrWhiteSpace(query.Search),
            """
            (t.definition_id #like# @search ESCAPE '\' OR t.activity_type #like# @search ESCAPE '\' OR t.location_id #like# @search ESCAPE '\'
                OR t.definition_id IN (SELECT definition_id FROM definition_versions WHERE is_published = 1 AND name #like# @search ESCAPE '\')
                OR t.connection_id IN (SELECT id FROM connections WHERE name #like# @search ESCAPE '\'))
            """,
            Columns.Contains(query.Search ?? ""));
        where.AddIf(query.State == TriggerState.Paused, "t.is_paused = 1");
        where.AddIf(query.State == TriggerState.Failing, $"t.is_paused = 0 AND {Failing}");
        where.AddIf(query.State == TriggerState.Active, $"t.is_paused = 0 AND NOT {Failing}");
        return database.ReadAsync(
            session => new PageOf<TriggerRecord>(
                session.List(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t {where} ORDER BY t.created_at, t.id LIMIT @limit OFFSET @offset", where.With(query.PageSize, (long)query.Page * query.PageSize)),
                session.Long($"SELECT COUNT(*) FROM triggers t {where}", where.With()) ?? 0),
            cancellationToken);
    }

    public Task<IReadOnlyList<TriggerRecord>> ListTriggersOfSourceAsync(string sourceId, CancellationToken cancellationToken) =>
        TriggersWhere("t.source_id = @source ORDER BY t.created_at, t.id", sourceId, cancellationToken);

    public Task<IReadOnlyList<TriggerRecord>> FindListeningAsync(IReadOnlyList<string> hashes, CancellationToken cancellationToken) =>
        TriggersWhere("t.hash IN (#each @hashes#) AND t.kind IN ('http', 'event', 'webhook') ORDER BY t.created_at, t.id", hashes.ToArray(), cancellationToken);

    public Task<IReadOnlyList<TriggerRecord>> ListBehindAsync(string? sourceId, int limit, CancellationToken cancellationToken)
    {
        var ofSource = sourceId is null ? "" : "AND t.source_id = @source";
        object?[] arguments = sourceId is null ? [limit] : [sourceId, limit];
        return database.ReadAsync<IReadOnlyList<TriggerRecord>>(
            session => session.List(
                Triggers.Read,
                $"""
                SELECT {Triggers.Fields} FROM sources s JOIN triggers t ON t.source_id = s.id
                WHERE t.is_paused = 0 AND t.kind = 'poll' AND t.position < s.ledger_end {ofSource} LIMIT @limit
                """,
                arguments),
            cancellationToken);
    }

    private Task<IReadOnlyList<TriggerRecord>> TriggersWhere(string condition, object argument, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<TriggerRecord>>(
        session => session.List(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE {condition}", argument),
        cancellationToken);

    public Task<bool> DeliverAsync(DeliveryBatch batch, CancellationToken cancellationToken) => database.WriteAsync(new DeliveryWrite(batch).Write, cancellationToken);

    public Task<bool> UpdateTriggerAsync(string id, bool? isPaused, long? position, int? generation, DateTimeOffset? dueAt, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.LockAll("triggers");
            ChangeStore.Note(session, Topics.Definitions);
            ChangeStore.Note(session, Topics.DueTimes);
            string? source;
            using (var reader = session.Query(
                """
                UPDATE triggers SET is_paused = COALESCE(@paused, is_paused), position = COALESCE(@position, position), generation = COALESCE(@generation, generation), due_at = COALESCE(@due, due_at)
                WHERE id = @id RETURNING source_id
                """,
                isPaused,
                position,
                generation,
                Columns.Ticks(dueAt),
                id))
            {
                if (!reader.Read())
                {
                    return false;
                }

                source = reader.Text(0);
            }

            if (source is not null)
            {
                Triggers.Refresh(session, source);
            }

            return true;
        },
        cancellationToken);

    public Task<bool> FireScheduleAsync(string triggerId, DateTimeOffset dueAt, DateTimeOffset? nextDueAt, NewInstance? instance, CancellationToken cancellationToken)
    {
        PackedInstance? packed = instance is null ? null : PackedInstance.Of(instance);
        return database.WriteAsync(
            session =>
            {
                // The due time is the fence: of two nodes that saw it, one moves it on.
                var generation = session.Long(
                    "UPDATE triggers SET due_at = @next, last_fired_at = @due WHERE id = @id AND due_at = @due AND is_paused = 0 RETURNING generation",
                    Columns.Ticks(nextDueAt),
                    Columns.Ticks(dueAt),
                    triggerId);
                return generation is { } number && (packed is not { } started || DeliveryWrite.Deliver(session, triggerId, DeliveryWrite.KeyOf(dueAt), number, started, dueAt));
            },
            cancellationToken);
    }

    public Task<bool> MoveScheduleAsync(string triggerId, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.DueTimes);
            return session.Run("UPDATE triggers SET due_at = @to WHERE id = @id AND due_at = @from", Columns.Ticks(to), triggerId, Columns.Ticks(from)) == 1;
        },
        cancellationToken);

    public Task<int> RecallSourcesAsync(DateTimeOffset now, DateTimeOffset polledAfter, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            """
            UPDATE sources SET due_at = @now, last_poll_at = @now, last_success_at = CASE WHEN last_success_at > @now THEN @now ELSE last_success_at END
            WHERE is_active = 1 AND last_poll_at > @after AND due_at > @now
            """,
            Columns.Ticks(now),
            Columns.Ticks(polledAfter)),
        cancellationToken);

    public Task<IReadOnlyList<DeliveryRecord>> ListDeliveriesAsync(string triggerId, string? itemId, int limit, CancellationToken cancellationToken)
    {
        // All keys of an item lie between "item@" and "itemA", the next character.
        var ofItem = itemId is null ? "" : "AND event_key >= @from AND event_key < @to";
        object?[] arguments = itemId is null ? [triggerId, limit] : [triggerId, itemId + "@", itemId + "A", limit];
        return database.ReadAsync<IReadOnlyList<DeliveryRecord>>(
            session => session.List(
                reader => new DeliveryRecord(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.Text(3), reader.Text(4), reader.Time(5)),
                $"SELECT trigger_id, event_key, generation, instance_id, reason, at FROM deliveries WHERE trigger_id = @trigger {ofItem} ORDER BY at DESC, event_key DESC LIMIT @limit",
                arguments),
            cancellationToken);
    }

    private static long CountEvents(Session session, string sourceId, long after) => session.Long(
        "SELECT COUNT(*) FROM events WHERE source_no = (SELECT no FROM sources WHERE id = @id) AND sequence > @after",
        sourceId,
        after) ?? 0;

    private static EventRecord ReadEvent(DbDataReader reader, string sourceId) => new()
    {
        SourceId = sourceId,
        Sequence = reader.GetInt64(0),
        ItemId = reader.GetString(1),
        Revision = reader.GetInt32(2),
        ObservedAt = reader.Time(3),
        Item = (JObject)Payload.UnpackJson(reader.Blob(4)!),
        Previous = (JObject?)Payload.UnpackJsonOrNull(reader.Blob(5)),
        Subjects = reader.Text(6) is { } subjects ? JsonConvert.DeserializeObject<string[]>(subjects)! : [],
    };

    public static SourceRecord ReadSource(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        ConnectionId = reader.GetString(1),
        LocationId = reader.Text(2),
        Operation = reader.GetString(3),
        Inputs = (JObject)Json.Parse(reader.GetString(4), Json.DefinitionDepth),
        Interval = TimeSpan.FromTicks(reader.GetInt64(5)),
        BaselinedAt = reader.TimeOrNull(6),
        Watermark = reader.TimeOrNull(7),
        ScanUpper = reader.TimeOrNull(8),
        PageToken = reader.Text(9),
        ScanPages = reader.GetInt32(10),
        ScanStartedAt = reader.TimeOrNull(11),
        LedgerEnd = reader.GetInt64(12),
        DueAt = reader.TimeOrNull(13),
        LastPollAt = reader.TimeOrNull(14),
        LastSuccessAt = reader.TimeOrNull(15),
        LastError = reader.Text(16),
        Failures = reader.GetInt32(17),
        ItemCount = reader.GetInt64(18),
        Floor = reader.TimeOrNull(19),
        IsActive = reader.Flag(20),
        HintedAt = reader.TimeOrNull(21),
        Missed = reader.GetInt64(22),
        MissedAt = reader.TimeOrNull(23),
    };
}
