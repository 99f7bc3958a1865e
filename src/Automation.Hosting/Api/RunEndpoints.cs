using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/runs</c>: what ran, about whom, and what it did to the outside.</summary>
internal static class RunEndpoints
{
    /// <summary>Records that a run is shown with.</summary>
    private const int JournalLimit = 10_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/runs").WithTags("runs");
        group.MapGet("", ListAsync).WithSummary("Runs, newest first. Filters: definitionId, status, subject, since, search, triggerId, locationId, hasIncidents.");
        group.MapGet("/{id}", OneAsync).WithSummary("One run with its journal (its first 10,000 records; the rest page by page) and its effects.");
        group.MapGet("/{id}/journal", JournalAsync).WithSummary("The journal of a run, page by page (skip, take).");
        group.MapPost("/{id}/replay", ReplayAsync).WithSummary("Runs again, from the start or (fromFailed) from the failed activity; effects already done are not done again.");
        group.MapPost("/{id}/cancel", CancelAsync).WithSummary("Cancels a run that is not finished.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IRunStore runs)
    {
        var (page, size) = Query.Page(context);
        var (statuses, subStatuses) = Statuses(Query.Many(context, "status"));
        var filter = new RunFilter
        {
            DefinitionIds = Query.Many(context, "definitionId"),
            Statuses = statuses,
            SubStatuses = subStatuses,
            Subject = Query.Text(context, "subject")?.Trim().ToLowerInvariant(),
            Since = Query.Time(context, "since"),
            Search = Query.Text(context, "search"),
            TriggerId = Query.Text(context, "triggerId"),
            LocationId = Query.Text(context, "locationId"),
            CorrelationId = Query.Text(context, "correlationId"),
            HasIncidents = Query.Flag(context, "hasIncidents"),
            Page = page,
            PageSize = size,
            Cursor = Query.Text(context, "cursor"),
        };
        try
        {
            var found = await runs.ListAsync(filter, context.RequestAborted);
            return new Reply(new JObject { ["items"] = new JArray(found.Items.Select(Describe)), ["total"] = found.Total, ["nextCursor"] = found.NextCursor });
        }
        catch (FormatException error)
        {
            return Problem.BadRequest(error.Message, "cursor");
        }
    }

    private static async Task<IResult> OneAsync(string id, HttpContext context, IRunStore runs, IEffectStore effects, IIncidentStore incidents)
    {
        var run = await runs.FindAsync(id, context.RequestAborted) ?? throw NotFound(id);
        var json = Describe(run);
        var journal = await runs.ReadJournalPageAsync(id, 0, JournalLimit, context.RequestAborted);
        json["journal"] = new JArray(journal.Items.Select(Describe));
        json["journalTotal"] = journal.Total;
        json["effects"] = new JArray((await effects.ListAsync(id, context.RequestAborted)).Select(Describe));
        json["incidents"] = new JArray((await incidents.ListAsync(null, id, null, 0, 100, context.RequestAborted)).Items.Select(IncidentEndpoints.Describe));
        return new Reply(json);
    }

    private static async Task<IResult> JournalAsync(string id, HttpContext context, IRunStore runs)
    {
        _ = await runs.FindAsync(id, context.RequestAborted) ?? throw NotFound(id);
        var page = await runs.ReadJournalPageAsync(id, Query.Number(context, "skip", 0, 0, int.MaxValue), Query.Number(context, "take", 100, 1, Journals.PageSize), context.RequestAborted);
        return new Reply(new JObject { ["items"] = new JArray(page.Items.Select(Describe)), ["total"] = page.Total });
    }

    private static async Task<IResult> ReplayAsync(string id, HttpContext context, IRunStore runs, RunService service)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var run = await runs.FindAsync(id, context.RequestAborted) ?? throw NotFound(id);
        if (run.Status != WorkflowStatus.Finished)
        {
            return Problem.Conflict($"The run is still {run.SubStatus}; only finished runs are replayed.", "Wait for its end, or cancel it.", "not-finished");
        }

        var fromFailed = Query.Flag(context, "fromFailed") ?? body["fromFailed"] is JValue { Value: true } || (string?)(body["from"] as JValue) == "failed";
        try
        {
            return new Reply(new JObject { ["id"] = await service.ReplayAsync(id, fromFailed, context.RequestAborted), ["replayOf"] = id }, StatusCodes.Status202Accepted);
        }
        catch (InvalidOperationException error)
        {
            // What the service says of a run that cannot be replayed this way: it did not fault, or has gone on meanwhile.
            return Problem.Conflict(error.Message, "Replay it from the start, or leave it.", "not-replayable");
        }
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, IRunStore runs, RunService service)
    {
        var run = await runs.FindAsync(id, context.RequestAborted) ?? throw NotFound(id);
        return await service.CancelAsync(id, context.RequestAborted)
            ? new Reply(Describe(await runs.FindAsync(id, context.RequestAborted) ?? run))
            : Problem.Conflict($"The run has finished ({run.SubStatus}).", "Nothing is left to cancel.", "finished");
    }

    /// <summary>A status may be one of either kind: Running and Finished, or the finer ones. Finished alone means finished without a fault.</summary>
    private static (IReadOnlyList<WorkflowStatus>?, IReadOnlyList<WorkflowSubStatus>?) Statuses(IReadOnlyList<string>? names)
    {
        if (names is null)
        {
            return (null, null);
        }

        if (names is [var one] && string.Equals(one, nameof(WorkflowStatus.Running), StringComparison.OrdinalIgnoreCase))
        {
            return ([WorkflowStatus.Running], null);
        }

        return (null, names.SelectMany(name => string.Equals(name, nameof(WorkflowStatus.Running), StringComparison.OrdinalIgnoreCase)
            ? [WorkflowSubStatus.Pending, WorkflowSubStatus.Executing, WorkflowSubStatus.Suspended]
            : new[] { Query.Name<WorkflowSubStatus>(name, "status") }).ToList());
    }

    private static ProblemException NotFound(string id) => new(Problem.NotFound($"There is no run '{id}'."));

    internal static JObject Describe(InstanceRecord run) => new()
    {
        ["id"] = run.Id,
        ["definitionId"] = run.DefinitionId,
        ["definitionName"] = run.DefinitionName,
        ["versionId"] = run.VersionId,
        ["version"] = run.Version,
        ["name"] = run.Name,
        ["status"] = run.Status.ToString(),
        ["subStatus"] = run.SubStatus.ToString(),
        ["correlationId"] = run.CorrelationId,
        ["locationId"] = run.LocationId,
        ["createdAt"] = Reply.Utc(run.CreatedAt),
        ["startedAt"] = Reply.Utc(run.StartedAt),
        ["updatedAt"] = Reply.Utc(run.UpdatedAt),
        ["finishedAt"] = Reply.Utc(run.FinishedAt),
        ["trigger"] = new JObject { ["id"] = run.TriggerId, ["kind"] = run.StartedBy },
        ["subjects"] = new JArray(run.Subjects),
        ["incidentCount"] = run.IncidentCount,
        ["error"] = run.Error,
        ["isSandbox"] = run.IsSandbox,
        ["parentId"] = run.ParentInstanceId,
        ["node"] = run.Node,
        ["replayOf"] = run.Lineage == run.Id ? null : run.Lineage,
    };

    private static JObject Describe(JournalRecord record) => new()
    {
        ["sequence"] = record.Sequence,
        ["at"] = Reply.Utc(record.At),
        ["eventName"] = record.EventName,
        ["activityId"] = record.ActivityId,
        ["nodeId"] = record.NodeId,
        ["activityType"] = record.ActivityType,
        ["activityName"] = record.ActivityName,
        ["activityInstanceId"] = record.ActivityInstanceId,
        ["iteration"] = record.Iteration,
        ["message"] = record.Message,
        ["inputs"] = record.State?.DeepClone(),
        ["outputs"] = record.Outputs?.DeepClone(),
        ["outcomes"] = record.Outcomes is null ? null : new JArray(record.Outcomes),
        ["fault"] = record.Fault is null ? null : Describe(record.Fault),
    };

    private static JObject Describe(Fault fault) => new()
    {
        ["code"] = fault.Code,
        ["message"] = fault.Message,
        ["detail"] = fault.Detail,
        ["action"] = fault.Action,
        ["property"] = fault.Property,
        ["isTransient"] = fault.IsTransient,
    };

    private static JObject Describe(EffectRecord effect) => new()
    {
        ["key"] = effect.Key,
        ["activityId"] = effect.ActivityId,
        ["nodeId"] = effect.NodeId,
        ["iteration"] = effect.Iteration,
        ["operation"] = effect.Operation,
        ["class"] = effect.Class.ToString().ToLowerInvariant(),
        ["connectionId"] = effect.ConnectionId,
        ["locationId"] = effect.LocationId,
        ["status"] = effect.Status,
        ["attempts"] = effect.Attempts,
        ["intentAt"] = Reply.Utc(effect.IntentAt),
        ["outcomeAt"] = Reply.Utc(effect.OutcomeAt),
        ["request"] = new JObject { ["method"] = effect.Request.Method, ["url"] = effect.Request.Url, ["body"] = effect.Request.Body is { } sent ? Redaction.Clean(sent) : null },
        ["response"] = effect.Response is null ? null : new JObject { ["status"] = effect.Response.Status, ["body"] = effect.Response.Body is { } answer ? Redaction.Clean(answer) : null, ["traceId"] = effect.Response.TraceId },
        ["error"] = effect.Error,
    };
}
