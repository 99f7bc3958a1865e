using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Api;

/// <summary>Small definitions as a designer saves them.</summary>
internal static class Models
{
    public static JObject Sequence(string definitionId, params JObject[] activities) => new()
    {
        ["definitionId"] = definitionId,
        ["name"] = definitionId,
        ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray(activities.Cast<object>().ToArray()) },
    };

    public static JObject Activity(string id, string type, params (string Name, string Expression, JToken Value)[] inputs)
    {
        var activity = new JObject { ["id"] = id, ["name"] = id, ["type"] = type, ["version"] = 1 };
        foreach (var (name, expression, value) in inputs)
        {
            activity[name] = new JObject { ["typeName"] = "Object", ["expression"] = new JObject { ["type"] = expression, ["value"] = value } };
        }

        return activity;
    }

    /// <summary>Sets a workflow output from a script.</summary>
    public static JObject Output(string id, string name, string script) =>
        Activity(id, "Elsa.SetOutput", ("outputName", "Literal", name), ("outputValue", "JavaScript", script));

    public static JObject WithOutput(this JObject model, string name)
    {
        model["outputs"] = new JArray(new JObject { ["name"] = name, ["type"] = "Object" });
        return model;
    }
}
