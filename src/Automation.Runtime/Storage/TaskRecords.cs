using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>A task for a person, as stored.</summary>
public sealed record TaskRecord
{
    /// <summary>What was asked for.</summary>
    public required TaskRequest Request { get; init; }
    public string Id => Request.Id;
    public required string BookmarkId { get; init; }
    public required string InstanceId { get; init; }
    public required string DefinitionId { get; init; }
    public string? DefinitionName { get; init; }
    public required string ActivityId { get; init; }
    public string? LocationId { get; init; }
    public bool IsSandbox { get; init; }

    /// <summary><c>open</c>, <c>done</c>, <c>cancelled</c> (by a person, or with its run), <c>overdue</c> (its time ended it).</summary>
    public required string Status { get; init; }

    /// <summary>Of an approval that was decided: <c>Approved</c> or <c>Rejected</c>.</summary>
    public string? Outcome { get; init; }
    public JObject? Answers { get; init; }
    public string? Comment { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Who ended it; null: it is open, or nobody did (its run ended, its time came).</summary>
    public string? FinishedBy { get; init; }

    /// <summary>Late: still open, or ended by it.</summary>
    public bool IsOverdueAt(DateTimeOffset now) => Status == "overdue" || (Status == "open" && Request.DueAt <= now);
}

/// <summary>Filters of a list of tasks. Pages are 0-based here.</summary>
public sealed record TaskFilter
{
    public string? Status { get; init; }

    /// <summary>Only those that are late at this time.</summary>
    public DateTimeOffset? OverdueAt { get; init; }

    /// <summary>In any case.</summary>
    public string? Assignee { get; init; }
    public string? DefinitionId { get; init; }
    public string? InstanceId { get; init; }
    public int Page { get; init; }
    public int PageSize { get; init; } = 50;
}

/// <summary>Tasks for people. They are made and withdrawn with their bookmarks, by the commits of their runs.</summary>
public interface ITaskStore
{
    Task<TaskRecord?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Open ones by due time, others by when they ended, the latest first.</summary>
    Task<PageOf<TaskRecord>> ListAsync(TaskFilter filter, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an open task and queues what resumes its run, in one transaction: of several that try at once, one does. Its due time is off from then on.
    /// </summary>
    /// <returns>False: it is not open any more; nothing was written.</returns>
    Task<bool> EndAsync(TaskRecord task, TaskAnswer answer, CancellationToken cancellationToken);
}
