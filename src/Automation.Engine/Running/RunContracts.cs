using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Running or finished, as Elsa's API says it.</summary>
public enum WorkflowStatus
{
    Running,
    Finished,
}

/// <summary>Finer than <see cref="WorkflowStatus"/>: Faulted and Cancelled are Finished, Suspended is Running.</summary>
public enum WorkflowSubStatus
{
    Pending,
    Executing,
    Suspended,
    Finished,
    Cancelled,
    Faulted,
    Interrupted,
}

/// <summary>What starts a run.</summary>
public sealed record RunStart
{
    public required string InstanceId { get; init; }

    /// <summary>Root of effect keys: the first run's instance id, kept by its replays so that effects already done are not done again.</summary>
    public string? Lineage { get; init; }

    public string? CorrelationId { get; init; }
    public string? Name { get; init; }
    public string? ParentInstanceId { get; init; }
    public string? LocationId { get; init; }

    /// <summary>Workflow inputs by name.</summary>
    public JObject? Input { get; init; }

    /// <summary>Overrides of variables' initial values by name.</summary>
    public JObject? Variables { get; init; }

    /// <summary>Activity that triggered the run: it does not block, and the flow starts there.</summary>
    public string? TriggerActivityId { get; init; }

    /// <summary>Node id of the one activity that runs, without what is around it and what comes after it; null: the workflow runs.</summary>
    public string? OnlyNodeId { get; init; }

    /// <summary>What the trigger brought: expressions see it as <c>event</c>, the trigger activity as <see cref="ActivityContext.TriggerPayload"/>.</summary>
    public JToken? TriggerPayload { get; init; }

    /// <summary>Reads are real, writes are shown, not sent.</summary>
    public bool IsDryRun { get; init; }
}

/// <summary>Something that resumes a bookmark of a run: by its id, or by name and key.</summary>
/// <param name="Id">Unique: a stimulus is applied once.</param>
/// <param name="BookmarkId">The bookmark's id.</param>
/// <param name="Input">What it brings.</param>
public sealed record Stimulus(string Id, string BookmarkId, JToken? Input);

/// <summary>What a suspended run waits for.</summary>
public sealed record Bookmark
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string? Key { get; init; }

    /// <summary>Indexed: <see cref="HashOf"/> of name and key.</summary>
    public required string Hash { get; init; }

    public string? Tag { get; init; }
    public required string ActivityId { get; init; }
    public required string NodeId { get; init; }
    public required string ActivityInstanceId { get; init; }
    public DateTimeOffset? DueAt { get; init; }
    public JToken? Payload { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Stable hash by which waiting bookmarks and listening triggers are found.</summary>
    public static string HashOf(string name, string? key) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name + "\n" + key)))[..32];
}

/// <summary>A fault that needs a person or a policy.</summary>
public sealed record Incident
{
    public required string Id { get; init; }
    public string? ActivityId { get; init; }
    public string? NodeId { get; init; }
    public string? ActivityInstanceId { get; init; }
    public string? ActivityType { get; init; }
    public string? ActivityName { get; init; }
    public required Fault Fault { get; init; }
    public DateTimeOffset At { get; init; }
}

/// <summary>One line of the journal.</summary>
public sealed record JournalRecord
{
    public required long Sequence { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>Started, Completed, Suspended, Resumed, Faulted, Canceled, or an activity's own word.</summary>
    public required string EventName { get; init; }

    public required string ActivityInstanceId { get; init; }
    public string? ParentActivityInstanceId { get; init; }
    public required string ActivityId { get; init; }
    public required string NodeId { get; init; }
    public required string ActivityType { get; init; }
    public int ActivityTypeVersion { get; init; } = 1;
    public string? ActivityName { get; init; }

    /// <summary>How often this activity had been executed in this run before: with the node id, the key of an effect.</summary>
    public int Iteration { get; init; }

    public string? Message { get; init; }

    /// <summary>Evaluated inputs by name, on Completed and Faulted; sensitive ones left out.</summary>
    public JObject? State { get; init; }

    /// <summary>Outputs by name, on Completed.</summary>
    public JObject? Outputs { get; init; }

    /// <summary>Outcomes taken, on Completed.</summary>
    public IReadOnlyList<string>? Outcomes { get; init; }

    public Fault? Fault { get; init; }
}

/// <summary>A child run that an activity asked for; started in the transaction that commits its parent.</summary>
public sealed record ChildDispatch
{
    /// <summary>End of a bookmark's id: the child resumes it already when it suspends for the first time.</summary>
    public const string UntilRest = "-rest";

    public required string InstanceId { get; init; }
    public required string DefinitionId { get; init; }

    /// <summary>Root of the child's effect keys: the effect key of the activity that dispatches it, so that a replay of the parent does not repeat the child's effects. Null: its instance id.</summary>
    public string? Lineage { get; init; }

    public string? CorrelationId { get; init; }
    public JObject? Input { get; init; }

    /// <summary>Bookmark of the parent that the child's end resumes; null: nobody waits.</summary>
    public string? ParentBookmarkId { get; init; }
}

/// <summary>An event that an activity published.</summary>
public sealed record PublishedEvent(string Name, string? CorrelationId, JToken? Payload, bool IsLocal);

/// <summary>All that a burst changed and that is not in the state blob; drained by the commit.</summary>
public sealed record RunChanges
{
    public IReadOnlyList<JournalRecord> Journal { get; init; } = [];
    public IReadOnlyList<Bookmark> BookmarksAdded { get; init; } = [];
    public IReadOnlyList<string> BookmarksRemoved { get; init; } = [];
    public IReadOnlyList<Incident> Incidents { get; init; } = [];
    public IReadOnlyList<string> Subjects { get; init; } = [];
    public IReadOnlyList<ChildDispatch> Children { get; init; } = [];
    public IReadOnlyList<PublishedEvent> Events { get; init; } = [];
}

/// <summary>The durable side of a run in progress. In memory (tests, command line) there is none.</summary>
public interface IRunHost
{
    /// <summary>
    /// Commits all the run did so far. A crash after it resumes at the activity that runs now, which is then executed again.
    /// </summary>
    /// <exception cref="LeaseLostException">Another owner has taken the run over: stop, commit and send nothing.</exception>
    ValueTask CheckpointAsync(WorkflowRun run, CancellationToken cancellationToken);

    /// <summary>Called right before a request leaves.</summary>
    /// <exception cref="LeaseLostException">The run may be another owner's by now: send nothing.</exception>
    void EnsureHeld();
}

/// <summary>The lease on a run is gone; whoever held it must stop without a word.</summary>
public sealed class LeaseLostException(string instanceId) : Exception($"The lease on run {instanceId} was lost.");
