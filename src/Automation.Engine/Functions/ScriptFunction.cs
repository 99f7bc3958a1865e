using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Functions;

/// <summary>A function for expressions: <c>group.name(…)</c> in JavaScript, the filter <c>group_name</c> in Liquid. It knows its arguments, the clock and the lookup tables, nothing else.</summary>
/// <param name="Group">Group, as <c>dates</c>.</param>
/// <param name="Name">Name in the group.</param>
/// <param name="Parameters">Parameters and their types, as TypeScript writes them.</param>
/// <param name="Returns">Type of the result, as TypeScript writes it.</param>
/// <param name="Description">What it does, in a sentence.</param>
/// <param name="Call">Does it.</param>
public sealed record ScriptFunction(string Group, string Name, string Parameters, string Returns, string Description, Func<FunctionCall, object?> Call)
{
    public string FullName => Group + "." + Name;
}

/// <summary>One call of a function. Arguments are text, numbers, booleans, moments, JObject or JArray, or null.</summary>
public sealed class FunctionCall(string function, IReadOnlyList<object?> arguments, TimeProvider clock, ILookupTables? tables)
{
    /// <summary>Elements of a list that a function takes.</summary>
    public const int MaximumList = 100_000;

    public TimeProvider Clock => clock;

    public object? At(int index) => index < arguments.Count ? arguments[index] is JValue scalar ? scalar.Value : arguments[index] : null;
    public bool Has(int index) => At(index) is not null;

    /// <summary>An argument as text; null when it is missing.</summary>
    public string? Text(int index) => At(index) is { } value ? (string?)ValueConverter.Convert(value, typeof(string)) : null;

    public string Text(int index, string otherwise) => Text(index) is { Length: > 0 } text ? text : otherwise;

    /// <exception cref="FaultException">It is no number.</exception>
    public decimal Number(int index, decimal? otherwise = null) => At(index) is { } value and not ""
        ? (decimal)ValueConverter.Convert(value, typeof(decimal))!
        : otherwise ?? throw Wrong($"argument {index + 1} is missing: a number is asked for");

    public int Whole(int index, int? otherwise = null) => (int)Math.Clamp(Number(index, otherwise), int.MinValue, int.MaxValue);

    /// <summary>An argument as a list: one value is a list of one, nothing an empty list.</summary>
    public JArray List(int index)
    {
        var list = At(index) switch
        {
            null => [],
            JArray array => array,
            var one => new JArray(ValueConverter.ToJson(one)),
        };
        return list.Count <= MaximumList ? list : throw new FaultException(new Fault($"{function} takes at most {MaximumList:N0} elements; the list has {list.Count:N0}.") { Code = "script-size", Action = "Work on it in parts." });
    }

    /// <exception cref="FaultException">There is no such table.</exception>
    public LookupTable Table(int index)
    {
        var name = Text(index, "");
        return tables?.Find(name) ?? throw new FaultException(new Fault($"There is no lookup table '{name}'.") { Code = "no-table", Action = "Choose a saved table, or save one of this name: POST /api/tables." });
    }

    /// <summary>A fault of wrong arguments.</summary>
    public FaultException Wrong(string why) => new(new Fault($"{function}: {why}.") { Code = "function", Action = "Correct the arguments." });
}

/// <summary>Lookup tables that the host knows; found at once, without waiting.</summary>
public interface ILookupTables
{
    LookupTable? Find(string name);
}

/// <summary>A saved table: rows by key. Keys are found in any case and without spaces around them.</summary>
public sealed class LookupTable
{
    /// <summary>Rows of a table at most.</summary>
    public const int MaximumRows = 10_000;

    private readonly Dictionary<string, JToken> rows = new(StringComparer.OrdinalIgnoreCase);

    private LookupTable(string name, string? description)
    {
        Name = name;
        Description = description;
    }

    public string Name { get; }
    public string? Description { get; }
    public int Count => rows.Count;

    /// <summary>Reads <c>{name, description?, rows: {key: value | {column: value}}}</c>.</summary>
    /// <exception cref="FaultException">It is no table, or too large.</exception>
    public static LookupTable Read(JObject json)
    {
        if (json["name"].AsText() is not { Length: > 0 and <= 100 } name)
        {
            throw Wrong("name", "A lookup table needs a name of at most 100 characters.");
        }

        if (json["rows"] is not JObject rows)
        {
            throw Wrong("rows", "A lookup table needs 'rows': an object of keys, each with a value or an object of columns.");
        }

        if (rows.Count > MaximumRows)
        {
            throw Wrong("rows", $"The table has {rows.Count:N0} rows; at most {MaximumRows:N0} are kept.");
        }

        var table = new LookupTable(name, json["description"].AsText());
        foreach (var (key, value) in rows)
        {
            if (value is JArray || (value is JObject columns && columns.Properties().Any(c => c.Value is JContainer)))
            {
                throw Wrong("rows", $"The row '{key}' holds more than a value or an object of plain columns.");
            }

            if (!table.rows.TryAdd(key.Trim(), value ?? JValue.CreateNull()))
            {
                throw Wrong("rows", $"The key '{key}' is there twice: upper and lower case do not matter.");
            }
        }

        return table;
    }

    public JToken? Find(string? key) => key is not null && rows.TryGetValue(key.Trim(), out var row) ? row : null;
    public IEnumerable<string> Keys => rows.Keys;

    private static FaultException Wrong(string property, string message) => new(new Fault(message) { Code = "table", Property = property, Action = "Send {name, rows: {key: value}}." });
}
