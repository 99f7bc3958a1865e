using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Automation.Runtime.Templates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/templates</c>: the gallery, and its installation.</summary>
internal static class TemplateEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/templates").WithTags("templates");
        group.MapGet("", (TemplateService templates) => Reply.List(templates.List().Select(t => Describe(t, withDefinition: false)), templates.List().Count)).WithSummary("Templates with their slots and inputs.");
        group.MapGet("/{name}", (string name, TemplateService templates) => new Reply(Describe(Find(templates, name), withDefinition: true))).WithSummary("One template with its definition.");
        group.MapPost("/{name}/install", InstallAsync).WithSummary("Makes a definition of it: {name?, connections: {slot: connectionId}, inputs: {}, publish}.");
    }

    private static async Task<IResult> InstallAsync(string name, HttpContext context, TemplateService templates, RouteTable routes)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var template = Find(templates, name);
        var connections = (body["connections"] as JObject ?? []).Properties().ToDictionary(p => p.Name, p => (string?)(p.Value as JValue) ?? "");
        var publish = body["publish"] is JValue { Value: true };
        var saved = await templates.InstallAsync(template.Name, (string?)(body["name"] as JValue), connections, body["inputs"] as JObject ?? [], publish, context.RequestAborted);
        routes.Invalidate();
        return new Reply(new JObject
        {
            ["definitionId"] = saved.Version.DefinitionId,
            ["id"] = saved.Version.Id,
            ["name"] = saved.Version.Name,
            ["version"] = saved.Version.Version,
            ["isPublished"] = saved.Version.IsPublished,
            ["problems"] = new JArray(saved.Problems.Select(p => Problem.Describe(p, withText: true))),
        }, StatusCodes.Status201Created);
    }

    private static Template Find(TemplateService templates, string name) =>
        templates.Find(name) ?? throw new ProblemException(Problem.NotFound($"There is no template '{name}'. GET /api/templates lists them."));

    private static JObject Describe(Template template, bool withDefinition)
    {
        var json = new JObject
        {
            ["name"] = template.Name,
            ["description"] = template.Description,
            ["slots"] = new JArray(template.Slots.Select(s => new JObject { ["name"] = s.Name, ["connector"] = s.Connector })),
            ["inputs"] = new JArray(template.Inputs.Select(i => new JObject { ["name"] = i.Name, ["type"] = i.Type, ["default"] = i.Default?.DeepClone(), ["required"] = i.Required })),
            ["scopes"] = new JArray(template.Scopes),
            ["dailyCalls"] = template.DailyCalls,
            ["sample"] = template.Sample?.DeepClone(),
        };
        if (withDefinition)
        {
            json["definition"] = template.Definition.DeepClone();
        }

        return json;
    }
}
