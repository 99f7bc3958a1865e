using Automation.Connectors;
using Automation.Engine;

namespace Automation.Activities;

/// <summary>Lets at most so many runs of a key go on in any period; the others wait for their turn, or are dropped.</summary>
[Activity("Automation.Throttle", "Timing", "Lets at most so many runs go on in any period. Those that are too many wait for their turn, or take the outcome Dropped.")]
public sealed class Throttle(IGates gates) : Activity
{
    [Input(Required = true, Description = "How many may go on in a period.")]
    public Input<int> Limit { get; init; } = default!;

    [Input(Required = true, Description = "The period: 10s, 1h, 1d. No span of this length sees more than the limit.")]
    public Input<object> Period { get; init; } = default!;

    [Input(Description = "What is counted apart, as a contact's id. Empty: all runs together.")]
    public Input<string> Key { get; init; } = default!;

    [Input(DisplayName = "When Full", Options = ["Wait", "Drop"], Default = "Wait", Description = "Wait: each run goes on when its turn comes, in the order in which they came. Drop: it takes the outcome Dropped.")]
    public Input<string> WhenFull { get; init; } = default!;

    [Input(DisplayName = "Longest Wait", Description = "Runs that would wait longer are dropped: 1h. Empty: they wait however long.")]
    public Input<object> LongestWait { get; init; } = default!;

    [Input(Description = "Activities of one name, in any flow, count together. Empty: this activity of this flow.")]
    public Input<string> Name { get; init; } = default!;

    [Output(Description = "Whether the run had to wait.")]
    public Output<bool> Delayed { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Pass", "Dropped"];

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var limit = context.Get(Limit);
        if (limit < 1)
        {
            return Fault("invalid-input", "limit", $"The limit is {limit}: nothing could ever pass.", "Give a limit of at least 1.");
        }

        if (Moments.Span(context.Get(Period), "period") is not { } period || period <= TimeSpan.Zero)
        {
            return Fault("missing-input", "period", "There is no period to count in.", "Give a period such as 10s or 1h.");
        }

        if (!Gate.Applies(context))
        {
            return ActivityResult.Completed("Pass");
        }

        var longest = context.Get(WhenFull) == "Drop" ? TimeSpan.Zero : Moments.Span(context.Get(LongestWait), "longestWait");
        if (await gates.AdmitAsync(GatePass.Of(context, context.Get(Name), context.Get(Key)), limit, period, longest, cancellationToken) is not { } turn)
        {
            return ActivityResult.Completed("Dropped");
        }

        var waits = turn > context.Clock.GetUtcNow();
        context.Set(Delayed, waits);
        return waits ? ActivityResult.Suspended(Wait.Bookmark("Automation.Throttle", turn)) : ActivityResult.Completed("Pass");
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Completed("Pass"));

    private static ActivityResult Fault(string code, string property, string message, string action) =>
        ActivityResult.Faulted(new Fault(message) { Code = code, Property = property, Action = action });
}
