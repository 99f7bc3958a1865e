using Automation.Engine;
using Automation.Engine.Http;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>An instance of this id exists already; nothing was started.</summary>
public sealed class InstanceExistsException(string instanceId) : Exception($"An instance with the id '{instanceId}' exists already.");

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

    /// <inheritdoc cref="RunStart.OnlyNodeId"/>
    public string? OnlyNodeId { get; init; }
    public JToken? TriggerPayload { get; init; }
    public string? TriggerId { get; init; }
    public string? LocationId { get; init; }
    public string StartedBy { get; init; } = "api";
    public bool IsDryRun { get; init; }
    public IHttpExchange? HttpExchange { get; init; }
}
