using System.Data.Common;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>Webhooks, hints and hooks.</summary>
internal sealed class WebhookStore(SqlDatabase database) : IWebhookStore
{
    private const int DeleteBatch = 5000;
    private const string Fields = "connection_id, webhook_id, type, location_id, item_id, sent_at, received_at, outcome, body";
    private const string HintFields = "source_id, item_id, entity, sent_at, version, attempts, due_at";
    private const string HookFields = "trigger_id, hash, secret, created_at";

    /// <summary>3: a webhook said that it was deleted, at the time in seen_at. What was seen anew since it was sent is there again already.</summary>
    private const string MarkGone = "UPDATE items SET absent = 3, seen_at = @received WHERE source_no = (SELECT no FROM sources WHERE id = @source) AND item_id = @item AND absent < 2 AND seen_at <= @sent";

    public Task<WebhookTaken?> TakeAsync(WebhookCommit commit, CancellationToken cancellationToken)
    {
        var webhook = commit.Webhook;
        var body = Payload.PackJson(webhook.Body);
        var arrivals = commit.Arrivals.Select(arrival => new PackedArrival(arrival)).ToArray();
        return database.WriteAsync(
            session =>
            {
                // The journal's row is the fence: a webhook that comes twice, or to two nodes at once, is taken once.
                if (session.Run(
                    $"INSERT INTO webhooks ({Fields}) VALUES (@connection, @webhook, @type, @location, @item, @sent, @received, @outcome, @body) ON CONFLICT DO NOTHING",
                    webhook.ConnectionId,
                    webhook.WebhookId,
                    webhook.Type,
                    webhook.LocationId,
                    webhook.ItemId,
                    Columns.Ticks(webhook.SentAt),
                    Columns.Ticks(webhook.ReceivedAt),
                    webhook.Outcome,
                    body) == 0)
                {
                    return null;
                }

                foreach (var hint in commit.Hints)
                {
                    session.Post(
                        $"""
                        INSERT INTO hints ({HintFields}) VALUES (@source, @item, @entity, @sent, 1, 0, @due)
                        ON CONFLICT (source_id, item_id) DO UPDATE SET version = hints.version + 1, attempts = 0,
                            sent_at = CASE WHEN excluded.sent_at > hints.sent_at THEN excluded.sent_at ELSE hints.sent_at END,
                            due_at = CASE WHEN excluded.due_at < hints.due_at THEN excluded.due_at ELSE hints.due_at END
                        """,
                        hint.SourceId,
                        hint.ItemId,
                        hint.Entity,
                        Columns.Ticks(hint.SentAt),
                        Columns.Ticks(hint.DueAt));
                }

                foreach (var source in commit.GoneFrom)
                {
                    session.Post(MarkGone, Columns.Ticks(webhook.ReceivedAt), source, webhook.ItemId, Columns.Ticks(webhook.SentAt ?? webhook.ReceivedAt));
                }

                var outcome = webhook.Outcome;
                if (commit.TokenLocation is { } location)
                {
                    if (commit.Removed is null)
                    {
                        TokenStore.Forgive(session, webhook.ConnectionId, location, "The app was installed in the location.", webhook.ReceivedAt);
                    }
                    else if (!TokenStore.Refuse(session, webhook.ConnectionId, location, webhook.SentAt ?? webhook.ReceivedAt, commit.Removed))
                    {
                        outcome = "outdated";
                        session.Post("UPDATE webhooks SET outcome = @outcome WHERE connection_id = @connection AND webhook_id = @webhook", outcome, webhook.ConnectionId, webhook.WebhookId);
                    }
                }

                return new WebhookTaken(webhook with { Outcome = outcome }, [.. arrivals.Select(arrival => ArrivalWrite.Arrive(session, arrival))]);
            },
            cancellationToken);
    }

    public Task<ArrivalOutcome> ArriveAsync(Arrival arrival, CancellationToken cancellationToken)
    {
        var packed = new PackedArrival(arrival);
        return database.WriteAsync(session => ArrivalWrite.Arrive(session, packed), cancellationToken);
    }

    public Task<IReadOnlyList<TriggerRecord>> ListAwaitedAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<TriggerRecord>>(
        session => session.List(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE t.id IN (SELECT trigger_id FROM arrivals) AND t.is_paused = 0 ORDER BY t.id"),
        cancellationToken);

    public Task<IReadOnlyDictionary<string, long>> CountWaitingAsync(IReadOnlyList<string> triggerIds, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyDictionary<string, long>>(
        session => session.List(reader => (reader.GetString(0), reader.GetInt64(1)), "SELECT trigger_id, COUNT(*) FROM arrivals WHERE trigger_id IN (#each @ids#) GROUP BY trigger_id", (object)triggerIds.ToArray())
            .ToDictionary(row => row.Item1, row => row.Item2, StringComparer.Ordinal),
        cancellationToken);

    public Task<IReadOnlyList<(long No, Arrival Arrival)>> ListWaitingAsync(string triggerId, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<(long, Arrival)>>(
        session => session.List(
            reader => (reader.GetInt64(0), new Arrival(triggerId, reader.GetString(1), Payload.UnpackRecord<NewInstance>(reader.Blob(2)!))),
            "SELECT no, event_key, instance FROM arrivals WHERE trigger_id = @trigger ORDER BY no LIMIT @limit",
            triggerId,
            limit),
        cancellationToken);

    public Task<(IReadOnlyList<string> Started, bool All)> DeliverWaitingAsync(string triggerId, IReadOnlyList<(long No, Arrival Arrival)> waiting, CancellationToken cancellationToken)
    {
        var packed = waiting.Select(entry => (entry.No, entry.Arrival.EventKey, Instance: PackedInstance.Of(entry.Arrival.Instance))).ToArray();
        return database.WriteAsync(session => ArrivalWrite.Deliver(session, triggerId, packed), cancellationToken);
    }

    public Task<int> DropWaitingAsync(DateTimeOffset before, DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        database.WriteAsync(session => ArrivalWrite.Drop(session, before, now, limit), cancellationToken);

    public Task<PageOf<WebhookRecord>> ListAsync(string? connectionId, int page, int pageSize, CancellationToken cancellationToken)
    {
        var where = new Where();
        where.AddIf(connectionId is not null, "connection_id = @connection", connectionId);
        return database.ReadAsync(
            session => new PageOf<WebhookRecord>(
                session.List(Read, $"SELECT {Fields} FROM webhooks {where} ORDER BY no DESC LIMIT @limit OFFSET @offset", where.With(pageSize, (long)page * pageSize)),
                session.Long($"SELECT COUNT(*) FROM webhooks {where}", where.With()) ?? 0),
            cancellationToken);
    }

    public Task<IReadOnlyList<(string Type, string Outcome, long Count)>> CountAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<(string, string, long)>>(
        session => session.List(reader => (reader.GetString(0), reader.GetString(1), reader.GetInt64(2)), "SELECT type, outcome, COUNT(*) FROM webhooks GROUP BY type, outcome ORDER BY type, outcome"),
        cancellationToken);

    public Task<int> DeleteBeforeAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run("DELETE FROM webhooks WHERE no IN (SELECT no FROM webhooks WHERE received_at < @before LIMIT @limit)", Columns.Ticks(before), DeleteBatch),
        cancellationToken);

    public Task<IReadOnlyList<SourceRecord>> ListSourcesAsync(string connectionId, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<SourceRecord>>(
        session => session.List(PollStore.ReadSource, $"SELECT {PollStore.SourceFields} FROM sources WHERE connection_id = @connection", connectionId),
        cancellationToken);

    public Task<(IReadOnlyList<string> SourceIds, DateTimeOffset? Next)> DueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<(IReadOnlyList<string>, DateTimeOffset?)>(
            session =>
            {
                var due = session.List(reader => reader.GetString(0), "SELECT source_id FROM hints WHERE due_at <= @now GROUP BY source_id ORDER BY MIN(due_at) LIMIT @limit", Columns.Ticks(now), limit);
                var next = session.Long("SELECT due_at FROM hints WHERE due_at > @now ORDER BY due_at LIMIT 1", Columns.Ticks(now));
                return (due, next is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null);
            },
            cancellationToken);

    public Task<IReadOnlyList<HintRecord>> ReadHintsAsync(string sourceId, DateTimeOffset now, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<HintRecord>>(
        session => session.List(ReadHint, $"SELECT {HintFields} FROM hints WHERE source_id = @source AND due_at <= @now ORDER BY due_at LIMIT @limit", sourceId, Columns.Ticks(now), limit),
        cancellationToken);

    public Task SettleAsync(IReadOnlyList<HintRecord> hints, CancellationToken cancellationToken) => hints.Count == 0 ? Task.CompletedTask : database.WriteAsync(
        session =>
        {
            foreach (var hint in hints)
            {
                session.Post("DELETE FROM hints WHERE source_id = @source AND item_id = @item AND version = @version", hint.SourceId, hint.ItemId, hint.Version);
            }
        },
        cancellationToken);

    public Task PostponeAsync(IReadOnlyList<HintRecord> hints, DateTimeOffset dueAt, CancellationToken cancellationToken) => hints.Count == 0 ? Task.CompletedTask : database.WriteAsync(
        session =>
        {
            foreach (var hint in hints)
            {
                session.Post(
                    "UPDATE hints SET due_at = @due, attempts = @attempts WHERE source_id = @source AND item_id = @item AND version = @version",
                    Columns.Ticks(dueAt),
                    hint.Attempts,
                    hint.SourceId,
                    hint.ItemId,
                    hint.Version);
            }
        },
        cancellationToken);

    public Task<HookRecord> EnsureHookAsync(HookRecord make, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Run($"INSERT INTO hooks ({HookFields}) VALUES (@trigger, @hash, @secret, @created) ON CONFLICT DO NOTHING", make.TriggerId, make.Hash, make.Secret, Columns.Ticks(make.CreatedAt));
            return session.First(ReadHook, $"SELECT {HookFields} FROM hooks WHERE trigger_id = @trigger", make.TriggerId)!;
        },
        cancellationToken);

    public Task<bool> RotateHookAsync(HookRecord hook, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run("UPDATE hooks SET hash = @hash, secret = @secret, created_at = @created WHERE trigger_id = @trigger", hook.Hash, hook.Secret, Columns.Ticks(hook.CreatedAt), hook.TriggerId) == 1,
        cancellationToken);

    public Task<HookRecord?> FindHookAsync(string triggerId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(ReadHook, $"SELECT {HookFields} FROM hooks WHERE trigger_id = @trigger", triggerId), cancellationToken);

    public Task<TriggerRecord?> FindByHookAsync(string hash, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.First(Triggers.Read, $"SELECT {Triggers.Fields} FROM hooks h JOIN triggers t ON t.id = h.trigger_id WHERE h.hash = @hash AND t.kind = 'hook'", hash),
        cancellationToken);

    public Task<IReadOnlyList<HookRecord>> ListHooksAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<HookRecord>>(session => session.List(ReadHook, $"SELECT {HookFields} FROM hooks"), cancellationToken);

    private static WebhookRecord Read(DbDataReader reader) => new()
    {
        ConnectionId = reader.GetString(0),
        WebhookId = reader.GetString(1),
        Type = reader.GetString(2),
        LocationId = reader.Text(3),
        ItemId = reader.Text(4),
        SentAt = reader.TimeOrNull(5),
        ReceivedAt = reader.Time(6),
        Outcome = reader.GetString(7),
        Body = (JObject)Payload.UnpackJson(reader.Blob(8)!),
    };

    private static HintRecord ReadHint(DbDataReader reader) =>
        new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.Time(3), reader.GetInt64(4), reader.GetInt32(5), reader.Time(6));

    private static HookRecord ReadHook(DbDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.Blob(2)!, reader.Time(3));
}
