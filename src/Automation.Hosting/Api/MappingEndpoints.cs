using Automation.Connectors;
using Automation.Hosting.Elsa;
using Automation.Hosting.Web;
using Automation.Runtime.Templates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/mappings</c>: saved field maps, and what they make of a sample.</summary>
internal static class MappingEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/mappings").WithTags("mappings");
        group.MapGet("", ListAsync).WithSummary("Saved field maps. Filter: search (name).");
        group.MapPost("", SaveAsync).WithSummary("Saves a map, in place of one of its name: {name, description?, fields: [{target, source | script | value, default?}]}.");
        group.MapGet("/{name}", async (string name, HttpContext context, FieldMapService maps) => new Reply((await FindAsync(maps, name, context)).Json)).WithSummary("One map.");
        group.MapDelete("/{name}", async (string name, HttpContext context, FieldMapService maps) => await maps.DeleteAsync(name, context.RequestAborted) ? Results.NoContent() : NoMap(name)).WithSummary("Deletes a map. Flows that name it fault.");
        group.MapPost("/preview", PreviewAsync).WithSummary("What a map makes of a sample: {mapping: {…} | name, item} → {result}. Nothing is kept or sent.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, FieldMapService maps)
    {
        var search = Query.Text(context, "search");
        var found = (await maps.ListAsync(context.RequestAborted)).Where(entry => search is null || ((string?)entry.Map["name"])?.Contains(search, StringComparison.OrdinalIgnoreCase) == true);
        return Reply.List(context, [.. found], entry => new JObject(entry.Map.Properties()) { ["updatedAt"] = Reply.Utc(entry.UpdatedAt) });
    }

    private static async Task<IResult> SaveAsync(HttpContext context, FieldMapService maps) =>
        new Reply((await Taken(async () => await maps.SaveAsync(await RequestBody.ReadObjectAsync(context, context.RequestAborted), context.RequestAborted))).Json, StatusCodes.Status201Created);

    private static async Task<IResult> PreviewAsync(HttpContext context, FieldMapService maps)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        if (body["item"] is not { Type: not JTokenType.Null } item)
        {
            return Problem.BadRequest("'item' is missing: the sample that the map is tried on.", "item");
        }

        var given = Bodies.Object(body, "mapping");
        if (given is null && Bodies.Text(body, "name") is null)
        {
            return Problem.BadRequest("Send the map ('mapping'), or the name of a saved one ('name').", "mapping");
        }

        var map = given is null ? await FindAsync(maps, Bodies.Text(body, "name")!, context) : await Taken(() => Task.FromResult(maps.Read(given)));
        return await Taken(() => Task.FromResult(new Reply(new JObject { ["result"] = maps.Preview(map, item, context.RequestAborted) })));
    }

    /// <summary>A map that is wrong is wrong input.</summary>
    private static async Task<T> Taken<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Engine.FaultException error)
        {
            throw new ProblemException(Problem.BadRequest(error.Fault.Message, error.Fault.Property, error.Fault.Action, error.Fault.Code));
        }
    }

    private static async Task<FieldMap> FindAsync(FieldMapService maps, string name, HttpContext context) =>
        await maps.FindAsync(name, context.RequestAborted) ?? throw new ProblemException(NoMap(name));

    private static Problem NoMap(string name) => Problem.NotFound($"There is no field map '{name}'. GET /api/mappings lists them.");
}
