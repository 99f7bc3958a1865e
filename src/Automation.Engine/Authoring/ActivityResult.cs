using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>What an execution of an activity came to: completed with outcomes, suspended on bookmarks, waiting for children, or faulted. A value: the run loop applies it.</summary>
public readonly struct ActivityResult
{
    private ActivityResult(ActivityResultKind kind, IReadOnlyList<string>? outcomes = null, IReadOnlyList<BookmarkRequest>? bookmarks = null, Fault? fault = null)
    {
        Kind = kind;
        Outcomes = outcomes ?? Array.Empty<string>();
        Bookmarks = bookmarks ?? Array.Empty<BookmarkRequest>();
        Fault = fault;
    }

    public ActivityResultKind Kind { get; }
    public IReadOnlyList<string> Outcomes { get; }
    public IReadOnlyList<BookmarkRequest> Bookmarks { get; }
    public Fault? Fault { get; }

    private static readonly string[] DoneOutcomes = [Outcome.Done];

    /// <summary>Completed with the outcome Done.</summary>
    public static ActivityResult Done { get; } = new(ActivityResultKind.Completed, DoneOutcomes);

    /// <summary>Children were scheduled on the context; the activity goes on when they complete.</summary>
    public static ActivityResult Waiting { get; } = new(ActivityResultKind.Waiting);

    /// <summary>Completed; the connections of these outcomes are followed.</summary>
    public static ActivityResult Completed(params string[] outcomes) => outcomes.Length == 0 ? Done : new(ActivityResultKind.Completed, outcomes);

    /// <summary>The run sleeps until one of the bookmarks is resumed.</summary>
    public static ActivityResult Suspended(params BookmarkRequest[] bookmarks) => new(ActivityResultKind.Suspended, bookmarks: bookmarks);

    /// <summary>Ends the nearest loop around the activity; what of its body still runs is cancelled. Outside of a loop: done.</summary>
    public static ActivityResult BreakLoop { get; } = new(ActivityResultKind.BreakLoop, DoneOutcomes);

    /// <summary>Ends the run at once: what is queued or waits is dropped.</summary>
    public static ActivityResult FinishRun { get; } = new(ActivityResultKind.FinishRun, DoneOutcomes);

    /// <summary>Completes the nearest workflow (the run, or a workflow used as an activity) with outcomes.</summary>
    public static ActivityResult CompleteWorkflow(params string[] outcomes) =>
        new(ActivityResultKind.CompleteWorkflow, outcomes.Length == 0 ? DoneOutcomes : outcomes);

    /// <summary>An expected failure: becomes an incident, or what the policy says.</summary>
    public static ActivityResult Faulted(Fault fault) => new(ActivityResultKind.Faulted, fault: fault);

    /// <inheritdoc cref="Faulted(Fault)"/>
    public static ActivityResult Faulted(string message) => new(ActivityResultKind.Faulted, fault: new Fault(message));
}

public enum ActivityResultKind
{
    Completed,
    Waiting,
    Suspended,
    Faulted,
    BreakLoop,
    FinishRun,
    CompleteWorkflow,
}

/// <summary>Well-known outcome names.</summary>
public static class Outcome
{
    public const string Done = "Done";
}

/// <summary>What a suspended activity waits for. <see cref="Name"/> and <see cref="Key"/> are what a stimulus is matched by.</summary>
/// <param name="Name">Kind of bookmark: the activity type, as <c>Elsa.Event</c>, <c>Elsa.Delay</c>.</param>
/// <param name="Key">What exactly: an event name, a task id, <c>get:/path</c>; null when only time or the bookmark's id resumes it.</param>
/// <param name="DueAt">When the due-time service resumes it by itself.</param>
/// <param name="Payload">Shown in the API and handed back on resume.</param>
public sealed record BookmarkRequest(string Name, string? Key = null, DateTimeOffset? DueAt = null, JToken? Payload = null)
{
    /// <summary>Tag handed back to <see cref="Activity.ResumeAsync"/>, for activities with several bookmarks.</summary>
    public string? Tag { get; init; }

    /// <summary>Id given out before the bookmark exists (<see cref="ActivityContext.NewBookmarkId"/>), to whoever will resume it; null: the run makes one.</summary>
    public string? Id { get; init; }
}

/// <summary>A child run that was asked for. It starts in the transaction that commits its parent.</summary>
/// <param name="InstanceId">Instance id of the child.</param>
/// <param name="Bookmark">Waits for the child's end: suspend on it. Null when nobody waits. It is resumed with <c>{instanceId, status, subStatus, output}</c>.</param>
public sealed record DispatchedChild(string InstanceId, BookmarkRequest? Bookmark);

/// <summary>A failure as a value: what, why, and what to do. Never holds a secret.</summary>
/// <param name="Message">What happened, in a sentence a flow builder can read.</param>
public sealed record Fault(string Message)
{
    /// <summary>Short stable code, as <c>unknown-activity</c>, <c>http-422</c>, <c>outcome-unknown</c>.</summary>
    public string Code { get; init; } = "fault";

    /// <summary>The cause below the message.</summary>
    public string? Detail { get; init; }

    /// <summary>What a person can do about it.</summary>
    public string? Action { get; init; }

    /// <summary>Input or property at fault, when one is.</summary>
    public string? Property { get; init; }

    /// <summary>Type of the exception behind it, for Elsa's clients.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>A later try may succeed.</summary>
    public bool IsTransient { get; init; }

    /// <summary>As Elsa's clients read an exception.</summary>
    public JObject DescribeException() => StateDescription.DescribeException(this);
}

/// <summary>An expected failure thrown from deep inside an activity; the run loop turns it into its <see cref="Fault"/>.</summary>
public sealed class FaultException(Fault fault, Exception? inner = null) : Exception(fault.Message, inner)
{
    public Fault Fault { get; } = fault;
}
