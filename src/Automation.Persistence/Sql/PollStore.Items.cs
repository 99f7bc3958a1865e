using System.Data.Common;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>Items of sources: looked up, delivered again by backfills, and pruned.</summary>
internal sealed partial class PollStore
{
    private const string ItemFields = "item_id, revision, hash, updated_at, seen_at, from_baseline, payload, absent";

    public Task<IReadOnlyList<ItemRecord>> FindItemsAsync(string sourceId, string key, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ItemRecord>>(
        session =>
        {
            if (session.Long("SELECT no FROM sources WHERE id = @id", sourceId) is not { } source)
            {
                return [];
            }

            return session.List(
                reader => ReadItem(reader, sourceId),
                $"""
                SELECT {ItemFields} FROM items
                WHERE no IN (SELECT no FROM items WHERE source_no = @source AND item_id = @key UNION SELECT item_no FROM item_subjects WHERE source_no = @source AND subject = @subject)
                ORDER BY no
                """,
                source,
                key.Trim(),
                Columns.Subject(key));
        },
        cancellationToken);

    public Task<IReadOnlyList<(long No, ItemRecord Item)>> ListItemsAsync(string sourceId, long afterNo, long untilNo, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<(long, ItemRecord)>>(
            session => session.List(
                reader => (reader.GetInt64(8), ReadItem(reader, sourceId)),
                $"SELECT {ItemFields}, no FROM items WHERE source_no = (SELECT no FROM sources WHERE id = @id) AND no > @after AND no <= @until AND absent < 2 ORDER BY no LIMIT @limit",
                sourceId,
                afterNo,
                untilNo,
                limit),
            cancellationToken);

    public Task<long> LastItemAsync(string sourceId, CancellationToken cancellationToken) => database.ReadAsync(
        session => session.Long("SELECT MAX(no) FROM items WHERE source_no = (SELECT no FROM sources WHERE id = @id)", sourceId) ?? 0,
        cancellationToken);

    public Task<IReadOnlyList<TriggerRecord>> ListBackfillsAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<TriggerRecord>>(
        session => session.List(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE t.backfill IS NOT NULL ORDER BY t.id"),
        cancellationToken);

    public Task<bool> UpdateBackfillAsync(string triggerId, BackfillState? from, BackfillState? to, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run("UPDATE triggers SET backfill = @to WHERE id = @id AND backfill IS NOT DISTINCT FROM @from", to?.ToString(), triggerId, from?.ToString()) == 1,
        cancellationToken);

    public Task<int> CountRunnableAsync(string triggerId, CancellationToken cancellationToken) => database.ReadAsync(
        session => (int)(session.Long("SELECT COUNT(*) FROM instances WHERE runnable = 1 AND trigger_id = @id", triggerId) ?? 0),
        cancellationToken);

    public Task<int> PruneAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var pruned = PruneAbandoned(session, before, limit);
            return pruned > 0 ? pruned : PruneConsumed(session, before, limit);
        },
        cancellationToken);

    /// <summary>A part of one source that nobody consumes: items, then events, then itself. A flow that is published meanwhile finds it dormant, and takes a new baseline.</summary>
    private static int PruneAbandoned(Session session, DateTimeOffset before, int limit)
    {
        if (session.Long(
            $"SELECT no FROM sources s WHERE last_poll_at < @before AND is_active = 0 AND lease_until <= {Columns.Now} AND NOT EXISTS (SELECT 1 FROM triggers t WHERE t.source_id = s.id) ORDER BY no LIMIT 1",
            Columns.Ticks(before)) is not { } source)
        {
            return 0;
        }

        var items = session.List(reader => reader.GetInt64(0), "SELECT no FROM items WHERE source_no = @source LIMIT @limit", source, limit);
        if (items.Count > 0)
        {
            var nos = items.ToArray();
            session.Run("DELETE FROM item_subjects WHERE source_no = @source AND item_no IN (#each @nos#)", source, nos);
            return session.Run("DELETE FROM items WHERE no IN (#each @nos#)", nos);
        }

        var events = session.Run("DELETE FROM events WHERE no IN (SELECT no FROM events WHERE source_no = @source LIMIT @limit)", source, limit);
        return events > 0 ? events : session.Run("DELETE FROM sources WHERE no = @source", source);
    }

    /// <summary>The oldest events of a ledger, as far as they are old and all triggers are past them.</summary>
    private static int PruneConsumed(Session session, DateTimeOffset before, int limit)
    {
        foreach (var (source, position) in session.List(
            reader => (reader.GetInt64(0), reader.GetInt64(1)),
            "SELECT s.no, MIN(t.position) FROM sources s JOIN triggers t ON t.source_id = s.id WHERE s.ledger_end > 0 GROUP BY s.no ORDER BY s.no"))
        {
            var pruned = session.Run(
                """
                DELETE FROM events WHERE source_no = @source AND sequence IN
                    (SELECT e.sequence FROM (SELECT sequence, observed_at FROM events WHERE source_no = @source AND sequence <= @position ORDER BY sequence LIMIT @limit) e WHERE e.observed_at < @before)
                """,
                source,
                position,
                limit,
                Columns.Ticks(before));
            if (pruned > 0)
            {
                return pruned;
            }
        }

        return 0;
    }

    private static ItemRecord ReadItem(DbDataReader reader, string sourceId) => new(
        sourceId,
        reader.GetString(0),
        reader.GetInt32(1),
        reader.GetString(2),
        reader.TimeOrNull(3),
        reader.Time(4),
        reader.Flag(5),
        (JObject?)Payload.UnpackJsonOrNull(reader.Blob(6)))
    {
        IsGone = reader.GetInt64(7) >= 2,
    };
}
