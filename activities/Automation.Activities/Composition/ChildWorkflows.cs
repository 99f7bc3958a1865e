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

    [Input(UIHint = "dropdown", Description = "The input to send to the workflow.")]
    public Input<IDictionary<string, object>> Input { get; init; } = default!;

    [Input(Description = "Wait for the child workflow to complete before completing this activity.")]
    public Input<bool> WaitForCompletion { get; init; } = default!;

    [Input(Category = "Open Telemetry", Description = "Start a new trace.")]
    public Input<bool> StartNewTrace { get; init; } = default!;

    [Input(DisplayName = "Channel", UIHint = "dropdown", Description = "Not used: there is one channel.")]
    public Input<string> ChannelName { get; init; } = default!;

    [Output] public Output<object> Result { get; init; } = default!;

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (await Children.MissingAsync(context, context.Get(WorkflowDefinitionId), cancellationToken) is { } missing)
        {
            return missing;
        }

        var child = Children.Dispatch(context, context.Get(WorkflowDefinitionId)!, Children.InputOf(context.Get(Input)), context.Get(CorrelationId), context.Get(WaitForCompletion));
        return child.Bookmark is { } bookmark ? ActivityResult.Suspended(bookmark) : ActivityResult.Done;
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

    [Input(UIHint = "dropdown", Description = "The input to send to the workflow.")]
    public Input<IDictionary<string, object>> Input { get; init; } = default!;

    [Input(Description = "Wait for the child workflow to complete before completing this activity.")]
    public Input<bool> WaitForCompletion { get; init; } = default!;

    [Output(TypeName = "Elsa.Workflows.Runtime.ExecuteWorkflowResult, Elsa.Workflows.Runtime")]
    public Output<object> Result { get; init; } = default!;

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (await Children.MissingAsync(context, context.Get(WorkflowDefinitionId), cancellationToken) is { } missing)
        {
            return missing;
        }

        // Without waiting for its end the result is how far the child came by itself.
        var child = context.ExecuteChild(context.Get(WorkflowDefinitionId)!, Children.InputOf(context, context.Get(Input)), Children.CorrelationOf(context.Get(CorrelationId)), context.Get(WaitForCompletion));
        Children.Note(context, context.Get(WorkflowDefinitionId)!, child);
        return ActivityResult.Suspended(child.Bookmark!);
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Set(Result, ResultOf(resumption.Input?["instanceId"], resumption.Input?["status"], resumption.Input?["subStatus"], resumption.Input?["output"]));
        return ValueTask.FromResult(ActivityResult.Done);
    }

    /// <summary>Scripts written for Elsa spell its properties either way.</summary>
    private static JObject ResultOf(JToken? instanceId, JToken? status, JToken? subStatus, JToken? output) => new()
    {
        ["workflowInstanceId"] = instanceId,
        ["status"] = status,
        ["subStatus"] = subStatus,
        ["output"] = output,
        ["WorkflowInstanceId"] = instanceId?.DeepClone(),
        ["Status"] = status?.DeepClone(),
        ["SubStatus"] = subStatus?.DeepClone(),
        ["Output"] = output?.DeepClone(),
    };
}

/// <summary>What the activities that start child workflows share.</summary>
internal static class Children
{
    /// <summary>The fault of a workflow that cannot be started; null: it can.</summary>
    public static async ValueTask<ActivityResult?> MissingAsync(ActivityContext context, string? definitionId, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(definitionId))
        {
            return ActivityResult.Faulted(new Fault("No workflow is chosen to start.") { Code = "missing-input", Property = "workflowDefinitionId", Action = "Choose a workflow." });
        }

        return context.Services.GetService(typeof(IWorkflowCatalog)) is IWorkflowCatalog catalog && !await catalog.IsPublishedAsync(definitionId, cancellationToken)
            ? ActivityResult.Faulted(new Fault($"No published version of workflow definition with ID {definitionId} found.") { Code = "child-not-published", Property = "workflowDefinitionId", Action = "Publish that workflow, then replay this run." })
            : null;
    }

    public static JObject? InputOf(IDictionary<string, object>? input) => input is null ? null : (JObject)ValueConverter.ToJson(input);

    public static JObject InputOf(ActivityContext context, IDictionary<string, object>? input)
    {
        var values = InputOf(input) ?? [];
        values["ParentInstanceId"] = context.Run.InstanceId;
        return values;
    }

    public static string? CorrelationOf(string? id) => string.IsNullOrEmpty(id) ? null : id;

    public static DispatchedChild Dispatch(ActivityContext context, string definitionId, JObject? input, string? correlationId, bool wait)
    {
        input ??= [];
        input["ParentInstanceId"] = context.Run.InstanceId;
        var child = context.DispatchChild(definitionId, input, CorrelationOf(correlationId), wait);
        Note(context, definitionId, child);
        return child;
    }

    /// <summary>Says in the journal which run was started.</summary>
    public static void Note(ActivityContext context, string definitionId, DispatchedChild child) =>
        context.Journal("Dispatched", $"Workflow '{definitionId}' starts as {child.InstanceId}.", new JObject { ["workflowInstanceId"] = child.InstanceId });
}
