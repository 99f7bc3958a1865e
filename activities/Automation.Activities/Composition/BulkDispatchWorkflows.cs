using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Elsa.BulkDispatchWorkflows", "Composition", "Starts a new workflow instance for each item of a list.", Kind = ActivityKind.Task)]
public sealed class BulkDispatchWorkflows : Activity
{
    /// <summary>Children that one activity may start.</summary>
    private const int MaximumChildren = 10_000;

    public override IReadOnlyList<string> Outcomes => ["Completed", "Canceled", "Done"];

    [Input(DisplayName = "Workflow Definition", Required = true, UIHint = "workflow-definition-picker", Description = "The definition id of the workflows to dispatch.")]
    public Input<string> WorkflowDefinitionId { get; init; } = default!;

    [Input(Description = "The list whose items are dispatched.")]
    public Input<object> Items { get; init; } = default!;

    [Input(Default = "Item", Description = "Name of the input that brings the item; not used for items that are objects.")]
    public Input<string> DefaultItemInputKey { get; init; } = default!;

    [Input(DisplayName = "Correlation ID Function", AutoEvaluate = false, Description = "Correlation id of the dispatched workflows.")]
    public Input<string> CorrelationIdFunction { get; init; } = default!;

    [Input(UIHint = "dropdown", Description = "Additional input to send to the workflows being dispatched.")]
    public Input<IDictionary<string, object>> Input { get; init; } = default!;

    [Input(Default = true, Description = "Wait for the dispatched workflows to complete before completing this activity.")]
    public Input<bool> WaitForCompletion { get; init; } = default!;

    [Input(Default = false, Category = "Open Telemetry", Description = "Start a new trace.")]
    public Input<bool> StartNewTrace { get; init; } = default!;

    [Input(DisplayName = "Channel", UIHint = "dropdown", Description = "Not used: there is one channel.")]
    public Input<string> ChannelName { get; init; } = default!;

    [Port] public PlannedActivity? ChildCompleted { get; init; }
    [Port] public PlannedActivity? ChildFaulted { get; init; }

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (await Children.MissingAsync(context, context.Get(WorkflowDefinitionId), cancellationToken) is { } missing)
        {
            return missing;
        }

        var items = ListOf(context.Get(Items));
        if (items.Count > MaximumChildren)
        {
            return ActivityResult.Faulted(new Fault($"{items.Count:N0} workflows would start at once; the limit is {MaximumChildren:N0}.") { Code = "too-many-children", Property = "items", Action = "Dispatch the list in parts." });
        }

        var wait = context.Get(WaitForCompletion);
        var key = context.Get(DefaultItemInputKey) is { Length: > 0 } name ? name : "Item";
        var bookmarks = new List<BookmarkRequest>();
        foreach (var item in items)
        {
            var input = Children.InputOf(context.Get(Input)) ?? [];
            if (item is JObject fields)
            {
                input.Merge(fields);
            }
            else
            {
                input[key] = item;
            }

            var correlation = await context.EvaluateAsync(CorrelationIdFunction, new JObject { [key] = item.DeepClone() }, cancellationToken);
            if (Children.Dispatch(context, context.Get(WorkflowDefinitionId)!, input, correlation, wait).Bookmark is { } bookmark)
            {
                bookmarks.Add(bookmark);
            }
        }

        if (bookmarks.Count == 0)
        {
            return ActivityResult.Done;
        }

        context.SetState("children", bookmarks.Count);
        return ActivityResult.Suspended([.. bookmarks]);
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        var port = (string?)resumption.Input?["subStatus"] == nameof(WorkflowSubStatus.Finished) ? ChildCompleted : ChildFaulted;
        if (port is not null)
        {
            context.Schedule(port);
        }

        return ValueTask.FromResult(Left(context, children: -1, ports: port is null ? 0 : 1));
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Left(context, children: 0, ports: -1));

    private static ActivityResult Left(ActivityContext context, int children, int ports)
    {
        children += (int?)context.GetState("children") ?? 0;
        ports += (int?)context.GetState("ports") ?? 0;
        context.SetState("children", children);
        context.SetState("ports", ports);
        return children == 0 && ports == 0 ? ActivityResult.Completed("Completed", "Done") : ActivityResult.Waiting;
    }

    private static JArray ListOf(object? items) => items switch
    {
        null => [],
        string text when text.TrimStart().StartsWith('[') => (JArray)ValueConverter.Convert(text, typeof(JArray))!,
        _ => ValueConverter.ToJson(items) is var token && token is JArray list ? list : [token],
    };
}
