using System.Data.Common;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>A new instance, packed before it reaches the writer.</summary>
internal readonly record struct PackedInstance(NewInstance New, byte[] Start)
{
    public static PackedInstance Of(NewInstance instance) => new(instance, Payload.PackRecord(instance.Start));
    public static PackedInstance[] Of(IReadOnlyList<NewInstance> instances) => instances.Count == 0 ? [] : instances.Select(Of).ToArray();
}

/// <summary>A stimulus, packed before it reaches the writer.</summary>
internal readonly record struct PackedStimulus(string InstanceId, string Id, string BookmarkId, byte[]? Input)
{
    public static PackedStimulus Of(PendingStimulus stimulus) =>
        new(stimulus.InstanceId, stimulus.Stimulus.Id, stimulus.Stimulus.BookmarkId, Payload.PackJsonOrNull(stimulus.Stimulus.Input));

    public static PackedStimulus[] Of(IReadOnlyList<PendingStimulus> stimuli) => stimuli.Count == 0 ? [] : stimuli.Select(Of).ToArray();
}

/// <summary>SQL on instances that several stores share.</summary>
internal static class Instances
{
    /// <summary>
    /// Who holds a living lease is executing. It is seen by the lease, not written at the claim: a crash, or a release that changed nothing, leaves what was committed.
    /// </summary>
    public const string SubStatus = $"(CASE WHEN lease_until > {Columns.Now} AND status = 0 THEN 1 ELSE sub_status END)";

    /// <summary>Columns that <see cref="Read"/> takes.</summary>
    public const string Fields =
        $"no, id, definition_id, version_id, version, definition_name, status, {SubStatus}, correlation_id, name, location_id, parent_instance_id, lineage, trigger_id, started_by, is_sandbox, incident_count, error, created_at, updated_at, started_at, finished_at, node";

    private const string PendingColumns =
        "id, definition_id, version_id, version, definition_name, correlation_id, name, location_id, parent_instance_id, parent_bookmark_id, lineage, trigger_id, started_by, is_sandbox, created_at";

    private const string InsertPending =
        $"""
        INSERT INTO instances ({PendingColumns}, updated_at, status, sub_status, runnable)
        VALUES (@id, @definition_id, @version_id, @version, @definition_name, @correlation_id, @name, @location_id, @parent_instance_id, @parent_bookmark_id, @lineage, @trigger_id, @started_by, @is_sandbox, @created_at, @created_at, 0, 0, 1)
        ON CONFLICT (id) DO NOTHING RETURNING no
        """;

    private const string InsertPendingEach =
        $"""
        INSERT INTO instances ({PendingColumns}, updated_at, status, sub_status, runnable)
        SELECT c.*, c.created_at, 0, 0, 1
        FROM unnest(@ids, @definition_ids, @version_ids, @versions, @definition_names, @correlation_ids, @names, @location_ids, @parents, @parent_bookmarks, @lineages, @triggers, @started_bys, @sandboxes, @created_ats) AS c ({PendingColumns})
        ON CONFLICT (id) DO NOTHING RETURNING id, no
        """;

    private const string StimulateEach =
        """
        INSERT INTO stimuli (id, instance_no, bookmark_id, input)
        SELECT c.id, i.no, c.bookmark_id, c.input
        FROM unnest(@stimuli, @instances, @bookmarks, @inputs) WITH ORDINALITY AS c (id, instance_id, bookmark_id, input, place) JOIN instances i ON i.id = c.instance_id
        WHERE i.status = 0 ORDER BY c.place
        ON CONFLICT (id) DO NOTHING
        """;

    private const string TakeActivation =
        """
        INSERT INTO activations (name, instance_id) VALUES (@name, @id)
        ON CONFLICT (name) DO UPDATE SET instance_id = @id WHERE NOT EXISTS (
            SELECT 1 FROM instances i WHERE i.id = activations.instance_id AND i.id <> @id AND i.status = 0 AND COALESCE(@correlation_id, i.correlation_id, '') = COALESCE(i.correlation_id, ''))
        RETURNING instance_id
        """;

    /// <summary>Gives a new instance what its activation strategy wants it to hold; false: an unfinished run holds it. Starts under one name come one after another: each sees the rows of those before.</summary>
    public static bool Activate(Session session, NewInstance instance)
    {
        if (instance.Activation is not { } activation)
        {
            return true;
        }

        session.LockAll("activation/" + activation.Name);
        return session.Scalar(TakeActivation, activation.Name, instance.Id, activation.CorrelationId) is not null;
    }

    /// <summary>Inserts pending instances; those that are there already stay as they are. Returns the ids of those that their activation strategies do not let start.</summary>
    public static IReadOnlyList<string> Insert(Session session, IReadOnlyList<PackedInstance> instances)
    {
        var refused = new List<string>();
        var free = instances;
        if (instances.Any(packed => packed.New.Activation is not null))
        {
            // Whether one may start depends on those before it.
            free = [.. instances.Where(packed => packed.New.Activation is null)];
            foreach (var packed in instances.Where(packed => packed.New.Activation is not null))
            {
                if (Activate(session, packed.New))
                {
                    InsertFree(session, [packed]);
                }
                else
                {
                    refused.Add(packed.New.Id);
                }
            }
        }

        if (free.Count > 0)
        {
            InsertFree(session, free);
        }

        return refused;
    }

    private static void InsertFree(Session session, IReadOnlyList<PackedInstance> instances)
    {
        if (!session.TakesLists)
        {
            foreach (var packed in instances)
            {
                InsertOne(session, packed);
            }

            return;
        }

        T[] Each<T>(Func<NewInstance, T> value) => [.. instances.Select(packed => value(packed.New))];
        var inserted = session.List(
            reader => (Id: reader.GetString(0), No: reader.GetInt64(1)),
            InsertPendingEach,
            Each(n => n.Id),
            Each(n => n.DefinitionId),
            Each(n => n.VersionId),
            Each(n => (long)n.Version),
            Each(n => n.DefinitionName),
            Each(n => n.Start.CorrelationId),
            Each(n => n.Start.Name),
            Each(n => n.Start.LocationId),
            Each(n => n.Start.ParentInstanceId),
            Each(n => n.ParentBookmarkId),
            Each(n => n.Start.Lineage ?? n.Id),
            Each(n => n.TriggerId),
            Each(n => n.StartedBy),
            Each(n => n.IsSandbox ? 1L : 0L),
            Each(n => Columns.Ticks(n.CreatedAt))).ToDictionary(row => row.Id, row => row.No, StringComparer.Ordinal);

        // Of two that have one id the first was inserted.
        var rows = instances.DistinctBy(packed => packed.New.Id, StringComparer.Ordinal).Where(packed => inserted.ContainsKey(packed.New.Id)).Select(packed => (No: inserted[packed.New.Id], Packed: packed)).ToList();
        if (rows.Count > 0)
        {
            session.Post("INSERT INTO instance_states (instance_no, start) SELECT * FROM unnest(@nos, @starts)", rows.Select(row => row.No).ToArray(), rows.Select(row => row.Packed.Start).ToArray());
            AddSubjects(session, rows.Select(row => (row.No, row.Packed.New.Subjects)));
        }
    }

    private static void InsertOne(Session session, PackedInstance packed)
    {
        var instance = packed.New;
        var start = instance.Start;
        if (session.Long(
            InsertPending,
            instance.Id,
            instance.DefinitionId,
            instance.VersionId,
            instance.Version,
            instance.DefinitionName,
            start.CorrelationId,
            start.Name,
            start.LocationId,
            start.ParentInstanceId,
            instance.ParentBookmarkId,
            start.Lineage ?? instance.Id,
            instance.TriggerId,
            instance.StartedBy,
            instance.IsSandbox,
            Columns.Ticks(instance.CreatedAt)) is { } no)
        {
            session.Post("INSERT INTO instance_states (instance_no, start) VALUES (@no, @start)", no, packed.Start);
            AddSubjects(session, [(no, instance.Subjects)]);
        }
    }

    public static void AddSubjects(Session session, IEnumerable<(long InstanceNo, IReadOnlyList<string> Subjects)> instances)
    {
        var rows = instances.SelectMany(instance => Columns.Subjects(instance.Subjects).Select(subject => (Subject: subject, instance.InstanceNo))).ToList();
        if (rows.Count > 0 && session.TakesLists)
        {
            session.Post("INSERT INTO subjects (subject, instance_no) SELECT * FROM unnest(@subjects, @nos) ON CONFLICT DO NOTHING", rows.Select(row => row.Subject).ToArray(), rows.Select(row => row.InstanceNo).ToArray());
            return;
        }

        foreach (var (subject, no) in rows)
        {
            session.Post("INSERT INTO subjects (subject, instance_no) VALUES (@subject, @no) ON CONFLICT DO NOTHING", subject, no);
        }
    }

    /// <summary>Holds rows, in one order for all who hold several: later statements see what others did to them, and around them, before. Nothing to do where there is one writer.</summary>
    public static void Lock(Session session, string[] ids)
    {
        if (session.TakesLists)
        {
            session.PostQuery("SELECT 1 FROM instances WHERE id IN (#each @ids#) ORDER BY id #lock#", (object)ids);
        }
    }

    /// <summary>
    /// Queues stimuli and makes their instances runnable. One for an instance that has finished or does not exist is dropped; one that is queued already is kept once.
    /// A leased instance keeps its lease: its commit sees the stimulus and leaves the row runnable.
    /// </summary>
    public static void Stimulate(Session session, IReadOnlyList<PackedStimulus> stimuli)
    {
        if (stimuli.Count > 0)
        {
            var ids = stimuli.Select(stimulus => stimulus.InstanceId).Distinct(StringComparer.Ordinal).ToArray();
            Lock(session, ids);
            Queue(session, stimuli, ids);
        }
    }

    /// <summary>The same for instances whose rows are held.</summary>
    public static void Queue(Session session, IReadOnlyList<PackedStimulus> stimuli, string[] ids)
    {
        session.Post("UPDATE instances SET runnable = 1 WHERE id IN (#each @ids#) AND status = 0 AND runnable = 0", (object)ids);
        if (session.TakesLists)
        {
            T[] Each<T>(Func<PackedStimulus, T> value) => [.. stimuli.Select(value)];
            session.Post(StimulateEach, Each(s => s.Id), Each(s => s.InstanceId), Each(s => s.BookmarkId), Each(s => s.Input));
            return;
        }

        foreach (var stimulus in stimuli)
        {
            session.Post(
                "INSERT INTO stimuli (id, instance_no, bookmark_id, input) SELECT @stimulus, no, @bookmark, @input FROM instances WHERE id = @id AND status = 0 ON CONFLICT (id) DO NOTHING",
                stimulus.Id,
                stimulus.BookmarkId,
                stimulus.Input,
                stimulus.InstanceId);
        }
    }

    /// <summary>Deletes finished instances with all that is theirs. Rows that bear their number go with them in the database (schema 0017; SQLite's foreign keys); nothing is added to a finished run.</summary>
    public static int Delete(Session session, string[] ids)
    {
        var deleted = session.List(
            reader => (Id: reader.GetString(0), Lineage: reader.GetString(1)),
            "DELETE FROM instances WHERE id IN (#each @ids#) AND status = 1 RETURNING id, lineage",
            (object)ids);
        var gone = deleted.Select(row => row.Id).ToArray();
        foreach (var table in new[] { "incidents", "tasks", "activations" })
        {
            session.Post($"DELETE FROM {table} WHERE instance_id IN (#each @ids#)", (object)gone);
        }

        // As long as a run of the lineage is kept, a replay of it must find what was done.
        var lineages = session.List(
            reader => reader.GetString(0),
            "SELECT j.value FROM (#each @lineages#) j WHERE NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = j.value) AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.lineage = j.value AND i.lineage <> i.id)",
            (object)deleted.Select(row => row.Lineage).Distinct(StringComparer.Ordinal).ToArray()).ToArray();
        if (lineages.Length > 0)
        {
            session.Post("DELETE FROM effects WHERE lineage IN (#each @lineages#)", (object)lineages);
            GateStore.DeleteOf(session, lineages);
        }

        return deleted.Count;
    }

    /// <summary>Reads a row of <see cref="Fields"/>; the subjects are another table's.</summary>
    public static (long No, InstanceRecord Record) Read(DbDataReader reader) => (reader.GetInt64(0), new InstanceRecord
    {
        Id = reader.GetString(1),
        DefinitionId = reader.GetString(2),
        VersionId = reader.GetString(3),
        Version = reader.GetInt32(4),
        DefinitionName = reader.Text(5),
        Status = (WorkflowStatus)reader.GetInt32(6),
        SubStatus = (WorkflowSubStatus)reader.GetInt32(7),
        CorrelationId = reader.Text(8),
        Name = reader.Text(9),
        LocationId = reader.Text(10),
        ParentInstanceId = reader.Text(11),
        Lineage = reader.Text(12),
        TriggerId = reader.Text(13),
        StartedBy = reader.GetString(14),
        IsSandbox = reader.Flag(15),
        IncidentCount = reader.GetInt32(16),
        Error = reader.Text(17),
        CreatedAt = reader.Time(18),
        UpdatedAt = reader.Time(19),
        StartedAt = reader.TimeOrNull(20),
        FinishedAt = reader.TimeOrNull(21),
        Node = reader.Text(22),
    });

    /// <summary>Adds the subjects of each.</summary>
    public static List<InstanceRecord> WithSubjects(Session session, IReadOnlyList<(long No, InstanceRecord Record)> rows)
    {
        var subjects = rows.ToDictionary(r => r.No, _ => new List<string>());
        using (var reader = session.Query("SELECT instance_no, subject FROM subjects WHERE instance_no IN (#each @nos#) ORDER BY subject", rows.Select(r => r.No).ToArray()))
        {
            while (reader.Read())
            {
                subjects[reader.GetInt64(0)].Add(reader.GetString(1));
            }
        }

        return rows.Select(r => r.Record with { Subjects = subjects[r.No] }).ToList();
    }
}
