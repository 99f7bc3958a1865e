using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Automation.Engine.Functions;

/// <summary>All functions for expressions.</summary>
public static class FunctionCatalog
{
    /// <summary>What each group is for.</summary>
    public static IReadOnlyDictionary<string, string> Groups { get; } = new Dictionary<string, string>
    {
        ["dates"] = "Dates and times. They come as ISO text, a Date, or milliseconds since 1970, and go as ISO text in UTC; time zones are IANA names.",
        ["phones"] = "Phone numbers, by the rules of each country. A country is its two letters, as US.",
        ["money"] = "Amounts of money, exact to the cent.",
        ["names"] = "Names of people.",
        ["emails"] = "E-mail addresses.",
        ["lists"] = "Lists, mostly of objects. A key may be a path, as address.city.",
        ["tables"] = "Lookup tables saved under /api/tables.",
    };

    public static IReadOnlyList<ScriptFunction> All { get; } = [.. DateFunctions.All, .. PhoneFunctions.All, .. MoneyFunctions.All, .. NameFunctions.All, .. ListFunctions.All, .. TableFunctions.All];

    public static FrozenDictionary<string, ScriptFunction[]> ByGroup { get; } = All.GroupBy(f => f.Group).ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);

    /// <summary>TypeScript declarations of all of them.</summary>
    public static string Declarations()
    {
        var text = new StringBuilder();
        foreach (var (group, functions) in ByGroup.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"/** {Groups[group]} */\ndeclare const {group}: {{\n");
            foreach (var function in functions)
            {
                text.Append(CultureInfo.InvariantCulture, $"  /** {function.Description} */\n  {function.Name}({function.Parameters}): {function.Returns};\n");
            }

            text.Append("};\n");
        }

        return text.ToString();
    }
}
