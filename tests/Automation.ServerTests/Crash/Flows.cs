using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Crash;

/// <summary>Definitions as a designer would save them.</summary>
internal static class Flows
{
    /// <summary>A flowchart in which each activity follows the one before it.</summary>
    public static JObject Chain(string definitionId, params JObject[] activities) => new()
    {
        ["definitionId"] = definitionId,
        ["name"] = definitionId,
        ["root"] = new JObject
        {
            ["id"] = "flow",
            ["type"] = "Elsa.Flowchart",
            ["version"] = 1,
            ["activities"] = new JArray(activities.Cast<object>().ToArray()),
            ["connections"] = new JArray(activities.Skip(1).Select((activity, index) => (object)new JObject
            {
                ["source"] = new JObject { ["activity"] = activities[index]["id"], ["port"] = "Done" },
                ["target"] = new JObject { ["activity"] = activity["id"], ["port"] = "In" },
            }).ToArray()),
        },
    };

    /// <summary>An activity with wrapped inputs: text is a literal, text that starts with <c>=</c> is JavaScript.</summary>
    public static JObject Activity(string id, string type, params (string Name, string Value)[] inputs)
    {
        var activity = new JObject { ["id"] = id, ["name"] = id, ["type"] = type, ["version"] = 1 };
        foreach (var (name, value) in inputs)
        {
            var isScript = value.StartsWith('=');
            activity[name] = new JObject
            {
                ["typeName"] = "Object",
                ["expression"] = new JObject { ["type"] = isScript ? "JavaScript" : "Literal", ["value"] = isScript ? value[1..] : value },
            };
        }

        return activity;
    }

    /// <summary>The activity triggers the flow.</summary>
    public static JObject AsTrigger(this JObject activity)
    {
        activity["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        return activity;
    }
}
