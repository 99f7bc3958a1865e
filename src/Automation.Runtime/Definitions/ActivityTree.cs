using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>An activity of a definition's JSON with its place.</summary>
/// <param name="Json">The activity.</param>
/// <param name="Parent">The activity that holds it; null: it is the root.</param>
/// <param name="Port">Property of the parent that holds it, as in the JSON (<c>activities</c>, <c>then</c>, <c>body</c>).</param>
public sealed record ActivityEntry(JObject Json, ActivityEntry? Parent, string Port)
{
    /// <summary>Id of the workflow itself, which holds the root.</summary>
    public const string WorkflowId = "Workflow1";

    public List<ActivityEntry> Children { get; } = [];

    public string NodeId { get; } = (Parent is null ? WorkflowId : Parent.NodeId) + ":" + (string?)(Json["id"] as JValue);
}

/// <summary>Finds the activities in a definition's JSON.</summary>
public static class ActivityTree
{
    /// <summary>The root with all that is below it.</summary>
    public static ActivityEntry Build(JObject root)
    {
        var entry = new ActivityEntry(root, null, "root");
        Fill(entry);
        return entry;
    }

    /// <summary>The root and all below it, parents before their children.</summary>
    public static IEnumerable<ActivityEntry> Walk(JObject root) => Flatten(Build(root));

    /// <summary>An entry and all below it.</summary>
    public static IEnumerable<ActivityEntry> Flatten(ActivityEntry entry)
    {
        var open = new Stack<ActivityEntry>([entry]);
        while (open.TryPop(out var next))
        {
            yield return next;
            for (var i = next.Children.Count - 1; i >= 0; i--)
            {
                open.Push(next.Children[i]);
            }
        }
    }

    public static bool IsActivity(JToken token) => token is JObject item && item["type"] is JValue { Value: string } && item["id"] is JValue { Value: string };

    /// <summary>The value is an activity, or a list with activities in it (also as members of its items, as the cases of a switch have them).</summary>
    public static bool HoldsActivities(JToken value) => Below(value).Any();

    private static void Fill(ActivityEntry entry)
    {
        foreach (var property in entry.Json.Properties().Where(property => property.Name is not ("metadata" or "customProperties" or "variables" or "variable" or "connections")))
        {
            foreach (var child in Below(property.Value))
            {
                var below = new ActivityEntry(child, entry, property.Name);
                entry.Children.Add(below);
                Fill(below);
            }
        }
    }

    private static IEnumerable<JObject> Below(JToken value) => value switch
    {
        JObject item when IsActivity(item) => [item],
        JObject item when item["expression"] is null => item.Properties().SelectMany(property => Below(property.Value)),
        JArray items => items.SelectMany(Below),
        _ => [],
    };
}
