using System.IO.Compression;
using System.Text;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Reading definitions: lists, versions, export.</summary>
internal static class DefinitionEndpoints
{
    /// <summary>Rows of a list at most; Elsa's clients ask for all at once in places.</summary>
    private const int MaximumPage = 1000;

    /// <summary>Time of every entry of an archive, so that the same definitions give the same bytes.</summary>
    private static readonly DateTimeOffset EntryTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/workflow-definitions");
        group.MapGet("", ListAsync);
        group.MapGet("/by-definition-id/{definitionId}", GetAsync);
        group.MapGet("/by-id/{id}", async (string id, HttpContext context, IDefinitionStore store, DefinitionService definitions) =>
            await store.FindVersionAsync(id, context.RequestAborted) is { } version ? Shown(context, definitions, version) : NoVersion(id));
        group.MapGet("/many-by-id", ManyAsync);
        group.MapGet("/validation/is-name-unique", IsNameUniqueAsync);
        group.MapGet("/query/count", async (HttpContext context, IDefinitionStore store) =>
            new Reply(new JObject { ["count"] = (await store.ListAsync(new DefinitionFilter { PageSize = 1 }, withJson: false, context.RequestAborted)).Total }));
        group.MapGet("/{definitionId}", GetAsync);
        group.MapGet("/{definitionId}/versions", VersionsAsync);
        group.MapGet("/{definitionId}/consumers", async (string definitionId, HttpContext context, IDefinitionStore store, WorkflowLibrary library) =>
            await store.FindAsync(definitionId, VersionOptions.Latest, context.RequestAborted) is null ? (IResult)NoDefinition(definitionId) : new Reply(new JObject { ["consumingWorkflowDefinitionIds"] = new JArray(await library.ConsumersAsync(definitionId, context.RequestAborted)) }));
        group.MapGet("/{definitionId}/export", ExportAsync);
        group.MapPost("/{definitionId}/export", ExportAsync);
        routes.MapPost("/bulk-actions/export/workflow-definitions", ExportManyAsync);
    }

    public static Problem NoDefinition(string definitionId) => Problem.NotFound($"There is no workflow definition '{definitionId}', or not in the version asked for.");

    public static Problem NoVersion(string id) => Problem.NotFound($"There is no version '{id}' of a workflow definition.");

    private static async Task<IResult> ListAsync(HttpContext context, IDefinitionStore store)
    {
        if (Query.Text(context, "materializer") is { } materializer && !materializer.Equals(Shapes.Materializer, StringComparison.OrdinalIgnoreCase))
        {
            return new Reply(new JObject { ["items"] = new JArray(), ["totalCount"] = 0, ["links"] = Shapes.LinksOfList() });
        }

        var found = await store.ListAsync(new DefinitionFilter
        {
            Version = Query.Version(Query.Raw(context, "versionOptions"), VersionOptions.AllVersions),
            DefinitionIds = Query.Many(context, "definitionIds"),
            Ids = Query.Many(context, "ids"),
            Search = Query.Text(context, "searchTerm"),
            IsSystem = Query.Flag(context, "isSystem"),
            OrderBy = OrderOf(Query.Text(context, "orderBy"), "Name", ["Created", "Name", "Version"]),
            Descending = IsDescending(Query.Text(context, "orderDirection"), fallback: false),
            Page = Query.Number(context, "page", 0, 0, int.MaxValue),
            PageSize = Math.Min(Query.Number(context, "pageSize", MaximumPage, 1, int.MaxValue), MaximumPage),
        }, withJson: false, context.RequestAborted);
        return new Reply(new JObject
        {
            ["items"] = new JArray(found.Items.Select(Shapes.Summary)),
            ["totalCount"] = found.Total,
            ["links"] = Shapes.LinksOfList(),
        });
    }

    /// <summary>By what a list is ordered.</summary>
    /// <exception cref="ProblemException">400: it is none of <paramref name="columns"/>.</exception>
    public static string OrderOf(string? text, string fallback, string[] columns) => text is null ? fallback
        : columns.FirstOrDefault(column => column.Equals(text, StringComparison.OrdinalIgnoreCase))
            ?? throw new ProblemException(Problem.BadRequest($"'orderBy' must be one of {string.Join(", ", columns)}; it is '{text}'.", "orderBy"));

    /// <summary>Elsa's two directions, as names or numbers.</summary>
    /// <exception cref="ProblemException">400: it is neither.</exception>
    public static bool IsDescending(string? text, bool fallback) => text?.ToLowerInvariant() switch
    {
        null => fallback,
        "ascending" or "0" => false,
        "descending" or "1" => true,
        _ => throw new ProblemException(Problem.BadRequest($"'orderDirection' must be Ascending or Descending; it is '{text}'.", "orderDirection")),
    };

    private static async Task<IResult> GetAsync(string definitionId, HttpContext context, IDefinitionStore store, DefinitionService definitions)
    {
        var options = Query.Version(Query.Text(context, "versionOptions"), VersionOptions.Latest);
        return await store.FindAsync(definitionId, options, context.RequestAborted) is { } version
            ? Shown(context, definitions, version)
            : NoDefinition(definitionId);
    }

    /// <summary>A version with its tag: whoever sends it back as <c>If-Match</c> does not write over what others saved meanwhile.</summary>
    internal static IResult Shown(HttpContext context, DefinitionService definitions, DefinitionVersion version, int status = StatusCodes.Status200OK)
    {
        Tag(context, version);
        return new Reply(Shapes.Definition(definitions, version), status);
    }

    internal static void Tag(HttpContext context, DefinitionVersion version)
    {
        context.Response.Headers.ETag = $"\"{DefinitionService.TagOf(version)}\"";
        context.Response.Headers.CacheControl = "no-cache";
    }

    private static async Task<IResult> ManyAsync(HttpContext context, IDefinitionStore store, DefinitionService definitions)
    {
        if (Query.Many(context, "ids") is not { } ids)
        {
            return new Reply(Shapes.Counted([]));
        }

        var found = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, Ids = ids, PageSize = MaximumPage }, withJson: true, context.RequestAborted);
        return new Reply(Shapes.Counted(found.Items.Select(version => Shapes.Definition(definitions, version))));
    }

    private static async Task<IResult> IsNameUniqueAsync(HttpContext context, IDefinitionStore store)
    {
        if (Query.Raw(context, "name") is not { } name)
        {
            return Problem.BadRequest("'name' is missing.", "name");
        }

        var definitionId = Query.Text(context, "definitionId");
        var same = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.Latest, Name = name.Trim(), PageSize = 2 }, withJson: false, context.RequestAborted);
        return new Reply(new JObject { ["isUnique"] = same.Items.All(version => version.DefinitionId == definitionId) });
    }

    private static async Task<IResult> VersionsAsync(string definitionId, HttpContext context, IDefinitionStore store)
    {
        var found = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, DefinitionIds = [definitionId], OrderBy = "Version", Descending = true, PageSize = MaximumPage }, withJson: false, context.RequestAborted);
        return found.Total == 0 ? NoDefinition(definitionId) : new Reply(Shapes.Counted(found.Items.Select(Shapes.Summary)));
    }

    private static async Task<IResult> ExportAsync(string definitionId, HttpContext context, IDefinitionStore store, DefinitionService definitions, WorkflowLibrary library)
    {
        var options = Query.Version(Query.Text(context, "versionOptions"), VersionOptions.Latest);
        if (await store.FindAsync(definitionId, options, context.RequestAborted) is not { } version)
        {
            return NoDefinition(definitionId);
        }

        if (Query.Flag(context, "includeConsumingWorkflows") == true)
        {
            return Results.File(await ZipAsync(definitions, await WithConsumersAsync([version], library, store, context.RequestAborted), context.RequestAborted), "application/zip", "workflow-definitions.zip");
        }

        var (fileName, text) = await definitions.ExportAsync(version, context.RequestAborted);
        return Results.File(Encoding.UTF8.GetBytes(text), "application/json", fileName);
    }

    private static async Task<IResult> ExportManyAsync(HttpContext context, IDefinitionStore store, DefinitionService definitions, WorkflowLibrary library)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var ids = Bodies.Texts(body, "ids");
        if (ids.Count == 0)
        {
            return Results.NoContent();
        }

        var found = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, Ids = ids, PageSize = MaximumPage }, withJson: true, context.RequestAborted);
        var versions = Bodies.Flag(body, "includeConsumingWorkflows") == true ? await WithConsumersAsync(found.Items, library, store, context.RequestAborted) : found.Items;
        return versions.Count == 0 ? Results.NoContent() : Results.File(await ZipAsync(definitions, versions, context.RequestAborted), "application/zip", "workflow-definitions.zip");
    }

    /// <summary>Versions, and the latest of each workflow that uses one of them as an activity, and so on.</summary>
    private static async Task<IReadOnlyList<DefinitionVersion>> WithConsumersAsync(IReadOnlyList<DefinitionVersion> versions, WorkflowLibrary library, IDefinitionStore store, CancellationToken cancellationToken)
    {
        var all = versions.ToList();
        var known = versions.Select(version => version.DefinitionId).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < all.Count; i++)
        {
            foreach (var id in await library.ConsumersAsync(all[i].DefinitionId, cancellationToken))
            {
                if (known.Add(id) && await store.FindAsync(id, VersionOptions.Latest, cancellationToken) is { } consumer)
                {
                    all.Add(consumer);
                }
            }
        }

        return all;
    }

    private static async Task<byte[]> ZipAsync(DefinitionService definitions, IEnumerable<DefinitionVersion> versions, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream();
        await using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var version in versions)
            {
                var (fileName, text) = await definitions.ExportAsync(version, cancellationToken);
                var entry = archive.CreateEntry(fileName);
                entry.LastWriteTime = EntryTime;
                await using var content = await entry.OpenAsync(cancellationToken);
                await content.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
            }
        }

        return stream.ToArray();
    }
}
