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

    public Task<bool> TakeAsync(WebhookRecord webhook, IReadOnlyList<HintRecord> hints, IReadOnlyList<string> goneFrom, IReadOnlyList<Started> started, CancellationToken cancellationToken)
    {
        var body = Payload.PackJson(webhook.Body);
        var packed = started.Select(start => (start.Trigger, start.EventKey, Instance: PackedInstance.Of(start.Instance))).ToArray();
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
                    return false;
                }

                foreach (var hint in hints)
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

                foreach (var source in goneFrom)
                {
                    session.Post(MarkGone, Columns.Ticks(webhook.ReceivedAt), source, webhook.ItemId, Columns.Ticks(webhook.SentAt ?? webhook.ReceivedAt));
                }

                foreach (var (trigger, key, instance) in packed)
                {
                    Start(session, trigger, key, instance);
                }

                return true;
            },
            cancellationToken);
    }

    public Task<bool> StartAsync(Started started, CancellationToken cancellationToken)
    {
        var packed = PackedInstance.Of(started.Instance);
        return database.WriteAsync(session => Start(session, started.Trigger, started.EventKey, packed), cancellationToken);
    }

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
        session => session.List(PollStore.ReadSource, $"SELECT {PollStore.SourceFields} FROM sources WHERE connection_id = @connection AND is_active = 1", connectionId),
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

    private static bool Start(Session session, TriggerRecord trigger, string key, PackedInstance instance)
    {
        if (!DeliveryWrite.Deliver(session, trigger.Id, key, trigger.Generation, instance, instance.New.CreatedAt))
        {
            return false;
        }

        session.Post("UPDATE triggers SET last_fired_at = @at WHERE id = @id", Columns.Ticks(instance.New.CreatedAt), trigger.Id);
        return true;
    }

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
