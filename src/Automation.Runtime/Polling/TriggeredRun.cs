using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>The run that an event of a source starts.</summary>
internal static class TriggeredRun
{
    public static NewInstance Of(TriggerRecord trigger, WorkflowDefinition definition, EventRecord item, JObject payload, string startedBy, bool isSandbox, TimeProvider clock)
    {
        var id = Ids.New(clock);
        return new NewInstance
        {
            Id = id,
            DefinitionId = trigger.DefinitionId,
            VersionId = trigger.VersionId,
            Version = definition.Version,
            DefinitionName = definition.Name,
            TriggerId = trigger.Id,
            StartedBy = startedBy,
            Subjects = item.Subjects,
            IsSandbox = isSandbox,
            CreatedAt = clock.GetUtcNow(),
            Start = new RunStart
            {
                InstanceId = id,
                LocationId = trigger.LocationId,
                TriggerActivityId = trigger.ActivityId,
                TriggerPayload = payload,
            },
        };
    }

    /// <summary>The trigger's <c>event</c>.</summary>
    public static JObject Payload(EventRecord item) => new()
    {
        ["key"] = item.Key,
        ["item"] = item.Item,
        ["previous"] = item.Previous,
        ["revision"] = item.Revision,
        ["sourceId"] = item.SourceId,
        ["observedAt"] = item.ObservedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
        ["sample"] = false,
    };

    public static async Task<bool> IsSandboxAsync(IConnections connections, TriggerRecord trigger, CancellationToken cancellationToken)
    {
        try
        {
            return trigger.ConnectionId is { } id && await connections.FindAsync(id, cancellationToken) is { IsSandbox: true };
        }
        catch (ConnectorException)
        {
            // The credential cannot be read; events that were taken in already are delivered all the same, and the run says what is wrong.
            return false;
        }
    }
}
