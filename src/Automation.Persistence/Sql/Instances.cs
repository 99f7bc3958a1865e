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

    private const string InsertPending =
        """
        INSERT INTO instances (id, definition_id, version_id, version, definition_name, status, sub_status, correlation_id, name, location_id, parent_instance_id, parent_bookmark_id, lineage, trigger_id, started_by, is_sandbox, created_at, updated_at, runnable)
        VALUES (@id, @definition_id, @version_id, @version, @definition_name, 0, 0, @correlation_id, @name, @location_id, @parent_instance_id, @parent_bookmark_id, @lineage, @trigger_id, @started_by, @is_sandbox, @created_at, @created_at, 1)
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

    /// <summary>Inserts a pending instance; one that is there already stays as it is. False: its activation strategy does not let it start.</summary>
    public static bool Insert(Session session, PackedInstance packed)
    {
        var instance = packed.New;
        if (!Activate(session, instance))
        {
            return false;
        }

        var start = instance.Start;
        session.Post(
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
            Columns.Ticks(instance.CreatedAt));
        session.Post("INSERT INTO instance_states (instance_no, start) SELECT no, @start FROM instances WHERE id = @id ON CONFLICT DO NOTHING", packed.Start, instance.Id);
        foreach (var subject in Columns.Subjects(instance.Subjects))
        {
            session.Post("INSERT INTO subjects (subject, instance_no) SELECT @subject, no FROM instances WHERE id = @id ON CONFLICT DO NOTHING", subject, instance.Id);
        }

        return true;
    }

    public static void AddSubjects(Session session, long instanceNo, IReadOnlyList<string> subjects)
    {
        if (subjects.Count == 0)
        {
            return;
        }

        foreach (var subject in Columns.Subjects(subjects))
        {
            session.Post("INSERT INTO subjects (subject, instance_no) VALUES (@subject, @no) ON CONFLICT DO NOTHING", subject, instanceNo);
        }
    }

    /// <summary>
    /// Queues a stimulus and makes its instance runnable. One for an instance that has finished or does not exist is dropped; one that is queued already is kept once.
    /// A leased instance keeps its lease: its commit sees the stimulus and leaves the row runnable.
    /// </summary>
    public static void Stimulate(Session session, PackedStimulus stimulus)
    {
        session.Post("UPDATE instances SET runnable = 1 WHERE id = @id AND status = 0", stimulus.InstanceId);
        session.Post(
            "INSERT INTO stimuli (id, instance_no, bookmark_id, input) SELECT @stimulus, no, @bookmark, @input FROM instances WHERE id = @id AND status = 0 ON CONFLICT (id) DO NOTHING",
            stimulus.Id,
            stimulus.BookmarkId,
            stimulus.Input,
            stimulus.InstanceId);
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
