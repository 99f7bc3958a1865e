using System.Globalization;
using Automation.Hosting.Web;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Reads members of request bodies as Elsa's clients write them: null and absent are the same.</summary>
internal static class Bodies
{
    /// <summary>A text, or a number or flag as one; null when empty.</summary>
    /// <exception cref="ProblemException">400: it is an object or a list.</exception>
    public static string? Text(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null => null,
        JValue { Value: var value } => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null,
        var other => throw Wrong(name, "a text", other),
    };

    /// <exception cref="ProblemException">400: it is neither true nor false.</exception>
    public static bool? Flag(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => null,
        JValue { Value: bool flag } => flag,
        var other => throw Wrong(name, "true or false", other),
    };

    /// <exception cref="ProblemException">400: it is no list of texts.</exception>
    public static IReadOnlyList<string> Texts(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => [],
        JArray array when array.All(item => item is JValue) => [.. array.Select(item => (string?)item).OfType<string>()],
        var other => throw Wrong(name, "a list of texts", other),
    };

    /// <exception cref="ProblemException">400: it is something else than an object.</exception>
    public static JObject? Object(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => null,
        JObject json => json,
        var other => throw Wrong(name, "an object", other),
    };

    /// <exception cref="ProblemException">400: it is below what it must be at least, or no whole number.</exception>
    public static int Number(JObject body, string name, int fallback, int minimum = int.MinValue) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => fallback,
        JValue { Value: long number } when number >= minimum && number <= int.MaxValue => (int)number,
        var other => throw Wrong(name, $"a whole number{(minimum == int.MinValue ? "" : $" of at least {minimum}")}", other),
    };

    private static ProblemException Wrong(string name, string expected, JToken value)
    {
        var text = Engine.Json.Write(value);
        return new ProblemException(Problem.BadRequest($"'{name}' must be {expected}; it is {(text.Length > 100 ? text[..100] + "…" : text)}.", name));
    }
}
