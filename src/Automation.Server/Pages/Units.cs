using System.Globalization;
using System.Text.RegularExpressions;

namespace Automation.Server.Pages;

/// <summary>Numbers with their units, times in a zone.</summary>
internal static partial class Units
{
    /// <summary><c>12 ms</c>, <c>3.4 s</c>, <c>5 min</c>, <c>2 h</c>, <c>3 d</c>.</summary>
    public static string Duration(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.CurrentCulture, $"{Math.Max(0, span.TotalMilliseconds):0} ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.CurrentCulture, $"{span.TotalSeconds:0.#} s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.CurrentCulture, $"{span.TotalMinutes:0.#} min"),
        { TotalDays: < 1 } => string.Create(CultureInfo.CurrentCulture, $"{span.TotalHours:0.#} h"),
        _ => string.Create(CultureInfo.CurrentCulture, $"{span.TotalDays:0.#} d"),
    };

    /// <summary>A count with separators.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.CurrentCulture);

    /// <summary><c>24 Nov 2026, 13:05:09</c>; app.js writes the same.</summary>
    public static string Time(DateTimeOffset at, TimeZoneInfo zone) => TimeZoneInfo.ConvertTime(at, zone).ToString("d MMM yyyy, HH:mm:ss", CultureInfo.CurrentCulture);

    /// <summary>Times as messages have them: ISO 8601, or with a space, and with Z or UTC behind.</summary>
    [GeneratedRegex(@"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)")]
    internal static partial Regex Moments();
}
