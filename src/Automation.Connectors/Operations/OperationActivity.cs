using Automation.Engine;

namespace Automation.Connectors;

/// <summary>The one activity that sends every operation: validates inputs, reads or writes through the client, sets <c>result</c>; as the trigger of a run it hands out its <c>event</c>.</summary>
public sealed class OperationActivity(Operation operation) : Activity
{
    public Operation Operation { get; } = operation;

    /// <summary>The descriptor of an operation's activity: connection, interval and mode for triggers, the API's inputs, outputs, publish checks.</summary>
    public static ActivityDescriptor Describe(Operation operation) => throw new NotImplementedException();

    /// <inheritdoc />
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => throw new NotImplementedException();
}
