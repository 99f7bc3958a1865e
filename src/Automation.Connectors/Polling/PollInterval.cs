using System.Globalization;
using Cronos;

namespace Automation.Connectors;

/// <summary>How often a source is polled: every so often (<c>30s</c>, <c>5m</c>, <c>1h</c>, <c>1d</c>), or by a cron of five fields, six with seconds.</summary>
public sealed class PollInterval
{
    private readonly CronExpression? cron;
    private readonly TimeSpan every;

    private PollInterval(string text, TimeSpan every, CronExpression? cron)
    {
        Text = text;
        this.every = every;
        this.cron = cron;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>It is a cron.</summary>
    public bool IsCron => cron is not null;

    /// <summary>The span of a plain interval; null: it is a cron.</summary>
    public TimeSpan? Every => cron is null ? every : null;

    /// <summary>Reads an interval.</summary>
    /// <param name="text">The text.</param>
    /// <param name="interval">What it says.</param>
    /// <param name="problem">What is wrong with it and what is wanted, as a sentence.</param>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out PollInterval? interval, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        (interval, problem) = (null, null);
        var trimmed = text?.Trim() ?? "";
        if (Span(trimmed) is { } span)
        {
            interval = new PollInterval(trimmed, span, null);
            return true;
        }

        var fields = trimmed.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Length;
        if (fields is 5 or 6)
        {
            try
            {
                interval = new PollInterval(trimmed, default, CronExpression.Parse(trimmed, fields == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard));
                return true;
            }
            catch (CronFormatException exception)
            {
                problem = $"The cron '{trimmed}' cannot be read: {exception.Message}";
                return false;
            }
        }

        problem = $"The interval '{InputBinding.Cut(trimmed, 60)}' cannot be read. Write it as 30s, 5m or 1h, or as a cron of five fields, six with seconds.";
        return false;
    }

    /// <summary>The next time after <paramref name="after"/>; null: a cron that never comes.</summary>
    /// <param name="after">The last time.</param>
    /// <param name="zone">Zone of a cron; null: UTC.</param>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo? zone = null) =>
        cron is null ? after + every : cron.GetNextOccurrence(after, zone ?? TimeZoneInfo.Utc);

    /// <summary>The shortest span between two polls; of a cron, among its next hundred times.</summary>
    public TimeSpan Shortest(DateTimeOffset now)
    {
        if (cron is null)
        {
            return every;
        }

        var shortest = TimeSpan.MaxValue;
        var last = cron.GetNextOccurrence(now, TimeZoneInfo.Utc);
        for (var i = 0; i < 100 && last is { } from && cron.GetNextOccurrence(from, TimeZoneInfo.Utc) is { } next; i++)
        {
            shortest = next - from < shortest ? next - from : shortest;
            last = next;
        }

        return shortest;
    }

    public override string ToString() => Text;

    private static TimeSpan? Span(string text)
    {
        if (text.Length < 2 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count == 0)
        {
            return null;
        }

        return (text[^1], count) switch
        {
            ('s', <= 86_400 * 31) => TimeSpan.FromSeconds(count),
            ('m', <= 1440 * 31) => TimeSpan.FromMinutes(count),
            ('h', <= 24 * 31) => TimeSpan.FromHours(count),
            ('d', <= 31) => TimeSpan.FromDays(count),
            _ => null,
        };
    }
}

/// <summary>The shortest intervals that flows may ask for; checked at publish.</summary>
public sealed class PollingLimits
{
    /// <summary>Shortest interval. Default 1 min.</summary>
    public TimeSpan MinimumInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Shortest interval on a connection of the sandbox. Default 5 s.</summary>
    public TimeSpan SandboxMinimumInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The limit for a connection.</summary>
    public TimeSpan For(Connection connection) => connection.IsSandbox ? SandboxMinimumInterval : MinimumInterval;
}
