using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>
/// Writes the end of a burst, or a checkpoint in its middle. Everything that costs processor time (JSON, compression) is done before the writer's turn;
/// <see cref="Write"/> only runs statements.
/// </summary>
internal sealed partial class RunCommitWrite : GroupedWork<bool>
{
    private const string InsertLeased =
        $"""
        INSERT INTO instances (id, definition_id, version_id, version, definition_name, status, sub_status, correlation_id, name, location_id, parent_instance_id, parent_bookmark_id, lineage, trigger_id, started_by, is_sandbox,
            incident_count, error, created_at, updated_at, started_at, finished_at, runnable, lease_owner, lease_token, lease_until, node)
        VALUES (@id, @definition_id, @version_id, @version, @definition_name, @status, @sub_status, @correlation_id, @name, @location_id, @parent_instance_id, @parent_bookmark_id, @lineage, @trigger_id, @started_by, @is_sandbox,
            @incidents, @error, @created_at, @at, @started_at, @finished_at, CASE WHEN @status = 1 OR @release = 1 AND @sub_status = 2 THEN 0 ELSE 1 END,
            CASE WHEN @release = 1 THEN NULL ELSE @owner END, @token, CASE WHEN @release = 1 THEN 0 ELSE {Columns.Now} + @duration END, @owner)
        ON CONFLICT (id) DO NOTHING RETURNING no
        """;

    // Sub status 2, suspended: only stimuli make it runnable again. Released in any other state (pending, executing, interrupted), it has work to do.
    private const string UpdateLeased =
        $"""
        UPDATE instances SET
            status = @status, sub_status = @sub_status, correlation_id = @correlation_id, name = @name, updated_at = @at, started_at = COALESCE(started_at, @started_at), finished_at = @finished_at,
            incident_count = incident_count + @incidents, error = COALESCE(@error, error), attempts = 0,
            lease_owner = CASE WHEN @release = 1 THEN NULL ELSE lease_owner END,
            lease_until = CASE WHEN @release = 1 THEN 0 ELSE {Columns.Now} + @duration END,
            runnable = CASE WHEN @status = 1 THEN 0 WHEN @release = 1 AND @sub_status = 2 THEN CASE WHEN EXISTS (SELECT 1 FROM stimuli WHERE instance_no = instances.no) THEN 1 ELSE 0 END ELSE 1 END
        WHERE id = @id AND lease_owner = @owner AND lease_token = @token
        RETURNING no, lineage, CASE WHEN EXISTS (SELECT 1 FROM stimuli WHERE instance_no = instances.no) THEN 1 ELSE 0 END
        """;

    private const string InsertBookmark =
        """
        INSERT INTO bookmarks (id, instance_no, name, key, hash, tag, activity_id, node_id, activity_instance_id, due_at, wait_until, payload, created_at)
        VALUES (@id, @instance_no, @name, @key, @hash, @tag, @activity_id, @node_id, @activity_instance_id, @due_at, @due_at, @payload, @created_at)
        ON CONFLICT (id) DO NOTHING
        """;

    private readonly RunCommit _commit;
    private readonly byte[] _state;
    private readonly byte[]? _start;
    private readonly byte[]? _journal;
    private readonly List<JournalSegment.Apart> _apart = [];
    private readonly byte[]? _request;
    private readonly PackedInstance[] _children;
    private readonly PackedStimulus[] _stimuli;
    private readonly PackedEvent[] _held;
    private readonly byte[]?[] _bookmarkPayloads;
    private readonly List<(Bookmark Bookmark, TaskRequest Task, byte[] Request)> _tasks = [];

    public RunCommitWrite(RunCommit commit)
    {
        _commit = commit;
        _state = Payload.Pack(commit.State);
        _start = commit.Insert is null ? null : Payload.PackRecord(commit.Insert.Start);
        _journal = commit.Changes.Journal.Count == 0 ? null : JournalSegment.Pack(commit.Changes.Journal, commit.InstanceId, _apart);
        _request = commit.Intent is null ? null : Payload.PackRecord(commit.Intent.Request);
        _children = PackedInstance.Of(commit.Children);
        _stimuli = PackedStimulus.Of(commit.Stimuli);
        _held = commit.Held.Count == 0 ? [] : commit.Held.Select(held => new PackedEvent(held)).ToArray();
        _bookmarkPayloads = commit.Changes.BookmarksAdded.Select(b => Payload.PackJsonOrNull(b.Payload)).ToArray();
        for (var i = 0; i < _bookmarkPayloads.Length; i++)
        {
            if (TaskRequest.Of(commit.Changes.BookmarksAdded[i]) is { } task)
            {
                _tasks.Add((commit.Changes.BookmarksAdded[i], task, _bookmarkPayloads[i]!));
            }
        }
    }

    /// <summary>
    /// Writes it; returns whether stimuli wait for the instance.
    /// <list type="number">
    /// <item>The fencing token is checked by the statement that changes the row: a stale owner changes no row, throws, and its savepoint takes back what came before.</item>
    /// <item>State, journal, bookmarks, intent, children and stimuli are rows of the same transaction. Killed before COMMIT, the run is where its last commit left it, and is claimed again when its lease has run out.</item>
    /// <item>Killed after COMMIT of an intent and before the request is sent: the ledger finds an intent without outcome and decides by the effect's class.</item>
    /// <item>Stimuli that were applied leave the queue here, with the state that has them in it: none is applied twice, none is lost.</item>
    /// <item>A stimulus that arrived meanwhile is seen by this statement (SQLite has one writer, elsewhere the row is locked first): the row stays runnable, and the sweep finds it even when nobody rings.</item>
    /// </list>
    /// </summary>
    /// <exception cref="LeaseLostException">The lease is gone, the row to insert exists, or the effect is on its way already.</exception>
    public override bool Write(Session session)
    {
        // Whoever queues a stimulus holds this row until it commits; looked for after the lock is had, what it queued is seen.
        session.Lock("instances", _commit.InstanceId);
        foreach (var stimulus in _commit.StimuliDone)
        {
            session.Post("DELETE FROM stimuli WHERE id = @id", stimulus);
        }

        var incidents = IncidentStore.Insert(session, _commit.Incidents);
        var (no, lineage, waiting) = _commit.Insert is null ? Update(session, incidents) : Insert(session, incidents);
        WriteChanges(session, no);
        if (_commit.Intent is { } intent && !EffectStore.Insert(session, intent, _request!, lineage))
        {
            throw new LeaseLostException(_commit.InstanceId);
        }

        return WriteOutgoing(session, no, waiting);
    }

    /// <summary>What the commit brings to others, and the end of what nothing resumes any more. Returns whether stimuli wait for the instance.</summary>
    private bool WriteOutgoing(Session session, long no, bool waiting)
    {
        Instances.Insert(session, _children);
        Instances.Stimulate(session, _stimuli);
        Hold(session);
        waiting |= StimulatesItself;
        if (_commit.Status != WorkflowStatus.Finished)
        {
            return waiting;
        }

        // Nothing resumes a finished run.
        if (_commit.Insert is null)
        {
            session.Post("DELETE FROM bookmarks WHERE instance_no = @no", no);
        }

        if (waiting)
        {
            session.Post("DELETE FROM stimuli WHERE instance_no = @no", no);
        }

        return false;
    }

    private void Hold(Session session)
    {
        foreach (var held in _held)
        {
            held.Insert(session);
        }
    }

    private bool StimulatesItself => Array.Exists(_stimuli, stimulus => stimulus.InstanceId == _commit.InstanceId);

    private void WriteChanges(Session session, long no)
    {
        if (_journal is not null)
        {
            session.Post("INSERT INTO journal_segments (instance_no, first_record, data) VALUES (@no, @first, @data)", no, _commit.Changes.Journal[0].Sequence, _journal);
        }

        WriteApart(session, no);
        foreach (var bookmark in _commit.Changes.BookmarksRemoved)
        {
            session.Post("DELETE FROM bookmarks WHERE id = @id", bookmark);
        }

        for (var i = 0; i < _bookmarkPayloads.Length; i++)
        {
            var b = _commit.Changes.BookmarksAdded[i];
            session.Post(InsertBookmark, b.Id, no, b.Name, b.Key, b.Hash, b.Tag, b.ActivityId, b.NodeId, b.ActivityInstanceId, Columns.Ticks(b.DueAt), _bookmarkPayloads[i], Columns.Ticks(b.CreatedAt));
        }

        WriteTasks(session, no);
        Instances.AddSubjects(session, [(no, _commit.Changes.Subjects)]);
    }

    private void WriteApart(Session session, long no)
    {
        foreach (var (id, data) in _apart)
        {
            session.Post("INSERT INTO payloads (id, instance_no, data) VALUES (@id, @no, @data)", id, no, data);
        }
    }

    private void WriteTasks(Session session, long no)
    {
        foreach (var (bookmark, task, request) in _tasks)
        {
            TaskStore.Insert(session, no, bookmark, task, request);
        }
    }

    private (long No, string Lineage, bool Waiting) Update(Session session, int incidents)
    {
        using var reader = session.Query(
            UpdateLeased,
            (int)_commit.Status,
            (int)_commit.SubStatus,
            _commit.CorrelationId,
            _commit.Name,
            Columns.Ticks(_commit.At),
            StartedAt(),
            FinishedAt(),
            incidents,
            Error(),
            _commit.Release,
            _commit.LeaseDuration.Ticks,
            _commit.InstanceId,
            _commit.Lease.Owner,
            _commit.Lease.Token);
        if (!reader.Read())
        {
            throw new LeaseLostException(_commit.InstanceId);
        }

        var (no, lineage, waiting) = (reader.GetInt64(0), reader.GetString(1), reader.Flag(2));
        session.Post("UPDATE instance_states SET state = @state WHERE instance_no = @no", _state, no);
        return (no, lineage, waiting);
    }

    private (long No, string Lineage, bool Waiting) Insert(Session session, int incidents)
    {
        var instance = _commit.Insert!;
        var start = instance.Start;
        var lineage = start.Lineage ?? instance.Id;
        if (!Instances.Activate(session, instance))
        {
            throw new ActivationRefusedException(instance.DefinitionId);
        }

        var no = session.Long(
            InsertLeased,
            _commit.InstanceId,
            instance.DefinitionId,
            instance.VersionId,
            instance.Version,
            instance.DefinitionName,
            (int)_commit.Status,
            (int)_commit.SubStatus,
            _commit.CorrelationId,
            _commit.Name,
            start.LocationId,
            start.ParentInstanceId,
            instance.ParentBookmarkId,
            lineage,
            instance.TriggerId,
            instance.StartedBy,
            instance.IsSandbox,
            incidents,
            Error(),
            Columns.Ticks(instance.CreatedAt),
            Columns.Ticks(_commit.At),
            StartedAt(),
            FinishedAt(),
            _commit.Release,
            _commit.Lease.Owner,
            _commit.Lease.Token,
            _commit.LeaseDuration.Ticks) ?? throw new LeaseLostException(_commit.InstanceId);
        session.Post("INSERT INTO instance_states (instance_no, start, state) VALUES (@no, @start, @state)", no, _start, _state);
        Instances.AddSubjects(session, [(no, instance.Subjects)]);
        return (no, lineage, false);
    }

    /// <summary>A run starts with its first journal record.</summary>
    private long StartedAt() => Columns.Ticks(_commit.Changes.Journal.Count > 0 ? _commit.Changes.Journal[0].At : _commit.At);

    private object? FinishedAt() => _commit.Status == WorkflowStatus.Finished ? Columns.Ticks(_commit.At) : null;

    private string? Error() => _commit.Incidents.Count > 0 ? _commit.Incidents[^1].Message : null;
}
