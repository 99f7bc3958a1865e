using Automation.Engine;
using Automation.Persistence.Encoding;

namespace Automation.Persistence.Sql;

/// <summary>
/// Several commits by the same few statements, a list per column: where the database is away, a commit of its own costs two round trips and a plan of many statements, and a group costs hardly more. Same rows, same fences, same
/// transaction; PostgreSQL only.
/// </summary>
internal sealed partial class RunCommitWrite
{
    private const string DeleteGroupStimuli =
        """
        DELETE FROM stimuli s USING unnest(@stimuli, @instances, @owners, @tokens) AS c (id, instance_id, owner, token), instances i
        WHERE s.id = c.id AND i.id = c.instance_id AND i.lease_owner = c.owner AND i.lease_token = c.token
        """;

    private const string InsertBookmarks =
        """
        INSERT INTO bookmarks (id, instance_no, name, key, hash, tag, activity_id, node_id, activity_instance_id, due_at, wait_until, payload, created_at)
        SELECT c.id, c.instance_no, c.name, c.key, c.hash, c.tag, c.activity_id, c.node_id, c.activity_instance_id, c.due_at, c.due_at, c.payload, c.created_at
        FROM unnest(@ids, @instance_nos, @names, @keys, @hashes, @tags, @activity_ids, @node_ids, @activity_instance_ids, @due_ats, @payloads, @created_ats)
            AS c (id, instance_no, name, key, hash, tag, activity_id, node_id, activity_instance_id, due_at, payload, created_at)
        ON CONFLICT (id) DO NOTHING
        """;

    // One row of an index for each run: EXISTS would be answered from a list of all stimuli that there are.
    private const string IsWaitedFor = "COALESCE((SELECT 1 FROM stimuli s WHERE s.instance_no = i.no LIMIT 1), 0)";

    private const string UpdateGroup =
        $"""
        UPDATE instances AS i SET
            status = c.status, sub_status = c.sub_status, correlation_id = c.correlation_id, name = c.name, updated_at = c.at, started_at = COALESCE(i.started_at, c.started_at), finished_at = c.finished_at, attempts = 0,
            lease_owner = CASE WHEN c.release = 1 THEN NULL ELSE i.lease_owner END,
            lease_until = CASE WHEN c.release = 1 THEN 0 ELSE {Columns.Now} + c.duration END,
            runnable = CASE WHEN c.status = 1 THEN 0 WHEN c.release = 1 AND c.sub_status = 2 THEN {IsWaitedFor} ELSE 1 END
        FROM unnest(@ids, @owners, @tokens, @statuses, @sub_statuses, @correlation_ids, @names, @ats, @started_ats, @finished_ats, @releases, @durations)
            AS c (id, owner, token, status, sub_status, correlation_id, name, at, started_at, finished_at, release, duration)
        WHERE i.id = c.id AND i.lease_owner = c.owner AND i.lease_token = c.token
        RETURNING i.id, i.no, i.lineage, {IsWaitedFor}
        """;

    private const string InsertGroup =
        $"""
        INSERT INTO instances (id, definition_id, version_id, version, definition_name, status, sub_status, correlation_id, name, location_id, parent_instance_id, parent_bookmark_id, lineage, trigger_id, started_by, is_sandbox,
            created_at, updated_at, started_at, finished_at, runnable, lease_owner, lease_token, lease_until, node)
        SELECT c.id, c.definition_id, c.version_id, c.version, c.definition_name, c.status, c.sub_status, c.correlation_id, c.name, c.location_id, c.parent_instance_id, c.parent_bookmark_id, c.lineage, c.trigger_id, c.started_by, c.is_sandbox,
            c.created_at, c.at, c.started_at, c.finished_at, CASE WHEN c.status = 1 OR c.release = 1 AND c.sub_status = 2 THEN 0 ELSE 1 END,
            CASE WHEN c.release = 1 THEN NULL ELSE c.owner END, c.token, CASE WHEN c.release = 1 THEN 0 ELSE {Columns.Now} + c.duration END, c.owner
        FROM unnest(@ids, @owners, @tokens, @statuses, @sub_statuses, @correlation_ids, @names, @ats, @started_ats, @finished_ats, @releases, @durations,
            @definition_ids, @version_ids, @versions, @definition_names, @location_ids, @parents, @parent_bookmarks, @lineages, @triggers, @started_bys, @sandboxes, @created_ats)
            AS c (id, owner, token, status, sub_status, correlation_id, name, at, started_at, finished_at, release, duration,
            definition_id, version_id, version, definition_name, location_id, parent_instance_id, parent_bookmark_id, lineage, trigger_id, started_by, is_sandbox, created_at)
        ON CONFLICT (id) DO NOTHING RETURNING id, no, lineage, 0
        """;

    /// <inheritdoc />
    /// <remarks>Incidents are counted one by one, activations decided one by one; both are rare.</remarks>
    public override object? Key => _commit.Incidents.Count == 0 && _commit.Insert?.Activation is null ? typeof(RunCommitWrite) : null;

    /// <summary>Writes commits of different instances together. Numbered checkpoints and fences are those of <see cref="Write"/>.</summary>
    /// <inheritdoc />
    public override void WriteGroup(Session session, IReadOnlyList<GroupedWork<bool>> works)
    {
        var group = works.Cast<RunCommitWrite>().ToList();
        if (group.Select(write => write._commit.InstanceId).Distinct(StringComparer.Ordinal).Count() != group.Count)
        {
            throw new GroupSpoiledException();
        }

        var rows = new Dictionary<string, (long No, string Lineage, bool Waiting)>(group.Count, StringComparer.Ordinal);
        Fence(session, UpdateGroup, [.. group.Where(write => write._commit.Insert is null)], rows);
        Fence(session, InsertGroup, [.. group.Where(write => write._commit.Insert is not null)], rows);

        var written = group.Where(write => rows.ContainsKey(write._commit.InstanceId)).ToList();
        var updates = written.Where(write => write._commit.Insert is null).ToList();
        var inserts = written.Where(write => write._commit.Insert is not null).ToList();
        var journals = written.Where(write => write._journal is not null).ToList();
        long No(RunCommitWrite write) => rows[write._commit.InstanceId].No;
        if (updates.Count > 0)
        {
            session.Post("UPDATE instance_states s SET state = c.state FROM unnest(@nos, @states) AS c (no, state) WHERE s.instance_no = c.no", updates.Select(No).ToArray(), updates.Select(w => w._state).ToArray());
        }

        if (inserts.Count > 0)
        {
            session.Post("INSERT INTO instance_states (instance_no, start, state) SELECT * FROM unnest(@nos, @starts, @states)", inserts.Select(No).ToArray(), inserts.Select(w => w._start!).ToArray(), inserts.Select(w => w._state).ToArray());
        }

        if (journals.Count > 0)
        {
            session.Post(
                "INSERT INTO journal_segments (instance_no, first_record, data) SELECT * FROM unnest(@nos, @firsts, @data)",
                journals.Select(No).ToArray(),
                journals.Select(w => w._commit.Changes.Journal[0].Sequence).ToArray(),
                journals.Select(w => w._journal!).ToArray());
        }

        foreach (var write in written)
        {
            write.WriteApart(session, No(write));
        }

        WriteBookmarks(session, written, No);
        foreach (var write in written)
        {
            write.WriteTasks(session, No(write));
        }

        Instances.AddSubjects(session, written.SelectMany(write => new[] { (No(write), write._commit.Changes.Subjects), (No(write), write._commit.Insert?.Subjects ?? []) }));
        WriteOutgoing(session, written, rows);
        foreach (var write in group)
        {
            write.Failure = rows.ContainsKey(write._commit.InstanceId) ? null : new LeaseLostException(write._commit.InstanceId);
        }

        var intents = written.Where(write => write._commit.Intent is not null).ToList();
        if (intents.Count > 0 && EffectStore.InsertGroup(session, intents.Select(w => (w._commit.Intent!, w._request!, rows[w._commit.InstanceId].Lineage)).ToList()) != intents.Count)
        {
            // The effect of one is on its way already: which one, and what becomes of it, is seen when it is written alone.
            throw new GroupSpoiledException();
        }
    }

    private static void WriteBookmarks(Session session, List<RunCommitWrite> written, Func<RunCommitWrite, long> no)
    {
        var removed = written.SelectMany(write => write._commit.Changes.BookmarksRemoved).ToArray();
        if (removed.Length > 0)
        {
            session.Post("DELETE FROM bookmarks WHERE id IN (#each @ids#)", (object)removed);
        }

        var added = written.SelectMany(write => write._commit.Changes.BookmarksAdded.Select((bookmark, i) => (Bookmark: bookmark, No: no(write), Payload: write._bookmarkPayloads[i]))).ToList();
        if (added.Count == 0)
        {
            return;
        }

        T[] Each<T>(Func<Bookmark, T> value) => [.. added.Select(row => value(row.Bookmark))];
        session.Post(
            InsertBookmarks,
            Each(b => b.Id),
            added.Select(row => row.No).ToArray(),
            Each(b => b.Name),
            Each(b => b.Key),
            Each(b => b.Hash),
            Each(b => b.Tag),
            Each(b => b.ActivityId),
            Each(b => b.NodeId),
            Each(b => b.ActivityInstanceId),
            Each(b => b.DueAt?.UtcTicks),
            added.Select(row => row.Payload).ToArray(),
            Each(b => Columns.Ticks(b.CreatedAt)));
    }

    /// <summary>As <see cref="WriteOutgoing(Session, long, bool)"/>.</summary>
    private static void WriteOutgoing(Session session, List<RunCommitWrite> written, Dictionary<string, (long No, string Lineage, bool Waiting)> rows)
    {
        Instances.Insert(session, written.SelectMany(write => write._children).ToList());
        Instances.Stimulate(session, written.SelectMany(write => write._stimuli).ToList());
        var left = new List<long>();
        var unheard = new List<long>();
        foreach (var write in written)
        {
            write.Hold(session);
            var (no, _, queued) = rows[write._commit.InstanceId];
            var waiting = queued || write.StimulatesItself;
            var isFinished = write._commit.Status == WorkflowStatus.Finished;
            write.Result = waiting && !isFinished;
            if (isFinished && write._commit.Insert is null)
            {
                left.Add(no);
            }

            if (isFinished && waiting)
            {
                unheard.Add(no);
            }
        }

        if (left.Count > 0)
        {
            session.Post("DELETE FROM bookmarks WHERE instance_no IN (#each @nos#)", (object)left.ToArray());
        }

        if (unheard.Count > 0)
        {
            session.Post("DELETE FROM stimuli WHERE instance_no IN (#each @nos#)", (object)unheard.ToArray());
        }
    }

    /// <summary>The statement that changes the rows is their fence: those that it answers with are written.</summary>
    private static void Fence(Session session, string sql, IReadOnlyList<RunCommitWrite> group, Dictionary<string, (long No, string Lineage, bool Waiting)> rows)
    {
        if (group.Count == 0)
        {
            return;
        }

        T[] Each<T>(Func<RunCommitWrite, T> value) => [.. group.Select(value)];
        if (sql == UpdateGroup)
        {
            Instances.Lock(session, Each(w => w._commit.InstanceId));
            var stimuli = group.SelectMany(write => write._commit.StimuliDone.Select(id => (Id: id, Write: write))).ToList();
            if (stimuli.Count > 0)
            {
                session.Post(
                    DeleteGroupStimuli,
                    stimuli.Select(s => s.Id).ToArray(),
                    stimuli.Select(s => s.Write._commit.InstanceId).ToArray(),
                    stimuli.Select(s => s.Write._commit.Lease.Owner).ToArray(),
                    stimuli.Select(s => s.Write._commit.Lease.Token).ToArray());
            }
        }

        List<object?> arguments =
        [
            Each(w => w._commit.InstanceId),
            Each(w => w._commit.Lease.Owner),
            Each(w => w._commit.Lease.Token),
            Each(w => (long)w._commit.Status),
            Each(w => (long)w._commit.SubStatus),
            Each(w => w._commit.CorrelationId),
            Each(w => w._commit.Name),
            Each(w => Columns.Ticks(w._commit.At)),
            Each(w => w.StartedAt()),
            Each(w => (long?)w.FinishedAt()),
            Each(w => w._commit.Release ? 1L : 0L),
            Each(w => w._commit.LeaseDuration.Ticks),
        ];
        if (sql == InsertGroup)
        {
            arguments.AddRange(
            [
                Each(w => w._commit.Insert!.DefinitionId),
                Each(w => w._commit.Insert!.VersionId),
                Each(w => (long)w._commit.Insert!.Version),
                Each(w => w._commit.Insert!.DefinitionName),
                Each(w => w._commit.Insert!.Start.LocationId),
                Each(w => w._commit.Insert!.Start.ParentInstanceId),
                Each(w => w._commit.Insert!.ParentBookmarkId),
                Each(w => w._commit.Insert!.Start.Lineage ?? w._commit.InstanceId),
                Each(w => w._commit.Insert!.TriggerId),
                Each(w => w._commit.Insert!.StartedBy),
                Each(w => w._commit.Insert!.IsSandbox ? 1L : 0L),
                Each(w => Columns.Ticks(w._commit.Insert!.CreatedAt)),
            ]);
        }

        using var reader = session.Query(sql, [.. arguments]);
        while (reader.Read())
        {
            rows.Add(reader.GetString(0), (reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3) != 0));
        }
    }
}
