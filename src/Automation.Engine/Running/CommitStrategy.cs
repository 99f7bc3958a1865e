namespace Automation.Engine;

/// <summary>
/// When a burst commits beyond what it must (before an effect, a response, a suspension, and at its end): Elsa's commit strategies by name. A crash after such a commit goes on
/// with the activity that was next.
/// </summary>
internal sealed record CommitStrategy
{
    private static readonly CommitStrategy None = new();

    /// <summary>Names that a workflow may have.</summary>
    public static IReadOnlyList<CommitStrategyDescription> ForWorkflows { get; } =
    [
        new("WorkflowExecuting", "Commit before the workflow", "Commits when a burst of the workflow begins."),
        new("WorkflowExecuted", "Commit after the workflow", "Commits when a burst of the workflow is over, as without a strategy."),
        new("ActivityExecuting", "Commit before each activity", "Commits before each activity is executed."),
        new("ActivityExecuted", "Commit after each activity", "Commits after each activity was executed."),
        new("Periodic", "Every 10 seconds", "Commits after an activity when the last commit is ten seconds old."),
    ];

    /// <summary>Names that an activity may have.</summary>
    public static IReadOnlyList<CommitStrategyDescription> ForActivities { get; } =
    [
        new("CommitAlways", "Always commit", "Commits before and after the activity."),
        new("CommitNever", "Never commit", "Does not commit for this activity, whatever the workflow's strategy says."),
        new("Executing", "Commit before the activity", "Commits before the activity is executed."),
        new("Executed", "Commit after the activity", "Commits after the activity was executed."),
    ];

    public bool AtStart { get; private init; }
    public bool BeforeActivity { get; private init; }
    public bool AfterActivity { get; private init; }
    public TimeSpan? Every { get; private init; }

    /// <summary>A workflow's strategy; an unknown name is none, as in Elsa.</summary>
    public static CommitStrategy OfWorkflow(string? name) => name switch
    {
        "WorkflowExecuting" => new CommitStrategy { AtStart = true },
        "ActivityExecuting" => new CommitStrategy { BeforeActivity = true },
        "ActivityExecuted" => new CommitStrategy { AfterActivity = true },
        "Periodic" or "Every 10 seconds" => new CommitStrategy { Every = TimeSpan.FromSeconds(10) },
        _ => None,
    };

    /// <summary>An activity's strategy; null: that of its workflow.</summary>
    public static CommitStrategy? OfActivity(string? name) => name switch
    {
        "CommitAlways" => new CommitStrategy { BeforeActivity = true, AfterActivity = true },
        "CommitNever" => None,
        "Executing" => new CommitStrategy { BeforeActivity = true },
        "Executed" => new CommitStrategy { AfterActivity = true },
        _ => null,
    };
}

/// <summary>A commit strategy as the designer shows it.</summary>
public sealed record CommitStrategyDescription(string Name, string DisplayName, string Description)
{
    public static IReadOnlyList<CommitStrategyDescription> ForWorkflows => CommitStrategy.ForWorkflows;
    public static IReadOnlyList<CommitStrategyDescription> ForActivities => CommitStrategy.ForActivities;
}
