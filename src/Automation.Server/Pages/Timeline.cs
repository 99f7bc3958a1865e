using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Server.Pages;

/// <summary>One activity of a run as a reader follows it: what it got, what it sent, what came back.</summary>
internal sealed record TimelineEntry
{
    public required JournalRecord First { get; init; }
    public required JournalRecord Last { get; init; }
    public JObject? Inputs { get; init; }
    public JObject? Outputs { get; init; }
    public Fault? Fault { get; init; }
    public IReadOnlyList<string> Outcomes { get; init; } = [];

    /// <summary>What it said besides that it began and ended.</summary>
    public IReadOnlyList<JournalRecord> Said { get; init; } = [];

    /// <summary>What it wrote to the outside.</summary>
    public IReadOnlyList<EffectRecord> Effects { get; init; } = [];

    public string Name => First.ActivityName ?? First.ActivityId;
    public TimeSpan Took => Last.At - First.At;
    public bool HasEnded => Last.EventName is "Completed" or "Faulted" or "Canceled";
}

/// <summary>The journal by activity, in the order in which they began. Containers are left out: what is in them tells the story.</summary>
internal static class Timeline
{
    private const int PreviewLimit = 160;
    private static readonly string[] Ends = ["Started", "Completed", "Faulted", "Canceled", "Suspended", "Resumed"];
    private static readonly string[] Containers = ["Elsa.Workflow", "Elsa.Flowchart", "Elsa.Sequence"];
    private static readonly string[] Telling = ["name", "firstName", "lastName", "contactName", "title", "tag", "email", "phone", "status", "id"];

    public static IReadOnlyList<TimelineEntry> Of(IReadOnlyList<JournalRecord> journal, IReadOnlyList<EffectRecord> effects)
    {
        var sent = effects.ToLookup(effect => (effect.NodeId, effect.Iteration));
        return journal
            .GroupBy(record => record.ActivityInstanceId)
            .Select(group => group.ToList())
            .Where(records => !Containers.Contains(records[0].ActivityType) || records.Exists(record => record.Fault is not null && !IsPassedOn(record, journal)))
            .Select(records => new TimelineEntry
            {
                First = records[0],
                Last = records[^1],
                Inputs = records.FindLast(record => record.State is { HasValues: true })?.State,
                Outputs = records.FindLast(record => record.Outputs is { HasValues: true })?.Outputs,
                Fault = records.FindLast(record => record.Fault is not null)?.Fault,
                Outcomes = records.FindLast(record => record.Outcomes is not null)?.Outcomes ?? [],
                Said = records.Where(record => (!Ends.Contains(record.EventName) || record.Message is not null) && (record.Message is null || records.TrueForAll(other => other.Fault?.Message != record.Message))).ToList(),
                Effects = sent[(records[0].NodeId, records[0].Iteration)].ToList(),
            })
            .OrderBy(entry => entry.First.Sequence)
            .ToList();
    }

    /// <summary>What a detail says beside the message that it belongs to; null: nothing.</summary>
    public static string? Beside(string message, string? detail) => string.IsNullOrWhiteSpace(detail) || message.Contains(detail.Trim(), StringComparison.OrdinalIgnoreCase) ? null : detail;

    /// <summary>What of a value a reader knows it by: names, addresses, ids.</summary>
    public static string Preview(JObject? value)
    {
        if (value is null)
        {
            return "";
        }

        var leaves = value.Descendants().OfType<JProperty>().Where(property => property.Value is JValue { Value: not null }).Take(400).ToList();
        var told = Telling.SelectMany(name => leaves.Where(leaf => string.Equals(leaf.Name, name, StringComparison.OrdinalIgnoreCase)).Take(1)).ToList();
        var shown = (told.Count > 0 ? told : leaves.Take(5)).Select(leaf => $"{leaf.Name}: {leaf.Value}");
        var text = string.Join(", ", shown).ReplaceLineEndings(" ");
        return text.Length <= PreviewLimit ? text : text[..PreviewLimit] + "…";
    }

    /// <summary>The fault of a container is that of what is in it.</summary>
    private static bool IsPassedOn(JournalRecord record, IReadOnlyList<JournalRecord> journal) =>
        journal.Any(other => other.ActivityInstanceId != record.ActivityInstanceId && other.Fault is not null && !Containers.Contains(other.ActivityType));
}
