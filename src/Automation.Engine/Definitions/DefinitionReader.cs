using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Reads definition JSON and finds what stops it from being kept.</summary>
public static class DefinitionReader
{
    /// <summary>Characters a definition may have.</summary>
    public const int MaximumLength = 10 * 1024 * 1024;

    private static readonly string[] NotActivities = ["customProperties", "metadata", "variables", "connections", "variable"];
    private static readonly string[] Ports = ["root", "activities", "branches", "activity", "then", "else", "body", "default", "start"];

    /// <summary>Reads a definition. Malformed JSON, too deep, too large, duplicate activity ids, no root: problems of severity Error, and no definition.</summary>
    public static (WorkflowDefinition? Definition, IReadOnlyList<DefinitionProblem> Problems) Read(string json)
    {
        if (json.Length > MaximumLength)
        {
            return Refused("too-large", $"The definition has {json.Length:N0} characters; at most {MaximumLength:N0} are taken. Split it into several workflows.");
        }

        try
        {
            return Json.Parse(json, Json.DefinitionDepth, isStrict: true) is JObject definition
                ? Read(definition)
                : Refused("not-a-definition", "The JSON is not an object. A workflow definition is an object with a 'root'.", 1, 1);
        }
        catch (JsonReaderException exception) when (exception.Message.Contains("MaxDepth", StringComparison.Ordinal))
        {
            return Refused("too-deep", $"The JSON is nested deeper than {Json.DefinitionDepth} levels. Split the workflow, or flatten its containers.", exception.LineNumber, exception.LinePosition);
        }
        catch (JsonReaderException exception)
        {
            // The position is told apart from the text, which ends with the path, line and column.
            var message = exception.Message;
            var path = message.IndexOf(" Path '", StringComparison.Ordinal);
            return Refused("malformed-json", $"The JSON is malformed: {(path > 0 ? message[..path] : message)}", Math.Max(1, exception.LineNumber), Math.Max(1, exception.LinePosition));
        }
    }

    /// <inheritdoc cref="Read(string)"/>
    public static (WorkflowDefinition? Definition, IReadOnlyList<DefinitionProblem> Problems) Read(JObject json)
    {
        if (json["root"] is not JObject root)
        {
            return Refused("missing-root", "The definition has no 'root' activity. Add one, as an Elsa.Flowchart or Elsa.Sequence.");
        }

        if (Items(json["variables"]).OfType<JObject>().FirstOrDefault(v => v["value"] is JValue { Type: JTokenType.Integer or JTokenType.Float or JTokenType.Boolean }) is { } variable)
        {
            return Refused("variable-value", $"Cannot get the value of a token type '{(variable["value"]!.Type == JTokenType.Boolean ? (bool)variable["value"]! ? "True" : "False" : "Number")}' as a string: the default of the variable '{variable["name"]}' must be text, as \"41\".");
        }

        var problems = new List<DefinitionProblem>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var depth = 0;

        // A stack of our own: what came as an object may be nested deeper than the thread's stack bears.
        var open = new Stack<(JToken Token, string Property, int Depth)>();
        open.Push((root, "root", 2));
        while (open.TryPop(out var entry))
        {
            depth = Math.Max(depth, entry.Depth);
            if (depth > Json.DefinitionDepth)
            {
                return Refused("too-deep", $"The JSON is nested deeper than {Json.DefinitionDepth} levels. Split the workflow, or flatten its containers.");
            }

            if (entry.Token is JArray array)
            {
                for (var i = array.Count - 1; i >= 0; i--)
                {
                    open.Push((array[i], entry.Property, entry.Depth + 1));
                }
            }
            else if (entry.Token is JObject value)
            {
                if (IsActivity(value, entry.Property) && !seen.Add((string)value["id"]!))
                {
                    var line = (IJsonLineInfo)value;
                    problems.Add(new DefinitionProblem(ProblemSeverity.Error, "duplicate-activity-id", $"The activity id '{(string?)value["id"]}' is used more than once. Give each activity an id of its own.")
                    {
                        ActivityId = (string?)value["id"],
                        ActivityType = (string?)value["type"],
                        Line = line.HasLineInfo() ? line.LineNumber : null,
                        Column = line.HasLineInfo() ? line.LinePosition : null,
                    });
                }

                for (var property = value.Last as JProperty; property is not null; property = property.Previous as JProperty)
                {
                    if (property.Value is JContainer)
                    {
                        open.Push((property.Value, NotActivities.Contains(property.Name) || entry.Property.Length == 0 ? "" : property.Name, entry.Depth + 1));
                    }
                }
            }
        }

        return problems.Count > 0 ? (null, problems) : (new WorkflowDefinition { Json = json }, problems);
    }

    /// <summary>Elements of an array, or of one wrapped as <c>{"$values": […]}</c>.</summary>
    internal static IEnumerable<JToken> Items(JToken? token) => token switch
    {
        JArray array => array,
        JObject wrapper when wrapper["$values"] is JArray array => array,
        _ => [],
    };

    private static bool IsActivity(JObject value, string property) =>
        property.Length > 0
        && value["id"] is JValue { Value: string { Length: > 0 } }
        && value["type"] is JValue { Value: string }
        && (Ports.Contains(property) || property == "$values" || value.ContainsKey("version") || value.ContainsKey("metadata") || value.ContainsKey("nodeId"));

    private static (WorkflowDefinition?, IReadOnlyList<DefinitionProblem>) Refused(string code, string message, int? line = null, int? column = null) =>
        (null, [new DefinitionProblem(ProblemSeverity.Error, code, message) { Line = line, Column = column }]);
}
