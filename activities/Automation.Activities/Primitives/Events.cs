using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Elsa.Event", "Primitives", "Waits for an event to be published.", Kind = ActivityKind.Trigger)]
public sealed class Event : Activity
{
    [Input(Required = true, Description = "The name of the event to listen for.")]
    public Input<string> EventName { get; init; } = default!;

    [Output] public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.IsTriggerOfRun)
        {
            return ValueTask.FromResult(Received(context, context.TriggerPayload));
        }

        var name = context.Get(EventName);
        return ValueTask.FromResult(string.IsNullOrWhiteSpace(name)
            ? ActivityResult.Faulted(new Fault("The event to wait for has no name.") { Code = "missing-input", Property = "eventName", Action = "Give the event a name." })
            : ActivityResult.Suspended(new BookmarkRequest("Elsa.Event", name, Payload: new JObject { ["eventName"] = name })));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Received(context, resumption.Input));

    private ActivityResult Received(ActivityContext context, JToken? payload)
    {
        context.Set(Result, payload is JValue scalar ? scalar.Value : payload);
        return ActivityResult.Done;
    }
}

[Activity("Elsa.PublishEvent", "Primitives", "Publishes an event.")]
public sealed class PublishEvent : Activity
{
    [Input(Required = true, Description = "The name of the event to publish.")]
    public Input<string> EventName { get; init; } = default!;

    [Input(Description = "Only instances with this correlation id hear it; empty: all.")]
    public Input<string> CorrelationId { get; init; } = default!;

    [Input(DisplayName = "Local event", Description = "Only this workflow instance hears it.")]
    public Input<bool> IsLocalEvent { get; init; } = default!;

    [Input(Description = "What the event brings.")]
    public Input<object> Payload { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var name = context.Get(EventName);
        if (string.IsNullOrWhiteSpace(name))
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("The event to publish has no name.") { Code = "missing-input", Property = "eventName", Action = "Give the event a name." }));
        }

        var payload = context.Get(Payload);
        var correlation = context.Get(CorrelationId);
        context.PublishEvent(name, string.IsNullOrEmpty(correlation) ? null : correlation, payload is null ? null : ValueConverter.ToJson(payload), context.Get(IsLocalEvent));
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.RunTask", "Primitives", "Asks somebody outside to do a task, and waits until it is reported done.")]
public sealed class RunTask : Activity
{
    [Input(Required = true, Description = "The name of the task being requested.")]
    public Input<string> TaskName { get; init; } = default!;

    [Input(UIHint = "dropdown", Description = "Any additional parameters to send to the task.")]
    public Input<IDictionary<string, object>> Payload { get; init; } = default!;

    [Output(Description = "The id of the task that was requested.")]
    public Output<string> TaskId { get; init; } = default!;

    [Output] public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        // The execution's own id: the same when the activity is executed again after a crash.
        var id = context.ActivityInstanceId;
        context.Set(TaskId, id);
        return ValueTask.FromResult(ActivityResult.Suspended(new BookmarkRequest("Elsa.RunTask", id, Payload: new JObject
        {
            ["taskId"] = id,
            ["taskName"] = context.Get(TaskName),
            ["taskPayload"] = ValueConverter.ToJson(context.Get(Payload)),
        })));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Set(Result, resumption.Input is JValue scalar ? scalar.Value : resumption.Input);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.Fault", "Primitives", "Faults the workflow.")]
public sealed class FaultActivity : Activity
{
    [Input(Description = "Code to categorize the fault.")]
    public Input<string> Code { get; init; } = default!;

    [Input(Description = "Category of the fault, such as HTTP or Data.")]
    public Input<string> Category { get; init; } = default!;

    [Input(DisplayName = "Type", Description = "Type of the fault, such as System or Business.")]
    public Input<string> FaultType { get; init; } = default!;

    [Input(Description = "The message to include with the fault.")]
    public Input<string> Message { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var detail = string.Join(", ", new[] { context.Get(Category), context.Get(FaultType) }.Where(text => !string.IsNullOrWhiteSpace(text)));
        return ValueTask.FromResult(ActivityResult.Faulted(new Fault(context.Get(Message) is { Length: > 0 } message ? message : "The workflow raised a fault.")
        {
            Code = context.Get(Code) is { Length: > 0 } code ? code : "fault",
            Detail = detail.Length == 0 ? null : detail,
            Action = "The workflow itself raised this fault: see what led to it in the journal.",
        }));
    }
}
