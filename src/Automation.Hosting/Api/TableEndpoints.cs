using Automation.Engine;
using Automation.Engine.Functions;
using Automation.Hosting.Web;
using Automation.Runtime.Templates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/tables</c>: lookup tables that expressions read (<c>tables.lookup</c>); <c>/api/functions</c>: the functions that expressions have.</summary>
internal static class TableEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/tables").WithTags("tables");
        group.MapGet("", ListAsync).WithSummary("Saved lookup tables, without their rows.");
        group.MapPost("", SaveAsync).WithSummary("Saves a table, in place of one of its name: {name, description?, rows: {key: value | {column: value}}}; at most 10,000 rows.");
        group.MapGet("/{name}", async (string name, HttpContext context, LookupTableService tables) => await tables.ReadAsync(name, context.RequestAborted) is { } table ? (IResult)new Reply(table) : NoTable(name)).WithSummary("One table with its rows.");
        group.MapDelete("/{name}", async (string name, HttpContext context, LookupTableService tables) => await tables.DeleteAsync(name, context.RequestAborted) ? Results.NoContent() : NoTable(name)).WithSummary("Deletes a table. Expressions that name it fail.");
        routes.MapGet("/functions", Functions).WithTags("tables").WithSummary("Functions of expressions: group.name in JavaScript, the filter group_name in Liquid.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, LookupTableService tables)
    {
        var all = await tables.ListAsync(context.RequestAborted);
        return Reply.List(context, all, entry => new JObject
        {
            ["name"] = entry.Table["name"],
            ["description"] = entry.Table["description"],
            ["rowCount"] = (entry.Table["rows"] as JObject)?.Count ?? 0,
            ["updatedAt"] = Reply.Utc(entry.UpdatedAt),
        });
    }

    private static async Task<IResult> SaveAsync(HttpContext context, LookupTableService tables)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        try
        {
            await tables.SaveAsync(body, context.RequestAborted);
            return new Reply(body, StatusCodes.Status201Created);
        }
        catch (FaultException error)
        {
            return Problem.BadRequest(error.Fault.Message, error.Fault.Property, error.Fault.Action, error.Fault.Code);
        }
    }

    private static IResult Functions(HttpContext context) => Reply.List(context, FunctionCatalog.All, function => new JObject
    {
        ["group"] = function.Group,
        ["name"] = function.Name,
        ["javaScript"] = $"{function.FullName}({function.Parameters}): {function.Returns}",
        ["liquid"] = $"{function.Group}_{function.Name}",
        ["description"] = function.Description,
    });

    private static Problem NoTable(string name) => Problem.NotFound($"There is no lookup table '{name}'. GET /api/tables lists them.");
}
