using Newtonsoft.Json.Linq;

namespace Automation.Engine;

[Activity("Elsa.Sequence", "Workflows", "Runs activities one after the other.", IsContainer = true, IsBrowsable = false)]
internal sealed class Sequence : Activity
{
    private PlannedActivity[] children = [];

    public override void Compile(ActivityCompilation compilation) => children = [.. compilation.Children("activities")];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(Next(context, 0));

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.IsBreaking || child.Child.Descriptor.IsTerminal ? ActivityResult.Done : Next(context, context.Cursor + 1));

    private ActivityResult Next(ActivityContext context, long index)
    {
        if (index >= children.Length)
        {
            return ActivityResult.Done;
        }

        context.Cursor = index;
        context.Schedule(children[index]);
        return ActivityResult.Waiting;
    }
}

[Activity("Elsa.Parallel", "Workflows", "Runs activities side by side and waits for all of them.", IsContainer = true, IsBrowsable = false)]
internal sealed class ParallelActivity : Activity
{
    private PlannedActivity[] children = [];

    public override void Compile(ActivityCompilation compilation) => children = [.. compilation.Children("activities")];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        foreach (var child in children)
        {
            context.Schedule(child);
        }

        return ValueTask.FromResult(context.WhenChildrenEnd());
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.WhenChildrenEnd());
}

[Activity("Elsa.Fork", "Control Flow", "Runs branches side by side and waits for all of them, or for the first.", IsBrowsable = false)]
internal sealed class Fork : Activity
{
    private PlannedActivity[] branches = [];

    [Input(DisplayName = "Join Mode", TypeName = "Elsa.Workflows.ForkJoinMode, Elsa.Workflows.Core", Options = ["WaitAll", "WaitAny"], Description = "Whether to wait for all branches or for the first.")]
    public string? JoinMode { get; init; }

    public override void Compile(ActivityCompilation compilation) => branches = [.. compilation.Children("branches")];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        foreach (var branch in branches)
        {
            context.Schedule(branch);
        }

        return ValueTask.FromResult(context.WhenChildrenEnd());
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.IsBreaking || JoinMode == "WaitAny" ? ActivityResult.Done : context.WhenChildrenEnd());
}

[Activity("Elsa.FlowNode", "Flow", "Runs its body as one activity of a flowchart.", DisplayName = "Container")]
internal sealed class FlowNode : Activity
{
    [Port] public PlannedActivity? Body { get; init; }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(context.RunChild(Body));
}

[Activity("Elsa.If", "Branching", "Runs one of two branches by a condition.")]
internal sealed class If : Activity
{
    [Input(UIHint = "singleline", Description = "The condition.")]
    public Input<bool> Condition { get; init; } = default!;

    [Output(Description = "Value of the condition.")]
    public Output<bool> Result { get; init; } = default!;

    [Port] public PlannedActivity? Then { get; init; }
    [Port] public PlannedActivity? Else { get; init; }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var condition = context.Get(Condition);
        context.Set(Result, condition);
        return ValueTask.FromResult(context.RunChild(condition ? Then : Else));
    }
}

[Activity("Elsa.Switch", "Branching", "Runs the branch of the first case whose condition holds, or of all such cases.")]
internal sealed class Switch : Activity
{
    private SwitchCase[] cases = [];

    [Input(TypeName = "Elsa.Workflows.Activities.SwitchCase, Elsa.Workflows.Core[]", UIHint = "switch-editor", Description = "Cases: label, condition, activity.")]
    public JToken? Cases { get; init; }

    [Input(TypeName = "Elsa.Workflows.SwitchMode, Elsa.Workflows.Core", Description = "Whether the first matching case is taken, or all of them.")]
    public Input<SwitchMode> Mode { get; init; } = default!;

    [Output] public Output<object> Output { get; init; } = default!;
    [Port] public PlannedActivity? Default { get; init; }

    public override void Compile(ActivityCompilation compilation) => cases = SwitchCase.Read(compilation);

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var matches = SwitchCase.Matches(cases, context, context.Get(Mode), cancellationToken);
        if (matches.Count == 0)
        {
            return ValueTask.FromResult(context.RunChild(Default));
        }

        foreach (var match in matches)
        {
            if (match.Activity is { } activity)
            {
                context.Schedule(activity);
            }
        }

        return ValueTask.FromResult(context.WhenChildrenEnd());
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.WhenChildrenEnd());
}

[Activity("Elsa.FlowDecision", "Branching", "Takes the port True or False by a condition.", DisplayName = "Decision")]
internal sealed class FlowDecision : Activity
{
    private static readonly ActivityResult True = ActivityResult.Completed("True");
    private static readonly ActivityResult False = ActivityResult.Completed("False");

    [Input(UIHint = "singleline", Description = "The condition.")]
    public Input<bool> Condition { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["True", "False"];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.Get(Condition) ? True : False);
}

[Activity("Elsa.FlowSwitch", "Branching", "Takes the port of the first case whose condition holds, or of all such cases.", DisplayName = "Switch (flow)")]
internal sealed class FlowSwitch : Activity
{
    private SwitchCase[] cases = [];

    [Input(TypeName = "Elsa.Workflows.Activities.Flowchart.Models.FlowSwitchCase, Elsa.Workflows.Core[]", UIHint = "flow-switch-editor", Description = "Cases: label and condition.")]
    public JToken? Cases { get; init; }

    [Input(TypeName = "Elsa.Workflows.SwitchMode, Elsa.Workflows.Core", Description = "Whether the first matching case is taken, or all of them.")]
    public Input<SwitchMode> Mode { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Default"];

    public override void Compile(ActivityCompilation compilation) => cases = SwitchCase.Read(compilation);

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var matches = SwitchCase.Matches(cases, context, context.Get(Mode), cancellationToken);
        return ValueTask.FromResult(ActivityResult.Completed(matches.Count == 0 ? ["Default"] : [.. matches.Select(m => m.Label)]));
    }
}

internal enum SwitchMode
{
    MatchFirst,
    MatchAny,
}

/// <summary>A case of a switch.</summary>
internal sealed record SwitchCase(string Label, Expressions.PreparedExpression Condition, PlannedActivity? Activity)
{
    public static SwitchCase[] Read(ActivityCompilation compilation) =>
    [
        .. DefinitionReader.Items(compilation.Json["cases"]).OfType<JObject>().Select(c => new SwitchCase(
            c["label"].AsText() ?? "",
            compilation.Expression(c["condition"], "cases"),
            c["activity"] is JObject activity ? compilation.Child(activity) : null)),
    ];

    public static List<SwitchCase> Matches(SwitchCase[] cases, ActivityContext context, SwitchMode mode, CancellationToken cancellationToken)
    {
        // As in Elsa every condition is evaluated, whatever the mode: a later one may set variables, or fault.
        var matches = new List<SwitchCase>();
        foreach (var candidate in cases)
        {
            if (context.Evaluate<bool>(candidate.Condition, cancellationToken) && (mode == SwitchMode.MatchAny || matches.Count == 0))
            {
                matches.Add(candidate);
            }
        }

        return matches;
    }
}

[Activity("Elsa.FlowFork", "Branching", "Takes all of its branches.", DisplayName = "Fork (flow)")]
internal sealed class FlowFork : Activity
{
    [Input(TypeName = "String[]", UIHint = "dynamic-outcomes", Description = "Names of the branches.")]
    public Input<string[]> Branches { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Completed(context.Get(Branches) ?? []));
}

[Activity("Elsa.FlowJoin", "Branching", "Merges branches into one.", DisplayName = "Join")]
internal sealed class FlowJoin : Activity
{
    [Input(TypeName = "Elsa.Workflows.Activities.Flowchart.Models.FlowJoinMode, Elsa.Workflows.Core", Description = "Whether to go on after all branches, after all that were taken, or after the first.")]
    public Input<FlowJoinMode> Mode { get; init; } = default!;

    /// <summary>Flowcharts decide when a join is executed. Whatever still runs before it is given up then.</summary>
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.Parent is { ContainerState: FlowState flow } flowchart)
        {
            flow.JoinEntered(flowchart, context.Planned.LocalIndex);
        }

        return ValueTask.FromResult(ActivityResult.Done);
    }
}

internal enum FlowJoinMode
{
    WaitAny,
    WaitAll,
    WaitAllActive,
}

/// <summary>What containers have in common.</summary>
internal static class ContainerExtensions
{
    /// <summary>Runs a child and is done with it; done at once without one.</summary>
    public static ActivityResult RunChild(this ActivityContext context, PlannedActivity? child)
    {
        if (child is null)
        {
            return ActivityResult.Done;
        }

        context.Schedule(child);
        return ActivityResult.Waiting;
    }

    /// <summary>Done when no child is left; a faulted child is left for good.</summary>
    public static ActivityResult WhenChildrenEnd(this ActivityContext context) =>
        context.RunningChildren + context.QueuedChildren == 0 ? ActivityResult.Done : ActivityResult.Waiting;
}
