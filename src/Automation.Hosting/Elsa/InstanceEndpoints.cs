using System.Globalization;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Instances: lists, state, variables, journal.</summary>
internal static class InstanceEndpoints
{
    private const int MaximumPage = 1000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/workflow-instances");
        group.MapGet("", (HttpContext context, IRunStore runs) => ListAsync(FromQuery(context), runs, context));
        group.MapPost("", async (HttpContext context, IRunStore runs) => await ListAsync(await RequestBody.ReadObjectAsync(context, context.RequestAborted), runs, context));
        group.MapGet("/{id}", OneAsync);
        group.MapGet("/{id}/execution-state", ExecutionStateAsync);
        group.MapGet("/{id}/variables", VariablesAsync);
        group.MapPost("/{id}/variables", SetVariablesAsync);
        group.MapGet("/{id}/journal", (string id, HttpContext context, IRunStore runs) => JournalAsync(id, [], context, runs));
        group.MapPost("/{id}/journal", async (string id, HttpContext context, IRunStore runs) => await JournalAsync(id, await RequestBody.ReadObjectAsync(context, context.RequestAborted), context, runs));
        group.MapGet("/{id}/journal/{activityId}", LastEntryAsync);
        group.MapDelete("/{id}", DeleteAsync);
    }

    public static Problem NoInstance(string id) => Problem.NotFound($"There is no workflow instance '{id}'.");

    private static async Task<IResult> ListAsync(JObject filter, IRunStore runs, HttpContext context)
    {
        var definitionIds = Bodies.Texts(filter, "definitionIds");
        var one = Bodies.Text(filter, "definitionId");
        if (Bodies.Flag(filter, "isSystem") == true || (one is not null && definitionIds.Count > 0 && !definitionIds.Contains(one)))
        {
            // No run is the system's own, and none is of two definitions.
            return new Reply(new JObject { ["items"] = new JArray(), ["totalCount"] = 0 });
        }

        var orderBy = DefinitionEndpoints.OrderOf(Bodies.Text(filter, "orderBy"), "Created", ["Created", "UpdatedAt", "LastExecuted", "Finished", "Name"]);
        var found = await runs.ListAsync(new RunFilter
        {
            Ids = NullIfEmpty(Bodies.Texts(filter, "ids")),
            DefinitionIds = one is null ? NullIfEmpty(definitionIds) : [one],
            CorrelationId = Bodies.Text(filter, "correlationId"),
            Version = Bodies.Number(filter, "version", 0) is > 0 and var version ? version : null,
            HasIncidents = Bodies.Flag(filter, "hasIncidents"),
            Statuses = NullIfEmpty(Names<WorkflowStatus>(filter, "statuses", "status")),
            SubStatuses = NullIfEmpty(Names<WorkflowSubStatus>(filter, "subStatuses", "subStatus")),
            Search = Bodies.Text(filter, "searchTerm"),
            Name = Bodies.Text(filter, "name"),
            Times = TimesOf(filter),
            OrderBy = orderBy,
            Descending = DefinitionEndpoints.IsDescending(Bodies.Text(filter, "orderDirection"), fallback: orderBy != "Name"),
            Page = Bodies.Number(filter, "page", 0, 0),
            PageSize = Math.Min(Bodies.Number(filter, "pageSize", 50, 1), MaximumPage),
        }, context.RequestAborted);
        return new Reply(new JObject { ["items"] = new JArray(found.Items.Select(Shapes.Instance)), ["totalCount"] = found.Total });
    }

    private static async Task<IResult> OneAsync(string id, HttpContext context, IRunStore runs, DefinitionService definitions, WorkflowEngine engine)
    {
        if (await runs.FindAsync(id, context.RequestAborted) is not { } run)
        {
            return NoInstance(id);
        }

        var json = Shapes.Instance(run);
        var loaded = await LoadAsync(run, runs, definitions, engine, context.RequestAborted);
        json["workflowState"] = loaded?.DescribeState() ?? Shapes.BareState(run, await runs.ListBookmarksAsync(id, context.RequestAborted));
        return new Reply(json);
    }

    private static async Task<IResult> ExecutionStateAsync(string id, HttpContext context, IRunStore runs) =>
        await runs.FindAsync(id, context.RequestAborted) is not { } run
            ? NoInstance(id)
            : new Reply(new JObject
            {
                ["status"] = run.Status.ToString(),
                ["subStatus"] = run.SubStatus.ToString(),
                ["workflowSubStatus"] = run.SubStatus.ToString(),
                ["updatedAt"] = Reply.Utc(run.UpdatedAt),
            });

    private static async Task<IResult> VariablesAsync(string id, HttpContext context, IRunStore runs, DefinitionService definitions, WorkflowEngine engine)
    {
        if (await runs.FindAsync(id, context.RequestAborted) is not { } run)
        {
            return NoInstance(id);
        }

        var loaded = await LoadAsync(run, runs, definitions, engine, context.RequestAborted);
        return new Reply(Shapes.Counted((loaded?.Variables ?? []).Select(v => new JObject { ["id"] = v.Id, ["name"] = v.Name, ["value"] = ValueConverter.ToJson(v.Value).DeepClone() })));
    }

    private static async Task<IResult> SetVariablesAsync(string id, HttpContext context, IRunStore runs, RunService service, DefinitionService definitions, WorkflowEngine engine)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var values = new JObject();
        foreach (var variable in (body.GetValue("variables", StringComparison.OrdinalIgnoreCase) as JArray ?? []).OfType<JObject>())
        {
            if ((Bodies.Text(variable, "id") ?? Bodies.Text(variable, "name")) is { } key)
            {
                values[key] = variable.GetValue("value", StringComparison.OrdinalIgnoreCase);
            }
        }

        return await runs.FindAsync(id, context.RequestAborted) is null ? NoInstance(id)
            : await service.SetVariablesAsync(id, values, context.RequestAborted) ? await VariablesAsync(id, context, runs, definitions, engine)
            : Problem.Conflict("The run has finished: its variables cannot be changed.", "Start a new run.", "finished");
    }

    private static async Task<IResult> JournalAsync(string id, JObject body, HttpContext context, IRunStore runs)
    {
        if (await runs.FindAsync(id, context.RequestAborted) is null)
        {
            return NoInstance(id);
        }

        var filter = Bodies.Object(body, "filter") ?? [];
        var (activityIds, nodeIds, excluded, events) = (Bodies.Texts(filter, "activityIds"), Bodies.Texts(filter, "activityNodeIds"), Bodies.Texts(filter, "excludedActivityTypes"), Bodies.Texts(filter, "eventNames"));
        var take = Math.Min(Query.Number(context, "take", Query.Number(context, "pageSize", 100, 1, int.MaxValue), 0, int.MaxValue), MaximumPage);
        var skip = Query.Number(context, "skip", (int)Math.Min(int.MaxValue, (long)Query.Number(context, "page", 0, 0, int.MaxValue) * take), 0, int.MaxValue);
        var page = activityIds.Count + nodeIds.Count + excluded.Count + events.Count == 0
            ? await runs.ReadJournalPageAsync(id, skip, take, context.RequestAborted)
            : await FilteredAsync();
        return new Reply(new JObject { ["items"] = new JArray(page.Items.Select(r => Shapes.JournalRow(id, r))), ["totalCount"] = page.Total });

        async Task<PageOf<JournalRecord>> FilteredAsync()
        {
            var (rows, total) = (new List<JournalRecord>(), 0L);
            await foreach (var record in runs.StreamJournalAsync(id, context.RequestAborted))
            {
                if ((activityIds.Count == 0 || activityIds.Contains(record.ActivityId))
                    && (nodeIds.Count == 0 || nodeIds.Contains(record.NodeId))
                    && !excluded.Contains(record.ActivityType)
                    && (events.Count == 0 || events.Contains(record.EventName))
                    && ++total > skip && rows.Count < take)
                {
                    rows.Add(record);
                }
            }

            return new PageOf<JournalRecord>(rows, total);
        }
    }

    /// <summary>The last thing that an activity did.</summary>
    /// <remarks>Elsa shows this one as it is stored, with other names than in a list.</remarks>
    private static async Task<IResult> LastEntryAsync(string id, string activityId, HttpContext context, IRunStore runs)
    {
        if (await runs.FindAsync(id, context.RequestAborted) is not { } run)
        {
            return NoInstance(id);
        }

        if (await runs.FindLastInJournalAsync(id, record => record.ActivityId == activityId && record.EventName is "Started" or "Completed" or "Faulted", context.RequestAborted) is not { } last)
        {
            return Problem.NotFound($"The workflow instance '{id}' has no record of the activity '{activityId}'.");
        }

        var row = Shapes.JournalRow(id, last);
        row["activityNodeId"] = last.NodeId;
        row["workflowInstanceId"] = id;
        row["workflowDefinitionId"] = run.DefinitionId;
        row["workflowDefinitionVersionId"] = run.VersionId;
        row["workflowVersion"] = run.Version;
        return new Reply(row);
    }

    private static async Task<IResult> DeleteAsync(string id, HttpContext context, IRunStore runs, RunService service)
    {
        if (await runs.FindAsync(id, context.RequestAborted) is not { } run)
        {
            return NoInstance(id);
        }

        if (run.Status == WorkflowStatus.Running)
        {
            await service.CancelAsync(id, context.RequestAborted);
        }

        return await runs.DeleteAsync([id], context.RequestAborted) > 0
            ? Results.NoContent()
            : Problem.Conflict("The instance is at work and could not be stopped yet.", "Try again in a moment.", "busy");
    }

    /// <summary>The run as it was committed last; null: it has not started, or its definition is gone.</summary>
    private static async Task<WorkflowRun?> LoadAsync(InstanceRecord run, IRunStore runs, DefinitionService definitions, WorkflowEngine engine, CancellationToken cancellationToken)
    {
        var state = await runs.GetStateAsync(run.Id, cancellationToken);
        var plan = state is not { Length: > 0 } ? null : await definitions.GetPlanAsync(run.VersionId, cancellationToken);
        return plan is null ? null : engine.Load(plan, state!);
    }

    private static List<T>? NullIfEmpty<T>(IReadOnlyList<T> items) => items.Count == 0 ? null : items.ToList();

    private static List<T> Names<T>(JObject filter, string many, string one)
        where T : struct, Enum
    {
        var names = Bodies.Texts(filter, many).ToList();
        if (Bodies.Text(filter, one) is { } name)
        {
            names.Add(name);
        }

        return names.Select(n => Query.Name<T>(n, one)).Distinct().ToList();
    }

    /// <exception cref="ProblemException">400: a filter names no column or comparison, or its time is none.</exception>
    private static List<RunTimeFilter> TimesOf(JObject filter) =>
        (filter.GetValue("timestampFilters", StringComparison.OrdinalIgnoreCase) as JArray ?? []).OfType<JObject>().Select(time => new RunTimeFilter(
            Bodies.Text(time, "column") switch
            {
                { } name when name.StartsWith("Created", StringComparison.OrdinalIgnoreCase) => RunTime.Created,
                { } name when name.StartsWith("Updated", StringComparison.OrdinalIgnoreCase) || name.StartsWith("LastExecuted", StringComparison.OrdinalIgnoreCase) => RunTime.Updated,
                { } name when name.StartsWith("Finished", StringComparison.OrdinalIgnoreCase) => RunTime.Finished,
                var other => throw new ProblemException(Problem.BadRequest($"A time filter's column must be CreatedAt, UpdatedAt or FinishedAt; it is '{other}'.", "timestampFilters")),
            },
            Query.Name<TimeComparison>(Bodies.Text(time, "operator") ?? nameof(TimeComparison.Is), "operator"),
            DateTimeOffset.TryParse(Bodies.Text(time, "timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at
                : throw new ProblemException(Problem.BadRequest($"A time filter's timestamp must be a time in ISO 8601; it is '{Bodies.Text(time, "timestamp")}'.", "timestampFilters")))).ToList();

    private static JObject FromQuery(HttpContext context)
    {
        var filter = new JObject();
        foreach (var (name, values) in context.Request.Query)
        {
            if (values is not [{ Length: > 0 } first, ..])
            {
                continue;
            }

            filter[name] = name.ToLowerInvariant() switch
            {
                "ids" or "definitionids" or "statuses" or "substatuses" => new JArray(values.AsEnumerable()),
                "page" or "pagesize" or "version" => int.TryParse(first, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : throw new ProblemException(Problem.BadRequest($"'{name}' must be a whole number; it is '{first}'.", name)),
                "hasincidents" or "issystem" => bool.TryParse(first, out var flag) ? flag : throw new ProblemException(Problem.BadRequest($"'{name}' must be true or false; it is '{first}'.", name)),
                _ => first,
            };
        }

        return filter;
    }
}
