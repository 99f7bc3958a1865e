using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Connections;

/// <summary>Keeps connections, their credentials encrypted.</summary>
public sealed class ConnectionVault(
    IConnectionStore store,
    IDefinitionStore definitions,
    OperationCatalog operations,
    OperationClient client,
    ITokenStore tokens,
    AccessTokens accessTokens,
    TokenSeal seal,
    IDataProtectionProvider protection,
    IOptions<SmtpOptions> smtp,
    TimeProvider clock) : IConnections
{
    /// <summary>How long a decrypted connection is used before its row is read again: what another node changed is seen after it.</summary>
    private static readonly TimeSpan CacheLife = TimeSpan.FromSeconds(10);

    private readonly IDataProtector protector = protection.CreateProtector("Automation.Vault.v1");
    private readonly ConcurrentDictionary<string, (Connection Connection, DateTimeOffset Until)> cache = new(StringComparer.Ordinal);

    /// <summary>Another process changed connections: each is read again.</summary>
    public void Forget()
    {
        cache.Clear();
        accessTokens.Forget(null);
    }

    /// <summary>Whether two addresses have the same scheme, host and port: who gets what is sent to the one gets what is sent to the other.</summary>
    public static bool IsSameServer(Uri one, Uri other) => Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken cancellationToken) => store.ListAsync(cancellationToken);

    /// <summary>Adds a connection, or replaces the one of the same id.</summary>
    /// <exception cref="InvalidConnectionException">A setting is missing or wrong.</exception>
    public async Task<ConnectionRecord> SaveAsync(Connection connection, CancellationToken cancellationToken)
    {
        Check(connection);
        var known = await store.ListAsync(cancellationToken);
        if (known.Any(other => other.Id != connection.Id && string.Equals(other.Name, connection.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidConnectionException("name", $"There is a connection named '{connection.Name}' already. Give this one another name.");
        }

        var stored = known.FirstOrDefault(other => other.Id == connection.Id);
        var now = clock.GetUtcNow();
        var record = new ConnectionRecord
        {
            Id = connection.Id,
            Name = connection.Name.Trim(),
            Connector = connection.Connector,
            BaseUrl = connection.BaseUrl.ToString(),
            LocationId = connection.LocationId,
            CompanyId = connection.CompanyId,
            AuthKind = connection.Credential.Kind,
            Secret = protector.Protect(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(WithoutTokens(connection.Credential), Json.Settings))),
            IsSandbox = connection.IsSandbox,
            WebhookKey = connection.WebhookKey,
            CreatedAt = stored?.CreatedAt ?? now,
            UpdatedAt = now,
        };
        var credential = connection.Credential;
        var isNewAccount = credential is { Kind: "oauth2", AccessToken: not null } or { Kind: "oauth2", RefreshToken: not null };

        // Tokens belong to the server that gave them: another one gets none of them.
        var isElsewhere = credential.Kind == "oauth2" && stored is not null && !IsSameServer(new Uri(stored.BaseUrl), connection.BaseUrl);
        await store.SaveAsync(record, isNewAccount || isElsewhere ? TokenOf(connection, now) : null, cancellationToken);
        cache.Clear();
        accessTokens.Forget(connection.Id);
        return record;
    }

    /// <summary>What a token's row says of it, for people: never a secret.</summary>
    public async Task<TokenRecord?> FindTokenAsync(string connectionId, CancellationToken cancellationToken) => await tokens.FindAsync(connectionId, "", cancellationToken);

    /// <inheritdoc cref="FindTokenAsync"/>
    public async Task<IReadOnlyDictionary<string, TokenRecord>> ListTokensAsync(CancellationToken cancellationToken) =>
        (await tokens.ListAsync(null, cancellationToken)).Where(token => token.LocationId.Length == 0).ToDictionary(token => token.ConnectionId, StringComparer.Ordinal);

    /// <summary>Where a person begins to connect its account, below this server's address.</summary>
    public string AuthorizePath(ConnectionRecord record) =>
        $"/oauth/{operations.Connectors.FirstOrDefault(connector => connector.Name == record.Connector)?.OAuthName ?? record.Connector}/authorize?connectionId={Uri.EscapeDataString(record.Id)}";

    /// <summary>Deletes a connection.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="force">Also when published flows use it.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ConnectionInUseException">Published flows use it.</exception>
    public async Task<bool> DeleteAsync(string id, bool force, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is not { } record)
        {
            return false;
        }

        var uses = force ? [] : (await UsageAsync(record.Id, cancellationToken)).Where(use => use.IsPublished).ToList();
        if (uses.Count > 0)
        {
            throw new ConnectionInUseException(record.Name, uses);
        }

        var deleted = await store.DeleteAsync(record.Id, clock.GetUtcNow(), cancellationToken);
        cache.Clear();
        return deleted;
    }

    /// <summary>Encrypts every credential again, with the key that is now the newest. One at a time: stopped in the middle, each is readable with the old key or the new.</summary>
    /// <returns>How many there are.</returns>
    public async Task<int> ReencryptAsync(CancellationToken cancellationToken)
    {
        var records = await store.ListAsync(cancellationToken);
        foreach (var record in records)
        {
            // What somebody saved meanwhile is encrypted with the newest key already, and stays.
            await store.ReencryptAsync(record.Id, record.Secret, protector.Protect(protector.Unprotect(record.Secret)), cancellationToken);
        }

        foreach (var token in await tokens.ListAsync(null, cancellationToken))
        {
            if (token.Secret is { } secret)
            {
                await tokens.ReencryptAsync(token.ConnectionId, token.LocationId, secret, seal.Renew(secret), cancellationToken);
            }
        }

        cache.Clear();
        return records.Count;
    }

    /// <summary>Calls the connector's test operation.</summary>
    public async Task<ConnectionTest> TestAsync(string idOrName, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        try
        {
            var connection = await FindAsync(idOrName, cancellationToken);
            if (connection is null)
            {
                return new ConnectionTest(false, $"There is no connection '{idOrName}'.", null, "Add it, or choose another.", clock.GetElapsedTime(started));
            }

            var connector = operations.ConnectorOf(connection.Connector);
            if (connection.IsBrief)
            {
                var lacksMail = connection.Credential.Kind == Credential.Email && !smtp.Value.IsSet;
                return new ConnectionTest(
                    !lacksMail,
                    lacksMail ? "Briefs cannot be mailed: this installation has no SMTP server." : $"Briefs go to {connection.Credential.Recipient ?? "whoever takes them"}, {(connection.Credential.Kind == Credential.Email ? "by mail" : "as tasks")}. Nothing was sent.",
                    null,
                    lacksMail ? "Set Automation__Smtp__Host and start the server again." : null,
                    clock.GetElapsedTime(started));
            }

            var test = TestOperationOf(connector, connection.LocationId);
            var operation = operations.Find(test) ?? throw new InvalidOperationException($"The connector '{connector.Name}' names '{test}' as its test, which is none of its operations.");
            var request = client.Build(operation, connection, TestInputs(operation, connection));
            var response = await client.SendAsync(operation, connection, request, CallPriority.Action, null, cancellationToken);
            return new ConnectionTest(true, $"{connector.DisplayName} answered.", response.Status, null, clock.GetElapsedTime(started));
        }
        catch (ConnectorException exception)
        {
            var message = exception.ProviderMessage is { Length: > 0 } said && !exception.Message.Contains(said, StringComparison.Ordinal) ? $"{exception.Message} ({said})" : exception.Message;
            return new ConnectionTest(false, message, exception.Status, exception.Action, clock.GetElapsedTime(started));
        }
    }

    /// <summary>Published and draft definitions that use a connection, by its id or its name.</summary>
    public Task<IReadOnlyList<ConnectionUse>> UsageAsync(string id, CancellationToken cancellationToken) => UsageAsync(id, int.MaxValue, cancellationToken);

    /// <summary>The same, looked for until there are this many or some more.</summary>
    public async Task<IReadOnlyList<ConnectionUse>> UsageAsync(string id, int limit, CancellationToken cancellationToken) =>
        await store.FindAsync(id, cancellationToken) is { } record
            ? [.. (await FindUsesAsync(record, limit, cancellationToken)).Select(use => new ConnectionUse(use.Version.DefinitionId, use.Version.Name, use.Version.IsPublished, [.. use.Activities.Select(activity => activity.Id)]))]
            : [];

    /// <summary>
    /// The scopes that the operations of flows need of a connection, with those of its test, of the reads that settle an unanswered write, and of fields by name. Drafts count, too: publishing one asks
    /// whether its scopes are granted.
    /// </summary>
    public async Task<IReadOnlyList<string>> NeededScopesAsync(ConnectionRecord record, CancellationToken cancellationToken)
    {
        var uses = await FindUsesAsync(record, int.MaxValue, cancellationToken);
        var connector = operations.ConnectorOf(record.Connector);
        var used = uses.SelectMany(use => use.Activities).Select(activity => operations.Find(activity.Type)).OfType<Operation>().Where(operation => operation.Connector == record.Connector).Distinct().ToList();
        var reads = used.Select(operation => operation.Probe?.Operation).Concat(used.SelectMany(operation => operation.Inputs).Select(input => input.Fields?.Operation)).OfType<string>();
        var isAgency = record.LocationId is null || used.Any(operation => operation.TokenType == "agency");
        return
        [
            .. used.Concat(reads.Append(TestOperationOf(connector, record.LocationId)).Select(operations.Find).OfType<Operation>()).SelectMany(operation => operation.Scopes)
                .Concat(isAgency ? connector.OAuth?.AgencyScopes ?? [] : [])
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
        ];
    }

    private async Task<List<(DefinitionVersion Version, List<(string Id, string Type)> Activities)>> FindUsesAsync(ConnectionRecord record, int limit, CancellationToken cancellationToken)
    {
        // The database leaves out those that name it nowhere: by its id, or by its name as JSON has it.
        var uses = new List<(DefinitionVersion, List<(string, string)>)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        const int pageSize = 100;
        foreach (var mention in new[] { record.Id, JsonConvert.ToString(record.Name)[1..^1] }.Distinct(StringComparer.Ordinal))
        {
            for (var page = 0; uses.Count < limit; page++)
            {
                var versions = await definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.LatestOrPublished, Mentions = mention, Page = page, PageSize = pageSize }, withJson: true, cancellationToken);
                foreach (var version in versions.Items.Where(version => seen.Add(version.Id)))
                {
                    var activities = Activities(version.Json, record);
                    if (activities.Count > 0)
                    {
                        uses.Add((version, activities));
                    }
                }

                if (versions.Items.Count < pageSize)
                {
                    break;
                }
            }
        }

        return uses;
    }

    private static string TestOperationOf(Connector connector, string? locationId) => locationId is null ? connector.AgencyTestOperation ?? connector.TestOperation : connector.TestOperation;

    /// <inheritdoc />
    /// <exception cref="ConnectorException">Its credential cannot be decrypted with this installation's keys (<c>credential-unreadable</c>).</exception>
    public async ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (cache.TryGetValue(idOrName, out var cached) && cached.Until > now)
        {
            return cached.Connection;
        }

        if (await store.FindAsync(idOrName, cancellationToken) is not { } record)
        {
            cache.TryRemove(idOrName, out _);
            return null;
        }

        var credential = Decrypt(record);
        var token = credential.Kind == "oauth2" ? await tokens.FindAsync(record.Id, "", cancellationToken) : null;
        var connection = new Connection
        {
            Id = record.Id,
            Name = record.Name,
            Connector = record.Connector,
            BaseUrl = new Uri(record.BaseUrl),
            LocationId = record.LocationId,
            CompanyId = record.CompanyId,
            Credential = WithoutTokens(credential) with { Scopes = token?.Scopes, UserType = token?.UserType },
            IsSandbox = record.IsSandbox,
            WebhookKey = record.WebhookKey,
        };
        if (token is null && credential.AccessToken is not null)
        {
            // Tokens stood in the connection itself before they could be renewed.
            await tokens.ConnectAsync(TokenOf(connection with { Credential = credential }, record.UpdatedAt), cancellationToken);
        }

        cache[idOrName] = (connection, now + CacheLife);
        return connection;
    }

    /// <summary>Tokens have rows of their own, which change under a lease: a connection that is saved for another reason never brings back an old one.</summary>
    private static Credential WithoutTokens(Credential credential) => credential with { AccessToken = null, RefreshToken = null, ExpiresAt = null, Scopes = null, UserType = null };

    private TokenRecord TokenOf(Connection connection, DateTimeOffset issuedAt) => new()
    {
        ConnectionId = connection.Id,
        LocationId = "",
        Secret = connection.Credential is { AccessToken: null, RefreshToken: null } ? null : seal.Close(connection.Credential.AccessToken, connection.Credential.RefreshToken),
        UserType = connection.Credential.UserType,
        Scopes = connection.Credential.Scopes,
        IssuedAt = issuedAt,
        ExpiresAt = connection.Credential.ExpiresAt,
    };

    private Credential Decrypt(ConnectionRecord record)
    {
        try
        {
            return JsonConvert.DeserializeObject<Credential>(Encoding.UTF8.GetString(protector.Unprotect(record.Secret)), Json.Settings)!;
        }
        catch (CryptographicException exception)
        {
            throw new ConnectorException($"The credential of the connection '{record.Name}' cannot be decrypted with the keys of this installation.", exception)
            {
                Code = "credential-unreadable",
                Action = "Restore the key folder that belongs to this database, or enter the credential again.",
            };
        }
    }

    private void Check(Connection connection)
    {
        if (string.IsNullOrWhiteSpace(connection.Name))
        {
            throw new InvalidConnectionException("name", "The connection has no name.");
        }

        if (!operations.Connectors.Any(connector => connector.Name == connection.Connector))
        {
            throw new InvalidConnectionException("connector", $"There is no connector named '{connection.Connector}'. There are: {string.Join(", ", operations.Connectors.Select(connector => connector.Name))}.");
        }

        var url = connection.BaseUrl;
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.Host.Length == 0)
        {
            throw new InvalidConnectionException("baseUrl", $"'{url.OriginalString}' is no base URL. An absolute address such as https://services.example.com is expected.");
        }

        if (url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            throw new InvalidConnectionException("baseUrl", "A base URL has no user, query or fragment. Credentials go into 'auth'.");
        }

        var credential = connection.Credential;
        switch (credential.Kind)
        {
            case "apiKey" when string.IsNullOrWhiteSpace(credential.ApiKey):
                throw new InvalidConnectionException("auth.apiKey", "The API key is missing.");
            case "oauth2" when string.IsNullOrWhiteSpace(credential.ClientId) && string.IsNullOrWhiteSpace(credential.AccessToken):
                throw new InvalidConnectionException("auth.clientId", "An OAuth 2.0 connection needs a client id and secret, or an access token.");
            case Credential.Email or Credential.Task when operations.ConnectorOf(connection.Connector).BriefForm is null:
                throw new InvalidConnectionException("auth.kind", $"{operations.ConnectorOf(connection.Connector).DisplayName} has an API; only accounts without one are served by mail or tasks.");
            case Credential.Email when !System.Net.Mail.MailAddress.TryCreate(credential.Recipient, out _):
                throw new InvalidConnectionException("auth.recipient", "The e-mail address that briefs go to is missing or wrong.");
            case "apiKey" or "oauth2" or Credential.Email or Credential.Task:
                break;
            default:
                throw new InvalidConnectionException("auth.kind", $"'{credential.Kind}' is no kind of credential. It is apiKey, oauth2, email or task.");
        }
    }

    private static JObject TestInputs(Operation operation, Connection connection)
    {
        var inputs = new JObject();
        foreach (var input in operation.Inputs.Where(input => input.Required))
        {
            var value = input.Name switch
            {
                "locationId" => connection.LocationId,
                "companyId" => connection.CompanyId,
                _ => null,
            };
            if (value is not null)
            {
                inputs[input.Name] = value;
            }
        }

        return inputs;
    }

    private static List<(string Id, string Type)> Activities(string json, ConnectionRecord record)
    {
        var activities = new List<(string, string)>();
        var model = (JObject)Json.Parse(json, Json.DefinitionDepth);
        foreach (var property in model.Descendants().OfType<JProperty>().Where(property => property.Name == "connectionId"))
        {
            var value = property.Value is JObject wrapped ? wrapped["expression"]?["value"] : property.Value;
            if (value is JValue { Value: string used } && (used == record.Id || used == record.Name) && (string?)property.Parent?["id"] is { } activity)
            {
                activities.Add((activity, (string?)property.Parent["type"] ?? ""));
            }
        }

        return activities;
    }
}

/// <summary>Outcome of a test call.</summary>
public sealed record ConnectionTest(bool Succeeded, string Message, int? Status, string? Action, TimeSpan Duration);

/// <summary>A definition that uses a connection.</summary>
public sealed record ConnectionUse(string DefinitionId, string? Name, bool IsPublished, IReadOnlyList<string> ActivityIds);

/// <summary>A connection was refused; nothing was kept.</summary>
public sealed class InvalidConnectionException(string property, string message) : Exception(message)
{
    /// <summary>Setting at fault, as the API names it: <c>baseUrl</c>, <c>connector</c>, <c>name</c>, <c>auth.apiKey</c>.</summary>
    public string Property { get; } = property;
}

/// <summary>A connection that published flows use was not deleted.</summary>
public sealed class ConnectionInUseException(string name, IReadOnlyList<ConnectionUse> uses)
    : Exception($"The connection '{name}' is used by published flows: {string.Join(", ", uses.Select(use => use.Name ?? use.DefinitionId))}. Retract them or give them another connection first, or delete it with force.")
{
    public IReadOnlyList<ConnectionUse> Uses { get; } = uses;
}
