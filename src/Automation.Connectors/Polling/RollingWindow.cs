using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Lists between two times that move with the clock: which items are there only because the window moved on.</summary>
internal static class RollingWindow
{
    /// <summary>A change may show up late, and clocks differ: what was changed so shortly before the last scan still fires.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromHours(1);

    /// <summary>How far after a scan the window ends; null: the list has no window, or the user has set its end.</summary>
    public static TimeSpan? EndOf(PollShape? poll, JObject inputs) =>
        poll?.Rolling is { } rolling && rolling.Properties().LastOrDefault() is { } end && IsLeftEmpty(inputs, end.Name) ? Span(end.Value) : null;

    public static bool IsLeftEmpty(JObject inputs, string name) => JsonPaths.Text(inputs[name]) is null;

    /// <summary>Whether the scan before would not have shown an item although it was there.</summary>
    public static bool HasRolledIn(PolledItem item, PollShape poll, DateTimeOffset since, TimeSpan end) => item.UpdatedAt is { } updated
        ? updated < since - Late
        : PollItems.TimeOf(JsonPaths.Find(item.Payload, poll.TimePath)) is { } time && time > since + end;

    /// <summary>A span such as <c>-1d</c> or <c>12h</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static TimeSpan Span(JToken value)
    {
        var text = (string?)value ?? "";
        if (text.Length < 2 || !double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            throw new FormatException($"'{text}' is no span of time such as -1d or 12h.");
        }

        return text[^1] switch
        {
            'd' => TimeSpan.FromDays(number),
            'h' => TimeSpan.FromHours(number),
            'm' => TimeSpan.FromMinutes(number),
            _ => throw new FormatException($"'{text}' is no span of time such as -1d or 12h."),
        };
    }
}
