using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Functions;

internal static class ListFunctions
{
    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("lists", "unique", "list: any[], key?: string", "any[]", "Each value once; with a key the first of each value of that key.", static call => new JArray(call.List(0).DistinctBy(item => KeyText(Of(item, call.Text(1)))))),
        new("lists", "sortBy", "list: any[], key?: string, descending?: boolean", "any[]", "Sorted by itself or by a key: numbers as numbers, the rest as text; what has no key comes last.", Sort),
        new("lists", "groupBy", "list: any[], key: string", "{ [key: string]: any[] }", "The items by the value of a key.", static call => new JObject(call.List(0).GroupBy(item => KeyText(Of(item, call.Text(1)))).Select(group => new JProperty(group.Key, new JArray(group))))),
        new("lists", "countBy", "list: any[], key: string", "{ [key: string]: number }", "How many items have each value of a key.", static call => new JObject(call.List(0).GroupBy(item => KeyText(Of(item, call.Text(1)))).Select(group => new JProperty(group.Key, group.Count())))),
        new("lists", "indexBy", "list: any[], key: string", "{ [key: string]: any }", "The items by the value of a key; the last of a value wins.", static call => new JObject(call.List(0).GroupBy(item => KeyText(Of(item, call.Text(1)))).Select(group => new JProperty(group.Key, group.Last())))),
        new("lists", "pluck", "list: any[], key: string", "any[]", "The value of a key of each item; null where it has none.", static call => new JArray(call.List(0).Select(item => Of(item, call.Text(1)) ?? JValue.CreateNull()))),
        new("lists", "where", "list: any[], key: string, value: any", "any[]", "The items whose key has a value.", static call => new JArray(Matching(call))),
        new("lists", "find", "list: any[], key: string, value: any", "any", "The first item whose key has a value; null when there is none.", static call => Matching(call).FirstOrDefault()),
        new("lists", "sum", "list: any[], key?: string", "number", "The sum of the numbers.", static call => Numbers(call).Sum()),
        new("lists", "average", "list: any[], key?: string", "number | null", "The average of the numbers; null without any.", static call => Numbers(call) is { Count: > 0 } numbers ? numbers.Sum() / numbers.Count : null),
        new("lists", "min", "list: any[], key?: string", "number | null", "The smallest number; null without any.", static call => Numbers(call) is { Count: > 0 } numbers ? numbers.Min() : null),
        new("lists", "max", "list: any[], key?: string", "number | null", "The largest number; null without any.", static call => Numbers(call) is { Count: > 0 } numbers ? numbers.Max() : null),
        new("lists", "chunk", "list: any[], size: number", "any[][]", "The list in parts of a size.", static call => new JArray(call.List(0).Chunk(Math.Max(1, call.Whole(1))).Select(part => new JArray(part)))),
        new("lists", "intersect", "list: any[], other: any[], key?: string", "any[]", "What is in both lists, as the first has it.", static call => Compared(call, true)),
        new("lists", "except", "list: any[], other: any[], key?: string", "any[]", "What is in the first list and not in the second.", static call => Compared(call, false)),
        new("lists", "flatten", "list: any[]", "any[]", "Lists within the list, one level, as one list.", static call => Flat(call)),
        new("lists", "compact", "list: any[]", "any[]", "Without null and empty text.", static call => new JArray(call.List(0).Where(item => item is JContainer || KeyText(item).Length > 0))),
        new("lists", "sentence", "list: any[], separator?: string, last?: string", "string", "As a sentence has it: a, b and c.", Sentence),
    ];

    private static JToken? Of(JToken item, string? key)
    {
        if (string.IsNullOrEmpty(key))
        {
            return item;
        }

        JToken? at = item;
        foreach (var part in key.Split('.'))
        {
            at = at is JObject map ? map[part] : at is JArray list && int.TryParse(part, out var index) && index >= 0 && index < list.Count ? list[index] : null;
        }

        return at;
    }

    private static string KeyText(JToken? token) => token is null or JValue { Value: null } ? "" : token is JValue { Value: string text } ? text : (string?)ValueConverter.Convert(token is JValue value ? value.Value : token, typeof(string)) ?? "";

    private static JArray Sort(FunctionCall call)
    {
        var keyed = call.List(0).Select(item => (Item: item, Key: Of(item, call.Text(1)))).ToList();
        var there = keyed.Where(entry => entry.Key is not (null or JValue { Value: null }));
        var sorted = keyed.TrueForAll(entry => entry.Key is null or JValue { Type: JTokenType.Integer or JTokenType.Float or JTokenType.Null })
            ? there.OrderBy(entry => (double)entry.Key!)
            : there.OrderBy(entry => KeyText(entry.Key), StringComparer.InvariantCultureIgnoreCase);
        var ordered = sorted.ToList();
        if (call.At(2) is true)
        {
            ordered.Reverse();
        }

        return new JArray(ordered.Concat(keyed.Where(entry => entry.Key is null or JValue { Value: null })).Select(entry => entry.Item));
    }

    private static IEnumerable<JToken> Matching(FunctionCall call)
    {
        var wanted = KeyText(call.At(2) is { } value ? ValueConverter.ToJson(value) : null);
        return call.List(0).Where(item => KeyText(Of(item, call.Text(1))) == wanted);
    }

    private static List<decimal> Numbers(FunctionCall call) =>
    [
        .. call.List(0).Select(item => Of(item, call.Text(1)))
            .Where(value => value is not (null or JValue { Value: null or "" }))
            .Select(value => (decimal)ValueConverter.Convert(value, typeof(decimal))!),
    ];

    private static JArray Compared(FunctionCall call, bool isIn)
    {
        var others = call.List(1).Select(item => KeyText(Of(item, call.Text(2)))).ToHashSet(StringComparer.Ordinal);
        return new JArray(call.List(0).Where(item => others.Contains(KeyText(Of(item, call.Text(2)))) == isIn));
    }

    private static JArray Flat(FunctionCall call)
    {
        var flat = new JArray();
        foreach (var item in call.List(0))
        {
            if (item is not JArray inner)
            {
                flat.Add(item);
                continue;
            }

            if (flat.Count + inner.Count > FunctionCall.MaximumList)
            {
                throw call.Wrong($"the result would have more than {FunctionCall.MaximumList:N0} elements");
            }

            foreach (var element in inner)
            {
                flat.Add(element);
            }
        }

        return flat;
    }

    private static string Sentence(FunctionCall call)
    {
        var words = call.List(0).Select(KeyText).ToList();
        var separator = call.Text(1, ", ");
        var last = call.Text(2, " and ");
        if (words.Sum(word => (long)word.Length + separator.Length) + last.Length > 8 * 1024 * 1024)
        {
            throw new FaultException(new Fault("lists.sentence would make more than 8 MB of text.") { Code = "script-size", Action = "Write fewer items." });
        }

        return words.Count < 2 ? string.Concat(words) : string.Join(separator, words.Take(words.Count - 1)) + last + words[^1];
    }
}

internal static class TableFunctions
{
    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("tables", "lookup", "table: string, key: string, column?: string, otherwise?: any", "any", "The value of a key in a lookup table, or of one of its columns; what is given last, or null, where there is none.", Lookup),
        new("tables", "has", "table: string, key: string", "boolean", "Whether a lookup table has a key.", static call => call.Table(0).Find(call.Text(1)) is not null),
        new("tables", "keys", "table: string", "string[]", "All keys of a lookup table.", static call => new JArray(call.Table(0).Keys)),
    ];

    private static object? Lookup(FunctionCall call)
    {
        var row = call.Table(0).Find(call.Text(1));
        var value = call.Text(2) is { Length: > 0 } column && row is JObject columns ? columns.GetValue(column, StringComparison.OrdinalIgnoreCase) : row;
        return value is null or JValue { Value: null } ? call.At(3) : value.DeepClone();
    }
}
