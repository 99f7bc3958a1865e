using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Connections;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Webhooks;

/// <summary>
/// Takes webhooks whose signature was verified. A webhook is a hint: it is journalled, and what it is about is read by <see cref="HintReader"/> into the sources that list it. Only what no list can show starts
/// flows itself: deletions, and triggers that ask for webhooks as such.
/// </summary>
public sealed class WebhookIntake(
    IWebhookStore store,
    IPollStore polls,
    ITokenStore tokens,
    AccessTokens accessTokens,
    OperationCatalog operations,
    IDefinitionStore definitions,
    IDoorbell doorbell,
    HintClock hints,
    TimeProvider clock,
    ILogger<WebhookIntake> log)
{
    /// <summary>How old a webhook may be, and how far its clock may be ahead.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    /// <summary>Webhooks of one moment are gathered: many about one item become one read, and many items of one list one scan.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(300);

    private static readonly string[] SubjectPaths = ["id", "contactId", "email", "phone", "appointment.contactId", "appointment.id"];

    /// <summary>Name of what triggers listen to: a connection and a type, or <c>*</c>.</summary>
    public static string HashOf(string connectionId, string type) => Bookmark.HashOf("webhook", $"{connectionId}/{type}");

    /// <summary>Takes one. When this returns it is committed.</summary>
    /// <returns>The journal's row; null: it was taken before.</returns>
    public async Task<WebhookRecord?> TakeAsync(Connection connection, WebhookMessage message, JObject body, ReadOnlyMemory<byte> raw, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var record = new WebhookRecord
        {
            ConnectionId = connection.Id,
            WebhookId = message.Id ?? "body:" + Convert.ToHexStringLower(SHA256.HashData(raw.Span)),
            Type = message.Type.Length <= 100 ? message.Type : message.Type[..100],
            LocationId = message.LocationId,
            ItemId = message.ItemId,
            SentAt = message.SentAt,
            ReceivedAt = now,
            Outcome = "taken",
            Body = body,
        };
        if (!await ConcernsAsync(connection, message, cancellationToken))
        {
            // The signature is the sender's for all apps and accounts: what is about another account was meant for somebody else.
            return await NoteAsync(record with { Outcome = "other-account" }, cancellationToken);
        }

        var commit = new WebhookCommit(record);
        switch (message.Kind)
        {
            case WebhookKind.Removal:
                commit = commit with { Webhook = record with { Outcome = "removed" } };
                commit = connection.Credential.Kind == "oauth2" ? Removal(connection, message, commit) : commit;
                break;
            case WebhookKind.Installation:
                // Installed in a location of an agency: what was refused there may be tried again.
                commit = commit with { Webhook = record with { Outcome = "installed" }, TokenLocation = connection.LocationId is null ? message.LocationId : null };
                break;
            case WebhookKind.Unknown:
                log.LogInformation("A webhook of type '{Type}' came to connection {ConnectionId}; that type is not known here. It is in the journal.", record.Type, connection.Id);
                commit = commit with { Webhook = record with { Outcome = "unknown-type" } };
                break;
            case WebhookKind.Change when message.Entity is not null:
                commit = commit with { Hints = await HintsAsync(connection, message, body, now, cancellationToken) };
                commit = commit.Hints.Count > 0 ? commit : commit with { Webhook = record with { Outcome = "no-source" } };
                break;
            case WebhookKind.Deletion when message is { Entity: not null, ItemId: not null }:
                var sources = await store.ListSourcesAsync(connection.Id, cancellationToken);
                commit = commit with { GoneFrom = [.. sources.Where(source => Lists(source, message, body)).Select(source => source.Id)] };
                break;
        }

        return await CommitAsync(connection, message, commit, cancellationToken);
    }

    /// <summary>Whether a webhook is about the connection's account.</summary>
    private async ValueTask<bool> ConcernsAsync(Connection connection, WebhookMessage message, CancellationToken cancellationToken)
    {
        var isOurApp = message.AppId is { } app && connection.Credential.ClientId is { Length: > 0 } client && client.Split('-')[0] == app;
        if (!isOurApp && message.AppId is not null && connection.Credential.ClientId is { Length: > 0 })
        {
            return false;
        }

        if (message.CompanyId is { } company && connection.CompanyId is { } ownCompany && company != ownCompany)
        {
            return false;
        }

        if (connection.LocationId is { } own)
        {
            return message.LocationId is null || message.LocationId == own;
        }

        // An agency's: its own locations, by its company or because they are used here. Where the connection does not know its company, only what was sent to its own app is believed.
        if (message.CompanyId is not null && (connection.CompanyId is not null || isOurApp))
        {
            return true;
        }

        return message.LocationId is { } location
            ? await tokens.FindAsync(connection.Id, location, cancellationToken) is not null || (await store.ListSourcesAsync(connection.Id, cancellationToken)).Any(source => source.IsActive && source.LocationId == location)
            : message.CompanyId is null;
    }

    private async Task<List<HintRecord>> HintsAsync(Connection connection, WebhookMessage message, JObject body, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var found = new List<HintRecord>();
        foreach (var source in await store.ListSourcesAsync(connection.Id, cancellationToken))
        {
            // What is not baselined yet is read whole anyway, and fires nothing; what nobody wants polled is read when somebody does.
            if (!source.IsActive || source.BaselinedAt is null || IsElsewhere(source, message)
                || operations.Find(source.Operation)?.Poll?.Hints.FirstOrDefault(hint => hint.Entity == message.Entity && Matches(hint, source, message, body)) is not { } shape)
            {
                continue;
            }

            // A scan needs no id: what came without one is one hint for the whole list.
            var itemId = (shape.IdPath is null ? message.ItemId : (body.SelectToken(shape.IdPath) as JValue)?.Value as string) ?? (shape.Read is null ? "*" : null);
            if (!string.IsNullOrEmpty(itemId))
            {
                found.Add(new HintRecord(source.Id, itemId, message.Entity!, message.SentAt ?? now, 1, 0, now + Gathering));
            }
        }

        return found;
    }

    /// <summary>Whether a source lists records of the kind by their own ids: then it is the item, and not another that mentions it.</summary>
    private bool Lists(SourceRecord source, WebhookMessage message, JObject body) =>
        !IsElsewhere(source, message) && operations.Find(source.Operation)?.Poll?.Hints.Any(hint => hint.Entity == message.Entity && hint.IdPath is null && Matches(hint, source, message, body)) is true;

    private static bool IsElsewhere(SourceRecord source, WebhookMessage message) => source.LocationId is { } location && message.LocationId is { } other && location != other;

    private static bool Matches(HintShape hint, SourceRecord source, WebhookMessage message, JObject body) => hint.Match.Properties().All(input =>
        (source.Inputs[input.Name] as JValue)?.Value?.ToString() is not { Length: > 0 } wanted || wanted == ((string)input.Value! is "$id" ? message.ItemId : (body.SelectToken((string)input.Value!) as JValue)?.Value?.ToString()));

    /// <summary>Journal, hints and runs in one transaction.</summary>
    private async Task<WebhookRecord?> CommitAsync(Connection connection, WebhookMessage message, WebhookCommit commit, CancellationToken cancellationToken)
    {
        var arrivals = await ArrivalsAsync(connection, message, commit.Webhook, cancellationToken);
        commit = commit with { Arrivals = arrivals, Webhook = arrivals.Count > 0 && commit.Webhook.Outcome == "no-source" ? commit.Webhook with { Outcome = "taken" } : commit.Webhook };

        // 1. A crash before this commit: the sender gets no answer, and polling finds what changed. After it: hints and pending runs are rows, and are found.
        if (await store.TakeAsync(commit, cancellationToken) is not { } taken)
        {
            return null;
        }

        var started = arrivals.Zip(taken.Arrivals).Where(arrival => arrival.Second == ArrivalOutcome.Started).Select(arrival => arrival.First.Instance.Id).ToList();
        if (started.Count > 0)
        {
            doorbell.RingRuns(started);
        }

        if (commit.Hints.Count > 0)
        {
            hints.WakeAt(commit.Hints[0].DueAt);
        }

        if (commit.TokenLocation is not null)
        {
            accessTokens.Forget(connection.Id);
        }

        return taken.Webhook;
    }

    private async Task<WebhookRecord?> NoteAsync(WebhookRecord record, CancellationToken cancellationToken) => (await store.TakeAsync(new WebhookCommit(record), cancellationToken))?.Webhook;

    /// <summary>What it starts itself: the flows that ask for webhooks of its type, or for all. Paused ones, too: for them it waits.</summary>
    private async Task<IReadOnlyList<Arrival>> ArrivalsAsync(Connection connection, WebhookMessage message, WebhookRecord record, CancellationToken cancellationToken)
    {
        var listening = (await polls.FindListeningAsync([HashOf(connection.Id, message.Type), HashOf(connection.Id, "*")], cancellationToken))
            .Where(trigger => trigger.LocationId is null || message.LocationId is null || trigger.LocationId == message.LocationId).ToList();
        if (listening.Count == 0)
        {
            return [];
        }

        var ids = listening.Select(trigger => trigger.VersionId).Distinct(StringComparer.Ordinal).ToList();
        var versions = (await definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, Ids = ids, PageSize = ids.Count }, withJson: false, cancellationToken)).Items.ToDictionary(version => version.Id, StringComparer.Ordinal);
        var key = $"{message.ItemId ?? message.Type}@{record.WebhookId}";
        var subjects = SubjectPaths.Select(path => (record.Body.SelectToken(path) as JValue)?.Value as string).OfType<string>().Where(subject => subject.Length is > 0 and <= 200).Distinct(StringComparer.Ordinal).ToList();
        return [.. listening.Where(trigger => versions.ContainsKey(trigger.VersionId)).Select(trigger =>
        {
            var id = Ids.New(clock);
            var version = versions[trigger.VersionId];
            return new Arrival(trigger.Id, key, new NewInstance
            {
                Id = id,
                DefinitionId = version.DefinitionId,
                VersionId = version.Id,
                Version = version.Version,
                DefinitionName = version.Name,
                TriggerId = trigger.Id,
                StartedBy = "webhook",
                Subjects = subjects,
                IsSandbox = connection.IsSandbox,
                CreatedAt = record.ReceivedAt,
                Start = new RunStart
                {
                    InstanceId = id,
                    LocationId = message.LocationId ?? trigger.LocationId,
                    TriggerActivityId = trigger.ActivityId,
                    TriggerPayload = new JObject
                    {
                        ["key"] = key,
                        ["item"] = record.Body.DeepClone(),
                        ["previous"] = null,
                        ["revision"] = 1,
                        ["sourceId"] = null,
                        ["observedAt"] = record.ReceivedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
                        ["sample"] = false,
                        ["type"] = message.Type,
                    },
                },
            });
        })];
    }

    /// <summary>The app was removed: its tokens are void, and only a person can change that. A location of an agency's connection, or the account itself.</summary>
    private static WebhookCommit Removal(Connection connection, WebhookMessage message, WebhookCommit commit)
    {
        var location = connection.LocationId is null && message.LocationId is { } one ? one : "";
        var what = location.Length == 0 ? $"The app was removed from the account of connection '{connection.Name}'." : $"The app was removed from location {location} of connection '{connection.Name}'.";
        return commit with
        {
            TokenLocation = location,
            Removed = new IncidentRecord
            {
                Id = "",
                Kind = "connection",
                LocationId = location.Length == 0 ? connection.LocationId : location,
                Code = "app-removed",
                Message = what + " Flows that use it fail until it is connected again.",
                Action = TokenClient.Reconnect(connection),
                CreatedAt = commit.Webhook.ReceivedAt,
            },
        };
    }
}
