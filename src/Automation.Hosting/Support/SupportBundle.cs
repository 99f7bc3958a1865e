using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Configuration;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Support;

/// <summary>
/// A zip for whoever helps: what the installation is, what fails, the last lines of its log. No credential, no definition, no payload of a run; what was written down of a secret by
/// mistake (in a message of a provider, a name, a log line) is taken out again by comparing every text with the secrets themselves.
/// </summary>
public sealed class SupportBundle(
    Installation installation,
    RecentLog log,
    ConnectionVault vault,
    ITokenStore tokens,
    TokenSeal seal,
    IDefinitionStore definitions,
    IPollStore polls,
    IRunStore runs,
    IIncidentStore incidents,
    IAccessStore access,
    IRateBudget budget,
    AutomationOptions options,
    IConfiguration configuration,
    TimeProvider clock)
{
    private const int Newest = 200;
    private const int ShortestSecret = 4;

    public async Task<byte[]> MakeAsync(CancellationToken cancellationToken)
    {
        var connections = await vault.ListAsync(cancellationToken);
        var secrets = await SecretsAsync(connections, cancellationToken);
        using var bytes = new MemoryStream();
        await using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("about.json", installation.Describe());
            Add("connections.json", new JArray(connections.Select(Describe)));
            var flows = await definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.LatestOrPublished, PageSize = 1000 }, withJson: false, cancellationToken);
            Add("flows.json", new JArray(flows.Items.Select(Describe)));
            var triggers = await polls.ListTriggersAsync(new TriggerQuery { PageSize = 1000 }, cancellationToken);
            Add("triggers.json", new JArray(triggers.Items.Select(Describe)));
            Add("sources.json", new JArray((await polls.ListSourcesAsync(cancellationToken)).Take(1000).Select(Describe)));
            Add("incidents.json", new JArray((await incidents.ListAsync(null, null, null, 0, Newest, cancellationToken)).Items.Select(Describe)));
            Add("runs.json", new JArray((await runs.ListAsync(new RunFilter { PageSize = Newest, WithTotal = false }, cancellationToken)).Items.Select(Describe)));
            Add("budget.json", JArray.FromObject(await budget.DescribeAsync(cancellationToken), JsonSerializer.Create(Json.Settings)));
            AddText("log.txt", string.Join('\n', log.Read()));

            void Add(string name, JToken content) => AddText(name, Redaction.Clean(content).ToString(Formatting.Indented));

            void AddText(string name, string text)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
                entry.Write(Encoding.UTF8.GetBytes(Hide(Redaction.Clean(text), secrets)));
            }
        }

        return bytes.ToArray();
    }

    /// <summary>Name of the file, with the time of its making.</summary>
    public string FileName => $"automation-support-{clock.GetUtcNow().UtcDateTime:yyyyMMdd-HHmmss}.zip";

    /// <summary>Every secret that this installation knows, longest first, so that one that holds another goes as a whole.</summary>
    private async Task<List<string>> SecretsAsync(IReadOnlyList<ConnectionRecord> connections, CancellationToken cancellationToken)
    {
        var secrets = new List<string?> { options.Security.BootstrapApiKey, options.Security.BootstrapPassword, configuration.GetConnectionString("Automation") };
        secrets.AddRange((configuration.GetConnectionString("Automation") ?? "").Split(';').Select(part => part.Split('=', 2)).Where(part => part.Length == 2 && Redaction.IsSecretName(part[0].Trim())).Select(part => part[1].Trim()));
        secrets.AddRange((await access.ListUsersAsync(cancellationToken)).Select(user => user.PasswordHash));
        secrets.AddRange((await access.ListApiKeysAsync(cancellationToken)).Select(key => key.Hash));
        foreach (var record in connections)
        {
            try
            {
                if (await vault.FindAsync(record.Id, cancellationToken) is { Credential: var credential })
                {
                    secrets.AddRange([credential.ApiKey, credential.ClientId, credential.ClientSecret, credential.AccessToken, credential.RefreshToken]);
                }
            }
            catch (ConnectorException)
            {
                // What cannot be decrypted here stands nowhere in the clear.
            }
        }

        foreach (var token in await tokens.ListAsync(null, cancellationToken))
        {
            try
            {
                var (accessToken, refreshToken) = seal.Open(token);
                secrets.AddRange([accessToken, refreshToken]);
            }
            catch (CryptographicException)
            {
                // As above.
            }
        }

        return [.. secrets.OfType<string>().Where(secret => secret.Length >= ShortestSecret).Distinct(StringComparer.Ordinal).OrderByDescending(secret => secret.Length)];
    }

    private static string Hide(string text, List<string> secrets)
    {
        foreach (var secret in secrets)
        {
            text = text.Replace(secret, Redaction.Mark, StringComparison.Ordinal);
            text = text.Replace(JsonConvert.ToString(secret)[1..^1], Redaction.Mark, StringComparison.Ordinal);
            text = text.Replace(Uri.EscapeDataString(secret), Redaction.Mark, StringComparison.Ordinal);
        }

        return text;
    }

    private static JObject Describe(ConnectionRecord connection) => new()
    {
        ["id"] = connection.Id,
        ["name"] = connection.Name,
        ["connector"] = connection.Connector,
        ["host"] = Uri.TryCreate(connection.BaseUrl, UriKind.Absolute, out var url) ? url.Authority : null,
        ["hasLocation"] = connection.LocationId is not null,
        ["hasCompany"] = connection.CompanyId is not null,
        ["signsInWith"] = connection.AuthKind,
        ["isSandbox"] = connection.IsSandbox,
        ["updatedAt"] = connection.UpdatedAt.UtcDateTime,
    };

    private static JObject Describe(DefinitionVersion flow) => new()
    {
        ["definitionId"] = flow.DefinitionId,
        ["name"] = flow.Name,
        ["version"] = flow.Version,
        ["isPublished"] = flow.IsPublished,
        ["isLatest"] = flow.IsLatest,
        ["provider"] = flow.Provider,
        ["createdAt"] = flow.CreatedAt.UtcDateTime,
    };

    private static JObject Describe(TriggerRecord trigger) => new()
    {
        ["id"] = trigger.Id,
        ["definitionId"] = trigger.DefinitionId,
        ["activityId"] = trigger.ActivityId,
        ["activityType"] = trigger.ActivityType,
        ["kind"] = trigger.Kind,
        ["mode"] = trigger.Mode,
        ["sourceId"] = trigger.SourceId,
        ["position"] = trigger.Position,
        ["generation"] = trigger.Generation,
        ["isPaused"] = trigger.IsPaused,
        ["dueAt"] = trigger.DueAt?.UtcDateTime,
        ["lastFiredAt"] = trigger.LastFiredAt?.UtcDateTime,
    };

    private static JObject Describe(SourceRecord source) => new()
    {
        ["id"] = source.Id,
        ["operation"] = source.Operation,
        ["connectionId"] = source.ConnectionId,
        ["intervalSeconds"] = source.Interval.TotalSeconds,
        ["baselinedAt"] = source.BaselinedAt?.UtcDateTime,
        ["watermark"] = source.Watermark?.UtcDateTime,
        ["ledgerEnd"] = source.LedgerEnd,
        ["itemCount"] = source.ItemCount,
        ["lastPollAt"] = source.LastPollAt?.UtcDateTime,
        ["lastSuccessAt"] = source.LastSuccessAt?.UtcDateTime,
        ["failures"] = source.Failures,
        ["lastError"] = source.LastError,
    };

    private static JObject Describe(IncidentRecord incident) => new()
    {
        ["id"] = incident.Id,
        ["kind"] = incident.Kind,
        ["code"] = incident.Code,
        ["message"] = incident.Message,
        ["detail"] = incident.Detail,
        ["runId"] = incident.InstanceId,
        ["definitionId"] = incident.DefinitionId,
        ["activityId"] = incident.ActivityId,
        ["activityType"] = incident.ActivityType,
        ["sourceId"] = incident.SourceId,
        ["createdAt"] = incident.CreatedAt.UtcDateTime,
        ["resolvedAt"] = incident.ResolvedAt?.UtcDateTime,
        ["resolution"] = incident.Resolution,
    };

    /// <summary>Without whom it is about: names and addresses of contacts are nobody's business who helps with the server.</summary>
    private static JObject Describe(InstanceRecord run) => new()
    {
        ["id"] = run.Id,
        ["definitionId"] = run.DefinitionId,
        ["version"] = run.Version,
        ["subStatus"] = run.SubStatus.ToString(),
        ["startedBy"] = run.StartedBy,
        ["incidentCount"] = run.IncidentCount,
        ["error"] = run.Error,
        ["createdAt"] = run.CreatedAt.UtcDateTime,
        ["startedAt"] = run.StartedAt?.UtcDateTime,
        ["finishedAt"] = run.FinishedAt?.UtcDateTime,
    };
}
