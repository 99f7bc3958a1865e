using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>A claim on a row: who, and the fencing token that every commit must show. Expiry is judged by the database's clock.</summary>
/// <param name="Owner">Node id.</param>
/// <param name="Token">Rises with every claim of the row.</param>
public readonly record struct Lease(string Owner, long Token);

/// <summary>An instance to be started by whoever claims it.</summary>
public sealed record NewInstance
{
    public required string Id { get; init; }
    public required string DefinitionId { get; init; }
    public required string VersionId { get; init; }
    public required int Version { get; init; }
    public string? DefinitionName { get; init; }

    /// <summary>What the engine starts it with.</summary>
    public required RunStart Start { get; init; }

    /// <summary>Trigger that started it; null: by hand or API.</summary>
    public string? TriggerId { get; init; }

    /// <summary>How it was started: <c>poll</c>, <c>backfill</c>, <c>schedule</c>, <c>http</c>, <c>event</c>, <c>manual</c>, <c>api</c>, <c>child</c>, <c>replay</c>.</summary>
    public required string StartedBy { get; init; }
    public IReadOnlyList<string> Subjects { get; init; } = [];
    public bool IsSandbox { get; init; }

    /// <summary>Bookmark of the parent that its end resumes.</summary>
    public string? ParentBookmarkId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Set: it starts only where no unfinished run holds this; decided in the transaction that inserts it.</summary>
    public ActivationKey? Activation { get; init; }
}

/// <summary>What only one unfinished run at a time may hold.</summary>
/// <param name="Name">Its name.</param>
/// <param name="CorrelationId">Set: a run whose correlation id has become another holds it no more.</param>
public sealed record ActivationKey(string Name, string? CorrelationId);

/// <summary>A claimed instance with all that a burst needs.</summary>
public sealed record ClaimedInstance
{
    public required InstanceRecord Instance { get; init; }
    public required Lease Lease { get; init; }

    /// <summary>State blob; null: it has not started, <see cref="Start"/> says how.</summary>
    public byte[]? State { get; init; }
    public RunStart? Start { get; init; }
    public string? ParentBookmarkId { get; init; }

    /// <summary>Stimuli waiting for it, oldest first.</summary>
    public IReadOnlyList<Stimulus> Stimuli { get; init; } = [];

    /// <summary>Claims since its last commit or release, this one included: a run that takes its process down with it again and again is noticed by it.</summary>
    public int Attempts { get; init; } = 1;
}

/// <summary>An instance, as listed.</summary>
public sealed record InstanceRecord
{
    public required string Id { get; init; }
    public required string DefinitionId { get; init; }
    public required string VersionId { get; init; }
    public required int Version { get; init; }
    public string? DefinitionName { get; init; }
    public required WorkflowStatus Status { get; init; }
    public required WorkflowSubStatus SubStatus { get; init; }
    public string? CorrelationId { get; init; }
    public string? Name { get; init; }
    public string? LocationId { get; init; }
    public string? ParentInstanceId { get; init; }
    public string? Lineage { get; init; }
    public string? TriggerId { get; init; }
    public string StartedBy { get; init; } = "manual";
    public bool IsSandbox { get; init; }
    public int IncidentCount { get; init; }

    /// <summary>Message of its last incident.</summary>
    public string? Error { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The process that worked on it last.</summary>
    public string? Node { get; init; }
    public IReadOnlyList<string> Subjects { get; init; } = [];
}

/// <summary>The end of a burst, or a checkpoint in its middle, committed in one transaction.</summary>
public sealed record RunCommit
{
    public required string InstanceId { get; init; }
    public required Lease Lease { get; init; }

    /// <summary>
    /// Set: the row does not exist yet and is inserted (a run on the request's thread); <see cref="Lease"/> becomes its lease.
    /// A row of this id that exists already counts as a lost lease: nothing is written.
    /// </summary>
    public NewInstance? Insert { get; init; }

    /// <summary>How long the lease lasts from this commit on, when it is not released.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);
    public required WorkflowStatus Status { get; init; }
    public required WorkflowSubStatus SubStatus { get; init; }
    public string? CorrelationId { get; init; }
    public string? Name { get; init; }
    public required byte[] State { get; init; }
    public required RunChanges Changes { get; init; }

    /// <summary>Ids of the stimuli that were applied (or skipped): taken from the queue.</summary>
    public IReadOnlyList<string> StimuliDone { get; init; } = [];

    /// <summary>Instances of <see cref="RunChanges.Children"/>, and those that its events start.</summary>
    public IReadOnlyList<NewInstance> Children { get; init; } = [];

    /// <summary>Of its events those that nobody took.</summary>
    public IReadOnlyList<HeldEvent> Held { get; init; } = [];

    /// <summary>Stimuli for other instances: its events' bookmarks, its parent's bookmark when it has finished.</summary>
    public IReadOnlyList<PendingStimulus> Stimuli { get; init; } = [];

    /// <summary>
    /// Incidents to store: those of <see cref="RunChanges.Incidents"/> and those of the runtime itself (the store takes them from here, not from the changes).
    /// The instance's incident count rises by their number, its error becomes the last one's message. One whose id is there already is kept as it is.
    /// </summary>
    public IReadOnlyList<IncidentRecord> Incidents { get; init; } = [];

    /// <summary>
    /// An effect's intent, committed with the state before it is sent. It replaces an effect of the same key only when that is <c>failed</c> or <c>abandoned</c>;
    /// any other one of this key counts as a lost lease: nothing is written.
    /// </summary>
    public EffectRecord? Intent { get; init; }

    /// <summary>The lease ends with this commit. The row stays runnable when stimuli are waiting.</summary>
    public required bool Release { get; init; }
    public required DateTimeOffset At { get; init; }
}

/// <summary>A stimulus for an instance, queued until its next burst.</summary>
public sealed record PendingStimulus(string InstanceId, Stimulus Stimulus);

/// <summary>A stored bookmark with its instance.</summary>
public sealed record BookmarkRecord(string InstanceId, string DefinitionId, string? CorrelationId, Bookmark Bookmark);

/// <summary>An effect, as stored.</summary>
public sealed record EffectRecord
{
    public required string Key { get; init; }
    public required string InstanceId { get; init; }
    public required string ActivityId { get; init; }
    public required string NodeId { get; init; }
    public required int Iteration { get; init; }
    public required string Operation { get; init; }
    public required EffectClass Class { get; init; }
    public string? ConnectionId { get; init; }
    public string? LocationId { get; init; }
    public required ConnectorRequest Request { get; init; }

    /// <summary><c>intent</c>, <c>done</c>, <c>failed</c>, <c>unknown</c>, <c>abandoned</c> (a person said it did not happen: it may be sent again).</summary>
    public required string Status { get; init; }
    public ConnectorResponse? Response { get; init; }

    /// <summary>Message of a failure, with its code in front.</summary>
    public string? Error { get; init; }
    public required DateTimeOffset IntentAt { get; init; }
    public DateTimeOffset? OutcomeAt { get; init; }
    public int Attempts { get; init; } = 1;
}

/// <summary>An incident, as stored: of a run or of a source.</summary>
public sealed record IncidentRecord
{
    public required string Id { get; init; }

    /// <summary><c>run</c>, <c>effect</c> (outcome unknown), <c>source</c>, <c>item</c> (quarantined), <c>connection</c>, <c>trigger</c>, <c>definition</c> (a file of the definitions folder).</summary>
    public required string Kind { get; init; }
    public string? InstanceId { get; init; }
    public string? DefinitionId { get; init; }
    public string? ActivityId { get; init; }
    public string? ActivityType { get; init; }
    public string? SourceId { get; init; }
    public string? EffectKey { get; init; }
    public string? LocationId { get; init; }
    public required string Code { get; init; }
    public required string Message { get; init; }
    public string? Detail { get; init; }

    /// <summary>What to do.</summary>
    public string? Action { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ResolvedAt { get; init; }
    public string? Resolution { get; init; }
}

/// <summary>Filters of a list of runs. Pages are 0-based here.</summary>
public sealed record RunFilter
{
    public IReadOnlyList<string>? Ids { get; init; }
    public IReadOnlyList<string>? DefinitionIds { get; init; }
    public string? CorrelationId { get; init; }
    public int? Version { get; init; }
    public IReadOnlyList<WorkflowStatus>? Statuses { get; init; }
    public IReadOnlyList<WorkflowSubStatus>? SubStatuses { get; init; }
    public bool? HasIncidents { get; init; }

    /// <summary>A subject key, matched exactly (normalised: lower case, trimmed).</summary>
    public string? Subject { get; init; }

    /// <summary>Id, name, correlation id or error text contains it, or a name that the definition has or had; of a deleted definition none is known any more.</summary>
    public string? Search { get; init; }
    public string? LocationId { get; init; }
    public string? TriggerId { get; init; }
    public string? ParentInstanceId { get; init; }
    public DateTimeOffset? Since { get; init; }
    public string? Name { get; init; }

    /// <summary>All of them hold.</summary>
    public IReadOnlyList<RunTimeFilter> Times { get; init; } = [];

    /// <summary><c>Created</c>, <c>LastExecuted</c>, <c>Finished</c>, <c>Name</c>.</summary>
    public string OrderBy { get; init; } = "Created";
    public bool Descending { get; init; } = true;
    public int Page { get; init; }
    public int PageSize { get; init; } = 50;

    /// <summary>Goes on where an earlier page ended (its <see cref="PageOf{T}.NextCursor"/>), newest first, as fast on the last page as on the first. In place of <see cref="Page"/> and <see cref="OrderBy"/>.</summary>
    public string? Cursor { get; init; }

    /// <summary>False: the total is not asked for (it is then -1), and a list with a next page has its cursor.</summary>
    public bool WithTotal { get; init; } = true;
}

/// <summary>A time of a run, held against another.</summary>
public sealed record RunTimeFilter(RunTime Time, TimeComparison Comparison, DateTimeOffset At);

/// <summary>Times that a run has.</summary>
public enum RunTime
{
    Created,
    Updated,
    Finished,
}

/// <summary>How two times are compared. The names are Elsa's.</summary>
public enum TimeComparison
{
    Is,
    IsNot,
    LessThan,
    GreaterThan,
    LessThanOrEqual,
    GreaterThanOrEqual,
}

/// <summary>Runs of a span of time that have one state.</summary>
/// <param name="From">Beginning of the span.</param>
/// <param name="SubStatus">The state they have now.</param>
/// <param name="Count">How many were created in it.</param>
public sealed record RunCount(DateTimeOffset From, WorkflowSubStatus SubStatus, long Count);

/// <summary>Instances, stimuli, bookmarks, journal.</summary>
public interface IRunStore
{
    /// <summary>Claims worth asking for at a time: more than one where each takes its time on the way.</summary>
    int ClaimsAtOnce { get; }

    /// <summary>Leases runnable instances (pending, with stimuli, or whose lease ran out): given ids, or any.</summary>
    Task<IReadOnlyList<ClaimedInstance>> ClaimAsync(IReadOnlyList<string>? ids, string owner, TimeSpan duration, int limit, CancellationToken cancellationToken);

    /// <summary>Queues a stimulus and leases its instance in one transaction. Null: another holds the instance, and finds the stimulus; or it has finished.</summary>
    Task<ClaimedInstance?> StimulateAndClaimAsync(PendingStimulus stimulus, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Lengthens leases; returns the instances whose lease is lost.</summary>
    Task<IReadOnlyList<string>> RenewAsync(IReadOnlyList<(string InstanceId, Lease Lease)> leases, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Commits a burst or checkpoint. Batched with others into one transaction (group commit); returns when it is durable.</summary>
    /// <returns>Whether stimuli are waiting for the instance after it: whoever released it rings again.</returns>
    /// <exception cref="LeaseLostException">The fencing token is stale: nothing of it was written.</exception>
    Task<bool> CommitAsync(RunCommit commit, CancellationToken cancellationToken);

    /// <summary>Frees a lease without changing anything: the instance is runnable again at once.</summary>
    Task ReleaseAsync(string instanceId, Lease lease, CancellationToken cancellationToken);

    /// <summary>Inserts pending instances and stimuli in one transaction. Stimuli for finished instances are dropped; a stimulus id that is there already is kept once.</summary>
    /// <returns>Ids of the instances that were not inserted, for another run holds what they wanted to (<see cref="NewInstance.Activation"/>).</returns>
    Task<IReadOnlyList<string>> EnqueueAsync(IReadOnlyList<NewInstance> instances, IReadOnlyList<PendingStimulus> stimuli, CancellationToken cancellationToken);

    /// <summary>Ids of runnable instances that nobody holds, for the sweep.</summary>
    Task<IReadOnlyList<string>> ListRunnableAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Those of them whose owner is gone: their lease has run out. They come before what has not begun.</summary>
    Task<IReadOnlyList<string>> ListInterruptedAsync(int limit, CancellationToken cancellationToken);

    Task<IReadOnlyList<BookmarkRecord>> FindBookmarksAsync(string hash, CancellationToken cancellationToken);
    Task<BookmarkRecord?> FindBookmarkAsync(string bookmarkId, CancellationToken cancellationToken);
    Task<IReadOnlyList<BookmarkRecord>> ListBookmarksAsync(string instanceId, CancellationToken cancellationToken);

    /// <summary>Distinct keys of the waiting bookmarks of a name, for the route table of HTTP endpoints.</summary>
    Task<IReadOnlyList<string>> ListBookmarkKeysAsync(string name, CancellationToken cancellationToken);

    Task<InstanceRecord?> FindAsync(string instanceId, CancellationToken cancellationToken);

    /// <summary>State blob of an instance; null before its first commit.</summary>
    Task<byte[]?> GetStateAsync(string instanceId, CancellationToken cancellationToken);
    Task<RunStart?> GetStartAsync(string instanceId, CancellationToken cancellationToken);
    /// <exception cref="FormatException">The filter's cursor is none of this list's.</exception>
    Task<PageOf<InstanceRecord>> ListAsync(RunFilter filter, CancellationToken cancellationToken);

    /// <summary>How many runs were created in each span of time since, by the state they have now; spans without runs are left out.</summary>
    Task<IReadOnlyList<RunCount>> CountAsync(DateTimeOffset since, TimeSpan span, CancellationToken cancellationToken);

    /// <summary>The journal, expanded from its segments, in order.</summary>
    Task<IReadOnlyList<JournalRecord>> ReadJournalAsync(string instanceId, CancellationToken cancellationToken);

    /// <summary>A part of the journal, and how many records it has in all. Only the segments of that part are read: records are numbered from 1 without gaps.</summary>
    Task<PageOf<JournalRecord>> ReadJournalPageAsync(string instanceId, long skip, int take, CancellationToken cancellationToken);

    /// <summary>Deletes finished instances with all that is theirs.</summary>
    Task<int> DeleteAsync(IReadOnlyList<string> instanceIds, CancellationToken cancellationToken);

    /// <summary>Ids of finished instances that ended before a time, for retention.</summary>
    Task<IReadOnlyList<string>> ListFinishedBeforeAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken);
}

/// <summary>The ledger of effects.</summary>
public interface IEffectStore
{
    Task<EffectRecord?> FindAsync(string key, CancellationToken cancellationToken);
    Task<IReadOnlyList<EffectRecord>> ListAsync(string instanceId, CancellationToken cancellationToken);

    /// <summary>Records an outcome: status, response or error. Batched with commits. An unknown one brings its incident.</summary>
    /// <param name="effect">The effect with its outcome.</param>
    /// <param name="incident">The incident.</param>
    /// <param name="lease">The lease on the run that sent it; null: a person settles it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="LeaseLostException">The lease is gone: whoever has it now says what became of the effect.</exception>
    Task CompleteAsync(EffectRecord effect, IncidentRecord? incident, Lease? lease, CancellationToken cancellationToken);
}

/// <summary>Which incidents.</summary>
public sealed record IncidentFilter
{
    /// <summary>Null: open and resolved ones.</summary>
    public bool? Open { get; init; }
    public string? InstanceId { get; init; }
    public string? SourceId { get; init; }
    public string? DefinitionId { get; init; }

    /// <summary>Of this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Part of what it says, of its code or of its flow's name, in any case.</summary>
    public string? Search { get; init; }
    public int Page { get; init; }
    public int PageSize { get; init; } = 50;
}

/// <summary>Incidents.</summary>
public interface IIncidentStore
{
    /// <summary>Adds incidents; one whose id is there already is skipped.</summary>
    Task AddAsync(IReadOnlyList<IncidentRecord> incidents, CancellationToken cancellationToken);
    Task<IncidentRecord?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Incidents, newest first.</summary>
    Task<PageOf<IncidentRecord>> ListAsync(IncidentFilter filter, CancellationToken cancellationToken);

    /// <inheritdoc cref="ListAsync(IncidentFilter, CancellationToken)"/>
    Task<PageOf<IncidentRecord>> ListAsync(bool? open, string? instanceId, string? sourceId, int page, int pageSize, CancellationToken cancellationToken) =>
        ListAsync(new IncidentFilter { Open = open, InstanceId = instanceId, SourceId = sourceId, Page = page, PageSize = pageSize }, cancellationToken);

    Task<bool> ResolveAsync(string id, string resolution, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Resolves open incidents of sources that nobody wants polled any more, or that were polled with success since.</summary>
    /// <returns>How many.</returns>
    Task<int> ResolveSourcesAsync(DateTimeOffset at, CancellationToken cancellationToken);
}

/// <summary>What is due, over indexed columns.</summary>
public interface IDueStore
{
    /// <summary>The earliest due time of sources, schedules and bookmarks, those left out that are paused; a due source that a process holds counts from when its lease runs out. Null: nothing waits.</summary>
    Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken);

    /// <summary>How long until the first lease on a run runs out, if nobody renews it; null: nobody holds one. A dead process's is the first.</summary>
    Task<TimeSpan?> LeaseEndsInAsync(CancellationToken cancellationToken);

    /// <summary>Ids of unpaused sources that are due and not leased.</summary>
    Task<IReadOnlyList<string>> DueSourcesAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>Schedule triggers that are due and not paused.</summary>
    Task<IReadOnlyList<TriggerRecord>> DueSchedulesAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>Queues a stimulus for every bookmark that is due (its due time is cleared in the same transaction); returns the instances to ring for.</summary>
    Task<IReadOnlyList<string>> ResumeDueBookmarksAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);
}

/// <summary>Makes and upgrades the database.</summary>
public interface IDatabase
{
    /// <summary>Migrates. A newer schema is refused with a clear message.</summary>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>A cheap query, for readiness.</summary>
    Task<bool> PingAsync(CancellationToken cancellationToken);

    /// <summary>Why nothing can be written at the moment (the disk is full), and what to do; null: nothing is known to be wrong.</summary>
    string? Trouble { get; }

    /// <summary>Frees the leases that a process before this one left when it ended. For a database that only this process uses: there nobody can hold one.</summary>
    /// <returns>How many there were.</returns>
    Task<int> FreeLeasesAsync(CancellationToken cancellationToken);

    /// <summary>What it is, without secrets: <c>SQLite data/automation.db (Full)</c>.</summary>
    string Description { get; }
}
