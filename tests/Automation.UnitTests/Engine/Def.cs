using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Engine;

/// <summary>Builds definition JSON as the designer writes it.</summary>
internal static class Def
{
    public const string InstanceDriver = "Elsa.Workflows.WorkflowInstanceStorageDriver, Elsa.Workflows.Core";

    public static JObject Of(JObject root, params JObject[] variables) => new()
    {
        ["id"] = "v1",
        ["definitionId"] = "def",
        ["name"] = "Def",
        ["version"] = 1,
        ["variables"] = new JArray(variables),
        ["root"] = root,
    };

    public static JObject With(this JObject json, string property, JToken? value)
    {
        json[property] = value;
        return json;
    }

    public static JObject Variable(string name, string type, string? value = null) => new()
    {
        ["id"] = "var-" + name,
        ["name"] = name,
        ["typeName"] = type,
        ["value"] = value,
        ["storageDriverTypeName"] = InstanceDriver,
    };

    public static JObject Activity(string type, string id) => new() { ["id"] = id, ["name"] = id, ["type"] = type, ["version"] = 1, ["customProperties"] = new JObject(), ["metadata"] = new JObject() };

    public static JObject Expression(string type, JToken value) => new() { ["typeName"] = "Object", ["expression"] = new JObject { ["type"] = type, ["value"] = value } };
    public static JObject Literal(JToken value) => Expression("Literal", value);
    public static JObject Js(string script) => Expression("JavaScript", script);

    public static JObject Say(string id, string? text = null) => Activity("Test.Say", id).With("text", Literal(text ?? id));
    public static JObject SayJs(string id, string script) => Activity("Test.Say", id).With("text", Js(script));
    public static JObject WaitFor(string key) => Activity("Test.WaitFor", key).With("key", Literal(key));
    public static JObject Act(string id) => Activity("Test.Act", id).With("text", Literal(id));
    public static JObject Fail(string id, string message = "broken") => Activity("Test.Fail", id).With("message", Literal(message));
    public static JObject Sequence(string id, params JObject[] children) => Activity("Elsa.Sequence", id).With("activities", new JArray(children));
    public static JObject Set(string variable, JObject value, string? id = null) =>
        Activity("Elsa.SetVariable", id ?? "set-" + variable).With("variable", new JObject { ["id"] = "var-" + variable, ["name"] = variable }).With("value", value);

    public static JObject Decision(string id, string script) => Activity("Elsa.FlowDecision", id).With("condition", Js(script));
    public static JObject Join(string id, string? mode) => mode is null ? Activity("Elsa.FlowJoin", id) : Activity("Elsa.FlowJoin", id).With("mode", Literal(mode));

    /// <summary>A flowchart; connections as <c>"a -> b"</c> or <c>"a:True -> b"</c>.</summary>
    public static JObject Flowchart(string[] connections, params JObject[] activities) => Activity("Elsa.Flowchart", "flow")
        .With("activities", new JArray(activities))
        .With("connections", new JArray(connections.Select(Connection)));

    public static JObject InMode(this JObject definition, string mode) => definition.With("customProperties", new JObject { ["flowchartMode"] = mode });
    public static JObject Merging(this JObject activity, string mode)
    {
        activity["customProperties"]!["mergeMode"] = mode;
        return activity;
    }

    private static JObject Connection(string text)
    {
        var ends = text.Split(" -> ");
        var source = ends[0].Split(':');
        return new JObject
        {
            ["source"] = new JObject { ["activity"] = source[0], ["port"] = source.Length > 1 ? source[1] : "Done" },
            ["target"] = new JObject { ["activity"] = ends[1], ["port"] = "In" },
        };
    }
}
