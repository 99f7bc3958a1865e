using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>A container that takes faults of its children as answers, so that they are no incidents.</summary>
internal interface ITakesFaults
{
    bool Takes(ActivityContext context, Fault fault);

    /// <summary>Goes on after a child failed; what ran below the child is cancelled.</summary>
    ActivityResult ChildFailed(ActivityContext context, ChildCompletion child, Fault fault);
}

/// <summary>
/// Runs its body for the items of a list, several at a time; what fails for one item is noted and stops, when it is to, no other. A write whose outcome is unknown stays an
/// incident for a person, whatever is chosen.
/// </summary>
[Activity("Automation.ForEach", "Looping", "Runs its body for each item of a list, several at a time, and notes the items that failed.", DisplayName = "For Each (several at a time)")]
internal sealed class ForEachItem : Activity, ILoop, ITakesFaults
{
    /// <summary>Items at a time at most.</summary>
    private const int MostAtOnce = 100;

    /// <summary>Errors that are kept with their item; further ones are counted.</summary>
    private const int MostErrors = 1_000;

    private static readonly ActivityResult SomeFailed = ActivityResult.Completed("Failed", Outcome.Done);

    public override IReadOnlyList<string> Outcomes => [Outcome.Done, "Failed"];

    [Input(TypeName = "Object[]", Required = true, Description = "The items.")]
    public Input<JArray> Items { get; init; } = default!;

    [Input(DisplayName = "At a time", Default = 1, Description = "How many items are in progress at the same time, at most 100. Their activities take turns; what they wait for, they wait for together.")]
    public Input<int> Concurrency { get; init; } = default!;

    [Input(DisplayName = "When an item fails", Default = "Continue", Options = ["Continue", "Stop", "Fault"], Description = "Continue with the other items; stop after those in progress; or let the fault be the run's, as in Elsa's For Each.")]
    public Input<string> OnError { get; init; } = default!;

    [Output(Description = "How many items went well.")]
    public Output<int> Succeeded { get; init; } = default!;

    [Output(Description = "How many items failed.")]
    public Output<int> Failed { get; init; } = default!;

    [Output(TypeName = "Object[]", Description = "The items that failed: {index, item, code, message, activityId}; at most 1,000.")]
    public Output<JArray> Errors { get; init; } = default!;

    [Port] public PlannedActivity? Body { get; init; }

    public override void Compile(ActivityCompilation compilation) => compilation.Provide(Body, "CurrentValue", "CurrentIndex");

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(Next(context));

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken)
    {
        context.SetState("succeeded", Count(context, "succeeded") + 1);
        return ValueTask.FromResult(Next(context));
    }

    public bool Takes(ActivityContext context, Fault fault) => fault.Code != "outcome-unknown" && context.Get(OnError) is not "Fault";

    public ActivityResult ChildFailed(ActivityContext context, ChildCompletion child, Fault fault)
    {
        var index = int.Parse(child.Tag!, System.Globalization.CultureInfo.InvariantCulture);
        context.SetState("failed", Count(context, "failed") + 1);
        var errors = context.GetState("errors") as JArray ?? [];
        if (errors.Count < MostErrors)
        {
            errors.Add(new JObject
            {
                ["index"] = index,
                ["item"] = context.Get(Items)?[index].DeepClone(),
                ["code"] = fault.Code,
                ["message"] = fault.Message,
                ["activityId"] = child.Child.Id,
            });
            context.SetState("errors", errors);
        }

        return Next(context);
    }

    private ActivityResult Next(ActivityContext context)
    {
        var items = context.Get(Items);
        var left = Body is null || context.IsBreaking || (context.Get(OnError) == "Stop" && Count(context, "failed") > 0) ? 0 : (items?.Count ?? 0) - context.Cursor;
        var free = Math.Clamp(context.Get(Concurrency), 1, MostAtOnce) - context.RunningChildren - context.QueuedChildren;
        for (; left > 0 && free > 0; left--, free--)
        {
            var index = (int)context.Cursor++;
            context.Schedule(Body!, [items![index].Plain(), index], index.ToString(System.Globalization.CultureInfo.InvariantCulture), false);
        }

        if (!context.IsBreaking && context.RunningChildren + context.QueuedChildren > 0)
        {
            return ActivityResult.Waiting;
        }

        context.Set(Succeeded, Count(context, "succeeded"));
        context.Set(Failed, Count(context, "failed"));
        context.Set(Errors, context.GetState("errors") as JArray ?? []);
        return Count(context, "failed") > 0 ? SomeFailed : ActivityResult.Done;
    }

    private static int Count(ActivityContext context, string key) => (int?)context.GetState(key) ?? 0;
}
