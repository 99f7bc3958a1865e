using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Waits for an event, but not for ever: whichever of event and time comes first decides.</summary>
[Activity("Automation.WaitFor", "Timing", "Waits for an event to be published, at most for a time.")]
public sealed class WaitFor : Activity
{
    private const string TimedOut = "TimedOut";

    [Input(Required = true, Description = "Name of the event, as in Publish Event and /elsa/api/events/{name}/trigger. With a key in it, such as paid:123, it waits for the event of one thing.")]
    public Input<string> EventName { get; init; } = default!;

    [Input(DisplayName = "Time Out", Description = "How long: a span (30m, 2d), a time (2030-01-31T17:00:00Z), or a date (until its end). Empty: for ever.")]
    public Input<object> TimeOut { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone of a time without one, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    [Output(Description = "What the event brought.")]
    public Output<object> Result { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Received", TimedOut];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var name = context.Get(EventName)?.Trim();
        if (string.IsNullOrEmpty(name))
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("The event to wait for has no name.") { Code = "missing-input", Property = "eventName", Action = "Give the event a name." }));
        }

        var received = new BookmarkRequest("Elsa.Event", name, Payload: new JObject { ["eventName"] = name });
        return ValueTask.FromResult(Moments.Due(context.Get(TimeOut), Moments.Zone(context.Get(TimeZone)), context.Clock.GetUtcNow(), "timeOut") is { } due
            ? ActivityResult.Suspended(received, Wait.Bookmark("Automation.WaitFor", due) with { Tag = TimedOut })
            : ActivityResult.Suspended(received));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        if (resumption.Tag == TimedOut)
        {
            return ValueTask.FromResult(ActivityResult.Completed(TimedOut));
        }

        context.Set(Result, resumption.Input is JValue scalar ? scalar.Value : resumption.Input);
        return ValueTask.FromResult(ActivityResult.Completed("Received"));
    }
}
