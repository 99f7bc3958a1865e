using Automation.Hosting.Web;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Reads members of request bodies as Elsa's clients write them: null and absent are the same.</summary>
internal static class Bodies
{
    public static string? Text(JObject body, string name) =>
        body.GetValue(name, StringComparison.OrdinalIgnoreCase) is JValue { Value: { } value } ? Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null : null;

    public static bool? Flag(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) is JValue { Value: bool flag } ? flag : null;

    public static IReadOnlyList<string> Texts(JObject body, string name) =>
        body.GetValue(name, StringComparison.OrdinalIgnoreCase) is JArray array ? array.Select(item => (string?)(item as JValue)).OfType<string>().ToList() : [];

    /// <exception cref="ProblemException">400: it is something else than an object.</exception>
    public static JObject? Object(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => null,
        JObject json => json,
        _ => throw new ProblemException(Problem.BadRequest($"'{name}' must be an object.", name)),
    };

    /// <exception cref="ProblemException">400: it is below what it must be at least, or no whole number.</exception>
    public static int Number(JObject body, string name, int fallback, int minimum = int.MinValue) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) switch
    {
        null or { Type: JTokenType.Null } => fallback,
        JValue { Value: long number } when number >= minimum && number <= int.MaxValue => (int)number,
        var other => throw new ProblemException(Problem.BadRequest($"'{name}' must be a whole number{(minimum == int.MinValue ? "" : $" of at least {minimum}")}; it is {Engine.Json.Write(other)}.", name)),
    };
}
