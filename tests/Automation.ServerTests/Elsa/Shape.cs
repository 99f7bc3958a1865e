using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Elsa;

/// <summary>
/// The type of every member as a strict client reads it. A shape is a JSON value: members that must be there; texts name a type (<c>text</c>, <c>int</c>, <c>number</c>, <c>bool</c>,
/// <c>time</c>, <c>version</c>, <c>texts</c> (an object of texts), <c>object</c>, <c>array</c>, <c>any</c>, or names in one of which it must be, as <c>Running|Finished</c>), with <c>!</c> where null is
/// allowed and <c>?</c> where it may be absent too; an array has the shape of its items.
/// </summary>
internal static class Shape
{
    public static IReadOnlyList<string> Check(JToken value, JToken shape)
    {
        var wrong = new List<string>();
        Check(value, shape, "$", wrong);
        return wrong;
    }

    private static void Check(JToken? value, JToken shape, string path, List<string> wrong)
    {
        switch (shape)
        {
            case JObject members when value is JObject json:
                foreach (var member in members.Properties())
                {
                    if (json.TryGetValue(member.Name, StringComparison.Ordinal, out var found))
                    {
                        Check(found, member.Value, $"{path}.{member.Name}", wrong);
                    }
                    else if (!(member.Value is JValue { Value: string optional } && optional.EndsWith('?')))
                    {
                        wrong.Add($"{path}.{member.Name} is missing");
                    }
                }

                break;
            case JArray { Count: 1 } items when value is JArray array:
                foreach (var (item, index) in array.Select((item, index) => (item, index)))
                {
                    Check(item, items[0], $"{path}[{index}]", wrong);
                }

                break;
            case JValue { Value: string type }:
                if (!((type.EndsWith('?') || type.EndsWith('!')) && value is { Type: JTokenType.Null }) && !Is(value, type.TrimEnd('?', '!')))
                {
                    wrong.Add($"{path} is {Show(value)}, not {type}");
                }

                break;
            default:
                wrong.Add($"{path} is {Show(value)}, not of the shape {shape.ToString(Newtonsoft.Json.Formatting.None)}");
                break;
        }
    }

    private static bool Is(JToken? value, string type) => type switch
    {
        "any" => value is not null,
        "text" => value?.Type == JTokenType.String,
        "int" => value?.Type == JTokenType.Integer,
        "number" => value?.Type is JTokenType.Integer or JTokenType.Float,
        "bool" => value?.Type == JTokenType.Boolean,
        "version" => value is JValue { Value: string version } && Version.TryParse(version, out _),
        "texts" => value is JObject texts && texts.Properties().All(member => member.Value.Type == JTokenType.String),
        "object" => value is JObject,
        "array" => value is JArray,
        "time" => value is JValue { Value: string text } && (text.EndsWith('Z') || text.Contains('+', StringComparison.Ordinal)) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _),
        _ => value is JValue { Value: string name } && type.Split('|').Contains(name),
    };

    private static string Show(JToken? value)
    {
        var text = value?.ToString(Newtonsoft.Json.Formatting.None) ?? "absent";
        return text.Length > 80 ? text[..80] + "…" : text;
    }
}
