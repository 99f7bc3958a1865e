using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>What a definition says of an activity's inputs without a run.</summary>
internal static class Literals
{
    /// <summary>Values that stand in the JSON: literals, and objects given as text. Keys are camelCase.</summary>
    public static JObject Of(PlannedActivity activity)
    {
        var literals = new JObject();
        foreach (var (key, token) in Set(activity))
        {
            if (token is not JObject wrapped || wrapped["expression"] is not JObject expression)
            {
                literals[key] = token.DeepClone();
            }
            else if ((string?)expression["type"] is null or "Literal")
            {
                if (expression["value"] is { Type: not JTokenType.Null } value)
                {
                    literals[key] = value.DeepClone();
                }
            }
            else if ((string?)expression["type"] == "Object" && expression["value"] is { } text)
            {
                literals[key] = text.Type == JTokenType.String ? TryParse((string)text!) : text.DeepClone();
            }
        }

        return literals;
    }

    /// <summary>Names of inputs that are set, also by expressions.</summary>
    public static HashSet<string> Names(PlannedActivity activity) => Set(activity).Select(input => input.Key).ToHashSet(StringComparer.Ordinal);

    /// <summary>Text of a literal input, wrapped or bare; null: it is none.</summary>
    public static string? TextOf(JToken? token) =>
        (token is JObject wrapped && wrapped["expression"] is JObject expression && (string?)expression["type"] is null or "Literal" ? (token as JObject)?["expression"]?["value"] : token) is JValue { Value: string text } ? text : null;

    public static string Camel(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private static IEnumerable<(string Key, JToken Token)> Set(PlannedActivity activity)
    {
        foreach (var input in activity.Descriptor.Inputs)
        {
            var key = Camel(input.Name);
            if (activity.Json[key] is { Type: not JTokenType.Null } token && !IsEmpty(token))
            {
                yield return (key, token);
            }
        }
    }

    private static bool IsEmpty(JToken token) =>
        token is JObject { } wrapped && wrapped.ContainsKey("expression")
        && (wrapped["expression"] is not JObject expression || expression["value"] is null or { Type: JTokenType.Null } or JValue { Value: "" });

    private static JToken TryParse(string text)
    {
        try
        {
            return Json.Parse(text);
        }
        catch (JsonReaderException)
        {
            return text;
        }
    }
}
