using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The small path language of operation data; see <see cref="ResponseShape"/>.</summary>
internal static class JsonPaths
{
    /// <summary>The value at a path; null: nothing is there. A JSON null is returned as such.</summary>
    public static JToken? Find(JToken? root, string? path)
    {
        if (root is null || string.IsNullOrEmpty(path))
        {
            return root;
        }

        foreach (var alternative in path.Split('|'))
        {
            if (FindOne(root, alternative) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>A plain value as text: numbers invariant, booleans in lower case; null for objects, arrays, nothing and empty text.</summary>
    public static string? Text(JToken? token) => token switch
    {
        JValue { Value: null } => null,
        JValue { Value: string text } => text.Length == 0 ? null : text,
        JValue { Value: bool flag } => flag ? "true" : "false",
        JValue { Value: IFormattable number } => number.ToString(null, CultureInfo.InvariantCulture),
        _ => null,
    };

    private static JToken? FindOne(JToken root, string path)
    {
        JToken? current = root;
        var isSpread = false;
        foreach (var part in path.Split('.'))
        {
            switch (part)
            {
                case "$":
                    break;
                case "*":
                    current = current is JObject members ? new JArray(members.PropertyValues().Select(v => v.DeepClone())) : current as JArray;
                    isSpread = true;
                    break;
                default:
                    current = isSpread && current is JArray list ? Each(list, part) : Step(current, part);
                    break;
            }

            if (current is null)
            {
                return null;
            }
        }

        return current;
    }

    private static JToken? Step(JToken? token, string part)
    {
        var bracket = part.IndexOf('[', StringComparison.Ordinal);
        if (bracket < 0)
        {
            return (token as JObject)?[part];
        }

        var holder = bracket == 0 ? token : (token as JObject)?[part[..bracket]];
        return holder is JArray array && int.TryParse(part.AsSpan(bracket + 1, part.Length - bracket - 2), CultureInfo.InvariantCulture, out var index) && index < array.Count
            ? array[index]
            : null;
    }

    /// <summary>A property of every element that has it, lists flattened.</summary>
    private static JArray Each(JArray list, string part)
    {
        var found = new JArray();
        foreach (var element in list)
        {
            switch ((element as JObject)?[part])
            {
                case JArray inner:
                    foreach (var item in inner)
                    {
                        found.Add(item);
                    }

                    break;
                case { } value:
                    found.Add(value);
                    break;
                default:
                    break;
            }
        }

        return found;
    }
}
