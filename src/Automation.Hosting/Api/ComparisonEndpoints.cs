using Automation.Engine;
using Automation.Hosting.Elsa;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/definitions/{definitionId}/compare</c>: what is different between two versions, in words.</summary>
internal static class ComparisonEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/definitions/{definitionId}/compare", CompareAsync).WithTags("definitions")
        .WithSummary("Differences of two versions: ?from=&to=, each a number, 'Published' or 'Latest'. Without them: from the published version, or the one before, to the latest.");

    public static JObject Describe(DefinitionChange change) => new()
    {
        ["kind"] = change.Kind,
        ["subject"] = change.Subject,
        ["activityId"] = change.ActivityId,
        ["activityType"] = change.ActivityType,
        ["property"] = change.Property,
        ["before"] = change.Before?.DeepClone(),
        ["after"] = change.After?.DeepClone(),
        ["text"] = change.Text,
    };

    private static async Task<IResult> CompareAsync(string definitionId, HttpContext context, IDefinitionStore store)
    {
        var to = await FindAsync(store, definitionId, Query.Text(context, "to"), VersionOptions.Latest, context);
        var from = Query.Text(context, "from") is { } wanted
            ? await FindAsync(store, definitionId, wanted, VersionOptions.Published, context)
            : await store.FindAsync(definitionId, VersionOptions.Published, context.RequestAborted) is { } published && published.Id != to.Id ? published : await BeforeAsync(store, to, context);
        var changes = DefinitionComparison.Compare(Model(from), Model(to));
        return new Reply(new JObject
        {
            ["definitionId"] = definitionId,
            ["from"] = Head(from),
            ["to"] = Head(to),
            ["changes"] = new JArray(changes.Select(Describe)),
            ["summary"] = changes.Count == 0 ? "The two versions say the same." : string.Join("\n", changes.Select(change => change.Text)),
        });
    }

    private static async Task<DefinitionVersion> FindAsync(IDefinitionStore store, string definitionId, string? text, VersionOptions fallback, HttpContext context) =>
        await store.FindAsync(definitionId, Query.Version(text, fallback), context.RequestAborted)
            ?? throw new ProblemException(DefinitionEndpoints.NoDefinition(definitionId) with { Detail = $"The workflow definition '{definitionId}' has no version '{text ?? fallback.Kind}'." });

    private static async Task<DefinitionVersion> BeforeAsync(IDefinitionStore store, DefinitionVersion version, HttpContext context) =>
        (await store.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, DefinitionIds = [version.DefinitionId], OrderBy = "Version", Descending = true, PageSize = 1000 }, withJson: false, context.RequestAborted))
            .Items.FirstOrDefault(other => other.Version < version.Version) is { } before
            ? await store.FindVersionAsync(before.Id, context.RequestAborted) ?? version
            : version;

    private static JObject Model(DefinitionVersion version) => (JObject)Json.Parse(version.Json, Json.DefinitionDepth);

    private static JObject Head(DefinitionVersion version) => new()
    {
        ["id"] = version.Id,
        ["version"] = version.Version,
        ["isPublished"] = version.IsPublished,
        ["isLatest"] = version.IsLatest,
        ["createdAt"] = Reply.Utc(version.CreatedAt),
    };
}
