namespace Automation.Engine;

/// <summary>
/// A unit of work. Built once per activity of a plan and shared by all its runs, so it holds no state of a run:
/// singletons are injected by constructor, scoped services and values come from the context.
/// </summary>
public abstract class Activity
{
    private static readonly string[] DoneOnly = [Outcome.Done];

    /// <summary>Id in the definition.</summary>
    public string Id { get; internal set; } = "";

    /// <summary>Outcomes this activity can have; the designer draws a port for each.</summary>
    public virtual IReadOnlyList<string> Outcomes => DoneOnly;

    /// <summary>
    /// Reads what is the activity's own in its JSON, once per plan: children in places of their own, expressions inside lists.
    /// Inputs, outputs and <see cref="PortAttribute">ports</see> are bound before.
    /// </summary>
    public virtual void Compile(ActivityCompilation compilation)
    {
    }

    /// <summary>Does the work. Inputs marked to be evaluated are ready in the context. May be called again after a crash: writes to the outside go through effects.</summary>
    public abstract ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken);

    /// <summary>Goes on after one of its bookmarks was resumed. By default the activity is done.</summary>
    public virtual ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Done);

    /// <summary>
    /// Goes on after a child scheduled with <see cref="ActivityContext.Schedule(PlannedActivity, string?)"/> completed. By default the activity is done.
    /// It decides only: no call to the outside, no checkpoint.
    /// </summary>
    public virtual ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Done);
}

/// <summary>What resumed a bookmark.</summary>
/// <param name="BookmarkName">The bookmark's name.</param>
/// <param name="Tag">The tag given with <see cref="BookmarkRequest.Tag"/>.</param>
/// <param name="Payload">The bookmark's payload.</param>
/// <param name="Input">What the stimulus brought.</param>
public sealed record Resumption(string BookmarkName, string? Tag, Newtonsoft.Json.Linq.JToken? Payload, Newtonsoft.Json.Linq.JToken? Input);

/// <summary>A child completed.</summary>
/// <param name="Child">The child.</param>
/// <param name="Tag">The tag it was scheduled with.</param>
/// <param name="Outcomes">Its outcomes.</param>
public readonly record struct ChildCompletion(PlannedActivity Child, string? Tag, IReadOnlyList<string> Outcomes)
{
    internal ActivityContext? Context { get; init; }
}
