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
    IIncidentStore incidents,
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

        switch (message.Kind)
        {
            case WebhookKind.Removal:
                // Before the journal: a crash between the two leaves a webhook that may come again, and marking twice changes nothing.
                await RemoveAsync(connection, message, now, cancellationToken);
                return await CommitAsync(connection, message, record with { Outcome = "removed" }, [], [], cancellationToken);
            case WebhookKind.Installation:
                await InstallAsync(connection, message, now, cancellationToken);
                return await CommitAsync(connection, message, record with { Outcome = "installed" }, [], [], cancellationToken);
            case WebhookKind.Unknown:
                log.LogInformation("A webhook of type '{Type}' came to connection {ConnectionId}; that type is not known here. It is in the journal.", record.Type, connection.Id);
                return await CommitAsync(connection, message, record with { Outcome = "unknown-type" }, [], [], cancellationToken);
            case WebhookKind.Change when message.Entity is not null:
                var found = await HintsAsync(connection, message, body, now, cancellationToken);
                return await CommitAsync(connection, message, found.Count == 0 ? record with { Outcome = "no-source" } : record, found, [], cancellationToken);
            case WebhookKind.Deletion when message is { Entity: not null, ItemId: not null }:
                var goneFrom = await store.ListSourcesAsync(connection.Id, cancellationToken);
                return await CommitAsync(connection, message, record, [], [.. goneFrom.Where(source => Lists(source, message, body)).Select(source => source.Id)], cancellationToken);
            default:
                return await CommitAsync(connection, message, record, [], [], cancellationToken);
        }
    }

    /// <summary>Whether a webhook is about the connection's account.</summary>
    private async ValueTask<bool> ConcernsAsync(Connection connection, WebhookMessage message, CancellationToken cancellationToken)
    {
        if (message.AppId is { } app && connection.Credential.ClientId is { Length: > 0 } client && client.Split('-')[0] != app)
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

        // An agency's: its own locations, by its company or because they are used here.
        return message.CompanyId is not null || message.LocationId is null
            || await tokens.FindAsync(connection.Id, message.LocationId, cancellationToken) is not null
            || (await store.ListSourcesAsync(connection.Id, cancellationToken)).Any(source => source.LocationId == message.LocationId);
    }

    private async Task<List<HintRecord>> HintsAsync(Connection connection, WebhookMessage message, JObject body, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var found = new List<HintRecord>();
        foreach (var source in await store.ListSourcesAsync(connection.Id, cancellationToken))
        {
            // What is not baselined yet is read whole anyway, and fires nothing.
            if (source.BaselinedAt is null || IsElsewhere(source, message)
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
    private async Task<WebhookRecord?> CommitAsync(Connection connection, WebhookMessage message, WebhookRecord record, IReadOnlyList<HintRecord> found, IReadOnlyList<string> goneFrom, CancellationToken cancellationToken)
    {
        var started = new List<Started>();
        foreach (var hash in (string[])[HashOf(connection.Id, message.Type), HashOf(connection.Id, "*")])
        {
            foreach (var trigger in await polls.FindListeningAsync(hash, cancellationToken))
            {
                if (!trigger.IsPaused && (trigger.LocationId is null || message.LocationId is null || trigger.LocationId == message.LocationId)
                    && await StartAsync(trigger, connection, message, record, cancellationToken) is { } start)
                {
                    started.Add(start);
                }
            }
        }

        // 1. A crash before this commit: the sender gets no answer, and polling finds what changed. After it: hints and pending runs are rows, and are found.
        if (!await store.TakeAsync(started.Count > 0 && record.Outcome == "no-source" ? record with { Outcome = "taken" } : record, found, goneFrom, started, cancellationToken))
        {
            return null;
        }

        if (started.Count > 0)
        {
            doorbell.RingRuns([.. started.Select(start => start.Instance.Id)]);
        }

        if (found.Count > 0)
        {
            hints.WakeAt(found[0].DueAt);
        }

        return record;
    }

    private async Task<WebhookRecord?> NoteAsync(WebhookRecord record, CancellationToken cancellationToken) => await store.TakeAsync(record, [], [], [], cancellationToken) ? record : null;

    private async Task<Started?> StartAsync(TriggerRecord trigger, Connection connection, WebhookMessage message, WebhookRecord record, CancellationToken cancellationToken)
    {
        if (await definitions.FindVersionAsync(trigger.VersionId, cancellationToken) is not { } version)
        {
            return null;
        }

        var key = $"{message.ItemId ?? message.Type}@{record.WebhookId}";
        var id = Ids.New(clock);
        return new Started(trigger, key, new NewInstance
        {
            Id = id,
            DefinitionId = version.DefinitionId,
            VersionId = version.Id,
            Version = version.Version,
            DefinitionName = version.Name,
            TriggerId = trigger.Id,
            StartedBy = "webhook",
            Subjects = [.. SubjectPaths.Select(path => (record.Body.SelectToken(path) as JValue)?.Value as string).OfType<string>().Where(subject => subject.Length is > 0 and <= 200).Distinct(StringComparer.Ordinal)],
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
                    ["item"] = record.Body,
                    ["previous"] = null,
                    ["revision"] = 1,
                    ["sourceId"] = null,
                    ["observedAt"] = record.ReceivedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
                    ["sample"] = false,
                    ["type"] = message.Type,
                },
            },
        });
    }

    /// <summary>The app was removed: its tokens are void, and only a person can change that.</summary>
    private async Task RemoveAsync(Connection connection, WebhookMessage message, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (connection.Credential.Kind != "oauth2")
        {
            return;
        }

        // A location of an agency's connection, or the account itself.
        var location = connection.LocationId is null && message.LocationId is { } one ? one : "";
        var what = location.Length == 0 ? $"The app was removed from the account of connection '{connection.Name}'." : $"The app was removed from location {location} of connection '{connection.Name}'.";
        var before = await tokens.FindAsync(connection.Id, location, cancellationToken);
        await tokens.RefuseAsync(connection.Id, location, what, now, cancellationToken);
        accessTokens.Forget(connection.Id);
        await incidents.AddAsync(
            [
                new IncidentRecord
                {
                    Id = AccessTokens.IncidentIdOf(connection.Id, location, before?.Version ?? 0),
                    Kind = "connection",
                    LocationId = location.Length == 0 ? connection.LocationId : location,
                    Code = "app-removed",
                    Message = what + " Flows that use it fail until it is connected again.",
                    Action = TokenClient.Reconnect(connection),
                    CreatedAt = now,
                },
            ],
            cancellationToken);
    }

    /// <summary>The app was installed in a location of an agency: what was refused there may be tried again.</summary>
    private async Task InstallAsync(Connection connection, WebhookMessage message, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (connection.LocationId is null && message.LocationId is { } location && await tokens.FindAsync(connection.Id, location, cancellationToken) is { Error: not null } refused)
        {
            await tokens.ForgiveAsync(connection.Id, location, cancellationToken);
            accessTokens.Forget(connection.Id);
            await incidents.ResolveAsync(AccessTokens.IncidentIdOf(connection.Id, location, refused.Version), "The app was installed in the location.", now, cancellationToken);
        }
    }
}
