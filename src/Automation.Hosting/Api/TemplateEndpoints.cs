using System.Text;
using Automation.Engine;
using Automation.Hosting.Elsa;
using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/templates</c>: the gallery, what is saved into it, installation and upgrade.</summary>
internal static class TemplateEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/templates").WithTags("templates");
        group.MapGet("", ListAsync).WithSummary("Templates with their slots and inputs. Filter: search (name, description).");
        group.MapPost("", SaveAsync).WithSummary("Saves a flow as a template: {definitionId, versionOptions?, name, description?, inputs?: [{name, activityId?, property, required?, keepDefault?}], replace?}; or a template that came as a file: {definition, replace?}.");
        group.MapGet("/{name}", async (string name, HttpContext context, TemplateService templates) => new Reply(Describe(await FindAsync(templates, name, context), withDefinition: true))).WithSummary("One template with its definition.");
        group.MapGet("/{name}/file", FileAsync).WithSummary("The template as a file, to share it.");
        group.MapDelete("/{name}", DeleteAsync).WithSummary("Deletes a saved template. What was installed from it stays.");
        group.MapPost("/{name}/install", InstallAsync).WithSummary("Makes a definition of it: {name?, connections: {slot: connectionId}, inputs: {}, publish}.");
        routes.MapPost("/definitions/{definitionId}/upgrade", UpgradeAsync).WithTags("templates")
            .WithSummary("Brings an installed flow to its template's present revision, or says what that would change: {preview?, connections?: {slot: connectionId}, inputs?: {}, publish?}.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, TemplateService templates)
    {
        var search = Query.Text(context, "search");
        var found = (await templates.ListAsync(context.RequestAborted)).Where(template => search is null
            || template.Name.Contains(search, StringComparison.OrdinalIgnoreCase) || template.Description?.Contains(search, StringComparison.OrdinalIgnoreCase) == true);
        return Reply.List(context, [.. found], template => Describe(template, withDefinition: false));
    }

    private static async Task<IResult> SaveAsync(HttpContext context, TemplateService templates, IDefinitionStore store)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted, Json.DefinitionDepth + 1);
        var replace = Bodies.Flag(body, "replace") ?? false;
        if (Bodies.Object(body, "definition") is { } definition)
        {
            return new Reply(Describe(await templates.AddAsync((JObject)definition.DeepClone(), replace, context.RequestAborted), withDefinition: false), StatusCodes.Status201Created);
        }

        if (Bodies.Text(body, "definitionId") is not { } definitionId)
        {
            return Problem.BadRequest("Say which flow becomes the template ('definitionId'), or send one ('definition').", "definitionId");
        }

        if (Bodies.Text(body, "name") is not { } name)
        {
            return Problem.BadRequest("The template needs a name.", "name");
        }

        if (await store.FindAsync(definitionId, Query.Version(Bodies.Text(body, "versionOptions"), VersionOptions.Latest), context.RequestAborted) is not { } version)
        {
            return DefinitionEndpoints.NoDefinition(definitionId);
        }

        var values = body["inputs"] is JArray inputs ? inputs.Select(Value).ToList() : null;
        var template = await templates.SaveAsync(version, name, Bodies.Text(body, "description"), values, replace, context.RequestAborted);
        return new Reply(Describe(template, withDefinition: true), StatusCodes.Status201Created);
    }

    private static TemplateValue Value(JToken token) =>
        token is JObject input && Bodies.Text(input, "name") is { } name && Bodies.Text(input, "property") is { } property
            ? new TemplateValue(name, Bodies.Text(input, "activityId"), property, Bodies.Flag(input, "required") ?? true, Bodies.Flag(input, "keepDefault") ?? true)
            : throw new ProblemException(Problem.BadRequest("Each of 'inputs' must be an object with 'name' and 'property'.", "inputs"));

    private static async Task<IResult> FileAsync(string name, HttpContext context, TemplateService templates)
    {
        var template = await FindAsync(templates, name, context);
        var text = template.Definition.ToString(Formatting.Indented).ReplaceLineEndings("\n") + "\n";
        return Results.File(Encoding.UTF8.GetBytes(text), "application/json", template.Name.Replace(' ', '-') + ".template.json");
    }

    private static async Task<IResult> DeleteAsync(string name, HttpContext context, TemplateService templates)
    {
        if (!(await FindAsync(templates, name, context)).IsSaved)
        {
            return Problem.Forbidden() with { Code = "read-only", Detail = "The template is a file of the definitions folder.", Action = "Delete its file." };
        }

        await templates.DeleteAsync(name, context.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> InstallAsync(string name, HttpContext context, TemplateService templates, RouteTable routes)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var template = await FindAsync(templates, name, context);
        var saved = await templates.InstallAsync(template.Name, (string?)(body["name"] as JValue), Connections(body), body["inputs"] as JObject ?? [], Bodies.Flag(body, "publish") ?? false, context.RequestAborted);
        routes.Invalidate();
        return new Reply(Describe(saved), StatusCodes.Status201Created);
    }

    private static async Task<IResult> UpgradeAsync(string definitionId, HttpContext context, TemplateService templates, RouteTable routes)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var upgrade = await templates.UpgradeAsync(
            definitionId, Connections(body), body["inputs"] as JObject ?? [], apply: !(Bodies.Flag(body, "preview") ?? false), Bodies.Flag(body, "publish") ?? false, context.RequestAborted);
        routes.Invalidate();
        return new Reply(new JObject
        {
            ["template"] = upgrade.Template,
            ["isCurrent"] = upgrade.IsCurrent,
            ["wasEdited"] = upgrade.WasEdited,
            ["changes"] = new JArray(upgrade.Changes.Select(ComparisonEndpoints.Describe)),
            ["definition"] = upgrade.Saved is { } saved ? Describe(saved) : null,
        });
    }

    private static Dictionary<string, string> Connections(JObject body) =>
        (body["connections"] as JObject ?? []).Properties().ToDictionary(p => p.Name, p => (string?)(p.Value as JValue) ?? "");

    private static async Task<Template> FindAsync(TemplateService templates, string name, HttpContext context) =>
        await templates.FindAsync(name, context.RequestAborted) ?? throw new ProblemException(Problem.NotFound($"There is no template '{name}'. GET /api/templates lists them."));

    private static JObject Describe(SavedDefinition saved) => new()
    {
        ["definitionId"] = saved.Version.DefinitionId,
        ["id"] = saved.Version.Id,
        ["name"] = saved.Version.Name,
        ["version"] = saved.Version.Version,
        ["isPublished"] = saved.Version.IsPublished,
        ["problems"] = new JArray(saved.Problems.Select(p => Problem.Describe(p, withText: true))),
    };

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
            ["isSaved"] = template.IsSaved,
            ["revision"] = template.Revision,
        };
        if (withDefinition)
        {
            json["definition"] = template.Definition.DeepClone();
        }

        return json;
    }
}
