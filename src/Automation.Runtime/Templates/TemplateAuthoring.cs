using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>A value of a flow that its template asks for.</summary>
/// <param name="Name">Name of the template's input.</param>
/// <param name="ActivityId">Activity that has the value; null: every activity that has the property.</param>
/// <param name="Property">Its property, as in the JSON.</param>
/// <param name="Required">It must be given at installation.</param>
/// <param name="KeepDefault">The flow's own value is the default.</param>
public sealed record TemplateValue(string Name, string? ActivityId, string Property, bool Required, bool KeepDefault);

/// <summary>Makes a template of a flow: its connections become slots, chosen values become inputs. What belongs to this installation is left out.</summary>
internal sealed class TemplateAuthoring(IConnections connections, OperationCatalog operations)
{
    /// <summary>Values that differ from account to account, where nobody chose others.</summary>
    private static readonly TemplateValue[] Usual =
    [
        new("locationId", null, "locationId", Required: true, KeepDefault: false),
        new("interval", null, "interval", Required: false, KeepDefault: true),
    ];

    private static readonly string[] OfInstallation = ["$schema", "id", "links", "createdAt", "isLatest", "isPublished", "isReadonly", "isSystem", "providerName", "materializerName", "materializerContext", "tenantId"];

    /// <exception cref="DefinitionRejectedException">A connection is not there, or a chosen value is none that can be asked for.</exception>
    public async Task<JObject> MakeAsync(DefinitionVersion version, string name, string? description, IReadOnlyList<TemplateValue>? values, CancellationToken cancellationToken)
    {
        var model = (JObject)Json.Parse(version.Json, Json.DefinitionDepth);
        foreach (var property in OfInstallation)
        {
            model.Remove(property);
        }

        model["definitionId"] = name;
        model["version"] = 1;
        var activities = ActivityTree.Walk((JObject)model["root"]!).Select(entry => entry.Json).ToList();
        var problems = new List<DefinitionProblem>();
        var slots = await SlotsAsync(activities, problems, cancellationToken);
        var inputs = Inputs(activities, values, problems);
        if (problems.Count > 0)
        {
            throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.ToString())), problems);
        }

        if (model["customProperties"] is not JObject custom)
        {
            model["customProperties"] = custom = [];
        }

        custom.Remove(InstalledFrom.Property);
        custom["template"] = new JObject
        {
            ["name"] = name,
            ["description"] = description ?? version.Description ?? "",
            ["slots"] = slots,
            ["inputs"] = inputs,
            ["scopes"] = new JArray(activities.Select(activity => operations.Find((string?)(activity["type"] as JValue) ?? "")).OfType<Operation>().SelectMany(operation => operation.Scopes).Distinct().Order(StringComparer.Ordinal)),
        };
        return model;
    }

    private async Task<JArray> SlotsAsync(List<JObject> activities, List<DefinitionProblem> problems, CancellationToken cancellationToken)
    {
        var nameOf = new Dictionary<string, string>(StringComparer.Ordinal);
        var slots = new JArray();
        foreach (var activity in activities)
        {
            if (Literal(activity["connectionId"]) is not { Value: string { Length: > 0 } id } value)
            {
                continue;
            }

            var connection = await connections.FindAsync(id, cancellationToken);
            if ((connection?.Connector ?? operations.Find((string?)(activity["type"] as JValue) ?? "")?.Connector) is not { } connector)
            {
                problems.Add(Problem(activity, "connectionId", "no-connection", $"There is no connection '{id}', so it is not known what the template must ask for. Choose a connection that is there."));
                continue;
            }

            var key = connection?.Id ?? id;
            if (!nameOf.TryGetValue(key, out var slot))
            {
                var number = 1 + slots.Count(other => (string?)other["connector"] == connector);
                nameOf[key] = slot = number == 1 ? connector : connector + number;
                slots.Add(new JObject { ["name"] = slot, ["connector"] = connector });
            }

            value.Value = $"{{{{slot:{slot}}}}}";
        }

        return slots;
    }

    private static JArray Inputs(List<JObject> activities, IReadOnlyList<TemplateValue>? values, List<DefinitionProblem> problems)
    {
        var inputs = new JArray();
        foreach (var wanted in values ?? Usual)
        {
            var found = activities.Where(activity => wanted.ActivityId is null || (string?)(activity["id"] as JValue) == wanted.ActivityId)
                .Select(activity => Literal(activity[wanted.Property])).OfType<JValue>().Where(value => value.Value is not null and not "").ToList();
            if (found.Count == 0)
            {
                if (values is not null)
                {
                    problems.Add(new DefinitionProblem(ProblemSeverity.Error, "no-such-value", $"There is no literal value '{wanted.Property}' to make the input '{wanted.Name}' of.") { ActivityId = wanted.ActivityId, Property = wanted.Property });
                }

                continue;
            }

            // Values that are the same are asked for once.
            foreach (var (same, index) in found.GroupBy(value => Json.Write(value)).Select((group, index) => (group.ToList(), index)))
            {
                var name = index == 0 ? wanted.Name : wanted.Name + (index + 1);
                var present = same[0].DeepClone();
                inputs.Add(new JObject
                {
                    ["name"] = name,
                    ["type"] = present.Type switch { JTokenType.Integer => "integer", JTokenType.Float => "number", JTokenType.Boolean => "boolean", _ => wanted.Property == "interval" ? "interval" : "string" },
                    ["default"] = wanted.KeepDefault ? present : null,
                    ["required"] = wanted.Required,
                });
                foreach (var value in same)
                {
                    value.Value = $"{{{{input:{name}}}}}";
                }
            }
        }

        return inputs;
    }

    /// <summary>The value of an input that is no expression, bare or wrapped.</summary>
    private static JValue? Literal(JToken? input) => input switch
    {
        JValue bare => bare,
        JObject wrapped when wrapped["expression"] is JObject expression && (string?)(expression["type"] as JValue) is "Literal" or "Object" => expression["value"] as JValue,
        _ => null,
    };

    private static DefinitionProblem Problem(JObject activity, string property, string code, string message) => new(ProblemSeverity.Error, code, message)
    {
        ActivityId = (string?)(activity["id"] as JValue),
        ActivityType = (string?)(activity["type"] as JValue),
        Property = property,
    };
}
