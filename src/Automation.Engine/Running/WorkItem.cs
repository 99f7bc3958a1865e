namespace Automation.Engine;

/// <summary>Something the run loop has to do.</summary>
/// <param name="Kind">What.</param>
/// <param name="Activity">The activity.</param>
/// <param name="Owner">Who scheduled it and hears of its end; null for the root.</param>
/// <param name="Context">Its execution; made when it starts.</param>
/// <param name="Locals">Values of the variables that the owner provides (CurrentValue, CurrentIndex).</param>
/// <param name="Tag">The owner's mark.</param>
/// <param name="Resumption">What resumed it.</param>
/// <param name="IsBackward">A flowchart followed a backward connection.</param>
internal readonly record struct WorkItem(
    WorkKind Kind,
    PlannedActivity Activity,
    ActivityContext? Owner,
    ActivityContext? Context,
    object?[]? Locals,
    string? Tag,
    Resumption? Resumption,
    bool IsBackward);

internal enum WorkKind : byte
{
    Start,
    Resume,
}

/// <summary>What an activity asked for while it ran; becomes the run's when its result is applied, so that an execution that is repeated asks once.</summary>
internal sealed class StagedRequests
{
    public List<WorkItem> Work { get; } = [];
    public List<ChildDispatch> Children { get; } = [];
    public List<PublishedEvent> Events { get; } = [];

    public void Clear()
    {
        Work.Clear();
        Children.Clear();
        Events.Clear();
    }
}

/// <summary>State of a container beyond one number, as a flowchart's tokens.</summary>
internal interface IContainerState
{
    void Write(StateWriter writer);
}
