using Automation.Connectors;

namespace Automation.Sandbox;

/// <summary>Counts calls per token and location in windows that begin with their first call.</summary>
internal sealed class RateWindows(TimeProvider clock)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Window> windows = new(StringComparer.Ordinal);

    /// <summary>Counts a call.</summary>
    /// <param name="key">Token and location.</param>
    /// <param name="limit">What is allowed.</param>
    public RateUse Count(string key, RateLimit limit)
    {
        var now = clock.GetTimestamp();
        lock (gate)
        {
            if (!windows.TryGetValue(key, out var window))
            {
                windows[key] = window = new Window { Start = now, DayStart = now };
            }

            if (clock.GetElapsedTime(window.Start, now) >= limit.Window)
            {
                window.Start = now;
                window.Used = 0;
            }

            if (clock.GetElapsedTime(window.DayStart, now) >= TimeSpan.FromDays(1))
            {
                window.DayStart = now;
                window.UsedToday = 0;
            }

            var left = limit.Window - clock.GetElapsedTime(window.Start, now);
            if (window.Used >= limit.Calls || (limit.PerDay is { } perDay && window.UsedToday >= perDay))
            {
                return new RateUse(false, limit.Calls - window.Used, (limit.PerDay ?? 0) - window.UsedToday, left);
            }

            window.Used++;
            window.UsedToday++;
            return new RateUse(true, limit.Calls - window.Used, (limit.PerDay ?? 0) - window.UsedToday, left);
        }
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        lock (gate)
        {
            windows.Clear();
        }
    }

    private sealed class Window
    {
        public long Start { get; set; }
        public long DayStart { get; set; }
        public int Used { get; set; }
        public int UsedToday { get; set; }
    }
}

/// <summary>What a window has left.</summary>
internal readonly record struct RateUse(bool Allowed, int Remaining, int RemainingToday, TimeSpan UntilReset);
