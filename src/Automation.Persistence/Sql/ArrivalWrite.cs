using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;

namespace Automation.Persistence.Sql;

/// <summary>An arrival, packed before it reaches the writer: as a run, and as what waits.</summary>
internal sealed record PackedArrival(Arrival Arrival)
{
    public PackedInstance Instance { get; } = PackedInstance.Of(Arrival.Instance);
    public byte[] Waiting { get; } = Payload.PackRecord(Arrival.Instance);
}

/// <summary>What comes for triggers by itself: it starts a run, or waits while its trigger is paused.</summary>
internal static class ArrivalWrite
{
    /// <summary>The trigger's row is kept to this transaction, so that what comes while it is paused or resumed is before or after that, and never between.</summary>
    public static ArrivalOutcome Arrive(Session session, PackedArrival packed)
    {
        var (trigger, key, instance) = packed.Arrival;
        long generation;
        bool waits;
        using (var reader = session.Query(
            $"SELECT generation, is_paused, (SELECT COUNT(*) FROM (SELECT 1 FROM arrivals a WHERE a.trigger_id = t.id LIMIT 1) AS one) FROM triggers t WHERE id = @id {Columns.Lock}",
            trigger))
        {
            if (!reader.Read())
            {
                return ArrivalOutcome.Gone;
            }

            (generation, waits) = (reader.GetInt64(0), reader.Flag(1) || reader.Flag(2));
        }

        if (session.Long("SELECT 1 FROM deliveries WHERE trigger_id = @trigger AND event_key = @key AND generation = @generation", trigger, key, generation) is not null)
        {
            return ArrivalOutcome.Repeated;
        }

        if (waits)
        {
            return session.Run(
                "INSERT INTO arrivals (trigger_id, event_key, instance, arrived_at) VALUES (@trigger, @key, @instance, @at) ON CONFLICT DO NOTHING", trigger, key, packed.Waiting, Columns.Ticks(instance.CreatedAt)) == 0
                ? ArrivalOutcome.Repeated
                : ArrivalOutcome.Waiting;
        }

        if (!DeliveryWrite.Deliver(session, trigger, key, generation, packed.Instance, instance.CreatedAt))
        {
            return ArrivalOutcome.Busy;
        }

        session.Post("UPDATE triggers SET last_fired_at = @at WHERE id = @id", Columns.Ticks(instance.CreatedAt), trigger);
        return ArrivalOutcome.Started;
    }

    /// <summary>The row of what waits is the fence: of two nodes that deliver it, one takes it.</summary>
    public static (IReadOnlyList<string> Started, bool All) Deliver(Session session, string trigger, IReadOnlyList<(long No, string EventKey, PackedInstance Instance)> waiting)
    {
        var started = new List<string>();
        if (session.Long($"SELECT generation FROM triggers WHERE id = @id AND is_paused = 0 {Columns.Lock}", trigger) is not { } generation)
        {
            return (started, false);
        }

        foreach (var (no, key, instance) in waiting)
        {
            if (!Instances.Activate(session, instance.New))
            {
                return (Fired(), false);
            }

            if (session.Run("DELETE FROM arrivals WHERE no = @no", no) == 1 && DeliveryWrite.Deliver(session, trigger, key, generation, instance, instance.New.CreatedAt))
            {
                started.Add(instance.New.Id);
            }
        }

        return (Fired(), true);

        List<string> Fired()
        {
            if (started.Count > 0)
            {
                session.Post("UPDATE triggers SET last_fired_at = @at WHERE id = @id", Columns.Ticks(waiting[0].Instance.New.CreatedAt), trigger);
            }

            return started;
        }
    }

    public static int Drop(Session session, DateTimeOffset before, DateTimeOffset now, int limit)
    {
        var old = session.List(reader => (No: reader.GetInt64(0), Trigger: reader.GetString(1)), "SELECT no, trigger_id FROM arrivals WHERE arrived_at < @before ORDER BY arrived_at LIMIT @limit", Columns.Ticks(before), limit);
        if (old.Count == 0)
        {
            return 0;
        }

        foreach (var trigger in old.Select(row => row.Trigger).Distinct(StringComparer.Ordinal))
        {
            if (session.First(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE t.id = @id", trigger) is { } known)
            {
                IncidentStore.Insert(session, [ArrivalDeliverer.Dropped(known, now)]);
            }
        }

        return session.Run("DELETE FROM arrivals WHERE no IN (#each @nos#)", (object)old.Select(row => row.No).ToArray());
    }
}
