using Automation.Engine;
using Cronos;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Elsa.Delay", "Scheduling", "Delays execution for the specified amount of time.")]
public sealed class Delay : Activity
{
    [Input(DisplayName = "Time Span", Required = true, Description = "How long to wait, as 00:00:30.")]
    public Input<TimeSpan> TimeSpan { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Wait.For(context, "Elsa.Delay", context.Get(TimeSpan)));
}

[Activity("Elsa.Timer", "Scheduling", "Starts the workflow at an interval; elsewhere in a flow it waits once for the interval.", Kind = ActivityKind.Trigger)]
public sealed class Timer : Activity
{
    [Input(Required = true, Description = "The interval, as 00:05:00.")]
    public Input<TimeSpan> Interval { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.IsTriggerOfRun ? ActivityResult.Done : Wait.For(context, "Elsa.Timer", context.Get(Interval)));
}

[Activity("Elsa.StartAt", "Scheduling", "Starts the workflow at a time; elsewhere in a flow it waits for that time.", Kind = ActivityKind.Trigger)]
public sealed class StartAt : Activity
{
    [Input(Required = true, UIHint = "singleline", Description = "The time, as 2030-01-31T08:00:00Z.")]
    public Input<DateTimeOffset> DateTime { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.IsTriggerOfRun ? ActivityResult.Done : Wait.Until(context, "Elsa.StartAt", context.Get(DateTime)));
}

[Activity("Elsa.Cron", "Scheduling", "Starts the workflow by a cron expression; elsewhere in a flow it waits for the next occurrence.", Kind = ActivityKind.Trigger)]
public sealed class Cron : Activity
{
    [Input(DisplayName = "Cron Expression", Required = true, Description = "Five fields, or six with seconds in front: 0 0 8 * * * is every day at eight.")]
    public Input<string> CronExpression { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.IsTriggerOfRun)
        {
            return ValueTask.FromResult(ActivityResult.Done);
        }

        var text = context.Get(CronExpression)?.Trim() ?? "";
        try
        {
            var zone = context.Get(TimeZone) is { Length: > 0 } name ? TimeZoneInfo.FindSystemTimeZoneById(name) : TimeZoneInfo.Utc;
            var cron = Cronos.CronExpression.Parse(text, text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
            return ValueTask.FromResult(cron.GetNextOccurrence(context.Clock.GetUtcNow(), zone) is { } next
                ? Wait.Until(context, "Elsa.Cron", next)
                : ActivityResult.Faulted(new Fault($"The cron expression '{text}' never occurs again.") { Code = "bad-cron", Property = "cronExpression", Action = "Correct the cron expression." }));
        }
        catch (Exception exception) when (exception is CronFormatException or TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            var isZone = exception is not CronFormatException;
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault(isZone ? $"There is no time zone '{context.Get(TimeZone)}'." : $"Error when parsing cron expression: {exception.Message}")
            {
                Code = isZone ? "bad-time-zone" : "bad-cron",
                Property = isZone ? "timeZone" : "cronExpression",
                Action = isZone ? "Give an IANA name, as Europe/Berlin." : "Give five fields, or six with seconds in front.",
            }));
        }
    }
}

/// <summary>Waiting for time: a bookmark with a due time. A time that has come already is no wait.</summary>
internal static class Wait
{
    public static ActivityResult For(ActivityContext context, string name, TimeSpan span)
    {
        if (span <= TimeSpan.Zero)
        {
            return ActivityResult.Done;
        }

        var now = context.Clock.GetUtcNow();
        return DateTimeOffset.MaxValue - now <= span
            ? ActivityResult.Faulted(new Fault($"The time span {span} reaches beyond the calendar.") { Code = "conversion", Action = "Give a shorter time span." })
            : Until(context, name, now + span);
    }

    public static ActivityResult Until(ActivityContext context, string name, DateTimeOffset due) =>
        due <= context.Clock.GetUtcNow()
            ? ActivityResult.Done
            : ActivityResult.Suspended(Bookmark(name, due));

    public static BookmarkRequest Bookmark(string name, DateTimeOffset due) => new(name, DueAt: due, Payload: new JObject { ["resumeAt"] = due.UtcDateTime.ToString("O") });
}
