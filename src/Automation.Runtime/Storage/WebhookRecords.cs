using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>A webhook that was taken, as the journal has it.</summary>
public sealed record WebhookRecord
{
    public required string ConnectionId { get; init; }

    /// <summary>The sender's id, or a hash of the body: taken once per connection.</summary>
    public required string WebhookId { get; init; }
    public required string Type { get; init; }
    public string? LocationId { get; init; }
    public string? ItemId { get; init; }
    public DateTimeOffset? SentAt { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary><c>taken</c>, <c>unknown-type</c>, <c>no-source</c> (nothing here watches such records), <c>other-account</c>, <c>installed</c>, <c>removed</c>.</summary>
    public required string Outcome { get; init; }

    public required JObject Body { get; init; }
}

/// <summary>A hint that an item of a source has changed: until the source was read after it.</summary>
/// <param name="SourceId">The source.</param>
/// <param name="ItemId">The item.</param>
/// <param name="Entity">Kind of record.</param>
/// <param name="SentAt">When the newest webhook about it was sent.</param>
/// <param name="Version">Rises with each webhook about it: what came while the item was read counts as a new hint.</param>
/// <param name="Attempts">Reads that did not show the change yet.</param>
/// <param name="DueAt">When to read.</param>
public sealed record HintRecord(string SourceId, string ItemId, string Entity, DateTimeOffset SentAt, long Version, int Attempts, DateTimeOffset DueAt);

/// <summary>An instance that a webhook or a hook starts by a trigger.</summary>
/// <param name="Trigger">The trigger.</param>
/// <param name="EventKey">Unique per trigger and generation.</param>
/// <param name="Instance">The instance.</param>
public sealed record Started(TriggerRecord Trigger, string EventKey, NewInstance Instance);

/// <summary>The journal of webhooks, the hints that they left, and the secret addresses of flows.</summary>
public interface IWebhookStore
{
    /// <summary>One transaction: journal, hints, items that are gone, deliveries and instances. False: the webhook was taken before, nothing was written.</summary>
    /// <param name="webhook">The webhook.</param>
    /// <param name="hints">What is to be read.</param>
    /// <param name="goneFrom">Sources whose item of this id was deleted: when they show it again it is new.</param>
    /// <param name="started">What it starts itself.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    Task<bool> TakeAsync(WebhookRecord webhook, IReadOnlyList<HintRecord> hints, IReadOnlyList<string> goneFrom, IReadOnlyList<Started> started, CancellationToken cancellationToken);

    /// <summary>Starts an instance by a trigger. False: the key was delivered before, nothing was written.</summary>
    Task<bool> StartAsync(Started started, CancellationToken cancellationToken);

    /// <summary>The journal, newest first.</summary>
    Task<PageOf<WebhookRecord>> ListAsync(string? connectionId, int page, int pageSize, CancellationToken cancellationToken);

    /// <summary>How many there are in the journal, by type and outcome.</summary>
    Task<IReadOnlyList<(string Type, string Outcome, long Count)>> CountAsync(CancellationToken cancellationToken);

    /// <summary>Deletes what was received before a time; for its batch size of rows at most.</summary>
    Task<int> DeleteBeforeAsync(DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>Sources that are read for a connection now: those with a trigger that is not paused.</summary>
    Task<IReadOnlyList<SourceRecord>> ListSourcesAsync(string connectionId, CancellationToken cancellationToken);

    /// <summary>Sources with hints that are due, and when the next one is due.</summary>
    Task<(IReadOnlyList<string> SourceIds, DateTimeOffset? Next)> DueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    Task<IReadOnlyList<HintRecord>> ReadHintsAsync(string sourceId, DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>Ends hints, but for those that came anew since they were read.</summary>
    Task SettleAsync(IReadOnlyList<HintRecord> hints, CancellationToken cancellationToken);

    /// <summary>Moves hints to a later time, with their attempts as given.</summary>
    Task PostponeAsync(IReadOnlyList<HintRecord> hints, DateTimeOffset dueAt, CancellationToken cancellationToken);

    /// <summary>The secret of a trigger's address, encrypted; made by <paramref name="make"/> where there is none.</summary>
    Task<HookRecord> EnsureHookAsync(HookRecord make, CancellationToken cancellationToken);

    /// <summary>Another secret: the old address is gone.</summary>
    Task<bool> RotateHookAsync(HookRecord hook, CancellationToken cancellationToken);

    Task<HookRecord?> FindHookAsync(string triggerId, CancellationToken cancellationToken);

    /// <summary>The published trigger whose address has this hash; null: none.</summary>
    Task<TriggerRecord?> FindByHookAsync(string hash, CancellationToken cancellationToken);

    Task<IReadOnlyList<HookRecord>> ListHooksAsync(CancellationToken cancellationToken);
}

/// <summary>The secret address of a trigger.</summary>
/// <param name="TriggerId">The trigger: the same over republishing.</param>
/// <param name="Hash">Of the secret: what it is found by.</param>
/// <param name="Secret">Encrypted, to be shown to those who may.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record HookRecord(string TriggerId, string Hash, byte[] Secret, DateTimeOffset CreatedAt);
