using System.Globalization;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Hands events to one trigger: deliveries, pending instances and the trigger's position, in one transaction.</summary>
internal sealed class DeliveryWrite(DeliveryBatch batch)
{
    private const string InsertDelivery =
        """
        INSERT INTO deliveries (trigger_id, event_key, generation, instance_id, reason, at) VALUES (@trigger, @event_key, @generation, @instance, @reason, @at)
        ON CONFLICT DO NOTHING
        """;

    private const string InsertDeliveries =
        """
        INSERT INTO deliveries (trigger_id, event_key, generation, instance_id, reason, at)
        SELECT @trigger, c.event_key, @generation, c.instance_id, c.reason, @at FROM unnest(@event_keys, @instances, @reasons) AS c (event_key, instance_id, reason)
        ON CONFLICT DO NOTHING RETURNING event_key
        """;

    private readonly (string EventKey, PackedInstance Instance)[] _instances = batch.Instances.Select(i => (i.EventKey, PackedInstance.Of(i.Instance))).ToArray();

    /// <summary>Key of a schedule's delivery.</summary>
    public static string KeyOf(DateTimeOffset dueAt) => dueAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    /// <summary>What the batch was made by, and that nobody has paused it since: a flood can be stopped, and after a republish the rest goes to the new version, or not at all where it watches another list.</summary>
    private const string SameTrigger = "generation = @generation AND version_id = @version AND source_id = @source AND is_paused = 0";

    /// <summary>
    /// 1. The position is the fence: it moves only from where the batch was read. 2. Deliveries are unique: an event that was delivered in this generation starts nothing again, even when a position
    /// was set back. Killed before COMMIT, neither has happened and the events are read again; killed after it, the instances are pending rows that the sweep finds.
    /// </summary>
    public bool Write(Session session)
    {
        var moved = batch.Backfill is var (from, to) ? session.Run(
            $"UPDATE triggers SET backfill = @to, last_fired_at = CASE WHEN @fires = 1 THEN @at ELSE last_fired_at END WHERE id = @id AND backfill = @from AND {SameTrigger}",
            to.ToString(),
            batch.Instances.Count > 0,
            Columns.Ticks(batch.At),
            batch.TriggerId,
            from.ToString(),
            batch.Generation,
            batch.VersionId,
            batch.SourceId) : session.Run(
            $"UPDATE triggers SET position = @to, last_fired_at = CASE WHEN @fires = 1 THEN @at ELSE last_fired_at END WHERE id = @id AND position = @from AND {SameTrigger}",
            batch.ToPosition,
            batch.Instances.Count > 0,
            Columns.Ticks(batch.At),
            batch.TriggerId,
            batch.FromPosition,
            batch.Generation,
            batch.VersionId,
            batch.SourceId);
        if (moved == 0)
        {
            return false;
        }

        if (session.TakesLists && Array.TrueForAll(_instances, i => i.Instance.New.Activation is null))
        {
            WriteTogether(session);
            return true;
        }

        foreach (var (eventKey, instance) in _instances)
        {
            Deliver(session, batch.TriggerId, eventKey, batch.Generation, instance, batch.At);
        }

        foreach (var (eventKey, reason) in batch.Filtered)
        {
            session.Post(InsertDelivery, batch.TriggerId, eventKey, batch.Generation, null, reason, Columns.Ticks(batch.At));
        }

        return true;
    }

    private void WriteTogether(Session session)
    {
        var rows = _instances.Select(i => (i.EventKey, Instance: (string?)i.Instance.New.Id, Reason: (string?)null)).Concat(batch.Filtered.Select(f => (f.EventKey, Instance: (string?)null, Reason: (string?)f.Reason))).ToList();
        if (rows.Count == 0)
        {
            return;
        }

        var delivered = session.List(
            reader => reader.GetString(0),
            InsertDeliveries,
            batch.TriggerId,
            batch.Generation,
            Columns.Ticks(batch.At),
            rows.Select(row => row.EventKey).ToArray(),
            rows.Select(row => row.Instance).ToArray(),
            rows.Select(row => row.Reason).ToArray()).ToHashSet(StringComparer.Ordinal);
        Instances.Insert(session, _instances.Where(i => delivered.Remove(i.EventKey)).Select(i => i.Instance).ToList());
    }

    /// <summary>Delivers one event; false: it was delivered before, or the flow's activation strategy does not let it start a run.</summary>
    public static bool Deliver(Session session, string triggerId, string eventKey, long generation, PackedInstance instance, DateTimeOffset at)
    {
        if (!Instances.Activate(session, instance.New) || session.Run(InsertDelivery, triggerId, eventKey, generation, instance.New.Id, null, Columns.Ticks(at)) == 0)
        {
            return false;
        }

        Instances.Insert(session, [instance]);
        return true;
    }
}
