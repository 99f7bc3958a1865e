using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Reads of tokens whose shape is not certain.</summary>
internal static class JsonValues
{
    /// <summary>Text of a token that is a string; null for anything else, so that a wrong shape is no exception.</summary>
    public static string? AsText(this JToken? token) => token is JValue { Value: string text } ? text : null;

    /// <summary>An item as variables hold it: plain values bare, objects and arrays as a copy.</summary>
    public static object? Plain(this JToken token) => token is JValue value ? value.Value : token.DeepClone();
}
