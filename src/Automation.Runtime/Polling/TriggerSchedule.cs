using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Polling;

/// <summary>When a trigger comes due.</summary>
public static class TriggerSchedule
{
    /// <summary>The schedule of a trigger of kind <c>schedule</c> or <c>poll</c>.</summary>
    /// <exception cref="FormatException">Its configuration cannot be read.</exception>
    public static Schedule Of(TriggerRecord trigger)
    {
        var text = trigger.Configured ?? throw new FormatException("The trigger has no schedule.");
        return trigger.Kind == "schedule" && Schedule.TryReadTime(text, out var time) ? Schedule.Once(time) : Schedule.Parse(text, trigger.TimeZone);
    }
}
