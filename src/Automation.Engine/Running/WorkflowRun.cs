using Automation.Engine.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>A workflow instance in memory: what the run loop works on, and what the state blob is made from.</summary>
public sealed class WorkflowRun
{
    public string InstanceId => throw new NotImplementedException();
    public string Lineage => throw new NotImplementedException();
    public WorkflowPlan Plan => throw new NotImplementedException();
    public string? CorrelationId { get; set; }
    public string? Name { get; set; }
    public string? LocationId => throw new NotImplementedException();
    public string? ParentInstanceId => throw new NotImplementedException();
    public bool IsDryRun => throw new NotImplementedException();
    public JToken? TriggerPayload => throw new NotImplementedException();
    public string? TriggerActivityId => throw new NotImplementedException();
    public JObject Input => throw new NotImplementedException();
    public JObject Output => throw new NotImplementedException();
    public WorkflowStatus Status => throw new NotImplementedException();
    public WorkflowSubStatus SubStatus => throw new NotImplementedException();

    /// <summary>What it waits for now.</summary>
    public IReadOnlyCollection<Bookmark> Bookmarks => throw new NotImplementedException();

    /// <summary>All incidents since the start.</summary>
    public IReadOnlyList<Incident> Incidents => throw new NotImplementedException();

    /// <summary>Names, ids and values of the workflow's variables that are stored with it.</summary>
    public IReadOnlyList<(string Id, string Name, object? Value)> Variables => throw new NotImplementedException();

    /// <summary>The durable side; set by the runner before a burst, null in memory.</summary>
    public IRunHost? Host { get; set; }

    /// <summary>The HTTP request being answered; set while the run is on its thread.</summary>
    public IHttpExchange? HttpExchange { get; set; }

    /// <summary>Activities executed since the start; the run's budget counts it.</summary>
    public int ActivityCount => throw new NotImplementedException();

    /// <summary>
    /// The state blob: a format version, then all that a later burst needs, keyed by node id and iteration. Called in the middle of an
    /// activity (a checkpoint) it holds that activity as still to be executed.
    /// </summary>
    public byte[] SaveState() => throw new NotImplementedException();

    /// <summary>The state as Elsa's API shows it (<c>workflowState</c>).</summary>
    public JObject DescribeState() => throw new NotImplementedException();

    /// <summary>Takes what changed since the last call.</summary>
    public RunChanges DrainChanges() => throw new NotImplementedException();
}
