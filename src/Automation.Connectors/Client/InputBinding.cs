using System.Globalization;
using System.Text.RegularExpressions;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Fits values to the inputs of operations, as forgiving as is safe: numbers in text, JSON in text, numbers for text.</summary>
internal static partial class InputBinding
{
    /// <summary>The value as the API wants it, or what is wrong with it, to be read after the input's name.</summary>
    public static (JToken? Value, string? Problem) Bind(OperationInput input, JToken value)
    {
        if (value.Type is JTokenType.Null or JTokenType.Undefined)
        {
            return (JValue.CreateNull(), null);
        }

        var (bound, problem) = Convert(input.Type, InFormat(input.Format, value));
        if (problem is not null)
        {
            return (null, problem + Choice(input));
        }

        if (bound is JArray array && input.ItemType is { } itemType and not "any")
        {
            for (var i = 0; i < array.Count; i++)
            {
                var (item, itemProblem) = Convert(itemType, array[i]);
                if (itemProblem is not null)
                {
                    return (null, $"has at position {i + 1} a value that {itemProblem}");
                }

                if (!ReferenceEquals(item, array[i]))
                {
                    array[i] = item!;
                }
            }
        }

        return (bound, Allowed(input, bound!));
    }

    private static string? Allowed(OperationInput input, JToken value)
    {
        if (input.Enum is { Count: > 0 } allowed)
        {
            foreach (var item in Texts(input, value))
            {
                if (item is { } text && !allowed.Contains(text, StringComparer.Ordinal))
                {
                    return $"is '{Cut(text, 60)}'{Choice(input)}";
                }
            }
        }

        if (input.Maximum is not null || input.Minimum is not null)
        {
            var (size, unit) = value switch
            {
                JArray elements => (elements.Count, " elements"),
                JValue { Type: JTokenType.String } text when input.Type == "string" => (((string?)text)!.Length, " characters"),
                JValue { Type: JTokenType.Integer or JTokenType.Float } number => ((double)number, ""),
                _ => (double.NaN, ""),
            };
            if (size > input.Maximum)
            {
                return string.Create(CultureInfo.InvariantCulture, $"is too large: {size}{unit}, and at most {input.Maximum}{unit} are allowed");
            }

            if (size < input.Minimum)
            {
                return string.Create(CultureInfo.InvariantCulture, $"is too small: {size}{unit}, and at least {input.Minimum}{unit} are needed");
            }
        }

        return null;
    }

    /// <summary>A time of ISO 8601 as the API writes it; without a zone it is UTC.</summary>
    private static JToken InFormat(string? format, JToken value)
    {
        if (format is null or "date-time" || value is not JValue { Value: string text } || !IsoDay().IsMatch(text)
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return value;
        }

        return format switch
        {
            // The day that was written, in the zone in which it was.
            "date" => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            "us-date" => time.ToString("MM-dd-yyyy", CultureInfo.InvariantCulture),
            "epoch-ms" => time.ToUnixTimeMilliseconds(),
            "epoch-s" => time.ToUnixTimeSeconds(),
            _ => throw new InvalidOperationException($"There is no format '{format}' of times."),
        };
    }

    [GeneratedRegex(@"^\s*\d{4}-\d\d-\d\d(\b|T)")]
    private static partial Regex IsoDay();

    private static string Choice(OperationInput input) =>
        input.Enum is { Count: > 0 } allowed ? $"; allowed are {string.Join(", ", allowed.Take(40))}{(allowed.Count > 40 ? ", …" : "")}" : "";

    private static IEnumerable<string?> Texts(OperationInput input, JToken value) =>
        value is JArray list ? list.Select(JsonPaths.Text)
        : input.Several && JsonPaths.Text(value) is { } text ? (IEnumerable<string?>)text.Split(',', StringSplitOptions.TrimEntries)
        : new[] { JsonPaths.Text(value) };

    private static (JToken? Value, string? Problem) Convert(string type, JToken value) => type switch
    {
        "string" => ToText(value),
        "number" => ToNumber(value, whole: false),
        "integer" => ToNumber(value, whole: true),
        "boolean" => ToFlag(value),
        "array" => ToStructure<JArray>(value, "a list, as [\"a\", \"b\"]"),
        "object" => ToStructure<JObject>(value, "an object, as {\"name\": \"value\"}"),
        _ => (value.Type == JTokenType.String ? ToWhatItHolds(value) : value, null),
    };

    /// <summary>An object or a list written as text, as editors give it; any other text stays what it is.</summary>
    private static JToken ToWhatItHolds(JToken value) => ToStructure<JContainer>(value, "").Item1 ?? value;

    private static (JToken?, string?) ToText(JToken value) =>
        value.Type == JTokenType.String ? (value, null)
        : JsonPaths.Text(value) is { } text ? (new JValue(text), null)
        : (null, $"is {Kind(value)}, and must be text");

    private static (JToken?, string?) ToNumber(JToken value, bool whole)
    {
        if (value.Type == JTokenType.Integer)
        {
            return (value, null);
        }

        if (value.Type == JTokenType.Float)
        {
            var number = (double)value;
            return !whole ? (value, null)
                : number == Math.Truncate(number) && Math.Abs(number) < 1e15 ? (new JValue((long)number), null)
                : (null, string.Create(CultureInfo.InvariantCulture, $"is {number}, and must be a whole number"));
        }

        if (value.Type == JTokenType.String)
        {
            var text = ((string?)value)!.Trim();
            if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
            {
                return (new JValue(integer), null);
            }

            if (!whole && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real))
            {
                return (new JValue(real), null);
            }

            return (null, $"is '{Cut(text, 60)}', and must be a {(whole ? "whole " : "")}number");
        }

        return (null, $"is {Kind(value)}, and must be a {(whole ? "whole " : "")}number");
    }

    private static (JToken?, string?) ToFlag(JToken value) => value.Type switch
    {
        JTokenType.Boolean => (value, null),
        JTokenType.String when bool.TryParse((string?)value, out var flag) => (new JValue(flag), null),
        JTokenType.String => (null, $"is '{Cut((string)value!, 60)}', and must be true or false"),
        _ => (null, $"is {Kind(value)}, and must be true or false"),
    };

    private static (JToken?, string?) ToStructure<T>(JToken value, string wanted)
        where T : JToken
    {
        if (value is T)
        {
            return (value, null);
        }

        if (value.Type == JTokenType.String && ((string)value!).AsSpan().TrimStart() is ['[' or '{', ..])
        {
            try
            {
                if (Json.Parse((string)value!) is T parsed)
                {
                    return (parsed, null);
                }
            }
            catch (JsonException exception)
            {
                return (null, $"is text that is not JSON ({exception.Message}), and must be {wanted}");
            }
        }

        return (null, $"is {Kind(value)}, and must be {wanted}");
    }

    private static string Kind(JToken value) => value.Type switch
    {
        JTokenType.Array => "a list",
        JTokenType.Object => "an object",
        JTokenType.Boolean => "true or false",
        JTokenType.Integer or JTokenType.Float => "a number",
        _ => "text",
    };

    internal static string Cut(string text, int length) => text.Length <= length ? text : text[..length] + "…";
}
