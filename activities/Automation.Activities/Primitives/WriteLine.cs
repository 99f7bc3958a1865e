using Automation.Engine;
using Microsoft.Extensions.Logging;

namespace Automation.Activities;

[Activity("Elsa.WriteLine", "Console", "Writes a line of text to the log; the journal keeps it.")]
public sealed class WriteLine(ILogger<WriteLine> log) : Activity
{
    [Input(Description = "The text to write.")]
    public Input<string> Text { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (log.IsEnabled(LogLevel.Information))
        {
            log.LogInformation("{Instance} {Activity}: {Text}", context.Run.InstanceId, context.ActivityId, context.Get(Text));
        }

        return ValueTask.FromResult(ActivityResult.Done);
    }
}
