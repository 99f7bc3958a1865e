using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>Starts, resumes, cancels and replays runs for the API and for HTTP endpoints.</summary>
public sealed class RunService
{
    /// <summary>Starts a run and works on the caller's thread until it suspends or ends; its state is committed before this returns.</summary>
    /// <exception cref="KeyNotFoundException">No such version.</exception>
    public Task<WorkflowRun> ExecuteAsync(StartRequest request, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Queues a run and rings for it; returns its instance id at once.</summary>
    public Task<string> DispatchAsync(StartRequest request, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Resumes one bookmark on the caller's thread if nobody else holds the instance, else queues the stimulus. Null: it was queued.</summary>
    public Task<WorkflowRun?> ResumeAsync(string bookmarkId, JToken? input, IHttpExchange? exchange, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Sends an event: starts the flows that listen, resumes the runs that wait. Synchronously: returns when their bursts are over.</summary>
    /// <returns>Ids of the instances started or resumed.</returns>
    public Task<IReadOnlyList<string>> PublishEventAsync(string name, string? correlationId, string? instanceId, string? activityInstanceId, JToken? input, bool synchronously, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Cancels a run and its children. False: there is no such run, or it has finished.</summary>
    public Task<bool> CancelAsync(string instanceId, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Runs again: from the start or from the failed activity; effects already done are not done again.</summary>
    /// <returns>Id of the new run.</returns>
    public Task<string> ReplayAsync(string instanceId, bool fromFailed, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Settles an incident: <c>resolve</c> closes it; for an unknown outcome <c>happened</c> records it as done, <c>notHappened</c> allows it to be sent again; both retry the run.</summary>
    public Task<bool> ResolveIncidentAsync(string incidentId, string resolution, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>How a run is started.</summary>
public sealed record StartRequest
{
    public required string DefinitionId { get; init; }
    public VersionOptions Version { get; init; } = VersionOptions.Published;

    /// <summary>Id of the version, when it is known already (a route table, a trigger); it goes before <see cref="Version"/> and saves the look-up.</summary>
    public string? VersionId { get; init; }

    /// <summary>Wanted instance id; null: a new one.</summary>
    public string? InstanceId { get; init; }
    public string? CorrelationId { get; init; }
    public string? Name { get; init; }
    public JObject? Input { get; init; }
    public JObject? Variables { get; init; }
    public string? TriggerActivityId { get; init; }
    public JToken? TriggerPayload { get; init; }
    public string? TriggerId { get; init; }
    public string? LocationId { get; init; }
    public string StartedBy { get; init; } = "api";
    public bool IsDryRun { get; init; }
    public IHttpExchange? HttpExchange { get; init; }
}
