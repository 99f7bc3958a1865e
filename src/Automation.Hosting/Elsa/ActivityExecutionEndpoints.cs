using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Executions of activities, put together from the journal.</summary>
internal static class ActivityExecutionEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/activity-executions/list", (HttpContext context, IRunStore runs) => ListAsync(context, runs, withValues: true));
        routes.MapGet("/activity-execution-summaries/list", (HttpContext context, IRunStore runs) => ListAsync(context, runs, withValues: false));
        routes.MapGet("/activity-executions/by-id", (HttpContext context, IRunStore runs) => OneAsync(Query.Text(context, "id") ?? "", context, runs));
        routes.MapGet("/activity-executions/count", CountAsync);
        routes.MapGet("/activity-executions/{id}", OneAsync);
        routes.MapGet("/activity-executions/{id}/call-stack", CallStackAsync);
        routes.MapPost("/activity-executions/report", ReportAsync);
    }

    private static async Task<IResult> ListAsync(HttpContext context, IRunStore runs, bool withValues)
    {
        if (Query.Text(context, "workflowInstanceId") is not { } instanceId)
        {
            return Problem.BadRequest("'workflowInstanceId' is missing.", "workflowInstanceId");
        }

        var nodeId = Query.Text(context, "activityNodeId");
        var executions = await ReadAsync(instanceId, runs, context.RequestAborted);
        return new Reply(Shapes.Counted(executions.Where(e => nodeId is null || e.First.NodeId == nodeId).Select(e => e.Describe(withValues))));
    }

    private static async Task<IResult> CountAsync(HttpContext context, IRunStore runs)
    {
        if (Query.Text(context, "workflowInstanceId") is not { } instanceId)
        {
            return Problem.BadRequest("'workflowInstanceId' is missing.", "workflowInstanceId");
        }

        var (activityId, completed) = (Query.Text(context, "activityId"), Query.Flag(context, "completed"));
        var count = (await ReadAsync(instanceId, runs, context.RequestAborted))
            .Count(e => (activityId is null || e.First.ActivityId == activityId) && (completed is null || completed == (e.Status == "Completed")));
        return new Reply(new JObject { ["count"] = count });
    }

    private static async Task<IResult> OneAsync(string id, HttpContext context, IRunStore runs)
    {
        if (id.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
        {
            var executions = await ReadAsync(id[..colon], runs, context.RequestAborted);
            if (executions.FirstOrDefault(e => e.Id == id) is { } execution)
            {
                return new Reply(execution.Describe(withValues: true));
            }
        }

        return Problem.NotFound($"There is no activity execution '{id}'.");
    }

    /// <summary>The executions that led to one, root first; of a child run those of its parents too, when asked for.</summary>
    private static async Task<IResult> CallStackAsync(string id, HttpContext context, IRunStore runs)
    {
        const int depthLimit = 50;
        var stack = new List<Execution>();
        var instanceId = id.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon ? id[..colon] : "";
        var executions = await ReadAsync(instanceId, runs, context.RequestAborted);
        var at = executions.FirstOrDefault(e => e.Id == id);
        if (at is null)
        {
            return Problem.NotFound($"There is no activity execution '{id}'.");
        }

        var acrossRuns = Query.Flag(context, "includeCrossWorkflowChain") ?? false;
        for (var depth = 0; at is not null && depth < depthLimit; depth++)
        {
            for (; at is not null; at = at.Parent)
            {
                stack.Add(at);
            }

            if (!acrossRuns || await runs.FindAsync(instanceId, context.RequestAborted) is not { ParentInstanceId: { } parent })
            {
                break;
            }

            // The activity that waits for the child, or that started it and went on: it is not kept which one, so the chain goes on at the parent's root.
            instanceId = parent;
            executions = await ReadAsync(parent, runs, context.RequestAborted);
            at = executions.FirstOrDefault(e => e.HasBookmarks && e.First.ActivityType is "Elsa.ExecuteWorkflow" or "Elsa.DispatchWorkflow" or "Elsa.BulkDispatchWorkflows") ?? (executions.Count > 0 ? executions[0] : null);
        }

        stack.Reverse();
        var skip = Query.Number(context, "skip", 0, 0, int.MaxValue);
        var take = Query.Number(context, "take", int.MaxValue, 0, int.MaxValue);
        return new Reply(new JObject
        {
            ["activityExecutionId"] = id,
            ["items"] = new JArray(stack.Skip(skip).Take(take).Select(e => e.Describe(withValues: true))),
            ["totalCount"] = stack.Count,
        });
    }

    private static async Task<IResult> ReportAsync(HttpContext context, IRunStore runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        if (Bodies.Text(body, "workflowInstanceId") is not { } instanceId)
        {
            return Problem.BadRequest("'workflowInstanceId' is missing.", "workflowInstanceId");
        }

        var nodeIds = Bodies.Texts(body, "activityNodeIds");
        return new Reply(new JObject { ["stats"] = await StatsAsync(instanceId, nodeIds, runs, context.RequestAborted) });
    }

    /// <summary>How often each activity was executed, and how it stands; of all where <paramref name="nodeIds"/> names none.</summary>
    public static async Task<JArray> StatsAsync(string instanceId, IReadOnlyList<string> nodeIds, IRunStore runs, CancellationToken cancellationToken)
    {
        var stats = (await ReadAsync(instanceId, runs, cancellationToken))
            .Where(e => nodeIds.Count == 0 || nodeIds.Contains(e.First.NodeId))
            .GroupBy(e => e.First.NodeId)
            .Select(g => new JObject
            {
                ["activityId"] = g.First().First.ActivityId,
                ["activityNodeId"] = g.Key,
                ["startedCount"] = g.Count(),
                ["completedCount"] = g.Count(e => e.Status == "Completed"),
                ["uncompletedCount"] = g.Count(e => e.Status != "Completed"),
                ["isBlocked"] = g.Any(e => e.HasBookmarks),
                ["isFaulted"] = g.Any(e => e.Status == "Faulted"),
                ["aggregateFaultCount"] = g.Sum(e => e.FaultCount),
                ["metadata"] = new JObject(),
            });
        return new JArray(stats);
    }

    private static async Task<IReadOnlyList<Execution>> ReadAsync(string instanceId, IRunStore runs, CancellationToken cancellationToken)
    {
        var journal = await runs.ReadJournalAsync(instanceId, cancellationToken);
        var blocked = (await runs.ListBookmarksAsync(instanceId, cancellationToken)).Select(b => b.Bookmark.ActivityInstanceId).ToHashSet();
        var executions = new Dictionary<string, Execution>();
        foreach (var record in journal)
        {
            if (!executions.TryGetValue(record.ActivityInstanceId, out var execution))
            {
                executions[record.ActivityInstanceId] = execution = new Execution(
                    instanceId, record, blocked.Contains(record.ActivityInstanceId), record.ParentActivityInstanceId is { } parent ? executions.GetValueOrDefault(parent) : null);
            }

            execution.Add(record);
        }

        return executions.Values.ToList();
    }

    private sealed class Execution(string instanceId, JournalRecord first, bool hasBookmarks, Execution? parent)
    {
        private JournalRecord? end;
        private JournalRecord? values;

        public JournalRecord First { get; } = first;
        public Execution? Parent { get; } = parent;
        public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;
        public string Id { get; } = Shapes.ExecutionId(instanceId, first.ActivityInstanceId);
        public bool HasBookmarks { get; } = hasBookmarks;
        public string Status { get; private set; } = "Running";
        public int FaultCount { get; private set; }

        public void Add(JournalRecord record)
        {
            if (record.State is not null || record.Outputs is not null)
            {
                values = record;
            }

            switch (record.EventName)
            {
                case "Completed":
                    (Status, end) = ("Completed", record);
                    break;
                case "Canceled":
                    (Status, end) = ("Canceled", record);
                    break;
                case "Faulted":
                    (Status, end) = ("Faulted", record);
                    for (var at = this; at is not null; at = at.Parent)
                    {
                        at.FaultCount++;
                    }

                    break;
            }
        }

        public JObject Describe(bool withValues)
        {
            var json = new JObject
            {
                ["id"] = Id,
                ["workflowInstanceId"] = instanceId,
                ["activityId"] = First.ActivityId,
                ["activityNodeId"] = First.NodeId,
                ["activityType"] = First.ActivityType,
                ["activityTypeVersion"] = First.ActivityTypeVersion,
                ["activityName"] = First.ActivityName,
                ["metadata"] = new JObject(),
                ["startedAt"] = Reply.Utc(First.At),
                ["hasBookmarks"] = HasBookmarks,
                ["status"] = Status,
                ["aggregateFaultCount"] = FaultCount,
                ["completedAt"] = Reply.Utc(end?.At),
                ["schedulingActivityExecutionId"] = First.ParentActivityInstanceId is { } above ? Shapes.ExecutionId(instanceId, above) : null,
                ["schedulingActivityId"] = Parent?.First.ActivityId,
                ["schedulingWorkflowInstanceId"] = Parent is null ? null : instanceId,
                ["callStackDepth"] = Depth,
            };
            if (withValues)
            {
                json["activityState"] = values?.State?.DeepClone() ?? new JObject();
                json["outputs"] = values?.Outputs?.DeepClone() ?? new JObject();
                json["payload"] = end?.Outcomes is { } outcomes ? new JObject { ["Outcomes"] = new JArray(outcomes) } : new JObject();
                json["properties"] = new JObject();
                json["exception"] = end?.Fault?.DescribeException();
            }

            return json;
        }
    }
}
