using System.Globalization;
using System.Xml;
using Automation.Engine;
using Automation.Engine.Expressions;

namespace Automation.Activities;

/// <summary>Times and spans as people write them in the inputs of activities.</summary>
internal static class Moments
{
    /// <summary>Longest span: longer ones are mistakes, and would leave the calendar.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(366 * 100);

    /// <summary>A span: <c>30s</c>, <c>15m</c>, <c>2h</c>, <c>3d</c>, <c>1w</c>, <c>1d 12h</c>, <c>00:05:00</c> or <c>P1DT2H</c>, with a minus before or not; null: empty.</summary>
    /// <exception cref="FaultException">It is none.</exception>
    public static TimeSpan? Span(object? value, string property)
    {
        if (value is TimeSpan given)
        {
            return Check(given, given.ToString(), property);
        }

        var text = Text(value);
        if (text.Length == 0)
        {
            return null;
        }

        var isNegative = text[0] == '-';
        var plain = text.TrimStart('-', '+').Trim();
        return Check(isNegative ? -Plain(plain) : Plain(plain), text, property);
    }

    /// <summary>A moment moved by a span. Days and weeks are days of the zone's calendar: a day after 08:00 is 08:00, also when the clocks change in between.</summary>
    /// <exception cref="FaultException">It is no span.</exception>
    public static DateTimeOffset Shift(DateTimeOffset from, object? offset, TimeZoneInfo zone, string property)
    {
        if (Span(offset, property) is not { } span)
        {
            return from;
        }

        var text = Text(offset);
        var days = text.Contains('d', StringComparison.Ordinal) || text.Contains('w', StringComparison.Ordinal) ? span.Days : 0;
        return days == 0 ? from + span : InZone(TimeZoneInfo.ConvertTime(from, zone).DateTime.AddDays(days), zone) + (span - TimeSpan.FromDays(days));
    }

    /// <summary>A time of day, as <c>09:00</c> or <c>9:30:15</c>; null: the value is something else.</summary>
    public static TimeOnly? TimeOfDay(object? value) =>
        value is string && TimeOnly.TryParseExact(Text(value), ["H:mm", "HH:mm", "H:mm:ss", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    /// <summary>The next moment at which the zone's clock shows a time.</summary>
    public static DateTimeOffset Next(TimeOnly time, DateTimeOffset now, TimeZoneInfo zone)
    {
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime);
        return InZone(today.ToDateTime(time), zone) is var next && next > now ? next : InZone(today.AddDays(1).ToDateTime(time), zone);
    }

    /// <summary>A time of ISO 8601; one without a zone is of <paramref name="zone"/>, a date alone is its first moment. Null: empty.</summary>
    /// <exception cref="FaultException">It is none.</exception>
    public static DateTimeOffset? Time(object? value, TimeZoneInfo zone, string property) => TimeAndKind(value, zone, property).Time;

    /// <summary>As <see cref="Time"/>, and whether it was a date alone.</summary>
    public static (DateTimeOffset? Time, bool IsDate) TimeAndKind(object? value, TimeZoneInfo zone, string property)
    {
        switch (value)
        {
            case DateTimeOffset time:
                return (time, false);
            case long or int or double:
                // Milliseconds since 1970, as JavaScript and many APIs count.
                var milliseconds = Convert.ToDouble(value, CultureInfo.InvariantCulture);
                return milliseconds is > 0 and < 253_402_300_799_000d ? (DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds), false) : throw BadTime(Text(value), property);
        }

        var text = Text(value);
        if (text.Length == 0)
        {
            return (null, false);
        }

        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            return (InZone(date.ToDateTime(TimeOnly.MinValue), zone), true);
        }

        // A time with a zone of its own keeps it; RoundtripKind tells the two apart.
        if (!DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var local) || !text.Contains('-', StringComparison.Ordinal))
        {
            throw BadTime(text, property);
        }

        return (local.Kind == DateTimeKind.Unspecified ? InZone(local, zone) : DateTimeOffset.Parse(text, CultureInfo.InvariantCulture), false);
    }

    /// <summary>When something is due: a time, a date (until its end), or a span from now. Null: empty.</summary>
    /// <exception cref="FaultException">It is neither.</exception>
    public static DateTimeOffset? Due(object? value, TimeZoneInfo zone, DateTimeOffset now, string property)
    {
        if (value is TimeSpan || (value is string text && !text.Contains('-', StringComparison.Ordinal)))
        {
            return Span(value, property) is { } span ? now + span : null;
        }

        var (time, isDate) = TimeAndKind(value, zone, property);
        return isDate ? InZone(TimeZoneInfo.ConvertTime(time!.Value, zone).Date.AddDays(1), zone) : time;
    }

    /// <summary>An IANA zone; empty: UTC.</summary>
    /// <exception cref="FaultException">There is none of this name.</exception>
    public static TimeZoneInfo Zone(string? name, string property = "timeZone") =>
        string.IsNullOrWhiteSpace(name) ? TimeZoneInfo.Utc
        : TimeZoneInfo.TryFindSystemTimeZoneById(name.Trim(), out var zone) ? zone
        : throw new FaultException(new Fault($"There is no time zone '{name}'.") { Code = "bad-time-zone", Property = property, Action = "Give an IANA name, as Europe/Berlin." });

    /// <summary>The moment of a clock on the wall. A time that the clock skips in spring is the moment it goes on at; of one that it shows twice in autumn the first counts.</summary>
    public static DateTimeOffset InZone(DateTime local, TimeZoneInfo zone)
    {
        local = DateTime.SpecifyKind(local, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(local))
        {
            // As far behind the gap as it is in it: 02:30 becomes 03:30 where the clock goes from 02:00 to 03:00.
            return new DateTimeOffset(local, zone.GetUtcOffset(local.AddDays(-1))).ToOffset(zone.GetUtcOffset(local.AddDays(1)));
        }

        return new DateTimeOffset(local, zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local));
    }

    private static TimeSpan? Plain(string text)
    {
        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var clock) ? clock : null;
        }

        if (text.StartsWith('P'))
        {
            try
            {
                return XmlConvert.ToTimeSpan(text);
            }
            catch (Exception exception) when (exception is FormatException or OverflowException)
            {
                return null;
            }
        }

        var sum = TimeSpan.Zero;
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var part in parts)
        {
            TimeSpan? unit = part[^1] switch
            {
                's' => TimeSpan.FromSeconds(1),
                'm' => TimeSpan.FromMinutes(1),
                'h' => TimeSpan.FromHours(1),
                'd' => TimeSpan.FromDays(1),
                'w' => TimeSpan.FromDays(7),
                _ => null,
            };
            if (unit is null || !double.TryParse(part.AsSpan(0, part.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) || count * unit.Value > Longest)
            {
                return null;
            }

            sum += count * unit.Value;
        }

        return parts.Length == 0 ? null : sum;
    }

    private static TimeSpan Check(TimeSpan? span, string text, string property) => span is { } read && read.Duration() <= Longest
        ? read
        : throw new FaultException(new Fault($"'{text}' is no span of time.") { Code = "bad-span", Property = property, Action = "Write it as 30s, 15m, 2h, 3d or 1w, several as 1d 12h, or as 00:05:00." });

    private static FaultException BadTime(string text, string property) =>
        new(new Fault($"'{text}' is no time.") { Code = "bad-time", Property = property, Action = "Write it as 2030-01-31T08:00:00Z, without Z for a time in the time zone, or as 2030-01-31." });

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text.Trim(),
        _ => ((string?)ValueConverter.Convert(value, typeof(string)) ?? "").Trim(),
    };
}
