using Automation.Connectors;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.People;

/// <summary>Lets people end their tasks, which resumes the runs that wait for them.</summary>
public sealed class TaskService(ITaskStore tasks, IDoorbell doorbell, TimeProvider clock)
{
    public const string Approved = "Approved";
    public const string Rejected = "Rejected";
    private const int LongestComment = 4_000;

    /// <summary>Does a task: checks the answers, stores them and resumes its run. The same again by the same person changes nothing.</summary>
    /// <param name="id">The task.</param>
    /// <param name="answers">Answers by field name.</param>
    /// <param name="outcome">Of an approval: Approved or Rejected; null for other tasks.</param>
    /// <param name="comment">A remark for the flow and the history.</param>
    /// <param name="by">Who does it.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="KeyNotFoundException">There is no such task.</exception>
    /// <exception cref="TaskFormException">An answer is missing or wrong; nothing was stored.</exception>
    /// <exception cref="TaskEndedException">It has ended otherwise.</exception>
    public async Task<TaskRecord> CompleteAsync(string id, JObject answers, string? outcome, string? comment, string by, CancellationToken cancellationToken)
    {
        var task = await FindAsync(id, cancellationToken);
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        var (read, wrong) = TaskForm.Check(task.Request.Fields, answers);
        foreach (var (field, error) in wrong)
        {
            errors["answers." + field] = error;
        }

        var isApproval = task.Request.Kind == TaskRequest.ApprovalKind;
        if (isApproval != outcome is Approved or Rejected)
        {
            errors["outcome"] = isApproval ? $"An approval is decided with the outcome {Approved} or {Rejected}." : "Only an approval has an outcome.";
        }

        if (comment?.Length > LongestComment)
        {
            errors["comment"] = $"A comment has at most {LongestComment} characters.";
        }

        // Of a task that has ended it is told how, whatever is wrong with the answers.
        return errors.Count > 0 && task.Status == "open"
            ? throw new TaskFormException(errors)
            : await EndAsync(task, new TaskAnswer { Status = "done", Outcome = outcome, Answers = read, Comment = Trim(comment), By = by, At = clock.GetUtcNow() }, cancellationToken);
    }

    /// <summary>Gives a task up; its run goes on by its outcome Cancelled.</summary>
    /// <inheritdoc cref="CompleteAsync" path="/exception"/>
    public async Task<TaskRecord> CancelAsync(string id, string? comment, string by, CancellationToken cancellationToken)
    {
        var task = await FindAsync(id, cancellationToken);
        return task.Request.Kind == TaskRequest.ApprovalKind
            ? throw new TaskFormException(new Dictionary<string, string> { ["outcome"] = "An approval is not cancelled: reject it." })
            : await EndAsync(task, new TaskAnswer { Status = "cancelled", Comment = Trim(comment), By = by, At = clock.GetUtcNow() }, cancellationToken);
    }

    private async Task<TaskRecord> EndAsync(TaskRecord task, TaskAnswer answer, CancellationToken cancellationToken)
    {
        // Checkpoint: the task's end and the stimulus for its run are one transaction; a crash before the ring below leaves a runnable row for the sweep.
        if (task.Status == "open" && await tasks.EndAsync(task, answer, cancellationToken))
        {
            doorbell.RingRuns([task.InstanceId]);
            return await FindAsync(task.Id, cancellationToken);
        }

        var ended = await FindAsync(task.Id, cancellationToken);
        var isSame = ended.Status == answer.Status && ended.FinishedBy == answer.By && ended.Outcome == answer.Outcome && ended.Comment == answer.Comment
            && JToken.DeepEquals(ended.Answers ?? [], answer.Answers);
        return isSame ? ended : throw new TaskEndedException(ended);
    }

    private async Task<TaskRecord> FindAsync(string id, CancellationToken cancellationToken) =>
        await tasks.FindAsync(id, cancellationToken) ?? throw new KeyNotFoundException($"There is no task '{id}'.");

    private static string? Trim(string? comment) => comment?.Trim() is { Length: > 0 } trimmed ? trimmed : null;
}

/// <summary>A task was not done: answers are missing or wrong.</summary>
/// <param name="errors">Messages by place: <c>answers.NAME</c>, <c>outcome</c>, <c>comment</c>.</param>
public sealed class TaskFormException(IReadOnlyDictionary<string, string> errors) : Exception(string.Join(" ", errors.Values))
{
    public IReadOnlyDictionary<string, string> Errors { get; } = errors;
}

/// <summary>A task had ended already.</summary>
public sealed class TaskEndedException(TaskRecord task) : Exception(task.Status switch
{
    "done" => $"The task '{task.Request.Title}' was done already{(task.FinishedBy is { } by ? $" by {by}" : "")}.",
    "overdue" => $"The task '{task.Request.Title}' was due at {task.Request.DueAt:u}, and its flow has gone on without it.",
    _ => $"The task '{task.Request.Title}' is no longer wanted: it was cancelled, or its run has ended.",
})
{
    public TaskRecord Task { get; } = task;
}
