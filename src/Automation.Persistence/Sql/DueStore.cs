using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>What is due: each question reads the head of one index.</summary>
internal sealed class DueStore(SqlDatabase database) : IDueStore
{
    private const string FreeSource = $"is_active = 1 AND due_at IS NOT NULL AND lease_until <= {Columns.Now}";
    private const string LiveSchedule = "t.kind = 'schedule' AND t.is_paused = 0 AND t.due_at IS NOT NULL";

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => database.ReadAsync<DateTimeOffset?>(
        session =>
        {
            long?[] heads =
            [
                session.Long($"SELECT due_at FROM sources WHERE {FreeSource} ORDER BY due_at LIMIT 1"),

                // One that a process holds is due again when that one has died and its lease runs out.
                session.Long($"SELECT MIN(lease_until) FROM sources WHERE is_active = 1 AND due_at <= {Columns.Now} AND lease_until > {Columns.Now}"),
                session.Long($"SELECT due_at FROM triggers t WHERE {LiveSchedule} ORDER BY due_at LIMIT 1"),
                session.Long("SELECT due_at FROM bookmarks WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"),
            ];
            return heads.Min() is { } ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        },
        cancellationToken);

    public Task<TimeSpan?> LeaseEndsInAsync(CancellationToken cancellationToken) => database.ReadAsync<TimeSpan?>(
        session => session.Long($"SELECT lease_until - {Columns.Now} FROM instances WHERE runnable = 1 AND lease_until > {Columns.Now} ORDER BY lease_until LIMIT 1") is { } ticks ? TimeSpan.FromTicks(ticks) : null,
        cancellationToken);

    public Task<IReadOnlyList<string>> DueSourcesAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(reader => reader.GetString(0), $"SELECT id FROM sources WHERE {FreeSource} AND due_at <= @now ORDER BY due_at LIMIT @limit", Columns.Ticks(now), limit),
        cancellationToken);

    public Task<IReadOnlyList<TriggerRecord>> DueSchedulesAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<TriggerRecord>>(
        session => session.List(Triggers.Read, $"SELECT {Triggers.Fields} FROM triggers t WHERE {LiveSchedule} AND t.due_at <= @now ORDER BY t.due_at LIMIT @limit", Columns.Ticks(now), limit),
        cancellationToken);

    public async Task<IReadOnlyList<string>> ResumeDueBookmarksAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        if (await database.ReadAsync(session => session.Long("SELECT 1 FROM bookmarks WHERE due_at <= @now LIMIT 1", Columns.Ticks(now)) is null, cancellationToken).ConfigureAwait(false))
        {
            return [];
        }

        return await database.WriteAsync<IReadOnlyList<string>>(
            session =>
            {
                var due = session.List(
                    reader => (Bookmark: reader.GetString(0), Instance: reader.GetString(1), Name: reader.GetString(2)),
                    "SELECT b.id, i.id, b.name FROM bookmarks b JOIN instances i ON i.no = b.instance_no WHERE b.due_at <= @now ORDER BY b.due_at LIMIT @limit #skip_locked b#",
                    Columns.Ticks(now),
                    limit);
                foreach (var task in due.Where(d => d.Name == TaskRequest.BookmarkName))
                {
                    TaskStore.EndOverdue(session, task.Bookmark, now);
                }

                session.Post("UPDATE bookmarks SET due_at = NULL WHERE id IN (#each @ids#)", (object)due.Select(d => d.Bookmark).ToArray());
                Instances.Stimulate(session, due.ConvertAll(d => new PackedStimulus(d.Instance, $"due:{d.Bookmark}", d.Bookmark, null)));

                return due.Select(d => d.Instance).Distinct(StringComparer.Ordinal).ToList();
            },
            cancellationToken).ConfigureAwait(false);
    }
}
