using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Api;
using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Automation.Runtime.People;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Starting, resuming and cancelling runs.</summary>
internal static class ExecutionEndpoints
{
    /// <summary>Whether the definition's activation strategy refused the start.</summary>
    private const string CannotStartHeader = "x-elsa-workflow-cannot-start";

    /// <summary>Runs of one bulk dispatch at most.</summary>
    private const int MaximumRuns = 1000;

    private static readonly string[] SynchronousModes = ["Synchronous", "0"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/workflow-definitions/{definitionId}/execute", ExecuteAsync);
        routes.MapGet("/workflow-definitions/{definitionId}/execute", ExecuteAsync).WithMetadata(new AutomationEndpoints.StartsRun());
        routes.MapPost("/workflow-definitions/{definitionId}/dispatch", DispatchAsync);
        routes.MapPost("/workflow-definitions/{definitionId}/bulk-dispatch", BulkDispatchAsync);
        routes.MapPost("/events/{eventName}/trigger", TriggerAsync);
        routes.MapPost("/tasks/{taskId}/complete", CompleteTaskAsync);
        routes.MapPost("/cancel/workflow-instances/{id}", CancelAsync);
    }

    private static async Task<IResult> ExecuteAsync(string definitionId, HttpContext context, RunService runs, StartingPoints points, TimeProvider clock)
    {
        var body = await BodyOrQueryAsync(context);
        var id = Ids.New(clock);
        var start = await points.ApplyAsync(StartOf(definitionId, body, id), Bodies.Object(body, "activityHandle"), context.RequestAborted);

        // The header goes with whatever response there is, also with one that the flow itself writes; not with a refusal.
        var exchange = new WebExchange(context, answered => Name(answered, id));
        WorkflowRun run;
        try
        {
            run = await runs.ExecuteAsync(start with { HttpExchange = exchange }, context.RequestAborted);
        }
        catch (ActivationRefusedException)
        {
            context.Response.Headers[CannotStartHeader] = "True";
            return Results.Ok();
        }

        if (exchange.HasResponded)
        {
            return Results.Empty;
        }

        Name(context, run.InstanceId);
        context.Response.Headers[CannotStartHeader] = "False";
        return new Reply(new JObject { ["workflowState"] = run.DescribeState() }, run.SubStatus == WorkflowSubStatus.Faulted ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK);
    }

    private static async Task<IResult> DispatchAsync(string definitionId, HttpContext context, RunService runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var id = await runs.DispatchAsync(StartOf(definitionId, body, Bodies.Text(body, "instanceId")), context.RequestAborted);
        return new Reply(new JObject { ["workflowInstanceId"] = id });
    }

    /// <summary>As many runs of one definition as are asked for, queued together.</summary>
    private static async Task<IResult> BulkDispatchAsync(string definitionId, HttpContext context, RunService runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var count = Bodies.Number(body, "count", 1, minimum: 0);
        if (count > MaximumRuns)
        {
            return Problem.BadRequest($"At most {MaximumRuns} runs are started at once; {count} were asked for.", "count", "Send several requests.");
        }

        return new Reply(new JObject { ["workflowInstanceIds"] = new JArray(await runs.DispatchAsync(StartOf(definitionId, body, null), count, context.RequestAborted)) });
    }

    private static async Task<IResult> TriggerAsync(string eventName, HttpContext context, RunService runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var synchronously = Bodies.Text(body, "workflowExecutionMode") is { } mode && SynchronousModes.Contains(mode, StringComparer.OrdinalIgnoreCase);
        var ids = await runs.PublishEventAsync(
            eventName,
            Bodies.Text(body, "correlationId"),
            Bodies.Text(body, "workflowInstanceId"),
            Bodies.Text(body, "activityInstanceId"),
            Value(body, "input"),
            synchronously,
            context.RequestAborted);
        return new Reply(new JObject { ["workflowInstanceIds"] = new JArray(ids) });
    }

    private static async Task<IResult> CompleteTaskAsync(string taskId, HttpContext context, RunService runs, IRunStore store, ITaskStore tasks, TaskService people)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var waiting = await store.FindBookmarksAsync(Bookmark.HashOf("Elsa.RunTask", taskId), context.RequestAborted);
        if (waiting.Count == 0)
        {
            // Tasks for people are done here, too, by who sends answers to their form; those that need more have an endpoint of their own.
            if (await tasks.FindAsync(taskId, context.RequestAborted) is { Status: "open", Request.Kind: TaskRequest.OrdinaryKind })
            {
                return await TaskEndpoints.CompleteAsync(taskId, Value(body, "result") as JObject ?? [], null, null, context, tasks, people);
            }

            return Problem.NotFound($"No run waits for the task '{taskId}': it was completed already, or its run has ended.");
        }

        foreach (var bookmark in waiting)
        {
            await runs.ResumeAsync(bookmark.Bookmark.Id, Value(body, "result"), null, context.RequestAborted);
        }

        return Results.Ok();
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, RunService runs, IRunStore store)
    {
        if (await store.FindAsync(id, context.RequestAborted) is null)
        {
            return InstanceEndpoints.NoInstance(id);
        }

        // A run that has finished meanwhile is what was asked for.
        await runs.CancelAsync(id, context.RequestAborted);
        return Results.Ok();
    }

    private static void Name(HttpContext context, string instanceId) => context.Response.Headers[WorkflowEndpoints.InstanceIdHeader] = instanceId;

    private static JToken? Value(JObject body, string name) => body.GetValue(name, StringComparison.OrdinalIgnoreCase) is { Type: not JTokenType.Null } value ? value : null;

    private static async Task<JObject> BodyOrQueryAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        }

        var body = new JObject();
        foreach (var name in new[] { "correlationId", "triggerActivityId", "versionOptions", "name" })
        {
            if (Query.Text(context, name) is { } value)
            {
                body[name] = value;
            }
        }

        foreach (var name in new[] { "input", "variables", "activityHandle" })
        {
            if (Query.Text(context, name) is { } json)
            {
                body[name] = RequestBody.ParseJson(json, Json.PayloadDepth);
            }
        }

        return body;
    }

    private static StartRequest StartOf(string definitionId, JObject body, string? instanceId) => new()
    {
        DefinitionId = definitionId,
        InstanceId = instanceId,
        Version = Query.Version(Bodies.Text(body, "versionOptions"), VersionOptions.Published),
        CorrelationId = Bodies.Text(body, "correlationId"),
        Name = Bodies.Text(body, "name"),
        TriggerActivityId = Bodies.Text(body, "triggerActivityId"),
        Input = Bodies.Object(body, "input"),
        Variables = Bodies.Object(body, "variables"),
        StartedBy = "api",
    };
}
