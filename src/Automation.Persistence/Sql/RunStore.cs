using System.Data.Common;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Instances, stimuli, bookmarks and journal. Lists are in <see cref="RunQueries"/>, claims in <see cref="Claims"/>.</summary>
internal sealed class RunStore(SqlDatabase database) : IRunStore
{
    private const string Renew =
        $"""
        UPDATE instances SET lease_until = {Columns.Now} + @duration
        WHERE id IN (#each @ids#) AND lease_owner = @owner AND id || ':' || lease_token IN (#each @keys#)
        RETURNING id
        """;

    private const string SelectBookmarks =
        "SELECT i.id, i.definition_id, i.correlation_id, b.id, b.name, b.key, b.hash, b.tag, b.activity_id, b.node_id, b.activity_instance_id, b.wait_until, b.payload, b.created_at FROM bookmarks b JOIN instances i ON i.no = b.instance_no";

    private readonly Claims claims = new(database);
    private readonly SharedLookup<string, BookmarkRecord> bookmarks = new(ids => BookmarksAsync(database, ids));

    /// <summary>What is queued at the same time shares its statements.</summary>
    private sealed class EnqueueWork(PackedInstance[] instances, PackedStimulus[] stimuli) : GroupedWork<IReadOnlyList<string>>
    {
        public override object? Key => typeof(EnqueueWork);

        public override IReadOnlyList<string> Write(Session session) => Write(session, instances, stimuli);

        public override void WriteGroup(Session session, IReadOnlyList<GroupedWork<IReadOnlyList<string>>> group)
        {
            var works = group.Cast<EnqueueWork>().ToList();
            var refused = Write(session, [.. works.SelectMany(work => work.Instances)], [.. works.SelectMany(work => work.Stimuli)]);
            foreach (var work in works)
            {
                work.Result = refused.Count == 0 ? refused : [.. work.Instances.Select(packed => packed.New.Id).Intersect(refused, StringComparer.Ordinal)];
            }
        }

        private static IReadOnlyList<string> Write(Session session, PackedInstance[] instances, PackedStimulus[] stimuli)
        {
            var refused = Sql.Instances.Insert(session, instances);
            Sql.Instances.Stimulate(session, stimuli);
            return refused;
        }

        private PackedInstance[] Instances => instances;

        private PackedStimulus[] Stimuli => stimuli;
    }

    /// <inheritdoc />
    public int ClaimsAtOnce => database.WritesTogether ? 4 : 1;

    public Task<IReadOnlyList<ClaimedInstance>> ClaimAsync(IReadOnlyList<string>? ids, string owner, TimeSpan duration, int limit, CancellationToken cancellationToken) =>
        claims.ClaimAsync(ids, owner, duration, limit, cancellationToken);

    public Task<ClaimedInstance?> StimulateAndClaimAsync(PendingStimulus stimulus, string owner, TimeSpan duration, CancellationToken cancellationToken) =>
        claims.StimulateAndClaimAsync(PackedStimulus.Of(stimulus), owner, duration, cancellationToken);

    public Task<IReadOnlyList<string>> RenewAsync(IReadOnlyList<(string InstanceId, Lease Lease)> leases, TimeSpan duration, CancellationToken cancellationToken) =>
        leases.Count == 0
            ? Task.FromResult<IReadOnlyList<string>>([])
            : database.WriteAsync<IReadOnlyList<string>>(
                session =>
                {
                    // One statement for all of an owner's: the token is part of what is looked for.
                    var kept = new HashSet<string>(StringComparer.Ordinal);
                    foreach (var owned in leases.GroupBy(held => held.Lease.Owner))
                    {
                        kept.UnionWith(session.List(
                            reader => reader.GetString(0),
                            Renew,
                            duration.Ticks,
                            owned.Select(held => held.InstanceId).ToArray(),
                            owned.Key,
                            owned.Select(held => $"{held.InstanceId}:{held.Lease.Token}").ToArray()));
                    }

                    return leases.Select(held => held.InstanceId).Where(id => !kept.Contains(id)).ToList();
                },
                cancellationToken);

    public Task<bool> CommitAsync(RunCommit commit, CancellationToken cancellationToken) => database.WriteAsync(new RunCommitWrite(commit), cancellationToken);

    public Task ReleaseAsync(string instanceId, Lease lease, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Run(
            "UPDATE instances SET lease_owner = NULL, lease_until = 0, attempts = 0 WHERE id = @id AND lease_owner = @owner AND lease_token = @token",
            instanceId,
            lease.Owner,
            lease.Token),
        cancellationToken);

    public Task<IReadOnlyList<string>> EnqueueAsync(IReadOnlyList<NewInstance> instances, IReadOnlyList<PendingStimulus> stimuli, CancellationToken cancellationToken)
    {
        if (instances.Count == 0 && stimuli.Count == 0)
        {
            return Task.FromResult<IReadOnlyList<string>>([]);
        }

        return database.WriteAsync(new EnqueueWork(PackedInstance.Of(instances), PackedStimulus.Of(stimuli)), cancellationToken);
    }

    public Task<IReadOnlyList<string>> ListRunnableAsync(int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(reader => reader.GetString(0), $"SELECT id FROM instances WHERE {Claims.Claimable} ORDER BY lease_until, no LIMIT @limit", limit),
        cancellationToken);

    public Task<IReadOnlyList<string>> ListInterruptedAsync(int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(reader => reader.GetString(0), $"SELECT id FROM instances WHERE {Claims.Claimable} AND lease_until > 0 ORDER BY lease_until, no LIMIT @limit", limit),
        cancellationToken);

    public Task<IReadOnlyList<BookmarkRecord>> FindBookmarksAsync(string hash, CancellationToken cancellationToken) => Bookmarks("b.hash = @hash", hash, cancellationToken);

    public Task<BookmarkRecord?> FindBookmarkAsync(string bookmarkId, CancellationToken cancellationToken) => bookmarks.FindAsync(bookmarkId, cancellationToken);

    public Task<IReadOnlyList<BookmarkRecord>> ListBookmarksAsync(string instanceId, CancellationToken cancellationToken) => Bookmarks("i.id = @id", instanceId, cancellationToken);

    public Task<IReadOnlyList<string>> ListBookmarkKeysAsync(string name, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(reader => reader.GetString(0), "SELECT DISTINCT key FROM bookmarks WHERE name = @name AND key IS NOT NULL ORDER BY key", name),
        cancellationToken);

    private Task<IReadOnlyList<BookmarkRecord>> Bookmarks(string condition, string argument, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<BookmarkRecord>>(session => session.List(ReadBookmark, $"{SelectBookmarks} WHERE {condition} ORDER BY b.created_at, b.id", argument), cancellationToken);

    private static Task<IReadOnlyDictionary<string, BookmarkRecord>> BookmarksAsync(SqlDatabase database, string[] ids) => database.ReadAsync<IReadOnlyDictionary<string, BookmarkRecord>>(
        session => session.List(ReadBookmark, $"{SelectBookmarks} WHERE b.id IN (#each @ids#)", (object)ids).ToDictionary(found => found.Bookmark.Id, StringComparer.Ordinal),
        CancellationToken.None);

    private static BookmarkRecord ReadBookmark(DbDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.Text(2), new Bookmark
    {
        Id = reader.GetString(3),
        Name = reader.GetString(4),
        Key = reader.Text(5),
        Hash = reader.GetString(6),
        Tag = reader.Text(7),
        ActivityId = reader.GetString(8),
        NodeId = reader.GetString(9),
        ActivityInstanceId = reader.GetString(10),
        DueAt = reader.TimeOrNull(11),
        Payload = Payload.UnpackJsonOrNull(reader.Blob(12)),
        CreatedAt = reader.Time(13),
    });

    public Task<InstanceRecord?> FindAsync(string instanceId, CancellationToken cancellationToken) => database.ReadAsync(
        session => Instances.WithSubjects(session, session.List(Instances.Read, $"SELECT {Instances.Fields} FROM instances WHERE id = @id", instanceId)) is [var found] ? found : null,
        cancellationToken);

    public async Task<byte[]?> GetStateAsync(string instanceId, CancellationToken cancellationToken) =>
        await StateColumn("state", instanceId, cancellationToken).ConfigureAwait(false) is { } packed ? Payload.Unpack(packed) : null;

    public async Task<RunStart?> GetStartAsync(string instanceId, CancellationToken cancellationToken) =>
        await StateColumn("start", instanceId, cancellationToken).ConfigureAwait(false) is { } packed ? Payload.UnpackRecord<RunStart>(packed) : null;

    private Task<byte[]?> StateColumn(string column, string instanceId, CancellationToken cancellationToken) => database.ReadAsync(
        session => (byte[]?)session.Scalar($"SELECT s.{column} FROM instances i JOIN instance_states s ON s.instance_no = i.no WHERE i.id = @id", instanceId),
        cancellationToken);

    public Task<IReadOnlyList<RunCount>> CountAsync(DateTimeOffset since, TimeSpan span, CancellationToken cancellationToken) => database.ReadAsync(session => RunQueries.Count(session, since, span), cancellationToken);

    public Task<PageOf<InstanceRecord>> ListAsync(RunFilter filter, CancellationToken cancellationToken) => database.ReadAsync(session => RunQueries.List(session, filter), cancellationToken);

    public Task<IReadOnlyList<JournalRecord>> ReadJournalAsync(string instanceId, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<JournalRecord>>(
        session =>
        {
            var segments = session.List(
                reader => reader.Blob(0)!,
                "SELECT data FROM journal_segments WHERE instance_no = (SELECT no FROM instances WHERE id = @id) ORDER BY no",
                instanceId);
            var records = new List<JournalRecord>();
            foreach (var segment in segments)
            {
                records.AddRange(Records(session, segment));
            }

            return records;
        },
        cancellationToken);

    public Task<PageOf<JournalRecord>> ReadJournalPageAsync(string instanceId, long skip, int take, CancellationToken cancellationToken) => database.ReadAsync(
        session =>
        {
            if (session.Long("SELECT no FROM instances WHERE id = @id", instanceId) is not { } instance
                || (session.Long("SELECT no FROM journal_segments WHERE instance_no = @instance AND first_record IS NOT NULL ORDER BY first_record DESC LIMIT 1", instance)
                    ?? session.Long("SELECT MAX(no) FROM journal_segments WHERE instance_no = @instance", instance)) is not { } last)
            {
                return new PageOf<JournalRecord>([], 0);
            }

            var total = Records(session, Segment(last))[^1].Sequence;
            var items = new List<JournalRecord>();
            if (take <= 0 || skip >= total)
            {
                return new PageOf<JournalRecord>(items, total);
            }

            // One segment at a time: what is in memory is the page and one segment.
            foreach (var no in Segments(session, instance, skip + 1, Math.Min(total, skip + take)))
            {
                items.AddRange(Records(session, Segment(no)).Where(record => record.Sequence > skip && record.Sequence <= skip + take));
            }

            return new PageOf<JournalRecord>(items, total);

            byte[] Segment(long no) => (byte[])session.Scalar("SELECT data FROM journal_segments WHERE no = @no", no)!;
        },
        cancellationToken);

    /// <summary>The segments that have the records from one number to another; all, where some were written before their first numbers were kept.</summary>
    private static List<long> Segments(Session session, long instance, long from, long to) =>
        session.Long("SELECT 1 FROM journal_segments WHERE instance_no = @instance AND first_record IS NULL LIMIT 1", instance) is not null
            ? session.List(reader => reader.GetInt64(0), "SELECT no FROM journal_segments WHERE instance_no = @instance ORDER BY no", instance)
            : session.List(
                reader => reader.GetInt64(0),
                """
                SELECT no FROM journal_segments WHERE instance_no = @instance AND first_record <= @to
                    AND first_record >= COALESCE((SELECT MAX(first_record) FROM journal_segments WHERE instance_no = @instance AND first_record <= @from), 0)
                ORDER BY no
                """,
                instance,
                to,
                from);

    private static List<JournalRecord> Records(Session session, byte[] segment) =>
        JournalSegment.Unpack(segment, id => (byte[]?)session.Scalar("SELECT data FROM payloads WHERE id = @id", id));

    public async Task<int> DeleteAsync(IReadOnlyList<string> instanceIds, CancellationToken cancellationToken)
    {
        // In portions, so that a great clean-up lets commits through.
        var deleted = 0;
        foreach (var portion in instanceIds.Chunk(100))
        {
            deleted += await database.WriteAsync(session => Instances.Delete(session, portion), cancellationToken).ConfigureAwait(false);
        }

        return deleted;
    }

    public Task<IReadOnlyList<string>> ListFinishedBeforeAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<string>>(
        session => session.List(
            reader => reader.GetString(0),
            "SELECT id FROM instances WHERE finished_at IS NOT NULL AND finished_at < @before ORDER BY finished_at LIMIT @limit",
            Columns.Ticks(before),
            limit),
        cancellationToken);
}
