using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>
/// A version as Elsa's clients read it. They are strict: one member of another type than they expect, and the whole page is dead. So what files of older or other
/// programs leave out or write in another way is put right here, in what is shown; what is kept and exported stays as it came.
/// </summary>
internal static class DefinitionView
{
    private static readonly string[] NotActivities = ["metadata", "customProperties"];
    private static readonly string[] OptionTexts = ["activationStrategyType", "activityCategory", "incidentStrategyType", "commitStrategyName"];
    private static readonly string[] Lists = ["variables", "inputs", "outputs", "outcomes"];

    /// <summary>Flags that older files have on the activity itself.</summary>
    private static readonly string[] OlderFlags = ["canStartWorkflow", "runAsynchronously"];

    public static JObject Of(DefinitionVersion version) => Fit(DefinitionModel.Model(version));

    /// <summary>Puts a model right, in place.</summary>
    public static JObject Fit(JObject model)
    {
        foreach (var list in Lists)
        {
            model[list] = Unwrapped(model[list]) ?? [];
        }

        model["description"] = Text(model["description"]);
        model["toolVersion"] = Version.TryParse((string?)(model["toolVersion"] as JValue), out var tool) ? tool.ToString() : null;
        model["options"] = Options(model["options"] as JObject ?? []);
        model["outcomes"] = new JArray(model["outcomes"]!.Where(outcome => outcome.Type == JTokenType.String));
        foreach (var variable in Objects(model, "variables"))
        {
            FitVariable(variable);
        }

        foreach (var argument in Objects(model, "inputs").Concat(Objects(model, "outputs")))
        {
            FitArgument(argument);
        }

        foreach (var input in Objects(model, "inputs"))
        {
            Default(input, "uiHint", "singleline");
            input["storageDriverType"] = Text(input["storageDriverType"]);
        }

        if (model["root"] is JObject root)
        {
            FitActivity(root, "Workflow1");
        }

        return model;
    }

    private static JObject Options(JObject options)
    {
        foreach (var name in OptionTexts)
        {
            options[name] = Text(options[name]);
        }

        options["usableAsActivity"] = options["usableAsActivity"] is JValue { Value: bool usable } ? usable : null;
        options["autoUpdateConsumingWorkflows"] = options["autoUpdateConsumingWorkflows"] is JValue { Value: true };
        return options;
    }

    private static void FitVariable(JObject variable)
    {
        Default(variable, "name", "");
        Default(variable, "id", (string)variable["name"]!);
        Default(variable, "typeName", "Object");
        variable["isArray"] = variable["isArray"] is JValue { Value: true };
        variable["value"] = variable["value"] is { Type: not JTokenType.Null } value ? value is JValue { Value: string } ? value : Json.Write(value) : null;
        variable["storageDriverTypeName"] = Text(variable["storageDriverTypeName"]);
    }

    private static void FitArgument(JObject argument)
    {
        Default(argument, "type", "Object");
        Default(argument, "name", "");
        Default(argument, "displayName", (string)argument["name"]!);
        Default(argument, "description", "");
        Default(argument, "category", "");
        argument["isArray"] = argument["isArray"] is JValue { Value: true };
    }

    /// <summary>Gives every activity below <paramref name="activity"/> the path of ids that names it, and its parts the form of today.</summary>
    private static void FitActivity(JObject activity, string parent)
    {
        var nodeId = parent + ":" + (string?)(activity["id"] as JValue);
        if ((string?)(activity["nodeId"] as JValue) != nodeId)
        {
            if (activity["nodeId"] is null && activity.Property("id", StringComparison.Ordinal) is { } id)
            {
                id.AddAfterSelf(new JProperty("nodeId", nodeId));
            }
            else
            {
                activity["nodeId"] = nodeId;
            }
        }

        if (activity["version"] is not { Type: JTokenType.Integer })
        {
            activity["version"] = 1;
        }

        FitFlags(activity);
        foreach (var list in new[] { "activities", "connections" })
        {
            if (activity[list] is JObject && Unwrapped(activity[list]) is { } items)
            {
                activity[list] = items;
            }
        }

        foreach (var connection in Objects(activity, "connections"))
        {
            FitConnection(connection);
        }

        foreach (var property in activity.Properties().Where(property => !NotActivities.Contains(property.Name)).ToList())
        {
            FitBelow(property.Value, nodeId);
        }
    }

    private static void FitBelow(JToken token, string parent)
    {
        switch (token)
        {
            case JObject item when ActivityTree.IsActivity(item):
                FitActivity(item, parent);
                break;
            case JObject item when item["expression"] is null:
                foreach (var property in item.Properties().ToList())
                {
                    FitBelow(property.Value, parent);
                }

                break;
            case JArray items:
                foreach (var item in items)
                {
                    FitBelow(item, parent);
                }

                break;
        }
    }

    private static void FitFlags(JObject activity)
    {
        foreach (var flag in OlderFlags)
        {
            if (activity[flag] is JValue { Value: bool } value && activity["customProperties"]?[flag] is null)
            {
                if (activity["customProperties"] is not JObject custom)
                {
                    activity["customProperties"] = custom = [];
                }

                custom[flag] = value.DeepClone();
            }
        }
    }

    /// <summary>An older file names the ends of a connection by their ids, with the ports beside them.</summary>
    private static void FitConnection(JObject connection)
    {
        foreach (var end in new[] { "source", "target" })
        {
            if (connection[end] is JValue { Value: string id })
            {
                connection[end] = new JObject { ["activity"] = id, ["port"] = Text(connection[end + "Port"]) };
                connection.Remove(end + "Port");
            }
        }

        if (connection["vertices"] is not JArray)
        {
            connection["vertices"] = new JArray();
        }
    }

    private static void Default(JObject json, string name, string value)
    {
        if (json[name] is not JValue { Value: string })
        {
            json[name] = value;
        }
    }

    private static JToken Text(JToken? token) => token is JValue { Value: string } text ? text : JValue.CreateNull();

    private static IEnumerable<JObject> Objects(JObject json, string list) => (json[list] as JArray ?? []).OfType<JObject>();

    private static JArray? Unwrapped(JToken? list) => list as JArray ?? (list as JObject)?["$values"] as JArray;
}
