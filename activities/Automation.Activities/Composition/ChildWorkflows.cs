using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Elsa.DispatchWorkflow", "Composition", "Starts a new instance of a workflow; waits for its end when told to.")]
public sealed class DispatchWorkflow : Activity
{
    [Input(DisplayName = "Workflow Definition", Required = true, UIHint = "workflow-definition-picker", Description = "The definition id of the workflow to dispatch.")]
    public Input<string> WorkflowDefinitionId { get; init; } = default!;

    [Input(DisplayName = "Correlation ID", Description = "The correlation id of the new instance.")]
    public Input<string> CorrelationId { get; init; } = default!;

    [Input(UIHint = "dictionary", Description = "The input to send to the workflow.")]
    public Input<IDictionary<string, object>> Input { get; init; } = default!;

    [Input(Description = "Wait for the child workflow to complete before completing this activity.")]
    public Input<bool> WaitForCompletion { get; init; } = default!;

    [Input(Category = "Open Telemetry", Description = "Start a new trace.")]
    public Input<bool> StartNewTrace { get; init; } = default!;

    [Input(DisplayName = "Channel", UIHint = "dropdown", Description = "Not used: there is one channel.")]
    public Input<string> ChannelName { get; init; } = default!;

    [Output] public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (Children.Missing(context.Get(WorkflowDefinitionId)) is { } missing)
        {
            return ValueTask.FromResult(missing);
        }

        var child = Children.Dispatch(context, context.Get(WorkflowDefinitionId)!, Children.InputOf(context.Get(Input)), context.Get(CorrelationId), context.Get(WaitForCompletion));
        return ValueTask.FromResult(child.Bookmark is { } bookmark ? ActivityResult.Suspended(bookmark) : ActivityResult.Done);
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Set(Result, resumption.Input?["output"]);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.ExecuteWorkflow", "Composition", "Runs a workflow as a new instance, and waits for its end when told to.", Kind = ActivityKind.Task)]
public sealed class ExecuteWorkflow : Activity
{
    [Input(DisplayName = "Workflow Definition", Required = true, UIHint = "workflow-definition-picker", Description = "The definition id of the workflow to execute.")]
    public Input<string> WorkflowDefinitionId { get; init; } = default!;

    [Input(DisplayName = "Correlation ID", Description = "The correlation id of the new instance.")]
    public Input<string> CorrelationId { get; init; } = default!;

    [Input(UIHint = "dictionary", Description = "The input to send to the workflow.")]
    public Input<IDictionary<string, object>> Input { get; init; } = default!;

    [Input(Description = "Wait for the child workflow to complete before completing this activity.")]
    public Input<bool> WaitForCompletion { get; init; } = default!;

    [Output(TypeName = "Elsa.Workflows.Runtime.ExecuteWorkflowResult, Elsa.Workflows.Runtime")]
    public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (Children.Missing(context.Get(WorkflowDefinitionId)) is { } missing)
        {
            return ValueTask.FromResult(missing);
        }

        var child = Children.Dispatch(context, context.Get(WorkflowDefinitionId)!, Children.InputOf(context.Get(Input)), context.Get(CorrelationId), context.Get(WaitForCompletion));
        if (child.Bookmark is { } bookmark)
        {
            return ValueTask.FromResult(ActivityResult.Suspended(bookmark));
        }

        context.Set(Result, new JObject { ["workflowInstanceId"] = child.InstanceId, ["status"] = "Running", ["subStatus"] = "Pending" });
        return ValueTask.FromResult(ActivityResult.Done);
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Set(Result, new JObject
        {
            ["workflowInstanceId"] = resumption.Input?["instanceId"],
            ["status"] = resumption.Input?["status"],
            ["subStatus"] = resumption.Input?["subStatus"],
            ["output"] = resumption.Input?["output"],
        });
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

/// <summary>What the activities that start child workflows share.</summary>
internal static class Children
{
    public static ActivityResult? Missing(string? definitionId) => string.IsNullOrWhiteSpace(definitionId)
        ? ActivityResult.Faulted(new Fault("No workflow is chosen to start.") { Code = "missing-input", Property = "workflowDefinitionId", Action = "Choose a workflow." })
        : null;

    public static JObject? InputOf(IDictionary<string, object>? input) => input is null ? null : (JObject)ValueConverter.ToJson(input);

    public static DispatchedChild Dispatch(ActivityContext context, string definitionId, JObject? input, string? correlationId, bool wait)
    {
        var child = context.DispatchChild(definitionId, input, string.IsNullOrEmpty(correlationId) ? null : correlationId, wait);
        context.Journal("Dispatched", $"Workflow '{definitionId}' starts as {child.InstanceId}.", new JObject { ["workflowInstanceId"] = child.InstanceId });
        return child;
    }
}
