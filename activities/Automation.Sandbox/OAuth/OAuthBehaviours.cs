using System.Security.Cryptography;
using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>The token endpoint of the GoHighLevel stand-in: codes, refresh tokens that rotate, tokens of locations.</summary>
internal static class OAuthBehaviours
{
    private const int DefaultLife = 86399;
    private const int DefaultGrace = 30;
    private const string User = "user-1a";

    /// <summary>The token endpoint as the official specification has it. It is no operation of the catalogue: nobody but the vault calls it.</summary>
    public static readonly Operation TokenEndpoint = new()
    {
        Connector = "gohighlevel",
        Category = "OAuth",
        Kind = OperationKind.Action,
        Name = "Get Access Token",
        ActivityType = "Sandbox.OAuth.GetAccessToken",
        Method = "POST",
        Path = "/oauth/token",
        Effect = EffectClass.Safe,
        ContentType = "application/x-www-form-urlencoded",
        Inputs =
        [
            new OperationInput { Name = "client_id", Place = InputPlace.Body, Required = true },
            new OperationInput { Name = "client_secret", Place = InputPlace.Body, Required = true },
            new OperationInput { Name = "grant_type", Place = InputPlace.Body, Required = true, Enum = ["authorization_code", "refresh_token", "client_credentials"] },
            new OperationInput { Name = "code", Place = InputPlace.Body },
            new OperationInput { Name = "refresh_token", Place = InputPlace.Body },
            new OperationInput { Name = "user_type", Place = InputPlace.Body, Enum = ["Company", "Location"] },
            new OperationInput { Name = "redirect_uri", Place = InputPlace.Body },
        ],
    };

    public static Answer Token(Call call)
    {
        if (!IsClient(call))
        {
            return Answer.Refuse(401, "invalid_client", "Invalid client credentials!");
        }

        return call.Text("grant_type") switch
        {
            "authorization_code" => Exchange(call),
            "refresh_token" => Refresh(call),
            _ => Invalid("unsupported_grant_type", "The sandbox takes the grant types authorization_code and refresh_token"),
        };
    }

    /// <summary>A location's token of an agency's; with one of the sandbox's own tokens the same again, which is good for every location.</summary>
    public static Answer LocationToken(Call call)
    {
        if (call.Session.Find(GhlCollections.Locations, call.Text("locationId")) is not { } location || location.Json["companyId"]?.ToString() != call.Text("companyId"))
        {
            return Answer.NotFound("Location", call.Text("locationId"));
        }

        if (call.Grant is not { } agency)
        {
            return new Answer(200, Reply(new Grant("", "Location", call.Text("companyId")!, location.Key, [], ""), call.Settings.GhlTokens[0], null, DefaultLife));
        }

        if (agency.CompanyId != call.Text("companyId") || !agency.Locations.Contains(location.Key))
        {
            return Answer.Refuse(400, "not_installed", "Location not found or app is not installed on the location", "locationId");
        }

        var grant = agency with { UserType = "Location", LocationId = location.Key, Locations = [] };
        return new Answer(200, Issue(call.Session, grant, withRefresh: false));
    }

    public static Answer InstalledLocations(Call call)
    {
        var installed = call.Grant?.Locations;
        var found = call.Session.List(GhlCollections.Locations, new RecordQuery { Take = 1000 }.Containing(call.Text("query"), ["name"]))
            .Select(SandboxSession.Parse)
            .Where(location => location.Json["companyId"]?.ToString() == call.Text("companyId") && (call.Text("locationId") is not { Length: > 0 } wanted || wanted == location.Key))
            .Select(location => (Location: location, Is: installed?.Contains(location.Key) ?? true))
            .Where(pair => call.Text("isInstalled") is not { Length: > 0 } wanted || (wanted is "true" or "True") == pair.Is)
            .ToList();
        var page = found.Skip(call.Number("skip", 0)).Take(call.Number("limit", 20, 500));
        return new Answer(200, new JObject
        {
            ["locations"] = new JArray(page.Select(pair => new JObject
            {
                ["_id"] = pair.Location.Key,
                ["name"] = pair.Location.Json["name"]?.DeepClone(),
                ["address"] = pair.Location.Json["address"]?.DeepClone() ?? "",
                ["isInstalled"] = pair.Is,
            })),
            ["count"] = found.Count,
            ["installToFutureLocations"] = false,
        });
    }

    /// <summary>A code for what a person chose on the chooser's page: used once, within ten minutes.</summary>
    public static string NewCode(SandboxSession session, Grant grant, string redirectUri)
    {
        var code = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
        var record = grant.Write(code);
        record["redirectUri"] = redirectUri;
        record["expiresAt"] = session.Now + (10 * 60 * 1000);
        session.Insert(Grant.Codes, record);
        return code;
    }

    /// <summary>An app that nobody registered is taken, and its first secret is its secret from then on.</summary>
    private static bool IsClient(Call call)
    {
        var (id, secret) = (call.Text("client_id")!, call.Text("client_secret")!);
        if (call.Session.Find(Grant.Clients, id) is { } known)
        {
            return known.Json["secret"]?.ToString() == secret;
        }

        call.Session.Insert(Grant.Clients, new JObject { ["id"] = id, ["secret"] = secret });
        return true;
    }

    private static Answer Exchange(Call call)
    {
        if (call.Session.Find(Grant.Codes, call.Text("code")) is not { } code || code.Json["expiresAt"]!.Value<long>() <= call.Now || code.Json["clientId"]?.ToString() != call.Text("client_id"))
        {
            return Invalid("invalid_grant", "Invalid grant: authorization code is invalid");
        }

        if (call.Text("redirect_uri") is { Length: > 0 } uri && uri != code.Json["redirectUri"]?.ToString())
        {
            return Invalid("invalid_grant", "Invalid grant: redirect_uri is not the one of the authorization");
        }

        call.Session.Delete(Grant.Codes, code.Key);
        return new Answer(200, Issue(call.Session, Grant.Read(code.Json), withRefresh: true));
    }

    /// <summary>A refresh token is good once; who repeats within the grace gets the same answer again.</summary>
    private static Answer Refresh(Call call)
    {
        if (call.Session.Find(Grant.RefreshTokens, call.Text("refresh_token")) is not { } token || token.Json["clientId"]?.ToString() != call.Text("client_id") || token.Json["revoked"]?.Value<bool>() == true)
        {
            return Invalid("invalid_grant", "Invalid grant: refresh token is invalid");
        }

        var grant = Grant.Read(token.Json);
        if (call.Text("user_type") is { Length: > 0 } type && type != grant.UserType)
        {
            return Invalid("invalid_grant", $"Invalid grant: the refresh token is not of user_type {type}");
        }

        if (token.Json["usedAt"] is { Type: JTokenType.Integer } used)
        {
            var access = token.Json["nextAccess"]!.ToString();
            return call.Now - used.Value<long>() <= Setting(call.Session, "grace", DefaultGrace) * 1000L && call.Session.Find(Grant.Tokens, access) is { } next
                ? new Answer(200, Reply(grant, access, token.Json["nextRefresh"]!.ToString(), (int)Math.Max(0, (next.Json["expiresAt"]!.Value<long>() - call.Now) / 1000)))
                : Invalid("invalid_grant", "Invalid grant: refresh token is invalid");
        }

        var answer = Issue(call.Session, grant, withRefresh: true);
        call.Session.Update(Grant.RefreshTokens, token, new JObject { ["usedAt"] = call.Now, ["nextAccess"] = answer["access_token"], ["nextRefresh"] = answer["refresh_token"] });
        return new Answer(200, answer);
    }

    private static JObject Issue(SandboxSession session, Grant grant, bool withRefresh)
    {
        var life = Setting(session, "expiresIn", DefaultLife);
        var access = grant.NewToken();
        var record = grant.Write(access);
        record["expiresAt"] = session.Now + (life * 1000L);
        session.Insert(Grant.Tokens, record);
        string? refresh = null;
        if (withRefresh)
        {
            refresh = grant.NewToken();
            session.Insert(Grant.RefreshTokens, grant.Write(refresh));
        }

        return Reply(grant, access, refresh, life);
    }

    private static JObject Reply(Grant grant, string access, string? refresh, int life)
    {
        var answer = new JObject { ["access_token"] = access, ["token_type"] = "Bearer", ["expires_in"] = life };
        if (refresh is not null)
        {
            answer["refresh_token"] = refresh;
        }

        answer["scope"] = grant.Scopes;
        if (refresh is not null)
        {
            answer["userType"] = grant.UserType;
            answer["companyId"] = grant.CompanyId;
        }

        if (grant.LocationId is { } location)
        {
            answer["locationId"] = location;
        }
        else
        {
            answer["approvedLocations"] = new JArray(grant.Locations);
        }

        answer["userId"] = User;
        if (grant.UserType == "Company")
        {
            answer["isBulkInstallation"] = true;
            answer["approveAllLocations"] = false;
            answer["installToFutureLocations"] = false;
        }

        return answer;
    }

    private static int Setting(SandboxSession session, string name, int fallback) =>
        session.Find(Grant.Settings, "settings")?.Json[name] is { Type: JTokenType.Integer } value ? value.Value<int>() : fallback;

    private static Answer Invalid(string error, string description) =>
        new(400, null) { Refusal = new Refusal(error, [description], null, new JObject { ["error"] = error, ["error_description"] = description }) };
}
