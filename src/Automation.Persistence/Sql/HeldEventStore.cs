using System.Data.Common;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>A kept event, packed before it reaches the writer.</summary>
internal sealed record PackedEvent(HeldEvent Held)
{
    private readonly byte[]? payload = Payload.PackJsonOrNull(Held.Payload);

    public void Insert(Session session) => session.Post(
        "INSERT INTO held_events (hash, instance_id, correlation_id, activity_instance_id, payload, until) VALUES (@hash, @instance, @correlation, @activity, @payload, @until)",
        Held.Hash,
        Held.InstanceId,
        Held.CorrelationId,
        Held.ActivityInstanceId,
        payload,
        Columns.Ticks(Held.Until));
}

/// <summary>Events that nobody took.</summary>
internal sealed class HeldEventStore(SqlDatabase database) : IHeldEventStore
{
    /// <summary>Kept events handed over in one transaction; the next pass goes on.</summary>
    private const int BatchSize = 100;

    // A bookmark that is being resumed already takes no second event with it: that one waits for the next.
    private const string Waiting =
        """
        bookmarks b JOIN instances i ON i.no = b.instance_no
        WHERE b.hash = h.hash AND i.status = 0 AND (h.instance_id IS NULL OR i.id = h.instance_id) AND (h.correlation_id IS NULL OR i.correlation_id = h.correlation_id)
            AND (h.activity_instance_id IS NULL OR b.activity_instance_id = h.activity_instance_id) AND NOT EXISTS (SELECT 1 FROM stimuli s WHERE s.instance_no = b.instance_no AND s.bookmark_id = b.id)
        """;

    private const string Wanted = $"SELECT h.no, h.payload FROM held_events h WHERE h.until > @now AND EXISTS (SELECT 1 FROM {Waiting})";

    public Task HoldAsync(HeldEvent held, CancellationToken cancellationToken)
    {
        var packed = new PackedEvent(held);
        return database.WriteAsync(packed.Insert, cancellationToken);
    }

    public async Task<IReadOnlyList<string>> DeliverAsync(IReadOnlyList<string>? hashes, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Where nothing is kept, which is nearly always, this is one look at an index and no write.
        var ticks = Columns.Ticks(now);
        var list = hashes?.ToArray();
        if (!await database.ReadAsync(
            session => (list is null ? session.Long("SELECT 1 FROM held_events LIMIT 1") : session.Long("SELECT 1 FROM held_events WHERE hash IN (#each @hashes#) LIMIT 1", (object)list)) is not null,
            cancellationToken).ConfigureAwait(false))
        {
            return [];
        }

        return await database.WriteAsync<IReadOnlyList<string>>(session => Deliver(session, list, ticks), cancellationToken).ConfigureAwait(false);
    }

    private static List<string> Deliver(Session session, string[]? hashes, long now)
    {
        if (hashes is null)
        {
            session.Post("DELETE FROM held_events WHERE until <= @now", now);
        }

        // The row is the fence: of two nodes that hand it over, one has it.
        (long No, byte[]? Payload) Read(DbDataReader reader) => (reader.GetInt64(0), reader.Blob(1));
        var wanted = hashes is null
            ? session.List(Read, $"{Wanted} ORDER BY h.no LIMIT @limit #skip_locked h#", now, BatchSize)
            : session.List(Read, $"{Wanted} AND h.hash IN (#each @hashes#) ORDER BY h.no LIMIT @limit #skip_locked h#", now, hashes, BatchSize);
        var resumed = new List<string>();
        foreach (var (no, payload) in wanted)
        {
            var stimuli = session.List(reader => new PackedStimulus(reader.GetString(1), $"held:{no}:{reader.GetString(0)}", reader.GetString(0), payload), $"SELECT b.id, i.id FROM held_events h CROSS JOIN {Waiting} AND h.no = @no", no);
            if (stimuli.Count > 0)
            {
                Instances.Stimulate(session, stimuli);
                session.Post("DELETE FROM held_events WHERE no = @no", no);
                resumed.AddRange(stimuli.Select(stimulus => stimulus.InstanceId));
            }
        }

        return resumed.Distinct(StringComparer.Ordinal).ToList();
    }
}
