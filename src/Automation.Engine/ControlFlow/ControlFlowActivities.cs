namespace Automation.Engine;

/// <summary>Adds the engine's own activities: containers, loops, branches, and what sets the run's own values.</summary>
public static class ControlFlowActivities
{
    private static readonly Type[] Types =
    [
        typeof(Sequence), typeof(ParallelActivity), typeof(Fork), typeof(FlowNode),
        typeof(If), typeof(Switch), typeof(FlowDecision), typeof(FlowSwitch), typeof(FlowFork), typeof(FlowJoin),
        typeof(For), typeof(ForEach), typeof(ParallelForEach), typeof(ForEachItem), typeof(While), typeof(Break),
        typeof(Start), typeof(End), typeof(Complete), typeof(Finish),
        typeof(SetVariable), typeof(SetOutput), typeof(SetName), typeof(Correlate),
    ];

    public static ActivityRegistry AddControlFlow(this ActivityRegistry activities)
    {
        foreach (var type in Types)
        {
            activities.Add(type);
        }

        // What the designer draws and no property of the class says: a flowchart's start is an id, a workflow's result is that of its outputs.
        activities.Add(ActivityRegistry.Describe(typeof(Flowchart)) with { Ports = [new PortDescriptor("Start", "Start", IsEmbedded: true)] });
        activities.Add(ActivityRegistry.Describe(typeof(WorkflowActivity)) with { Outputs = [new OutputDescriptor { Name = "Result", DisplayName = "Result" }] });
        activities.Add(NotFound.Describe("Elsa.NotFoundActivity"));
        return activities;
    }
}

/// <summary>A loop: Break ends it.</summary>
internal interface ILoop;

/// <summary>Stands in for an activity type that this program does not know. Its JSON is kept; running it faults.</summary>
internal sealed class NotFound(string typeName) : Activity
{
    /// <summary>Activities of Elsa that are left out here on purpose, and what takes their place.</summary>
    private static readonly Dictionary<string, string> LeftOut = new(StringComparer.Ordinal)
    {
        ["Elsa.RunCSharp"] = "C# does not run here: use Run JavaScript.",
        ["Elsa.RunPython"] = "Python does not run here: use Run JavaScript.",
        ["Elsa.RunElsaScript"] = "ElsaScript does not run here: use Run JavaScript.",
        ["Elsa.StateMachine"] = "State machines do not run here: use a flowchart.",
        ["Elsa.Inline"] = "Code of another program does not run here: use Run JavaScript.",
    };

    /// <summary>What to do about an activity type that is not there.</summary>
    public static string AdviceOn(string typeName) =>
        LeftOut.GetValueOrDefault(typeName) ?? (typeName.StartsWith("Elsa.Bpmn", StringComparison.Ordinal) ? "BPMN does not run here: use a flowchart." : "Install what brings this activity type, or replace the activity.");

    public static ActivityDescriptor Describe(string typeName) => new()
    {
        TypeName = typeName,
        Category = "System",
        DisplayName = "Not Found Activity",
        Description = "Stands in for an activity type that is not installed.",
        IsBrowsable = false,
        Create = _ => new NotFound(typeName),
    };

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var json = context.Planned.Json;
        var type = json["missingTypeName"].AsText() ?? typeName;
        return ValueTask.FromResult(ActivityResult.Faulted(new Fault($"Activity type '{type}' version '{json["missingTypeVersion"] ?? 0}' could not be found.")
        {
            Code = "unknown-activity",
            Action = AdviceOn(type),
            ExceptionType = "Elsa.Workflows.Exceptions.ActivityNotFoundException",
        }));
    }
}

[Activity("Elsa.Workflow", "Workflows", "The workflow itself: runs its root.", IsBrowsable = false)]
internal sealed class WorkflowActivity : Activity
{
    [Port] public PlannedActivity? Root { get; init; }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (Root is null)
        {
            return ValueTask.FromResult(ActivityResult.Done);
        }

        context.Schedule(Root);
        return ValueTask.FromResult(ActivityResult.Waiting);
    }
}

[Activity("Elsa.Start", "Flow", "Marks where a flowchart starts.", IsStart = true)]
internal sealed class Start : Activity
{
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(ActivityResult.Done);
}

[Activity("Elsa.End", "Flow", "Ends the flowchart or sequence it is in.", IsTerminal = true)]
internal sealed class End : Activity
{
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(ActivityResult.Done);
}

[Activity("Elsa.Finish", "Primitives", "Finishes the whole workflow at once.", IsTerminal = true)]
internal sealed class Finish : Activity
{
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(ActivityResult.FinishRun);
}

[Activity("Elsa.Break", "Looping", "Ends the nearest loop.", IsTerminal = true)]
internal sealed class Break : Activity
{
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(ActivityResult.BreakLoop);
}

[Activity("Elsa.Complete", "Composition", "Completes the workflow, or the workflow used as an activity, with outcomes.", IsTerminal = true)]
internal sealed class Complete : Activity
{
    [Input(Name = "Outcomes", UIHint = "outcome-picker", DefaultSyntax = "Object", Description = "The outcome, or a list of outcomes, to complete with; Done when empty.")]
    public Input<object> CompletedWith { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.CompleteWorkflow(Names(context.Get(CompletedWith))));

    private static string[] Names(object? value) => value switch
    {
        string { Length: > 0 } name => [name],
        Newtonsoft.Json.Linq.JArray list => [.. list.Select(i => i.ToString())],
        Newtonsoft.Json.Linq.JValue { Value: string { Length: > 0 } name } => [name],
        _ => [],
    };
}
