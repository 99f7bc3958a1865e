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
        routes.MapGet("/activity-executions/by-id", OneAsync);
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

    private static async Task<IResult> OneAsync(HttpContext context, IRunStore runs)
    {
        var id = Query.Text(context, "id") ?? "";
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

    private static async Task<IResult> ReportAsync(HttpContext context, IRunStore runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        if (Bodies.Text(body, "workflowInstanceId") is not { } instanceId)
        {
            return Problem.BadRequest("'workflowInstanceId' is missing.", "workflowInstanceId");
        }

        var nodeIds = Bodies.Texts(body, "activityNodeIds");
        var stats = (await ReadAsync(instanceId, runs, context.RequestAborted))
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
        return new Reply(new JObject { ["stats"] = new JArray(stats) });
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
                executions[record.ActivityInstanceId] = execution = new Execution(instanceId, record, blocked.Contains(record.ActivityInstanceId));
            }

            execution.Add(record, executions);
        }

        return executions.Values.ToList();
    }

    private sealed class Execution(string instanceId, JournalRecord first, bool hasBookmarks)
    {
        private JournalRecord? end;
        private JournalRecord? values;

        public JournalRecord First { get; } = first;
        public string Id { get; } = Shapes.ExecutionId(instanceId, first.ActivityInstanceId);
        public bool HasBookmarks { get; } = hasBookmarks;
        public string Status { get; private set; } = "Running";
        public int FaultCount { get; private set; }

        public void Add(JournalRecord record, Dictionary<string, Execution> all)
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
                    for (var at = this; at is not null; at = at.First.ParentActivityInstanceId is { } parent ? all.GetValueOrDefault(parent) : null)
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
                ["schedulingActivityExecutionId"] = First.ParentActivityInstanceId is { } parent ? Shapes.ExecutionId(instanceId, parent) : null,
                ["schedulingActivityId"] = null,
                ["schedulingWorkflowInstanceId"] = null,
                ["callStackDepth"] = 0,
            };
            if (withValues)
            {
                json["activityState"] = values?.State?.DeepClone() ?? new JObject();
                json["outputs"] = values?.Outputs?.DeepClone() ?? new JObject();
                json["payload"] = end?.Outcomes is { } outcomes ? new JObject { ["Outcomes"] = new JArray(outcomes) } : new JObject();
                json["properties"] = new JObject();
                json["exception"] = end?.Fault is { } fault ? Shapes.Exception(fault) : null;
            }

            return json;
        }
    }
}
