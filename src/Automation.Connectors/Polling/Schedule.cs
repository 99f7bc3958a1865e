using System.Globalization;
using Cronos;

namespace Automation.Connectors;

/// <summary>When something recurs: every so often (<c>30s</c>, <c>5m</c>, <c>1h</c>, <c>00:05:00</c>), by a cron of five fields (six with seconds), or once at a time.</summary>
public sealed class Schedule
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    private readonly CronExpression? cron;
    private readonly TimeZoneInfo zone;
    private readonly DateTimeOffset? once;

    private Schedule(TimeSpan? every, CronExpression? cron, DateTimeOffset? once, TimeZoneInfo zone)
    {
        Every = every;
        this.cron = cron;
        this.once = once;
        this.zone = zone;
    }

    /// <summary>Length of a plain interval; null: it is a cron or a single time.</summary>
    public TimeSpan? Every { get; }

    /// <summary>Reads a schedule. A cron is in UTC unless an IANA time zone is given.</summary>
    /// <exception cref="FormatException">It is none; the message says what was expected.</exception>
    public static Schedule Parse(string text, string? timeZone = null)
    {
        text = text.Trim();
        if (TryReadInterval(text, out var every))
        {
            return every > TimeSpan.Zero && every <= Longest
                ? new Schedule(every, null, null, TimeZoneInfo.Utc)
                : throw new FormatException($"'{text}' is no time span above zero and of a year at most.");
        }

        return text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length is 5 or 6
            ? ParseCron(text, timeZone)
            : throw new FormatException($"'{text}' is neither an interval (30s, 5m, 1h) nor a cron of five fields (six with seconds).");
    }

    /// <inheritdoc cref="Parse"/>
    public static Schedule ParseCron(string text, string? timeZone = null)
    {
        var zone = TimeZoneInfo.Utc;
        if (!string.IsNullOrWhiteSpace(timeZone) && !TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out zone!))
        {
            throw new FormatException($"'{timeZone}' is no time zone; an IANA name such as Europe/Berlin is expected.");
        }

        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        try
        {
            var cron = CronExpression.Parse(string.Join(' ', fields), fields.Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard);
            return new Schedule(null, cron, null, zone);
        }
        catch (CronFormatException exception)
        {
            throw new FormatException($"Error when parsing cron expression: {exception.Message}", exception);
        }
    }

    /// <summary>A single time.</summary>
    public static Schedule Once(DateTimeOffset time) => new(null, null, time, TimeZoneInfo.Utc);

    /// <summary>First time after another; null: there is none any more.</summary>
    public DateTimeOffset? Next(DateTimeOffset after)
    {
        if (once is { } time)
        {
            return time > after ? time : null;
        }

        if (Every is { } every)
        {
            return after + every;
        }

        return cron!.GetNextOccurrence(after.UtcDateTime, zone) is { } next ? new DateTimeOffset(next, TimeSpan.Zero) : null;
    }

    /// <summary>Distance of two times that follow each other: how long a source may stay silent before it counts as failing.</summary>
    public TimeSpan Period(DateTimeOffset now) =>
        Every ?? (Next(now) is { } first && Next(first) is { } second ? second - first : TimeSpan.FromDays(1));

    /// <summary>The shortest distance of two times that follow each other; of a cron, among its next hundred.</summary>
    public TimeSpan Shortest(DateTimeOffset now)
    {
        if (Every is { } every)
        {
            return every;
        }

        var shortest = TimeSpan.MaxValue;
        var last = Next(now);
        for (var i = 0; i < 100 && last is { } from && Next(from) is { } next; i++)
        {
            shortest = next - from < shortest ? next - from : shortest;
            last = next;
        }

        return shortest;
    }

    /// <summary>Reads a time of ISO 8601; without a zone it is UTC.</summary>
    public static bool TryReadTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time)
        && text.Contains('-', StringComparison.Ordinal) && !text.Contains(' ', StringComparison.Ordinal);

    private static bool TryReadInterval(string text, out TimeSpan interval)
    {
        interval = default;
        if (text.Length > 1 && char.IsAsciiLetterLower(text[^1]) && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
        {
            TimeSpan? unit = text[^1] switch
            {
                's' => TimeSpan.FromSeconds(1),
                'm' => TimeSpan.FromMinutes(1),
                'h' => TimeSpan.FromHours(1),
                'd' => TimeSpan.FromDays(1),
                _ => null,
            };
            if (unit is null || amount * unit.Value.TotalDays > Longest.TotalDays)
            {
                return false;
            }

            interval = amount * unit.Value;
            return true;
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out interval);
    }
}
