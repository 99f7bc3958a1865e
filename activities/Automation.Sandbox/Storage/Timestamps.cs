using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Times as the APIs write them: ISO 8601 with milliseconds, or milliseconds since 1970.</summary>
internal static class Timestamps
{
    public static string Iso(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads either form; null: it is neither.</summary>
    public static long? Read(JToken? token) => token?.Type switch
    {
        JTokenType.Integer => token.Value<long>(),
        JTokenType.Float => (long)token.Value<double>(),
        JTokenType.String => Read(token.Value<string>()),
        _ => null,
    };

    /// <inheritdoc cref="Read(JToken?)"/>
    public static long? Read(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds))
        {
            return milliseconds;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time.ToUnixTimeMilliseconds() : null;
    }
}
