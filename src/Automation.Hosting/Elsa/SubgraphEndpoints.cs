using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Parts of a definition, for a viewer that looks into nested containers.</summary>
internal static class SubgraphEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/workflow-definitions/subgraph/{versionId}", SubgraphAsync);
        routes.MapGet("/workflow-definitions/subgraph/segments/{versionId}", SegmentsAsync);
    }

    private static async Task<IResult> SubgraphAsync(string versionId, HttpContext context, IDefinitionStore store, DefinitionService definitions)
    {
        if (await ReadAsync(versionId, store, definitions, context.RequestAborted) is not { } root)
        {
            return DefinitionEndpoints.NoVersion(versionId);
        }

        // An unknown parent is the root's: the designer asks with what it has.
        var nodeId = Query.Text(context, "parentNodeId");
        return new Reply(Node(Find(root, nodeId) ?? root));
    }

    private static async Task<IResult> SegmentsAsync(string versionId, HttpContext context, IDefinitionStore store, DefinitionService definitions, ActivityRegistry registry)
    {
        if (await ReadAsync(versionId, store, definitions, context.RequestAborted) is not { } root)
        {
            return DefinitionEndpoints.NoVersion(versionId);
        }

        var nodeId = Query.Text(context, "childNodeId");
        if (Find(root, nodeId) is not { } child)
        {
            return Problem.NotFound($"The version '{versionId}' has no activity '{nodeId}'.");
        }

        // The way in: each activity that is not a container itself and holds one on the way to the child.
        var segments = new Stack<JObject>();
        var container = child.Parent;
        while (container is not null && !IsContainer(container))
        {
            container = container.Parent;
        }

        for (var at = container; at?.Parent is { } owner; at = owner)
        {
            if (!IsContainer(owner))
            {
                segments.Push(new JObject
                {
                    ["activityNodeId"] = owner.NodeId,
                    ["activityId"] = (string?)(owner.Json["id"] as JValue),
                    ["activityType"] = (string?)(owner.Json["type"] as JValue),
                    ["portName"] = Port(at),
                    ["activityName"] = (string?)(owner.Json["name"] as JValue),
                });
            }
        }

        return new Reply(new JObject { ["childNode"] = Node(child), ["container"] = Node(container ?? root), ["pathSegments"] = new JArray(segments) });

        bool IsContainer(ActivityEntry entry) => registry.Find((string?)(entry.Json["type"] as JValue) ?? "") is { IsContainer: true };
    }

    private static async Task<ActivityEntry?> ReadAsync(string versionId, IDefinitionStore store, DefinitionService definitions, CancellationToken cancellationToken) =>
        await store.FindVersionAsync(versionId, cancellationToken) is { } version && definitions.Describe(version)["root"] is JObject root ? ActivityTree.Build(root) : null;

    private static ActivityEntry? Find(ActivityEntry root, string? nodeId) => nodeId is null ? null : ActivityTree.Flatten(root).FirstOrDefault(entry => entry.NodeId == nodeId);

    private static JObject Node(ActivityEntry entry) => new()
    {
        ["activity"] = entry.Json.DeepClone(),
        ["port"] = Port(entry),
        ["nodeId"] = entry.NodeId,
        ["parents"] = new JArray(),
        ["children"] = new JArray(entry.Children.Select(Node)),
    };

    private static string Port(ActivityEntry entry) => char.ToUpperInvariant(entry.Port[0]) + entry.Port[1..];
}
