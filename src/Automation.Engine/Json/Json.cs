using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>The one set of JSON settings for definitions, payloads and expressions: dates stay text, numbers are invariant, depth is limited.</summary>
public static class Json
{
    /// <summary>Deepest nesting taken in payloads.</summary>
    public const int PayloadDepth = 64;

    /// <summary>Deepest nesting taken in definitions.</summary>
    public const int DefinitionDepth = 256;

    /// <summary>Settings shared by every serializer of the project.</summary>
    public static JsonSerializerSettings Settings { get; } = new()
    {
        DateParseHandling = DateParseHandling.None,
        FloatParseHandling = FloatParseHandling.Double,
        Culture = CultureInfo.InvariantCulture,
        MaxDepth = PayloadDepth,
    };

    /// <summary>Reads one JSON value. Dates stay strings.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="maxDepth">Deepest nesting taken.</param>
    /// <param name="isStrict">A name that stands twice in one object is an error: whoever wrote it meant both. Otherwise the last one counts, as in JavaScript.</param>
    /// <exception cref="JsonReaderException">The text is not JSON, is nested deeper than <paramref name="maxDepth"/>, or goes on after the value.</exception>
    public static JToken Parse(string text, int maxDepth = PayloadDepth, bool isStrict = false)
    {
        using var reader = new JsonTextReader(new StringReader(text))
        {
            DateParseHandling = DateParseHandling.None,
            MaxDepth = maxDepth,
            Culture = CultureInfo.InvariantCulture,
        };
        var token = JToken.ReadFrom(reader, new JsonLoadSettings { LineInfoHandling = LineInfoHandling.Load, DuplicatePropertyNameHandling = isStrict ? DuplicatePropertyNameHandling.Error : DuplicatePropertyNameHandling.Replace });
        while (reader.Read())
        {
            if (reader.TokenType != JsonToken.Comment)
            {
                throw new JsonReaderException("Additional text found after the end of the JSON value.", reader.Path, reader.LineNumber, reader.LinePosition, null);
            }
        }

        return token;
    }

    /// <summary>Compact text of a value.</summary>
    public static string Write(JToken? token) => token is null ? "null" : token.ToString(Formatting.None);
}
