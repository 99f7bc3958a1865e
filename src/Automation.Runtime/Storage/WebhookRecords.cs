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

    /// <summary><c>taken</c>, <c>unknown-type</c>, <c>no-source</c> (nothing here watches such records), <c>other-account</c>, <c>installed</c>, <c>removed</c>, <c>outdated</c> (a removal, and the account was connected again since).</summary>
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

/// <summary>What came for a trigger by itself, and the run that it starts: now, or when the trigger is resumed.</summary>
/// <param name="TriggerId">The trigger.</param>
/// <param name="EventKey">Unique per trigger and generation.</param>
/// <param name="Instance">The run.</param>
public sealed record Arrival(string TriggerId, string EventKey, NewInstance Instance);

/// <summary>What became of an arrival.</summary>
public enum ArrivalOutcome
{
    /// <summary>Its run is a pending row.</summary>
    Started,

    /// <summary>It waits until its trigger is resumed, behind those that came before it.</summary>
    Waiting,

    /// <summary>It came before: nothing was written.</summary>
    Repeated,

    /// <summary>The flow's activation strategy lets no other run start now: nothing was written.</summary>
    Busy,

    /// <summary>The trigger is not there any more: nothing was written.</summary>
    Gone,
}

/// <summary>All that a webhook comes to, in one transaction with its row in the journal.</summary>
/// <param name="Webhook">The row.</param>
public sealed record WebhookCommit(WebhookRecord Webhook)
{
    /// <summary>What is to be read.</summary>
    public IReadOnlyList<HintRecord> Hints { get; init; } = [];

    /// <summary>Sources whose item of this id was deleted: when they show it again it is new.</summary>
    public IReadOnlyList<string> GoneFrom { get; init; } = [];

    /// <summary>What it starts itself.</summary>
    public IReadOnlyList<Arrival> Arrivals { get; init; } = [];

    /// <summary>The app was removed: a token that is no younger than the webhook is void, and this incident says so (its id is made from the token). A younger one was given since, and stays.</summary>
    public IncidentRecord? Removed { get; init; }

    /// <summary>Location whose token is void (with <see cref="Removed"/>), or may be asked for again; "": the account's own, and with it all of its locations.</summary>
    public string? TokenLocation { get; init; }
}

/// <summary>What was written of a webhook.</summary>
/// <param name="Webhook">The journal's row.</param>
/// <param name="Arrivals">What became of each arrival, in their order.</param>
public sealed record WebhookTaken(WebhookRecord Webhook, IReadOnlyList<ArrivalOutcome> Arrivals);

/// <summary>The journal of webhooks, the hints that they left, what waits for paused triggers, and the secret addresses of flows.</summary>
public interface IWebhookStore
{
    /// <summary>Takes a webhook. Null: it was taken before, nothing was written.</summary>
    Task<WebhookTaken?> TakeAsync(WebhookCommit commit, CancellationToken cancellationToken);

    /// <summary>Takes what came for a trigger: its run is a pending row, or it waits. Whether the trigger is paused is decided in the transaction.</summary>
    Task<ArrivalOutcome> ArriveAsync(Arrival arrival, CancellationToken cancellationToken);

    /// <summary>Triggers that are not paused and for which something waits.</summary>
    Task<IReadOnlyList<TriggerRecord>> ListAwaitedAsync(CancellationToken cancellationToken);

    /// <summary>How much waits for each trigger; those for which nothing does are left out.</summary>
    Task<IReadOnlyDictionary<string, long>> CountWaitingAsync(IReadOnlyList<string> triggerIds, CancellationToken cancellationToken);

    /// <summary>The first that wait for a trigger, with their numbers.</summary>
    Task<IReadOnlyList<(long No, Arrival Arrival)>> ListWaitingAsync(string triggerId, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Starts the runs of what has waited, in one transaction that takes them off the list: each once, and none while the trigger is paused. It ends at the first that the flow's activation strategy does not let start.
    /// </summary>
    /// <returns>Ids of the runs started, and whether all were taken off the list.</returns>
    Task<(IReadOnlyList<string> Started, bool All)> DeliverWaitingAsync(string triggerId, IReadOnlyList<(long No, Arrival Arrival)> waiting, CancellationToken cancellationToken);

    /// <summary>Deletes, up to a number of rows, what has waited since before a time, with an incident for each trigger that is still there.</summary>
    Task<int> DropWaitingAsync(DateTimeOffset before, DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>The journal, newest first.</summary>
    Task<PageOf<WebhookRecord>> ListAsync(string? connectionId, int page, int pageSize, CancellationToken cancellationToken);

    /// <summary>How many there are in the journal, by type and outcome.</summary>
    Task<IReadOnlyList<(string Type, string Outcome, long Count)>> CountAsync(CancellationToken cancellationToken);

    /// <summary>Deletes what was received before a time; for its batch size of rows at most.</summary>
    Task<int> DeleteBeforeAsync(DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>Sources of a connection, also those that nobody wants polled.</summary>
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
