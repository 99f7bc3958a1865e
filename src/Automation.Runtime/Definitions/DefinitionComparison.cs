using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>One difference of two versions.</summary>
/// <param name="Kind"><c>added</c>, <c>removed</c>, <c>changed</c>, <c>moved</c> (on the canvas only).</param>
/// <param name="Subject"><c>workflow</c>, <c>activity</c>, <c>connection</c>, <c>variable</c>, <c>input</c>, <c>output</c>.</param>
/// <param name="Text">The whole difference in words.</param>
public sealed record DefinitionChange(string Kind, string Subject, string Text)
{
    public string? ActivityId { get; init; }
    public string? ActivityType { get; init; }

    /// <summary>Property of the activity or of the workflow; null: all of it.</summary>
    public string? Property { get; init; }
    public JToken? Before { get; init; }
    public JToken? After { get; init; }
}

/// <summary>What is different between two definition models, in the order in which a reader asks: the workflow itself, its activities, its connections.</summary>
public static class DefinitionComparison
{
    private const int TextLimit = 120;

    private static readonly string[] Named = ["variables", "inputs", "outputs"];
    private static readonly string[] NotOfActivity = ["id", "nodeId", "metadata", "connections"];

    public static IReadOnlyList<DefinitionChange> Compare(JObject from, JObject to)
    {
        var changes = new List<DefinitionChange>();
        CompareWorkflow(from, to, changes);
        var (before, after) = (Activities(from), Activities(to));
        foreach (var (id, activity) in after)
        {
            if (before.TryGetValue(id, out var old))
            {
                CompareActivity(old, activity, changes);
            }
            else
            {
                changes.Add(Of("added", activity, $"Activity {Name(activity.Json)} was added{In(activity)}."));
            }
        }

        changes.AddRange(before.Where(entry => !after.ContainsKey(entry.Key)).Select(entry => Of("removed", entry.Value, $"Activity {Name(entry.Value.Json)} was removed{In(entry.Value)}.")));
        CompareConnections(before, after, changes);
        return changes;
    }

    private static void CompareWorkflow(JObject from, JObject to, List<DefinitionChange> changes)
    {
        var (left, right) = (DefinitionModel.Content(from), DefinitionModel.Content(to));
        foreach (var name in left.Properties().Concat(right.Properties()).Select(property => property.Name).Distinct().Where(name => name != "root" && !Named.Contains(name)))
        {
            if (!JToken.DeepEquals(left[name], right[name]))
            {
                changes.Add(new DefinitionChange("changed", "workflow", $"The workflow's {name} changed from {Show(left[name])} to {Show(right[name])}.") { Property = name, Before = left[name], After = right[name] });
            }
        }

        foreach (var list in Named)
        {
            var subject = list[..^1];
            var (olds, news) = (ByName(left[list]), ByName(right[list]));
            foreach (var (name, value) in news)
            {
                if (!olds.TryGetValue(name, out var old))
                {
                    changes.Add(new DefinitionChange("added", subject, $"The {subject} '{name}' was added.") { Property = name, After = value });
                }
                else if (!JToken.DeepEquals(old, value))
                {
                    changes.Add(new DefinitionChange("changed", subject, $"The {subject} '{name}' changed: {string.Join(", ", Differences(old, value))}.") { Property = name, Before = old, After = value });
                }
            }

            changes.AddRange(olds.Where(entry => !news.ContainsKey(entry.Key)).Select(entry => new DefinitionChange("removed", subject, $"The {subject} '{entry.Key}' was removed.") { Property = entry.Key, Before = entry.Value }));
        }
    }

    private static void CompareActivity(Placed old, Placed now, List<DefinitionChange> changes)
    {
        var (left, right) = (Own(old.Json), Own(now.Json));
        if (old.Parent != now.Parent || old.Port != now.Port)
        {
            changes.Add(Of("changed", now, $"Activity {Name(now.Json)} was taken from {Place(old)} to {Place(now)}.") with { Property = "parent" });
        }

        foreach (var name in left.Properties().Concat(right.Properties()).Select(property => property.Name).Distinct())
        {
            if (!JToken.DeepEquals(left[name], right[name]))
            {
                changes.Add(Of("changed", now, $"Activity {Name(now.Json)}: {name} changed from {Show(left[name])} to {Show(right[name])}.") with { Property = name, Before = left[name], After = right[name] });
            }
        }

        if (!JToken.DeepEquals(Text(old.Json), Text(now.Json)))
        {
            changes.Add(Of("changed", now, $"Activity {Name(now.Json)}: its caption or description changed.") with { Property = "metadata", Before = Text(old.Json), After = Text(now.Json) });
        }

        if (!JToken.DeepEquals(old.Json["metadata"]?["designer"]?["position"], now.Json["metadata"]?["designer"]?["position"]))
        {
            changes.Add(Of("moved", now, $"Activity {Name(now.Json)} was moved on the canvas."));
        }
    }

    private static void CompareConnections(Dictionary<string, Placed> before, Dictionary<string, Placed> after, List<DefinitionChange> changes)
    {
        var (olds, news) = (Connections(before), Connections(after));
        changes.AddRange(news.Except(olds).Select(edge => new DefinitionChange("added", "connection", $"Connection {edge} was added.") { After = edge }));
        changes.AddRange(olds.Except(news).Select(edge => new DefinitionChange("removed", "connection", $"Connection {edge} was removed.") { Before = edge }));
    }

    private static List<string> Connections(Dictionary<string, Placed> activities) =>
        [.. activities.Values.SelectMany(activity => Items(activity.Json["connections"]).OfType<JObject>()).Select(edge => $"{End(edge, "source", "Done")} → {End(edge, "target", "In")}").Distinct()];

    /// <summary>An end as <c>activity:port</c>, in either of the two forms that files have.</summary>
    private static string End(JObject edge, string end, string port) => edge[end] is JObject item
        ? $"{(string?)(item["activity"] as JValue)}:{(string?)(item["port"] as JValue) ?? port}"
        : $"{(string?)(edge[end] as JValue)}:{(string?)(edge[end + "Port"] as JValue) ?? port}";

    /// <summary>All activities by id.</summary>
    private static Dictionary<string, Placed> Activities(JObject model)
    {
        var found = new Dictionary<string, Placed>(StringComparer.Ordinal);
        if (model["root"] is JObject root)
        {
            foreach (var entry in ActivityTree.Walk(root))
            {
                found.TryAdd((string?)(entry.Json["id"] as JValue) ?? "", new Placed(entry.Json, (string?)(entry.Parent?.Json["id"] as JValue), entry.Port));
            }
        }

        return found;
    }

    /// <summary>The activity without what is below it and what is of its canvas.</summary>
    private static JObject Own(JObject activity)
    {
        var own = new JObject();
        foreach (var property in activity.Properties().Where(property => !NotOfActivity.Contains(property.Name) && !ActivityTree.HoldsActivities(property.Value)))
        {
            if (property.Value is not ({ Type: JTokenType.Null } or JArray { Count: 0 } or JObject { Count: 0 }))
            {
                own[property.Name] = property.Value.DeepClone();
            }
        }

        return own;
    }

    private static JObject Text(JObject activity) => new((activity["metadata"] as JObject ?? []).Properties().Where(property => property.Name is "displayText" or "description").Select(property => new JProperty(property.Name, property.Value)));

    private static Dictionary<string, JToken> ByName(JToken? list)
    {
        var named = new Dictionary<string, JToken>(StringComparer.Ordinal);
        foreach (var item in Items(list).OfType<JObject>())
        {
            named.TryAdd((string?)(item["name"] as JValue) ?? "", item);
        }

        return named;
    }

    private static IEnumerable<string> Differences(JToken left, JToken right) =>
        from name in ((JObject)left).Properties().Concat(((JObject)right).Properties()).Select(property => property.Name).Distinct()
        where !JToken.DeepEquals(left[name], right[name])
        select $"{name} from {Show(left[name])} to {Show(right[name])}";

    private static IEnumerable<JToken> Items(JToken? token) => token is JObject wrapper ? wrapper["$values"] as JArray ?? [] : token as JArray ?? [];

    private static string Name(JObject activity) => $"'{(string?)(activity["name"] as JValue) ?? (string?)(activity["id"] as JValue)}' ({(string?)(activity["type"] as JValue)})";

    private static string In(Placed activity) => activity.Parent is null ? "" : $" in {Place(activity)}";

    private static string Place(Placed activity) => activity.Parent is null ? "the root" : activity.Port == "activities" ? $"'{activity.Parent}'" : $"{activity.Port} of '{activity.Parent}'";

    /// <summary>A value in words: an expression without its wrapping, long ones cut.</summary>
    private static string Show(JToken? value)
    {
        if (value is null or { Type: JTokenType.Null })
        {
            return "nothing";
        }

        var text = value is JObject { Count: > 0 } item && item["expression"] is JObject expression
            ? (string?)(expression["type"] as JValue) is "Literal" ? Json.Write(expression["value"]) : $"{expression["type"]} {Json.Write(expression["value"])}"
            : Json.Write(value);
        return text.Length <= TextLimit ? text : text[..TextLimit] + "…";
    }

    private static DefinitionChange Of(string kind, Placed activity, string text) => new(kind, "activity", text)
    {
        ActivityId = (string?)(activity.Json["id"] as JValue),
        ActivityType = (string?)(activity.Json["type"] as JValue),
    };

    private sealed record Placed(JObject Json, string? Parent, string? Port);
}
