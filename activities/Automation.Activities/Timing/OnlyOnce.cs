using Automation.Connectors;
using Automation.Engine;

namespace Automation.Activities;

/// <summary>Lets the first run of a key through, and tells the others that they are not.</summary>
[Activity("Automation.OnlyOnce", "Timing", "Goes on by First for the first run that comes with a key, by Repeated for those that come after it.")]
public sealed class OnlyOnce(IGates gates) : Activity
{
    [Input(Required = true, Description = "What is to happen only once, as a contact's id.")]
    public Input<string> Key { get; init; } = default!;

    [Input(Description = "How long that counts: 1h, 30d. Empty: for good.")]
    public Input<object> Period { get; init; } = default!;

    [Input(Description = "Activities of one name, in any flow, remember together. Empty: this activity of this flow.")]
    public Input<string> Name { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["First", "Repeated"];

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var key = context.Get(Key)?.Trim() ?? "";
        if (key.Length == 0)
        {
            return ActivityResult.Faulted(new Fault("There is no key, so nothing tells what came before.") { Code = "missing-input", Property = "key", Action = "Give the id of what is to happen only once." });
        }

        var period = Moments.Span(context.Get(Period), "period");
        if (period <= TimeSpan.Zero)
        {
            return ActivityResult.Faulted(new Fault("The period is not longer than nothing.") { Code = "bad-span", Property = "period", Action = "Give a period such as 1h, or none." });
        }

        var isFirst = !Gate.Applies(context) || await gates.IsFirstAsync(GatePass.Of(context, context.Get(Name), key), period, cancellationToken);
        return ActivityResult.Completed(isFirst ? "First" : "Repeated");
    }
}

/// <summary>What the activities at gates share.</summary>
internal static class Gate
{
    /// <summary>A run in memory, or one that only shows what it would do, meets nobody and leaves no trace.</summary>
    public static bool Applies(ActivityContext context) => context.Run is { Host: not null, IsDryRun: false };
}
