using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>What a token of the OAuth stand-in may do.</summary>
/// <param name="ClientId">The app.</param>
/// <param name="UserType"><c>Company</c> or <c>Location</c>.</param>
/// <param name="CompanyId">The agency.</param>
/// <param name="LocationId">The location of a location's token.</param>
/// <param name="Locations">Locations that an agency's token may make tokens for.</param>
/// <param name="Scopes">Scopes, separated by spaces.</param>
internal sealed record Grant(string ClientId, string UserType, string CompanyId, string? LocationId, IReadOnlyList<string> Locations, string Scopes)
{
    public static readonly Collection Clients = Kind("oauth-clients");
    public static readonly Collection Codes = Kind("oauth-codes");
    public static readonly Collection Tokens = Kind("oauth-tokens");
    public static readonly Collection RefreshTokens = Kind("oauth-refresh-tokens");

    /// <summary>One record, <c>settings</c>: <c>expiresIn</c> and <c>grace</c> in seconds.</summary>
    public static readonly Collection Settings = Kind("oauth-settings");

    /// <summary>The grant of a bearer token, or how the API refuses it.</summary>
    public static (Grant? Grant, Answer? Refusal) Of(SandboxSession session, string token)
    {
        if (session.Find(Tokens, token)?.Json is not { } found || found["revoked"]?.Value<bool>() == true)
        {
            return (null, Answer.Refuse(401, "unauthorized", "Invalid token: access token is invalid"));
        }

        return found["expiresAt"]!.Value<long>() <= session.Now
            ? (null, Answer.Refuse(401, "unauthorized", "The token is expired"))
            : (Read(found), null);
    }

    /// <summary>Why an operation refuses the grant, in the API's words; null: it does not.</summary>
    public Answer? Refuse(Operation operation)
    {
        if (operation.TokenType == "agency" ? UserType != "Company" : operation.TokenType == "location" && UserType != "Location")
        {
            return Answer.Refuse(401, "auth_class", "This authClass type is not allowed to access this scope. Please reach out to the Integration Provider to update the integration.");
        }

        var own = Scopes.Split(' ');
        return operation.Scopes.All(scope => own.Contains(scope, StringComparer.Ordinal)) ? null : Answer.Refuse(403, "scope", "The token is not authorized for this scope.");
    }

    /// <summary>Why a location's token is refused for a request that names another location; null: it is not. Which locations an agency's token reaches, each operation says itself.</summary>
    public Answer? RefuseLocation(string location) =>
        location.Length == 0 || UserType == "Company" || location == LocationId ? null
            : Answer.Refuse(403, "location", "The token does not have access to this location.");

    public static Grant Read(JObject record) => new(
        record["clientId"]!.ToString(),
        record["userType"]!.ToString(),
        record["companyId"]!.ToString(),
        record["locationId"]?.Type == JTokenType.String ? record["locationId"]!.ToString() : null,
        [.. (record["locations"] as JArray ?? []).Select(id => id.ToString())],
        record["scopes"]?.ToString() ?? "");

    public JObject Write(string id) => new()
    {
        ["id"] = id,
        ["clientId"] = ClientId,
        ["userType"] = UserType,
        ["companyId"] = CompanyId,
        ["locationId"] = LocationId,
        ["locations"] = new JArray(Locations),
        ["scopes"] = Scopes,
    };

    /// <summary>A token as the API writes them: a JSON web token that says whose it is. Its signature is chance.</summary>
    public string NewToken()
    {
        var payload = new JObject { ["authClass"] = UserType, ["authClassId"] = LocationId ?? CompanyId, ["oauthMeta"] = new JObject { ["client"] = ClientId } };
        return $"{Url("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"u8)}.{Url(Encoding.UTF8.GetBytes(Json.Write(payload)))}.{Url(RandomNumberGenerator.GetBytes(24))}";
    }

    private static string Url(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static Collection Kind(string name) => new(name) { UpdatedProperty = null };
}
