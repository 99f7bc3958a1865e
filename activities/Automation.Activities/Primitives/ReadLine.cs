using Automation.Engine;

namespace Automation.Activities;

[Activity("Elsa.ReadLine", "Console", "Reads a line from the console. A server has none: the result is empty.")]
public sealed class ReadLine : Activity
{
    [Output] public Output<string> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.Set(Result, null);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}
