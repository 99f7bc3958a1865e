using Automation.Connectors;
using Automation.Hosting.People;
using Automation.Hosting.Web;
using Automation.Runtime.People;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/tasks</c>: what runs wait for people to do.</summary>
internal static class TaskEndpoints
{
    private static readonly string[] Statuses = ["open", "done", "cancelled", "overdue"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/tasks").WithTags("tasks");
        group.MapGet("", ListAsync).WithSummary("Tasks for people, open ones by due time. Filters: status (open, done, cancelled, overdue), late, assignee (me: whoever asks), definitionId, runId.");
        group.MapGet("/{id}", async (string id, HttpContext context, ITaskStore tasks, TimeProvider clock) => new Reply(Describe(await FindAsync(tasks, id, context), clock.GetUtcNow()))).WithSummary("One task with its form.");
        group.MapPost("/{id}/complete", PostCompleteAsync).WithSummary("Does a task and resumes its run: {answers: {field: value}, comment?, outcome? (approvals: Approved, Rejected)}. The same again by the same person is answered the same; otherwise 409. A task for somebody is theirs and administrators' to end (403).");
        group.MapPost("/{id}/cancel", CancelAsync).WithSummary("Gives a task up: {comment?}. Its run goes on by the outcome Cancelled.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, ITaskStore tasks, TimeProvider clock)
    {
        var (page, size) = Query.Page(context);
        var now = clock.GetUtcNow();
        var status = Query.Text(context, "status")?.ToLowerInvariant();
        if (status is not null && !Statuses.Contains(status))
        {
            return Problem.BadRequest($"'status' must be one of {string.Join(", ", Statuses)}; it is '{status}'.", "status");
        }

        var found = await tasks.ListAsync(
            new TaskFilter
            {
                Status = status,
                OverdueAt = Query.Flag(context, "late") == true ? now : null,
                Assignee = Query.Text(context, "assignee") is "me" ? NameOf(context) : Query.Text(context, "assignee"),
                DefinitionId = Query.Text(context, "definitionId"),
                InstanceId = Query.Text(context, "runId") ?? Query.Text(context, "instanceId"),
                Page = page,
                PageSize = size,
            },
            context.RequestAborted);
        return Reply.List(found.Items.Select(task => Describe(task, now)), found.Total);
    }

    private static async Task<IResult> PostCompleteAsync(string id, HttpContext context, ITaskStore tasks, TaskService service)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var answers = body["answers"] switch
        {
            null or { Type: JTokenType.Null } => [],
            JObject given => given,
            _ => throw new ProblemException(Problem.BadRequest("'answers' must be an object of values by field name.", "answers")),
        };
        return await CompleteAsync(id, answers, Text(body, "outcome"), Text(body, "comment"), context, tasks, service);
    }

    internal static async Task<IResult> CompleteAsync(string id, JObject answers, string? outcome, string? comment, HttpContext context, ITaskStore tasks, TaskService service)
    {
        try
        {
            await CheckAsync(tasks, id, context);
            var task = await service.CompleteAsync(id, answers, outcome, comment, NameOf(context), context.RequestAborted);
            return new Reply(Describe(task, task.FinishedAt!.Value));
        }
        catch (TaskFormException error)
        {
            return Refused(error);
        }
        catch (TaskEndedException error)
        {
            return Ended(error);
        }
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, ITaskStore tasks, TaskService service, TimeProvider clock)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        await CheckAsync(tasks, id, context);
        try
        {
            return new Reply(Describe(await service.CancelAsync(id, Text(body, "comment"), NameOf(context), context.RequestAborted), clock.GetUtcNow()));
        }
        catch (TaskFormException error)
        {
            return Refused(error);
        }
        catch (TaskEndedException error)
        {
            return Ended(error);
        }
    }

    private static Problem Refused(TaskFormException error) => Problem.BadRequest(error.Message, error.Errors.First().Key, "Mend it and send it again; the task is still open.") with
    {
        Errors = error.Errors.ToDictionary(e => e.Key, e => (IReadOnlyList<string>)[e.Value]),
    };

    private static Problem Ended(TaskEndedException error) => Problem.Conflict(error.Message, "Nothing is left to do; its run has gone on.", "task-ended") with
    {
        More = new JObject { ["taskStatus"] = error.Task.Status, ["finishedBy"] = error.Task.FinishedBy, ["finishedAt"] = Reply.Utc(error.Task.FinishedAt) },
    };

    private static async Task<TaskRecord> FindAsync(ITaskStore tasks, string id, HttpContext context) =>
        await tasks.FindAsync(id, context.RequestAborted) ?? throw new ProblemException(Problem.NotFound($"There is no task '{id}'."));

    /// <exception cref="ProblemException">404: there is no such task. 403: it is somebody else's.</exception>
    private static async Task CheckAsync(ITaskStore tasks, string id, HttpContext context)
    {
        var task = await FindAsync(tasks, id, context);
        if (!TaskAccess.MayEnd(context.User, task))
        {
            throw new ProblemException(Problem.Forbidden() with { Code = "not-your-task", Detail = TaskAccess.RefusalOf(task), Action = $"Ask {task.Request.Assignee} or an administrator to do it." });
        }
    }

    private static string NameOf(HttpContext context) => context.User.Identity?.Name ?? "somebody";

    private static string? Text(JObject body, string name) => body[name] switch
    {
        null or { Type: JTokenType.Null } => null,
        JValue { Value: string text } => text.Length == 0 ? null : text,
        _ => throw new ProblemException(Problem.BadRequest($"'{name}' must be text.", name)),
    };

    private static JObject Describe(TaskRecord task, DateTimeOffset now) => new()
    {
        ["id"] = task.Id,
        ["kind"] = task.Request.Kind,
        ["title"] = task.Request.Title,
        ["instructions"] = task.Request.Instructions,
        ["assignee"] = task.Request.Assignee,
        ["dueAt"] = Reply.Utc(task.Request.DueAt),
        ["isLate"] = task.IsOverdueAt(now),
        ["fields"] = TaskForm.Write(task.Request.Fields),
        ["status"] = task.Status,
        ["outcome"] = task.Outcome,
        ["answers"] = task.Answers?.DeepClone(),
        ["comment"] = task.Comment,
        ["runId"] = task.InstanceId,
        ["definitionId"] = task.DefinitionId,
        ["definitionName"] = task.DefinitionName,
        ["activityId"] = task.ActivityId,
        ["locationId"] = task.LocationId,
        ["isSandbox"] = task.IsSandbox,
        ["createdAt"] = Reply.Utc(task.CreatedAt),
        ["finishedAt"] = Reply.Utc(task.FinishedAt),
        ["finishedBy"] = task.FinishedBy,
    };
}
