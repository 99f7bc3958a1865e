using System.Text;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Connections;

/// <summary>An agency's tokens and those of its locations.</summary>
internal static class TokenOwner
{
    /// <summary>Whose a token is: as was said, else as it says itself where it is a JSON web token.</summary>
    internal static string? TypeOf(string? said, string? token)
    {
        if (said is not null || token?.Split('.') is not [_, var payload, _])
        {
            return said;
        }

        try
        {
            var padded = payload.Replace('-', '+').Replace('_', '/').PadRight((payload.Length + 3) / 4 * 4, '=');
            return (Json.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(padded))) as JObject)?["authClass"] is JValue { Value: "Company" or "Location" } type ? (string?)type : null;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }
}
