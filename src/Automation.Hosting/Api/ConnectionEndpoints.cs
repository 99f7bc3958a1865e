using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/connections</c>: the vault. Secrets go in and never come out.</summary>
internal static class ConnectionEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/connections").WithTags("connections");
        group.MapGet("", ListAsync).WithSummary("Connections, without their secrets.");
        group.MapPost("", CreateAsync).WithSummary("Adds a connection: {name, connector, baseUrl?, locationId?, companyId?, auth}.");
        group.MapGet("/{id}", OneAsync).WithSummary("One connection, by id or name, with the scopes that its flows need.");
        group.MapPut("/{id}", UpdateAsync).WithSummary("Changes a connection; what is left out, a secret too, stays as it is. Another scheme, host or port of baseUrl asks for the secret again, in auth.");
        group.MapDelete("/{id}", DeleteAsync).WithSummary("Deletes a connection; with force=true also one that published flows use.");
        group.MapPost("/{id}/test", TestAsync).WithSummary("Calls the connector with the credential.");
        group.MapGet("/{id}/usage", UsageAsync).WithSummary("Definitions that use the connection.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, ConnectionVault vault)
    {
        var connector = Query.Text(context, "connector");
        var search = Query.Text(context, "search");
        var (page, size) = Query.Page(context);
        var found = (await vault.ListAsync(context.RequestAborted))
            .Where(c => connector is null || string.Equals(c.Connector, connector, StringComparison.OrdinalIgnoreCase))
            .Where(c => search is null || c.Name.Contains(search, StringComparison.OrdinalIgnoreCase))
            .ToList();
        var tokens = await vault.ListTokensAsync(context.RequestAborted);
        return Reply.List(found.Skip(page * size).Take(size).Select(c => Describe(vault, c, tokens.GetValueOrDefault(c.Id))), found.Count);
    }

    private static async Task<IResult> OneAsync(string id, HttpContext context, ConnectionVault vault, IConnectionStore store, IEnumerable<IWebhookFormat> webhooks)
    {
        var record = await FindAsync(store, id, context.RequestAborted);
        var described = await DescribeAsync(vault, record, context.RequestAborted);
        var needed = await vault.NeededScopesAsync(record, context.RequestAborted);
        if (webhooks.FirstOrDefault(format => format.Connector == record.Connector) is { } format)
        {
            described["webhookPath"] = $"/webhooks/{format.Name}/{Uri.EscapeDataString(record.Id)}";
        }

        var auth = (JObject)described["auth"]!;
        auth["neededScopes"] = new JArray(needed);
        if (auth["scopes"] is JArray granted)
        {
            auth["missingScopes"] = new JArray(needed.Except(granted.Values<string>()));
        }

        return new Reply(described);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, ConnectionVault vault, IConnectionStore store, OperationCatalog operations, IEnumerable<IWebhookFormat> webhooks, TimeProvider clock)
    {
        var cancellationToken = context.RequestAborted;
        var body = await RequestBody.ReadObjectAsync(context, cancellationToken);
        var name = Text(body, "name") ?? throw Missing("name", "Give the connection a name.");
        var connector = ConnectorOf(operations, Text(body, "connector"));
        if (await store.FindAsync(name, cancellationToken) is not null)
        {
            return Problem.Conflict($"There is a connection named '{name}' already.", "Choose another name, or change the one that is there.", "name-taken");
        }

        if (body["auth"] is not JObject auth)
        {
            throw Missing("auth", "Send {kind: \"apiKey\", apiKey}, {kind: \"oauth2\", clientId, clientSecret, …}, or for an account without an API {kind: \"email\", recipient} or {kind: \"task\", recipient?}.");
        }

        var saved = await SaveAsync(vault, new Connection
        {
            Id = Ids.New(clock),
            Name = name,
            Connector = connector.Name,
            BaseUrl = BaseUrl(body) ?? connector.DefaultBaseUrl,
            LocationId = Text(body, "locationId"),
            CompanyId = Text(body, "companyId"),
            WebhookKey = WebhookKey(body, connector.Name, webhooks),
            Credential = ReadCredential(auth, null),
        }, cancellationToken);
        return new Reply(await DescribeAsync(vault, saved, cancellationToken), StatusCodes.Status201Created);
    }

    private static async Task<IResult> UpdateAsync(string id, HttpContext context, ConnectionVault vault, IConnectionStore store, IEnumerable<IWebhookFormat> webhooks)
    {
        var cancellationToken = context.RequestAborted;
        var body = await RequestBody.ReadObjectAsync(context, cancellationToken);
        var record = await FindAsync(store, id, cancellationToken);
        var existing = await vault.FindAsync(record.Id, cancellationToken) ?? throw NotFound(id);
        if (Text(body, "connector") is { } connector && connector != existing.Connector)
        {
            return Problem.BadRequest($"The connection is to {existing.Connector}; that cannot be changed.", "connector", "Add a new connection.");
        }

        var name = Text(body, "name") ?? existing.Name;
        if (name != existing.Name && await store.FindAsync(name, cancellationToken) is { } other && other.Id != existing.Id)
        {
            return Problem.Conflict($"There is a connection named '{name}' already.", "Choose another name.", "name-taken");
        }

        var baseUrl = BaseUrl(body) ?? existing.BaseUrl;
        var isElsewhere = !ConnectionVault.IsSameServer(baseUrl, existing.BaseUrl);
        if (isElsewhere && !existing.IsBrief && body["auth"] is not JObject)
        {
            return Problem.BadRequest(
                $"The credential was given for {ServerOf(existing.BaseUrl)}; it is not sent to {ServerOf(baseUrl)} unless whoever changes the address has it. Nothing was changed.",
                "auth",
                "Send the credential again, in 'auth' of the same request; or add a new connection.");
        }

        var saved = await SaveAsync(vault, existing with
        {
            Name = name,
            BaseUrl = baseUrl,
            LocationId = body.ContainsKey("locationId") ? Text(body, "locationId") : existing.LocationId,
            CompanyId = body.ContainsKey("companyId") ? Text(body, "companyId") : existing.CompanyId,
            WebhookKey = body.ContainsKey("webhookPublicKey") ? WebhookKey(body, existing.Connector, webhooks) : existing.WebhookKey,
            Credential = body["auth"] is JObject auth ? ReadCredential(auth, isElsewhere ? WithoutSecrets(existing.Credential) : existing.Credential) : existing.Credential,
            IsSandbox = existing.IsSandbox && !isElsewhere,
        }, cancellationToken);
        return new Reply(await DescribeAsync(vault, saved, cancellationToken));
    }

    private static async Task<IResult> DeleteAsync(string id, HttpContext context, ConnectionVault vault, IConnectionStore store)
    {
        var record = await FindAsync(store, id, context.RequestAborted);
        try
        {
            return await vault.DeleteAsync(record.Id, Query.Flag(context, "force") ?? false, context.RequestAborted) ? Results.NoContent() : throw NotFound(id);
        }
        catch (ConnectionInUseException error)
        {
            return Problem.Conflict(error.Message, "Retract those flows, give them another connection, or delete with force=true.", "in-use") with
            {
                More = new JObject { ["usage"] = new JArray(error.Uses.Select(Describe)) },
            };
        }
    }

    private static async Task<IResult> TestAsync(string id, HttpContext context, ConnectionVault vault, IConnectionStore store)
    {
        var record = await FindAsync(store, id, context.RequestAborted);
        var test = await vault.TestAsync(record.Id, context.RequestAborted);
        return new Reply(new JObject
        {
            ["succeeded"] = test.Succeeded,
            ["message"] = test.Message,
            ["status"] = test.Status,
            ["action"] = test.Action,
            ["durationMs"] = Math.Round(test.Duration.TotalMilliseconds, 1),
        });
    }

    private static async Task<IResult> UsageAsync(string id, HttpContext context, ConnectionVault vault, IConnectionStore store)
    {
        var record = await FindAsync(store, id, context.RequestAborted);
        var uses = await vault.UsageAsync(record.Id, context.RequestAborted);
        return Reply.List(uses.Select(Describe), uses.Count);
    }

    private static async Task<ConnectionRecord> SaveAsync(ConnectionVault vault, Connection connection, CancellationToken cancellationToken)
    {
        try
        {
            return await vault.SaveAsync(connection, cancellationToken);
        }
        catch (InvalidConnectionException error)
        {
            throw new ProblemException(Problem.BadRequest(error.Message, error.Property));
        }
    }

    private static Credential ReadCredential(JObject auth, Credential? existing)
    {
        var kind = Text(auth, "kind") ?? existing?.Kind ?? throw Missing("auth.kind", "It is apiKey, oauth2, or for accounts without an API email or task.");
        var kept = existing?.Kind == kind ? existing : null;
        string? Secret(string name, string? before) => Text(auth, name) ?? before;
        return kind switch
        {
            Credential.Email or Credential.Task => new Credential { Kind = kind, Recipient = Secret("recipient", kept?.Recipient) },
            "apiKey" => new Credential { Kind = kind, ApiKey = Secret("apiKey", kept?.ApiKey) ?? throw Missing("auth.apiKey", "Give the API key or private integration token.") },
            "oauth2" => new Credential
            {
                Kind = kind,
                ClientId = Secret("clientId", kept?.ClientId) ?? throw Missing("auth.clientId", "Give the OAuth client's id."),
                ClientSecret = Secret("clientSecret", kept?.ClientSecret) ?? throw Missing("auth.clientSecret", "Give the OAuth client's secret."),
                AccessToken = Secret("accessToken", kept?.AccessToken),
                RefreshToken = Secret("refreshToken", kept?.RefreshToken),
                ExpiresAt = ReadTime(Text(auth, "expiresAt")),
                Scopes = Scopes(auth["scopes"]),
                UserType = Text(auth, "userType") switch
                {
                    null => null,
                    var type when type is "Company" or "Location" => type,
                    var type => throw new ProblemException(Problem.BadRequest($"auth.userType must be Company or Location; it is '{type}'.", "auth.userType")),
                },
            },
            _ => throw new ProblemException(Problem.BadRequest($"auth.kind must be apiKey, oauth2, email or task; it is '{kind}'.", "auth.kind")),
        };
    }

    private static Credential WithoutSecrets(Credential credential) => credential with { ApiKey = null, ClientSecret = null, AccessToken = null, RefreshToken = null };

    private static string ServerOf(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static DateTimeOffset? ReadTime(string? text) => text is null ? null
        : DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new ProblemException(Problem.BadRequest($"auth.expiresAt must be a time in ISO 8601; it is '{text}'.", "auth.expiresAt"));

    private static string? WebhookKey(JObject body, string connector, IEnumerable<IWebhookFormat> webhooks) => Text(body, "webhookPublicKey") switch
    {
        null => null,
        var key when webhooks.Any(format => format.Connector == connector && format.IsKey(key)) => key,
        _ => throw new ProblemException(Problem.BadRequest("webhookPublicKey is no public key that can be read.", "webhookPublicKey", "Give it as PEM, or as base 64; leave it out for the sender's published one.")),
    };

    private static Connector ConnectorOf(OperationCatalog operations, string? name)
    {
        var names = string.Join(", ", operations.Connectors.Select(c => c.Name));
        return operations.Connectors.FirstOrDefault(c => string.Equals(c.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ProblemException(Problem.BadRequest(name is null ? "The connector is missing." : $"There is no connector '{name}'.", "connector", $"It is one of {names}."));
    }

    private static Uri? BaseUrl(JObject body)
    {
        if (Text(body, "baseUrl") is not { } text)
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0
            ? url
            : throw new ProblemException(Problem.BadRequest($"baseUrl must be an absolute http or https address without a password in it; it is '{text}'.", "baseUrl"));
    }

    private static string? Text(JObject body, string name) => body[name] switch
    {
        null or { Type: JTokenType.Null } => null,
        JValue { Value: string text } => text.Trim() is { Length: > 0 } trimmed ? trimmed : null,
        _ => throw new ProblemException(Problem.BadRequest($"'{name}' must be text.", name)),
    };

    private static ProblemException Missing(string field, string action) => new(Problem.BadRequest($"'{field}' is missing.", field, action));

    private static ProblemException NotFound(string id) => new(Problem.NotFound($"There is no connection '{id}'."));

    private static async Task<ConnectionRecord> FindAsync(IConnectionStore store, string id, CancellationToken cancellationToken) =>
        await store.FindAsync(id, cancellationToken) ?? throw NotFound(id);

    private static JObject Describe(ConnectionUse use) => new()
    {
        ["definitionId"] = use.DefinitionId,
        ["name"] = use.Name,
        ["isPublished"] = use.IsPublished,
        ["activityIds"] = new JArray(use.ActivityIds),
    };

    private static IReadOnlyList<string>? Scopes(JToken? token) => token switch
    {
        null or { Type: JTokenType.Null } => null,
        JValue { Value: string text } => text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries),
        JArray list when list.All(item => item.Type == JTokenType.String) => [.. list.Values<string>().OfType<string>()],
        _ => throw new ProblemException(Problem.BadRequest("auth.scopes must be a list of texts.", "auth.scopes")),
    };

    private static async Task<JObject> DescribeAsync(ConnectionVault vault, ConnectionRecord connection, CancellationToken cancellationToken)
    {
        var described = Describe(vault, connection, connection.AuthKind == "oauth2" ? await vault.FindTokenAsync(connection.Id, cancellationToken) : null);
        if (connection.AuthKind is Credential.Email or Credential.Task)
        {
            described["auth"]!["recipient"] = (await vault.FindAsync(connection.Id, cancellationToken))?.Credential.Recipient;
        }

        return described;
    }

    private static JObject Describe(ConnectionVault vault, ConnectionRecord connection, TokenRecord? token) => new()
    {
        ["id"] = connection.Id,
        ["name"] = connection.Name,
        ["connector"] = connection.Connector,
        ["baseUrl"] = connection.BaseUrl,
        ["locationId"] = connection.LocationId,
        ["companyId"] = connection.CompanyId,
        ["auth"] = connection.AuthKind == "oauth2" ? DescribeToken(vault, connection, token) : new JObject { ["kind"] = connection.AuthKind },
        ["webhookPublicKey"] = connection.WebhookKey,
        ["isSandbox"] = connection.IsSandbox,
        ["createdAt"] = Reply.Utc(connection.CreatedAt),
        ["updatedAt"] = Reply.Utc(connection.UpdatedAt),
    };

    private static JObject DescribeToken(ConnectionVault vault, ConnectionRecord connection, TokenRecord? token) => new()
    {
        ["kind"] = "oauth2",
        ["state"] = token switch
        {
            null or { Secret: null, Error: null } => "notConnected",
            { IsRefused: true } => "reconnect",
            { Error: not null } => "failing",
            _ => "connected",
        },
        ["userType"] = token?.UserType,
        ["scopes"] = token?.Scopes is { } scopes ? new JArray(scopes) : null,
        ["issuedAt"] = Reply.Utc(token?.IssuedAt),
        ["expiresAt"] = Reply.Utc(token?.ExpiresAt),
        ["lastRefresh"] = Reply.Utc(token?.RefreshedAt),
        ["error"] = token?.Error,
        ["failedAt"] = Reply.Utc(token?.FailedAt),
        ["authorizeUrl"] = vault.AuthorizePath(connection),
    };
}
