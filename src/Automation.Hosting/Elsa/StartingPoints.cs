using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Finds the activity that a start names by a handle, as Elsa's clients do: by its id or its node id. That activity runs alone: as in Elsa nobody owns it, so nothing follows it.</summary>
internal sealed class StartingPoints(IDefinitionStore store, DefinitionService definitions)
{
    /// <exception cref="ProblemException">400: there is no such activity.</exception>
    public async Task<StartRequest> ApplyAsync(StartRequest start, JObject? handle, CancellationToken cancellationToken)
    {
        var (id, nodeId) = handle is null ? (null, null) : (Bodies.Text(handle, "activityId"), Bodies.Text(handle, "activityNodeId"));
        if (id is null && nodeId is null)
        {
            return handle is not null && (Bodies.Text(handle, "activityInstanceId") ?? Bodies.Text(handle, "activityHash")) is not null
                ? throw Refused("A new run has no activity instances yet, so it cannot begin at one. Name the activity by 'activityId' or 'activityNodeId'.")
                : start;
        }

        if (await store.FindAsync(start.DefinitionId, start.Version, cancellationToken) is not { } version || definitions.Describe(version)["root"] is not JObject root)
        {
            return start;
        }

        // The workflow itself is an activity too: from it the whole workflow runs.
        if ((nodeId ?? id) == ActivityEntry.WorkflowId)
        {
            return start;
        }

        var entry = ActivityTree.Walk(root).FirstOrDefault(entry => nodeId is not null ? entry.NodeId == nodeId : (string?)(entry.Json["id"] as JValue) == id)
            ?? throw Refused($"The workflow '{version.Name ?? version.DefinitionId}', version {version.Version}, has no activity '{nodeId ?? id}'.");
        return start with { VersionId = version.Id, OnlyNodeId = entry.NodeId };
    }

    private static ProblemException Refused(string detail) => new(Problem.BadRequest(detail, "activityHandle"));
}
