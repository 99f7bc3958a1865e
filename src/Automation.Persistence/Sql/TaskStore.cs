using System.Data.Common;
using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>Tasks for people. They end with their bookmarks by a trigger of the database (schema 0003).</summary>
internal sealed class TaskStore(SqlDatabase database) : ITaskStore
{
    private const string Fields =
        "id, bookmark_id, instance_id, definition_id, definition_name, activity_id, location_id, is_sandbox, request, status, outcome, answers, comment, created_at, finished_at, finished_by";

    // A replay has the tasks of the run it repeats, as it has its effects: they are opened again, for the new run.
    private const string InsertSql =
        """
        INSERT INTO tasks (id, bookmark_id, instance_id, definition_id, definition_name, activity_id, location_id, is_sandbox, assignee, due_at, request, status, created_at)
        SELECT @id, @bookmark_id, id, definition_id, definition_name, @activity_id, location_id, is_sandbox, @assignee, @due_at, @request, 'open', @created_at FROM instances WHERE no = @no
        ON CONFLICT (id) DO UPDATE SET bookmark_id = excluded.bookmark_id, instance_id = excluded.instance_id, assignee = excluded.assignee, due_at = excluded.due_at, request = excluded.request,
            status = 'open', outcome = NULL, answers = NULL, comment = NULL, created_at = excluded.created_at, finished_at = NULL, finished_by = NULL
        """;

    /// <summary>Makes the task that a bookmark is.</summary>
    public static void Insert(Session session, long instanceNo, Bookmark bookmark, TaskRequest task, byte[] request) => session.Post(
        InsertSql,
        task.Id,
        bookmark.Id,
        bookmark.ActivityId,
        task.Assignee,
        Columns.Ticks(task.DueAt),
        request,
        Columns.Ticks(bookmark.CreatedAt),
        instanceNo);

    /// <summary>Ends the task of a bookmark that is due.</summary>
    public static void EndOverdue(Session session, string bookmarkId, DateTimeOffset at) => session.Post(
        "UPDATE tasks SET status = 'overdue', finished_at = @at WHERE bookmark_id = @bookmark AND status = 'open'",
        Columns.Ticks(at),
        bookmarkId);

    public Task<TaskRecord?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"SELECT {Fields} FROM tasks WHERE id = @id", id), cancellationToken);

    public Task<PageOf<TaskRecord>> ListAsync(TaskFilter filter, CancellationToken cancellationToken)
    {
        var where = new Where();
        where.AddIf(filter.Status is not null, "status = @status", filter.Status);
        where.AddIf(filter.OverdueAt is not null, "(status = 'overdue' OR status = 'open' AND due_at <= @now)", filter.OverdueAt is { } now ? Columns.Ticks(now) : null);
        where.AddIf(filter.Assignee is not null, "assignee = @assignee", filter.Assignee);
        where.AddIf(filter.DefinitionId is not null, "definition_id = @definition", filter.DefinitionId);
        where.AddIf(filter.InstanceId is not null, "instance_id = @instance", filter.InstanceId);
        var order = filter.Status == "open" ? "CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, created_at, id" : "COALESCE(finished_at, created_at) DESC, id";
        return database.ReadAsync(
            session => new PageOf<TaskRecord>(
                session.List(Read, $"SELECT {Fields} FROM tasks {where} ORDER BY {order} LIMIT @limit OFFSET @offset", where.With(filter.PageSize, (long)filter.Page * filter.PageSize)),
                session.Long($"SELECT COUNT(*) FROM tasks {where}", where.With()) ?? 0),
            cancellationToken);
    }

    public Task<bool> EndAsync(TaskRecord task, TaskAnswer answer, CancellationToken cancellationToken)
    {
        var answers = Payload.PackJson(answer.Answers);
        var stimulus = new PackedStimulus(task.InstanceId, "task:" + task.BookmarkId, task.BookmarkId, Payload.PackJson(answer.ToJson()));
        return database.WriteAsync(
            session =>
            {
                // As in a commit the instance first, then what hangs on it.
                session.Lock("instances", task.InstanceId);
                if (session.Run(
                    "UPDATE tasks SET status = @status, outcome = @outcome, answers = @answers, comment = @comment, finished_at = @at, finished_by = @by WHERE id = @id AND status = 'open' AND bookmark_id = @bookmark",
                    answer.Status,
                    answer.Outcome,
                    answers,
                    answer.Comment,
                    Columns.Ticks(answer.At),
                    answer.By,
                    task.Id,
                    task.BookmarkId) == 0)
                {
                    return false;
                }

                session.Post("UPDATE bookmarks SET due_at = NULL WHERE id = @id", task.BookmarkId);
                Instances.Stimulate(session, [stimulus]);
                return true;
            },
            cancellationToken);
    }

    private static TaskRecord Read(DbDataReader reader) => new()
    {
        BookmarkId = reader.GetString(1),
        InstanceId = reader.GetString(2),
        DefinitionId = reader.GetString(3),
        DefinitionName = reader.Text(4),
        ActivityId = reader.GetString(5),
        LocationId = reader.Text(6),
        IsSandbox = reader.Flag(7),
        Request = TaskRequest.Read(reader.GetString(0), (JObject)Payload.UnpackJsonOrNull(reader.Blob(8))!),
        Status = reader.GetString(9),
        Outcome = reader.Text(10),
        Answers = Payload.UnpackJsonOrNull(reader.Blob(11)) as JObject,
        Comment = reader.Text(12),
        CreatedAt = reader.Time(13),
        FinishedAt = reader.TimeOrNull(14),
        FinishedBy = reader.Text(15),
    };
}
