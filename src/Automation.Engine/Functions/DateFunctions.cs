using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Functions;

internal static class DateFunctions
{
    private const string Iso = "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ";
    private const string Moment = "string | Date | number";

    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("dates", "now", "", "string", "The time now.", static call => Text(call.Clock.GetUtcNow())),
        new("dates", "today", "zone?: string", "string", "The date now in a time zone, as 2030-01-31.", static call => Local(call.Clock.GetUtcNow(), Zone(call, 0)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        new("dates", "parse", "text: string, format?: string, zone?: string", "string", "Reads a date; with a format such as dd.MM.yyyy HH:mm, and in a time zone, where it says none itself.", static call => Text(Parse(call))),
        new("dates", "format", $"date: {Moment}, format: string, zone?: string, culture?: string", "string", "Writes a date, as dddd, d MMMM yyyy HH:mm.", Format),
        new("dates", "add", $"date: {Moment}, amount: number, unit: string, zone?: string", "string", "Adds seconds, minutes, hours, days, weeks, months or years; days and longer by the calendar of the time zone.", static call => Text(Add(At(call, 0), call.Number(1), Unit(call, 2), Zone(call, 3)))),
        new("dates", "diff", $"from: {Moment}, to: {Moment}, unit: string", "number", "How many whole seconds, minutes, hours, days, weeks, months or years lie between two dates.", static call => Difference(At(call, 0), At(call, 1), Unit(call, 2))),
        new("dates", "startOf", $"date: {Moment}, unit: string, zone?: string", "string", "When the hour, day, week (from Monday), month or year of a date begins.", static call => Text(StartOf(At(call, 0), Unit(call, 1), Zone(call, 2)))),
        new("dates", "endOf", $"date: {Moment}, unit: string, zone?: string", "string", "The last millisecond of the hour, day, week, month or year of a date.", static call => Text(EndOf(At(call, 0), Unit(call, 1), Zone(call, 2)))),
        new("dates", "isBefore", $"date: {Moment}, other: {Moment}", "boolean", "Whether a date is before another.", static call => At(call, 0) < At(call, 1)),
        new("dates", "isAfter", $"date: {Moment}, other: {Moment}", "boolean", "Whether a date is after another.", static call => At(call, 0) > At(call, 1)),
        new("dates", "isWeekend", $"date: {Moment}, zone?: string", "boolean", "Whether a date is a Saturday or Sunday in a time zone.", static call => IsWeekend(Local(At(call, 0), Zone(call, 1)))),
        new("dates", "weekday", $"date: {Moment}, zone?: string, culture?: string", "string", "Name of the day of the week.", static call => Local(At(call, 0), Zone(call, 1)).ToString("dddd", Culture(call, 2))),
        new("dates", "addBusinessDays", $"date: {Moment}, days: number, zone?: string", "string", "Adds days from Monday to Friday, at most 10,000.", AddBusinessDays),
        new("dates", "age", $"born: {Moment}, at?: {Moment}", "number", "Whole years from a birthday to today, or to a date.", static call => Difference(At(call, 0), call.Has(1) ? At(call, 1) : call.Clock.GetUtcNow(), "year")),
        new("dates", "toUnix", $"date: {Moment}", "number", "Seconds since 1970.", static call => At(call, 0).ToUnixTimeSeconds()),
        new("dates", "fromUnix", "seconds: number", "string", "The date that is so many seconds after 1970.", static call => Text(FromSeconds(call))),
    ];

    /// <exception cref="FaultException">It is no date.</exception>
    public static DateTimeOffset At(FunctionCall call, int index) => call.At(index) switch
    {
        DateTimeOffset moment => moment,
        DateTime moment => new DateTimeOffset(DateTime.SpecifyKind(moment, DateTimeKind.Utc)),
        string text when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) => moment,
        string text => throw call.Wrong($"'{(text.Length > 40 ? text[..40] : text)}' is no date; give ISO text such as 2030-01-31T08:00:00Z, or read it with dates.parse and a format"),
        long or int or double or decimal => Guarded(call, () => DateTimeOffset.FromUnixTimeMilliseconds((long)call.Number(index))),
        _ => throw call.Wrong($"argument {index + 1} is missing: a date is asked for"),
    };

    public static string Text(DateTimeOffset moment) => moment.UtcDateTime.ToString(Iso, CultureInfo.InvariantCulture);

    private static TimeZoneInfo Zone(FunctionCall call, int index)
    {
        var name = call.Text(index, "UTC");
        return TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : throw call.Wrong($"there is no time zone '{name}'; give an IANA name such as America/New_York");
    }

    private static CultureInfo Culture(FunctionCall call, int index) => Cultures.Find(call, index) ?? CultureInfo.InvariantCulture;

    private static string Unit(FunctionCall call, int index) => call.Text(index, "").Trim().TrimEnd('s').ToLowerInvariant() switch
    {
        "second" or "minute" or "hour" or "day" or "week" or "month" or "year" => call.Text(index, "").Trim().TrimEnd('s').ToLowerInvariant(),
        var other => throw call.Wrong($"'{other}' is no unit; give seconds, minutes, hours, days, weeks, months or years"),
    };

    private static DateTime Local(DateTimeOffset moment, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(moment, zone).DateTime;

    /// <summary>A time of a zone's clock as a moment: one that the clock skips is read an hour later.</summary>
    private static DateTimeOffset Moved(DateTime local, TimeZoneInfo zone)
    {
        var clock = DateTime.SpecifyKind(local, DateTimeKind.Unspecified);
        return new DateTimeOffset(zone.IsInvalidTime(clock) ? clock.AddHours(1) : clock, zone.GetUtcOffset(zone.IsInvalidTime(clock) ? clock.AddHours(1) : clock));
    }

    private static DateTimeOffset Parse(FunctionCall call)
    {
        var text = call.Text(0, "");
        var zone = Zone(call, 2);
        if (call.Text(1) is { Length: > 0 } format)
        {
            return DateTimeOffset.TryParseExact(text, format, CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces, out var given) && HasOffset(format) ? given
                : DateTime.TryParseExact(text, format, CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces, out var local) ? Moved(local, zone)
                : throw call.Wrong($"'{text}' is no date of the format '{format}'");
        }

        return DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces | DateTimeStyles.RoundtripKind, out var read)
            ? read.Kind == DateTimeKind.Unspecified ? Moved(read, zone) : DateTimeOffset.Parse(text, CultureInfo.InvariantCulture)
            : throw call.Wrong($"'{text}' is no date");
    }

    private static bool HasOffset(string format) => format.Contains('z') || format.Contains('K');

    private static string Format(FunctionCall call)
    {
        var format = call.Text(1, "yyyy-MM-dd");
        if (format.Length > 200)
        {
            throw call.Wrong("the format is longer than 200 characters");
        }

        try
        {
            return TimeZoneInfo.ConvertTime(At(call, 0), Zone(call, 2)).ToString(format, Culture(call, 3));
        }
        catch (FormatException)
        {
            throw call.Wrong($"'{format}' is no format");
        }
    }

    private static DateTimeOffset Add(DateTimeOffset moment, decimal amount, string unit, TimeZoneInfo zone)
    {
        try
        {
            return unit switch
            {
                "second" => moment.AddSeconds((double)amount),
                "minute" => moment.AddMinutes((double)amount),
                "hour" => moment.AddHours((double)amount),
                "day" => Moved(Local(moment, zone).AddDays((double)amount), zone),
                "week" => Moved(Local(moment, zone).AddDays((double)amount * 7), zone),
                "month" => Moved(Local(moment, zone).AddMonths((int)amount), zone),
                _ => Moved(Local(moment, zone).AddYears((int)amount), zone),
            };
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or OverflowException)
        {
            throw OutOfCalendar();
        }
    }

    private static long Difference(DateTimeOffset from, DateTimeOffset to, string unit)
    {
        var span = to - from;
        return unit switch
        {
            "second" => (long)span.TotalSeconds,
            "minute" => (long)span.TotalMinutes,
            "hour" => (long)span.TotalHours,
            "day" => (long)span.TotalDays,
            "week" => (long)span.TotalDays / 7,
            "month" => Months(from.UtcDateTime, to.UtcDateTime),
            _ => Months(from.UtcDateTime, to.UtcDateTime) / 12,
        };
    }

    private static long Months(DateTime from, DateTime to)
    {
        if (to < from)
        {
            return -Months(to, from);
        }

        var months = ((to.Year - from.Year) * 12) + to.Month - from.Month;
        return from.AddMonths(months) > to ? months - 1 : months;
    }

    private static DateTimeOffset StartOf(DateTimeOffset moment, string unit, TimeZoneInfo zone)
    {
        var local = Local(moment, zone);
        return Moved(unit switch
        {
            "second" => local.AddTicks(-(local.Ticks % TimeSpan.TicksPerSecond)),
            "minute" => local.AddTicks(-(local.Ticks % TimeSpan.TicksPerMinute)),
            "hour" => local.AddTicks(-(local.Ticks % TimeSpan.TicksPerHour)),
            "day" => local.Date,
            "week" => local.Date.AddDays(-(((int)local.DayOfWeek + 6) % 7)),
            "month" => new DateTime(local.Year, local.Month, 1),
            _ => new DateTime(local.Year, 1, 1),
        }, zone);
    }

    private static DateTimeOffset EndOf(DateTimeOffset moment, string unit, TimeZoneInfo zone) => Add(StartOf(moment, unit, zone), 1, unit, zone).AddMilliseconds(-1);

    private static bool IsWeekend(DateTime local) => local.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday;

    private static string AddBusinessDays(FunctionCall call)
    {
        var zone = Zone(call, 2);
        var days = call.Whole(1);
        if (Math.Abs((long)days) > 10_000)
        {
            throw call.Wrong("at most 10,000 days are added");
        }

        var local = Local(At(call, 0), zone);
        for (var left = Math.Abs(days); left > 0;)
        {
            local = local.AddDays(Math.Sign(days));
            left -= IsWeekend(local) ? 0 : 1;
        }

        return Text(Moved(local, zone));
    }

    private static DateTimeOffset FromSeconds(FunctionCall call) => Guarded(call, () => DateTimeOffset.FromUnixTimeMilliseconds((long)(call.Number(0) * 1000)));

    private static DateTimeOffset Guarded(FunctionCall call, Func<DateTimeOffset> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or OverflowException)
        {
            throw call.Wrong("the number reaches beyond the calendar");
        }
    }

    private static FaultException OutOfCalendar() => new(new Fault("The date reaches beyond the calendar.") { Code = "function", Action = "Add less." });
}
