using Newtonsoft.Json.Linq;

namespace Automation.Engine;

[Activity("Elsa.For", "Looping", "Counts from a start to an end.")]
internal sealed class For : Activity, ILoop
{
    [Input(Default = 0, Description = "First number.")]
    public Input<int> Start { get; init; } = default!;

    [Input(Default = 0, Description = "Last number.")]
    public Input<int> End { get; init; } = default!;

    [Input(Default = 1, Description = "Step; negative counts down.")]
    public Input<int> Step { get; init; } = default!;

    [Input(Default = true, UIHint = "checkbox", Description = "Whether the last number is counted.")]
    public Input<bool> OuterBoundInclusive { get; init; } = default!;

    [Output(Description = "The current number.")]
    public Output<object> CurrentValue { get; init; } = default!;

    [Port] public PlannedActivity? Body { get; init; }

    public override void Compile(ActivityCompilation compilation) => compilation.Provide(Body, "CurrentValue");

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Iterate(context, context.Get(Start)));

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Iterate(context, context.Cursor + context.Get(Step)));

    private ActivityResult Iterate(ActivityContext context, long number)
    {
        var end = context.Get(End);
        var isUp = context.Get(Step) >= 0;
        var goesOn = !context.IsBreaking && (context.Get(OuterBoundInclusive) ? isUp ? number <= end : number >= end : isUp ? number < end : number > end);
        if (!goesOn || Body is null)
        {
            return ActivityResult.Done;
        }

        context.Cursor = number;
        object value = (int)number;
        context.Set(CurrentValue, value);
        context.Schedule(Body, [value], null, false);
        return ActivityResult.Waiting;
    }
}

[Activity("Elsa.ForEach", "Looping", "Runs its body for each item of a list.")]
internal sealed class ForEach : Activity, ILoop
{
    [Input(TypeName = "Object[]", UIHint = "dropdown", Description = "The items.")]
    public Input<JArray> Items { get; init; } = default!;

    [Output(Description = "The current item.")]
    public Output<object> CurrentValue { get; init; } = default!;

    [Port] public PlannedActivity? Body { get; init; }

    public override void Compile(ActivityCompilation compilation) => compilation.Provide(Body, "CurrentValue", "CurrentIndex");

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Items.Slot >= 0 && context.Planned.Inputs[Items.Slot].IsSet && context.Get(Items) is null
            ? ActivityResult.Faulted(new Fault("The items of the loop are empty (null).") { Code = "no-items", Property = "items", Action = "Give a list; an empty one is fine.", ExceptionType = "System.ArgumentNullException" })
            : Iterate(context, 0));

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Iterate(context, context.Cursor + 1));

    private ActivityResult Iterate(ActivityContext context, long index)
    {
        var items = context.Get(Items);
        if (Body is null || items is null || context.IsBreaking || index >= items.Count)
        {
            return ActivityResult.Done;
        }

        context.Cursor = index;
        var item = items[(int)index].Plain();
        context.Set(CurrentValue, item);
        context.Schedule(Body, [item, (int)index], null, false);
        return ActivityResult.Waiting;
    }
}

[Activity("Elsa.ParallelForEach", "Looping", "Runs its body for all items of a list side by side.")]
internal sealed class ParallelForEach : Activity
{
    [Input(Description = "The items.")]
    public Input<object> Items { get; init; } = default!;

    [Port] public PlannedActivity? Body { get; init; }

    public override void Compile(ActivityCompilation compilation) => compilation.Provide(Body, "CurrentValue", "CurrentIndex");

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        // A string is not a list of items, not even one that holds JSON.
        if (context.Get(Items) is JArray { Count: > 0 } items)
        {
            if (Body is null)
            {
                return ValueTask.FromResult(ActivityResult.Faulted(new Fault("The loop has items but no body to run for them.") { Code = "missing-input", Property = "body", Action = "Put an activity into the loop's body." }));
            }

            for (var i = 0; i < items.Count; i++)
            {
                context.Schedule(Body, [items[i].Plain(), i], null, false);
            }
        }

        return ValueTask.FromResult(context.WhenChildrenEnd());
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.WhenChildrenEnd());
}

[Activity("Elsa.While", "Looping", "Runs its body while a condition holds.")]
internal sealed class While : Activity, ILoop
{
    [Input(AutoEvaluate = false, Default = false, UIHint = "singleline", Description = "The condition, evaluated before each turn.")]
    public Input<bool> Condition { get; init; } = default!;

    [Port] public PlannedActivity? Body { get; init; }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => IterateAsync(context, cancellationToken);

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) => IterateAsync(context, cancellationToken);

    private async ValueTask<ActivityResult> IterateAsync(ActivityContext context, CancellationToken cancellationToken) =>
        context.RunChild(!context.IsBreaking && await context.EvaluateAsync(Condition, cancellationToken) ? Body : null);
}
