using Automation.Hosting.Security;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/keys</c>: API keys, for administrators. A key is shown once, when it is made.</summary>
internal static class ApiKeyEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/keys").RequireAuthorization(Access.Administrators).WithTags("keys");
        group.MapGet("", ListAsync).WithSummary("API keys, without their values.");
        group.MapPost("", CreateAsync).WithSummary("Makes a key: {name, role: admin | operator}. The answer shows it, once.");
        group.MapDelete("/{id}", async (string id, HttpContext context, ApiKeys keys) => await keys.RevokeAsync(id, context.RequestAborted) ? Results.NoContent() : Problem.NotFound($"There is no API key '{id}'.")).WithSummary("Revokes a key.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, ApiKeys keys)
    {
        var all = await keys.ListAsync(context.RequestAborted);
        return Reply.List(context, all, Describe);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, ApiKeys keys)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        if ((string?)(body["name"] as JValue) is not { Length: > 0 } name)
        {
            return Problem.BadRequest("'name' is missing.", "name", "Say what the key is for.");
        }

        var role = (string?)(body["role"] as JValue) ?? Access.OperatorRole;
        if (ApiKeys.RoleOf(role) is null)
        {
            return Problem.BadRequest($"'role' must be {Access.AdministratorRole} or {Access.OperatorRole}; it is '{role}'.", "role");
        }

        var (record, key) = await keys.CreateAsync(name, role, context.RequestAborted);
        var json = Describe(record);
        json["key"] = key;
        return new Reply(json, StatusCodes.Status201Created);
    }

    private static JObject Describe(ApiKeyRecord key) => new() { ["id"] = key.Id, ["name"] = key.Name, ["role"] = key.Role, ["createdAt"] = Reply.Utc(key.CreatedAt) };
}
