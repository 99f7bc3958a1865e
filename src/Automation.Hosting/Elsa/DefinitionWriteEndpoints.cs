using Automation.Engine;
using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Saving, publishing, importing and deleting definitions.</summary>
internal static class DefinitionWriteEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/workflow-definitions");
        group.MapPost("", SaveAsync);
        group.MapPost("/{definitionId}/publish", PublishAsync);
        group.MapPost("/{definitionId}/retract", RetractAsync);
        group.MapPost("/{definitionId}/revert/{version:int}", RevertAsync);
        group.MapPost("/{definitionId}/update-references", UpdateReferencesAsync);
        group.MapDelete("/{definitionId}", DeleteAsync);
        group.MapPost("/import", (HttpContext context, DefinitionService definitions) => ImportAsync(null, context, definitions));
        group.MapPut("/import", (HttpContext context, DefinitionService definitions) => ImportAsync(null, context, definitions));
        group.MapMethods("/{definitionId}/import", ["PUT", "POST"], (string definitionId, HttpContext context, DefinitionService definitions) => ImportAsync(definitionId, context, definitions));
        group.MapPost("/import-files", ImportFilesAsync).DisableAntiforgery();
        group.MapDelete("/{definitionId}/version/{version:int}", async (string definitionId, int version, HttpContext context, IDefinitionStore store, RouteTable table) =>
            await store.FindAsync(definitionId, new VersionOptions("Specific", version), context.RequestAborted) is { } found
                ? await DeleteVersionAsync(found.Id, context, store, table)
                : DefinitionEndpoints.NoDefinition(definitionId));
        routes.MapDelete("/workflow-definition-versions/{id}", DeleteVersionAsync);
        routes.MapPost("/actions/workflow-definitions/reload", ReloadAsync);
        routes.MapPost("/actions/workflow-definitions/refresh", RefreshAsync);
    }

    private static async Task<IResult> SaveAsync(HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var body = await ReadAsync(context);
        if (body["model"] is not JObject model)
        {
            return Problem.BadRequest("The body has no model.", "model", "Send {\"model\": {…}, \"publish\": false}.");
        }

        // The save's own wrapper is no part of the model's depth, and positions in it would mislead.
        var saved = await definitions.SaveAsync((JObject)model.DeepClone(), Bodies.Flag(body, "publish") ?? false, BasedOn(context), context.RequestAborted);
        table.Invalidate();
        return Saved(context, definitions, saved);
    }

    private static async Task<IResult> PublishAsync(string definitionId, HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var saved = await definitions.PublishAsync(definitionId, context.RequestAborted);
        table.Invalidate();
        return Saved(context, definitions, saved);
    }

    private static async Task<IResult> UpdateReferencesAsync(string definitionId, HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var updated = await definitions.UpdateReferencesAsync(definitionId, context.RequestAborted);
        table.Invalidate();
        return updated is null ? DefinitionEndpoints.NoDefinition(definitionId) : new Reply(new JObject { ["affectedWorkflows"] = new JArray(updated.Select(version => version.Name ?? version.DefinitionId)) });
    }

    /// <summary>Reads the definitions folder anew. What is saved here is never behind.</summary>
    private static async Task<IResult> ReloadAsync(HttpContext context, DefinitionFolder folder, RouteTable table)
    {
        await folder.LoadAsync(context.RequestAborted);
        table.Invalidate();
        return Results.Ok();
    }

    private static async Task<IResult> RefreshAsync(HttpContext context, DefinitionFolder folder, IDefinitionStore store, RouteTable table)
    {
        var wanted = Bodies.Texts(await RequestBody.ReadObjectAsync(context, context.RequestAborted), "definitionIds");
        await folder.LoadAsync(context.RequestAborted);
        table.Invalidate();
        var (refreshed, notFound) = (new JArray(), new JArray());
        foreach (var id in wanted)
        {
            (await store.FindAsync(id, VersionOptions.Latest, context.RequestAborted) is null ? notFound : refreshed).Add(id);
        }

        return new Reply(new JObject { ["refreshed"] = refreshed, ["notFound"] = notFound });
    }

    private static async Task<IResult> RetractAsync(string definitionId, HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var retracted = await definitions.RetractAsync(definitionId, context.RequestAborted);
        table.Invalidate();
        return retracted is null ? DefinitionEndpoints.NoDefinition(definitionId) : DefinitionEndpoints.Shown(context, definitions, retracted);
    }

    private static async Task<IResult> RevertAsync(string definitionId, int version, HttpContext context, DefinitionService definitions) =>
        await definitions.RevertAsync(definitionId, version, context.RequestAborted) is { } draft ? new Reply(Shapes.Summary(draft)) : DefinitionEndpoints.NoDefinition(definitionId);

    private static async Task<IResult> DeleteAsync(string definitionId, HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var deleted = await definitions.DeleteAsync(definitionId, context.RequestAborted);
        table.Invalidate();
        return deleted ? Results.NoContent() : DefinitionEndpoints.NoDefinition(definitionId);
    }

    private static async Task<IResult> DeleteVersionAsync(string id, HttpContext context, IDefinitionStore store, RouteTable table)
    {
        if (await store.FindVersionAsync(id, context.RequestAborted) is not { } version)
        {
            return DefinitionEndpoints.NoVersion(id);
        }

        if (version.IsReadonly)
        {
            return Problem.Forbidden() with { Code = "read-only", Detail = "The definition comes from a folder and is not edited here.", Action = "Change or delete its file." };
        }

        await store.DeleteVersionAsync(id, context.RequestAborted);
        table.Invalidate();
        return Results.NoContent();
    }

    private static async Task<IResult> ImportAsync(string? definitionId, HttpContext context, DefinitionService definitions)
    {
        var text = RequestBody.TextOf(await RequestBody.ReadBytesAsync(context, RequestBody.ImportLimit, context.RequestAborted));
        if (definitionId is not null)
        {
            if (RequestBody.ParseJson(text, Json.DefinitionDepth, isStrict: true) is not JObject model)
            {
                return Problem.BadRequest("The body must be a definition: a JSON object.");
            }

            model["definitionId"] = definitionId;
            text = Json.Write(model);
        }

        var saved = (await definitions.ImportAsync([("the request's body", text)], OptionsOf(context), context.RequestAborted))[0];
        return DefinitionEndpoints.Shown(context, definitions, saved.Version, saved.WasNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task<IResult> ImportFilesAsync(HttpContext context, DefinitionService definitions)
    {
        var files = await UploadedFiles.ReadAsync(context, context.RequestAborted);
        var saved = await definitions.ImportAsync(files, OptionsOf(context), context.RequestAborted);
        return new Reply(new JObject
        {
            ["count"] = saved.Count,
            ["definitions"] = new JArray(saved.Select(s => new JObject
            {
                ["id"] = s.Version.Id,
                ["definitionId"] = s.Version.DefinitionId,
                ["name"] = s.Version.Name,
                ["version"] = s.Version.Version,
                ["wasNew"] = s.WasNew,
                ["slots"] = new JArray(s.Slots.Select(slot => new JObject { ["name"] = slot.Name, ["connector"] = slot.Connector, ["connectionId"] = slot.ConnectionId })),
                ["problems"] = new JArray(s.Problems.Select(p => Problem.Describe(p, withText: true))),
            })),
        });
    }

    /// <summary><c>?renewIds=true&amp;connection=slot:connectionId</c>.</summary>
    private static ImportOptions OptionsOf(HttpContext context) => new()
    {
        RenewIds = Query.Flag(context, "renewIds") ?? false,
        Connections = (Query.Many(context, "connection") ?? []).Select(pair => pair.Split(':', 2)).Select(pair => pair is [{ Length: > 0 }, { Length: > 0 }]
            ? pair
            : throw new ProblemException(Problem.BadRequest($"'connection' must be slot:connectionId; it is '{pair[0]}'.", "connection"))).GroupBy(pair => pair[0]).ToDictionary(pair => pair.Key, pair => pair.Last()[1]),
    };

    private static Task<JObject> ReadAsync(HttpContext context) =>
        RequestBody.ReadObjectAsync(context, context.RequestAborted, Json.DefinitionDepth + 1);

    /// <summary>Judges a tag by the request's <c>If-Match</c>; null: it has none.</summary>
    private static Func<string?, bool>? BasedOn(HttpContext context) =>
        context.Request.Headers.IfMatch is { Count: > 0 } tags && string.Join(',', tags.AsEnumerable()) is { Length: > 0 } wanted
            ? tag => tag is not null && (wanted.Trim() == "*" || wanted.Contains($"\"{tag}\"", StringComparison.Ordinal))
            : null;

    private static Reply Saved(HttpContext context, DefinitionService definitions, SavedDefinition saved)
    {
        DefinitionEndpoints.Tag(context, saved.Version);
        return new Reply(new JObject
        {
            ["workflowDefinition"] = Shapes.Definition(definitions, saved.Version),
            ["alreadyPublished"] = saved.AlreadyPublished,
            ["consumingWorkflowCount"] = saved.UpdatedConsumers.Count,
            ["validationErrors"] = new JArray(),
            ["problems"] = new JArray(saved.Problems.Select(p => Problem.Describe(p, withText: true))),
        });
    }
}
