using System.Globalization;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// Simple conditions on an item, as a user picks them: <c>[{"field":"tags","operator":"added","value":"vip"}]</c>; all must hold. An object <c>{"any":[…]}</c> among them holds when one of its own does.
/// </summary>
public sealed class ItemConditions
{
    /// <summary>The words for <c>operator</c>.</summary>
    public static readonly IReadOnlyList<string> Operators =
    [
        "equals", "notEquals", "contains", "notContains", "startsWith", "endsWith", "greaterThan", "lessThan", "in", "isEmpty", "isNotEmpty", "isTrue", "isFalse", "changed", "changedTo", "changedFrom", "added", "removed",
    ];

    private static readonly HashSet<string> WithoutValue = new(StringComparer.Ordinal) { "isEmpty", "isNotEmpty", "isTrue", "isFalse", "changed", "added", "removed" };

    private readonly IReadOnlyList<Condition> conditions;

    private ItemConditions(IReadOnlyList<Condition> conditions) => this.conditions = conditions;

    /// <summary>Whether a value is meant as conditions: a list, an object with <c>field</c> or <c>any</c>, or the JSON text of one.</summary>
    public static bool AreMeant(JToken? value) => value switch
    {
        JArray => true,
        JObject item => item.ContainsKey("field") || item.ContainsKey("any"),
        JValue { Value: string text } => text.TrimStart() is ['[' or '{', ..] && TryParse(text) is { } parsed && AreMeant(parsed),
        _ => false,
    };

    /// <summary>Reads conditions.</summary>
    /// <exception cref="FormatException">Says which condition is wrong, and what is wanted.</exception>
    public static ItemConditions Read(JToken value)
    {
        if (value is JValue { Value: string text })
        {
            value = TryParse(text) ?? throw new FormatException("The conditions are no JSON.");
        }

        var list = value as JArray ?? new JArray(value);
        return new ItemConditions([.. list.Select((item, i) => Condition.Read(item, $"condition {i + 1}"))]);
    }

    /// <summary>The first condition that does not hold, in words; null: all hold.</summary>
    /// <param name="item">The item as it is.</param>
    /// <param name="previous">As it was before; null: it is new.</param>
    public string? Refuses(JToken item, JToken? previous)
    {
        foreach (var condition in conditions)
        {
            if (!condition.Holds(item, previous))
            {
                return condition.Describe(item);
            }
        }

        return null;
    }

    private static JToken? TryParse(string text)
    {
        try
        {
            return Json.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record Condition(string Field, string Operator, JToken? Value, IReadOnlyList<Condition> Any)
    {
        public static Condition Read(JToken token, string place)
        {
            if (token is not JObject item)
            {
                throw new FormatException($"{place} is no object such as {{\"field\":\"status\",\"operator\":\"equals\",\"value\":\"won\"}}.");
            }

            if (item["any"] is { } any)
            {
                return any is JArray { Count: > 0 } list
                    ? new Condition("", "any", null, [.. list.Select((inner, i) => Read(inner, $"{place}.{i + 1}"))])
                    : throw new FormatException($"{place}: 'any' is no list of conditions.");
            }

            if (JsonPaths.Text(item["field"]) is not { } field)
            {
                throw new FormatException($"{place} has no 'field', such as status or contact.email.");
            }

            var wanted = JsonPaths.Text(item["operator"]) ?? "equals";
            var name = Operators.FirstOrDefault(known => known.Equals(wanted, StringComparison.OrdinalIgnoreCase))
                ?? throw new FormatException($"{place}: '{wanted}' is no operator. There are: {string.Join(", ", Operators)}.");
            return item["value"] is null && !WithoutValue.Contains(name)
                ? throw new FormatException($"{place}: '{name}' needs a 'value'.")
                : new Condition(field, name, item["value"], []);
        }

        public bool Holds(JToken item, JToken? previous)
        {
            if (Any.Count > 0)
            {
                return Any.Any(condition => condition.Holds(item, previous));
            }

            var now = JsonPaths.Find(item, Field);
            var before = JsonPaths.Find(previous, Field);
            return Operator switch
            {
                "equals" => Same(now, Value),
                "notEquals" => !Same(now, Value),
                "contains" => Has(now, Value),
                "notContains" => !Has(now, Value),
                "startsWith" => TextOf(now).StartsWith(TextOf(Value), StringComparison.OrdinalIgnoreCase),
                "endsWith" => TextOf(now).EndsWith(TextOf(Value), StringComparison.OrdinalIgnoreCase),
                "greaterThan" => Compare(now, Value) > 0,
                "lessThan" => Compare(now, Value) < 0,
                "in" => Value is JArray list ? list.Any(one => Same(now, one)) : TextOf(Value).Split(',', StringSplitOptions.TrimEntries).Any(one => Same(now, one)),
                "isEmpty" => IsEmpty(now),
                "isNotEmpty" => !IsEmpty(now),
                "isTrue" => TextOf(now).Equals("true", StringComparison.OrdinalIgnoreCase),
                "isFalse" => !TextOf(now).Equals("true", StringComparison.OrdinalIgnoreCase),
                "changed" => previous is not null && !Same(now, before),
                "changedTo" => Same(now, Value) && !(previous is not null && Same(before, Value)),
                "changedFrom" => previous is not null && Same(before, Value) && !Same(now, Value),
                "added" => Value is null ? Elements(now).Any(one => !Has(before, one)) : Has(now, Value) && !Has(before, Value),
                _ => Value is null ? Elements(before).Any(one => !Has(now, one)) : Has(before, Value) && !Has(now, Value),
            };
        }

        public string Describe(JToken item) => Any.Count > 0
            ? $"None of these holds: {string.Join("; ", Any.Select(condition => condition.Describe(item)))}"
            : $"'{Field}' {Operator}{(Value is null ? "" : " " + InputBinding.Cut(Json.Write(Value), 60))} does not hold: it is {(JsonPaths.Find(item, Field) is { } now ? InputBinding.Cut(Json.Write(Redaction.Clean(now)), 60) : "not there")}.";

        private static bool IsEmpty(JToken? token) => token switch
        {
            null or JValue { Value: null or "" } => true,
            JArray list => list.Count == 0,
            JObject item => item.Count == 0,
            _ => false,
        };

        private static bool Same(JToken? one, JToken? other) =>
            one is JContainer || other is JContainer
                ? JToken.DeepEquals(one, other) || (IsEmpty(one) && IsEmpty(other))
                : TextOf(one).Equals(TextOf(other), StringComparison.OrdinalIgnoreCase) || (Number(one) is { } number && number == Number(other));

        private static bool Has(JToken? whole, JToken? part) => whole is JArray list
            ? list.Any(one => Same(one, part))
            : part is not null && !IsEmpty(whole) && TextOf(whole).Contains(TextOf(part), StringComparison.OrdinalIgnoreCase);

        private static IEnumerable<JToken> Elements(JToken? token) => token as JArray ?? (IsEmpty(token) ? [] : new JArray(token!.DeepClone()));

        private static int Compare(JToken? one, JToken? other) =>
            Number(one) is { } left && Number(other) is { } right ? left.CompareTo(right)
            : PollItems.TimeOf(one) is { } earlier && PollItems.TimeOf(other) is { } later ? earlier.CompareTo(later)
            : 0;

        private static double? Number(JToken? token) =>
            double.TryParse(JsonPaths.Text(token), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

        private static string TextOf(JToken? token) => JsonPaths.Text(token) ?? "";
    }
}
