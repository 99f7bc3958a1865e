using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Waits until a time: given, before or after a date, and within business hours.</summary>
[Activity("Automation.WaitUntil", "Timing", "Waits until a time, also before or after a date, and within business hours.")]
public sealed class WaitUntil : Activity
{
    [Input(Description = "A time (2030-01-31T17:00:00Z), a date (2030-01-31), or a time of day (09:00: when the clock next shows it). Empty: now, for the offset and the business hours to count from.")]
    public Input<object> Time { get; init; } = default!;

    [Input(Description = "How long before or after it: -2h, 30m, -1d, 1d 12h. Days are calendar days of the time zone.")]
    public Input<object> Offset { get; init; } = default!;

    [Input(DisplayName = "Business Hours", Description = "Goes on only in these hours: Mon-Fri 09:00-17:00, Sat 10:00-14:00. Empty: at any time.")]
    public Input<string> BusinessHours { get; init; } = default!;

    [Input(UIHint = "multitext", Description = "Days without business hours, as 2030-12-25.")]
    public Input<string[]> Holidays { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone of times without one and of business hours, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    [Input(DisplayName = "When Passed", Options = ["GoOn", "TakePassed"], Default = "GoOn", Description = "When the time has passed already: go on at once (outcome Done), or take the outcome Passed, as for a reminder that comes too late.")]
    public Input<string> WhenPassed { get; init; } = default!;

    [Output(Description = "The time that was waited for.")]
    public Output<string> Result { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Done", "Passed"];

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var now = context.Clock.GetUtcNow();
        var zone = Moments.Zone(context.Get(TimeZone));
        var given = context.Get(Time);
        var target = Moments.Shift(Moments.TimeOfDay(given) is { } clock ? Moments.Next(clock, now, zone) : Moments.Time(given, zone, "time") ?? now, context.Get(Offset), zone, "offset");
        var hasPassed = target < now;
        if (hasPassed && context.Get(WhenPassed) == "TakePassed")
        {
            context.Set(Result, Text(target));
            return ValueTask.FromResult(ActivityResult.Completed("Passed"));
        }

        if (context.Get(BusinessHours) is { } text && !string.IsNullOrWhiteSpace(text))
        {
            if (Activities.BusinessHours.Parse(text).Next(hasPassed ? now : target, zone, Dates(context)) is not { } open)
            {
                return ValueTask.FromResult(ActivityResult.Faulted(new Fault("The business hours never come: every day of more than a year is a holiday.") { Code = "bad-business-hours", Property = "holidays", Action = "Correct the holidays." }));
            }

            target = open;
        }

        context.Set(Result, Text(target));
        return ValueTask.FromResult(Wait.Until(context, "Automation.WaitUntil", target));
    }

    private HashSet<DateOnly> Dates(ActivityContext context) => [.. (context.Get(Holidays) ?? []).Where(day => !string.IsNullOrWhiteSpace(day)).Select(day =>
        DateOnly.TryParseExact(day.Trim(), "yyyy-MM-dd", out var date)
            ? date
            : throw new FaultException(new Fault($"'{day}' is no day.") { Code = "bad-time", Property = "holidays", Action = "Write days as 2030-12-25." }))];

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", Json.Settings.Culture);
}
