using System.Globalization;
using Automation.Engine;

namespace Automation.Activities;

/// <summary>When work is done in a week, as <c>Mon-Fri 09:00-17:00, Sat 10:00-14:00</c>. Several windows of a day are given one after the other; one that ends before it begins goes over midnight.</summary>
internal sealed class BusinessHours
{
    /// <summary>Days looked ahead: longer than any row of holidays.</summary>
    private const int MostDays = 400;

    private static readonly string[] Names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    private readonly List<(DayOfWeek Day, TimeOnly From, TimeOnly To)> windows = [];

    private BusinessHours()
    {
    }

    /// <exception cref="FaultException">It cannot be read.</exception>
    public static BusinessHours Parse(string text)
    {
        var hours = new BusinessHours();
        foreach (var part in text.Split([',', ';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length != 2 || words[1].Split('-') is not [var from, var to] || Clock(from) is not { } begin || Clock(to) is not { } end || begin == end)
            {
                throw Bad(part);
            }

            foreach (var day in Days(words[0]) ?? throw Bad(part))
            {
                hours.windows.Add((day, begin, end));
            }
        }

        hours.windows.Sort((a, b) => a.From.CompareTo(b.From));
        return hours.windows.Count == 0 ? throw Bad(text) : hours;
    }

    /// <summary>The first moment from one on that lies in the hours; null: there is none in more than a year.</summary>
    public DateTimeOffset? Next(DateTimeOffset from, TimeZoneInfo zone, IReadOnlySet<DateOnly> holidays)
    {
        // A window of the day before may still be open.
        var first = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(from, zone).DateTime).AddDays(-1);
        for (var date = first; date < first.AddDays(MostDays); date = date.AddDays(1))
        {
            if (holidays.Contains(date))
            {
                continue;
            }

            foreach (var window in windows.Where(window => window.Day == date.DayOfWeek))
            {
                var begin = Moments.InZone(date.ToDateTime(window.From), zone);
                var end = Moments.InZone((window.To <= window.From ? date.AddDays(1) : date).ToDateTime(window.To), zone);
                if (from < end)
                {
                    return from > begin ? from : begin;
                }
            }
        }

        return null;
    }

    /// <summary>24:00 is the end of a day, which is the next one's 00:00.</summary>
    private static TimeOnly? Clock(string text) =>
        text == "24:00" ? TimeOnly.MinValue
        : TimeOnly.TryParseExact(text, ["H:mm", "HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time
        : null;

    private static IEnumerable<DayOfWeek>? Days(string text)
    {
        if (text.Equals("daily", StringComparison.OrdinalIgnoreCase))
        {
            return Enum.GetValues<DayOfWeek>();
        }

        var ends = text.Split('-').Select(name => Array.FindIndex(Names, known => name.StartsWith(known, StringComparison.OrdinalIgnoreCase))).ToArray();
        return ends.Length > 2 || ends.Contains(-1) ? null
            : ends.Length == 1 ? [(DayOfWeek)ends[0]]
            : Enumerable.Range(0, ((ends[1] - ends[0] + 7) % 7) + 1).Select(i => (DayOfWeek)((ends[0] + i) % 7));
    }

    private static FaultException Bad(string text) => new(new Fault($"'{text}' are no business hours.")
    {
        Code = "bad-business-hours",
        Property = "businessHours",
        Action = "Write them as Mon-Fri 09:00-17:00, several with commas between: Mon-Fri 09:00-12:00, Mon-Fri 13:00-17:00, Sat 10:00-14:00.",
    });
}
