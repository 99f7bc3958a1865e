using Automation.Hosting.Web;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/incidents</c>: what needs a person.</summary>
internal static class IncidentEndpoints
{
    private static readonly string[] Resolutions = ["resolve", "happened", "notHappened"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/incidents").WithTags("incidents");
        group.MapGet("", ListAsync).WithSummary("Incidents, newest first. Filters: status (open, resolved), definitionId, runId, sourceId, since, search (what it says, or its flow's name).");
        group.MapGet("/{id}", async (string id, HttpContext context, IIncidentStore incidents) => new Reply(Describe(await incidents.FindAsync(id, context.RequestAborted) ?? throw NotFound(id)))).WithSummary("One incident.");
        group.MapPost("/{id}/resolve", ResolveAsync).WithSummary("Settles one: {resolution: resolve | happened | notHappened}; the last two say whether an unanswered write happened, and retry the run.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IIncidentStore incidents)
    {
        var (page, size) = Query.Page(context);
        var open = Query.Text(context, "status") switch
        {
            null => Query.Flag(context, "open"),
            "open" => true,
            "resolved" => (bool?)false,
            var other => throw new ProblemException(Problem.BadRequest($"'status' must be open or resolved; it is '{other}'.", "status")),
        };
        var filter = new IncidentFilter
        {
            Open = open,
            InstanceId = Query.Text(context, "runId") ?? Query.Text(context, "instanceId"),
            SourceId = Query.Text(context, "sourceId"),
            DefinitionId = Query.Text(context, "definitionId"),
            Since = Query.Time(context, "since"),
            Search = Query.Text(context, "search"),
            Page = page,
            PageSize = size,
        };
        var found = await incidents.ListAsync(filter, context.RequestAborted);
        return Reply.List(found.Items.Select(Describe), found.Total);
    }

    private static async Task<IResult> ResolveAsync(string id, HttpContext context, IIncidentStore incidents, RunService runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var resolution = (string?)(body["resolution"] as JValue) ?? "resolve";
        if (!Resolutions.Contains(resolution))
        {
            return Problem.BadRequest($"'resolution' must be one of {string.Join(", ", Resolutions)}; it is '{resolution}'.", "resolution");
        }

        var incident = await incidents.FindAsync(id, context.RequestAborted) ?? throw NotFound(id);
        if (resolution != "resolve" && incident.Kind != "effect")
        {
            return Problem.BadRequest("Only an incident about a write whose outcome is unknown can be said to have happened or not.", "resolution", "Resolve it with 'resolve'.");
        }

        try
        {
            if (incident.ResolvedAt is not null || !await runs.ResolveIncidentAsync(id, resolution, context.RequestAborted))
            {
                return Problem.Conflict("The incident is settled already.", "Nothing is left to do.", "resolved");
            }
        }
        catch (InvalidOperationException error)
        {
            // The resolution does not fit the incident; the message says which one does.
            return Problem.BadRequest(error.Message, "resolution");
        }

        return new Reply(Describe(await incidents.FindAsync(id, context.RequestAborted) ?? incident));
    }

    private static ProblemException NotFound(string id) => new(Problem.NotFound($"There is no incident '{id}'."));

    internal static JObject Describe(IncidentRecord incident) => new()
    {
        ["id"] = incident.Id,
        ["kind"] = incident.Kind,
        ["runId"] = incident.InstanceId,
        ["definitionId"] = incident.DefinitionId,
        ["activityId"] = incident.ActivityId,
        ["activityType"] = incident.ActivityType,
        ["sourceId"] = incident.SourceId,
        ["effectKey"] = incident.EffectKey,
        ["locationId"] = incident.LocationId,
        ["code"] = incident.Code,
        ["message"] = incident.Message,
        ["detail"] = incident.Detail,
        ["action"] = incident.Action,
        ["createdAt"] = Reply.Utc(incident.CreatedAt),
        ["resolvedAt"] = Reply.Utc(incident.ResolvedAt),
        ["resolution"] = incident.Resolution,
    };
}
