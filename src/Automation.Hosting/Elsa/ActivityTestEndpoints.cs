using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>
/// Tries one activity of a definition by itself, in memory: reads are real, writes are shown and not sent, workflows and events that it would start are not started.
/// Variables have their initial values. Nothing of it is kept.
/// </summary>
internal static class ActivityTestEndpoints
{
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/tests/activities", TestAsync);

    private static async Task<IResult> TestAsync(HttpContext context, IDefinitionStore store, DefinitionService definitions, WorkflowEngine engine)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var workflow = Bodies.Object(body, "workflowDefinitionHandle") ?? [];
        var version = Bodies.Text(workflow, "definitionVersionId") is { } versionId
            ? await store.FindVersionAsync(versionId, context.RequestAborted)
            : Bodies.Text(workflow, "definitionId") is { } definitionId
                ? await store.FindAsync(definitionId, Query.Version(Bodies.Text(workflow, "versionOptions"), VersionOptions.Latest), context.RequestAborted)
                : null;
        if (version is null)
        {
            return Problem.NotFound("There is no such version of a workflow definition. Save the workflow first.");
        }

        var model = definitions.Describe(version);
        var handle = Bodies.Object(body, "activityHandle") ?? [];
        var (id, nodeId) = (Bodies.Text(handle, "activityId"), Bodies.Text(handle, "activityNodeId"));
        var wanted = ((JObject)model["root"]!) is { } root
            ? ActivityTree.Walk(root).FirstOrDefault(entry => nodeId is not null ? entry.NodeId == nodeId : id is not null && (string?)(entry.Json["id"] as JValue) == id)
            : null;
        if (wanted is null)
        {
            return Problem.NotFound($"The workflow has no activity '{nodeId ?? id}'. Save the workflow first.");
        }

        var activityId = (string)wanted.Json["id"]!;
        model["variables"] = new JArray(VariablesFor(wanted).Concat(model["variables"] as JArray ?? []));
        model["root"] = wanted.Json.DeepClone();
        var (definition, problems) = DefinitionReader.Read(model);
        if (definition is null)
        {
            throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.ToString())), problems);
        }

        var run = engine.Create(engine.Compile(definition), new RunStart { InstanceId = Ids.New(engine.Clock), TriggerActivityId = activityId, IsDryRun = true });
        using var deadline = new CancellationTokenSource(TimeLimit, engine.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        try
        {
            await engine.RunAsync(run, [], context.RequestServices, either.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return Problem.BadRequest($"The activity was stopped after {TimeLimit.TotalSeconds:0} seconds.", action: "Run the workflow instead.");
        }

        return new Reply(Describe(run.DrainChanges().Journal.Where(record => record.ActivityId == activityId).ToList(), run));
    }

    private static JObject Describe(List<JournalRecord> journal, WorkflowRun run)
    {
        var end = journal.LastOrDefault(record => record.EventName is "Completed" or "Faulted" or "Canceled");
        var incident = run.Incidents.Count > 0 ? run.Incidents[^1].Fault : null;
        return new JObject
        {
            ["activityState"] = end?.State?.DeepClone() ?? new JObject(),
            ["payload"] = end?.Outcomes is { } outcomes ? new JObject { ["Outcomes"] = new JArray(outcomes) } : new JObject(),
            ["outputs"] = end?.Outputs?.DeepClone() ?? new JObject(),
            ["exception"] = (end?.Fault ?? incident)?.DescribeException(),
            ["status"] = end?.EventName ?? (incident is null ? "Running" : "Faulted"),
        };
    }

    /// <summary>Variables of the containers around an activity: by itself it would not see them.</summary>
    private static IEnumerable<JToken> VariablesFor(ActivityEntry entry)
    {
        for (var at = entry.Parent; at is not null; at = at.Parent)
        {
            foreach (var variable in at.Json["variables"] as JArray ?? [])
            {
                yield return variable.DeepClone();
            }
        }
    }
}
