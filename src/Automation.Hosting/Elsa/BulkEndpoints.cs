using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Many at once.</summary>
internal static class BulkEndpoints
{
    private const int PageSize = 1000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/bulk-actions");
        group.MapPost("/delete/workflow-definitions/by-definition-id", DeleteDefinitionsAsync);
        group.MapPost("/delete/workflow-definitions/by-id", DeleteVersionsAsync);
        group.MapPost("/publish/workflow-definitions/by-definition-ids", PublishAsync);
        group.MapPost("/retract/workflow-definitions/by-definition-ids", RetractAsync);
        group.MapPost("/cancel/workflow-instances", CancelAsync);
        group.MapPost("/delete/workflow-instances", DeleteInstancesAsync);
        group.MapPost("/delete/workflow-instances/by-id", DeleteInstancesAsync);
    }

    private static async Task<IResult> DeleteDefinitionsAsync(HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var deleted = 0;
        foreach (var id in await IdsAsync(context, "definitionIds"))
        {
            try
            {
                deleted += await definitions.DeleteAsync(id, context.RequestAborted) ? 1 : 0;
            }
            catch (DefinitionRejectedException)
            {
                // Read-only: it stays, and the count tells.
            }
        }

        table.Invalidate();
        return new Reply(new JObject { ["deleted"] = deleted });
    }

    private static async Task<IResult> DeleteVersionsAsync(HttpContext context, IDefinitionStore store, RouteTable table)
    {
        var deleted = 0;
        foreach (var id in await IdsAsync(context, "ids"))
        {
            deleted += await store.FindVersionAsync(id, context.RequestAborted) is { IsReadonly: false } && await store.DeleteVersionAsync(id, context.RequestAborted) ? 1 : 0;
        }

        table.Invalidate();
        return new Reply(new JObject { ["deleted"] = deleted });
    }

    private static async Task<IResult> PublishAsync(HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var (published, already, notFound, skipped, failed, updated) = (new JArray(), new JArray(), new JArray(), new JArray(), new JArray(), new JArray());
        var (warnings, errors) = (new JObject(), new JObject());
        foreach (var id in await IdsAsync(context, "definitionIds"))
        {
            try
            {
                var saved = await definitions.PublishAsync(id, context.RequestAborted);
                (saved.AlreadyPublished ? already : published).Add(id);
                updated.Merge(new JArray(saved.UpdatedConsumers), new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Union });
                if (saved.Problems.Count > 0)
                {
                    warnings[id] = new JArray(saved.Problems.Select(problem => problem.ToString()));
                }
            }
            catch (KeyNotFoundException)
            {
                notFound.Add(id);
            }
            catch (DefinitionRejectedException error)
            {
                // The others go on; this one is named with its reason.
                failed.Add(id);
                errors[id] = new JArray(error.Problems.Select(problem => problem.ToString()));
            }
        }

        table.Invalidate();
        return new Reply(new JObject
        {
            ["published"] = published,
            ["alreadyPublished"] = already,
            ["notFound"] = notFound,
            ["skipped"] = skipped,
            ["updatedConsumers"] = updated,
            ["failed"] = failed,
            ["warnings"] = warnings,
            ["errors"] = errors,
        });
    }

    private static async Task<IResult> RetractAsync(HttpContext context, DefinitionService definitions, RouteTable table)
    {
        var (retracted, already, notFound) = (new JArray(), new JArray(), new JArray());
        foreach (var id in await IdsAsync(context, "definitionIds"))
        {
            try
            {
                (await definitions.RetractAsync(id, context.RequestAborted) is null ? notFound : retracted).Add(id);
            }
            catch (DefinitionRejectedException)
            {
                already.Add(id);
            }
        }

        table.Invalidate();
        return new Reply(new JObject { ["retracted"] = retracted, ["alreadyRetracted"] = already, ["notFound"] = notFound, ["skipped"] = new JArray() });
    }

    private static async Task<IResult> CancelAsync(HttpContext context, RunService runs, IRunStore store, IDefinitionStore versions)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var ids = Bodies.Texts(body, "ids");
        if (ids.Count == 0)
        {
            ids = await RunningAsync(body, store, versions, context.RequestAborted);
        }

        var cancelled = 0;
        foreach (var id in ids)
        {
            cancelled += await runs.CancelAsync(id, context.RequestAborted) ? 1 : 0;
        }

        return new Reply(new JObject { ["cancelled"] = cancelled });
    }

    /// <summary>Running instances of a version, or of those versions of a definition that are meant.</summary>
    private static async Task<IReadOnlyList<string>> RunningAsync(JObject body, IRunStore store, IDefinitionStore versions, CancellationToken cancellationToken)
    {
        var filter = Bodies.Text(body, "definitionVersionId") is { } versionId
            ? new DefinitionFilter { Version = VersionOptions.AllVersions, Ids = [versionId], PageSize = PageSize }
            : Bodies.Text(body, "definitionId") is { } definitionId
                ? new DefinitionFilter { Version = Query.Version(Bodies.Text(body, "versionOptions"), VersionOptions.AllVersions), DefinitionIds = [definitionId], PageSize = PageSize }
                : null;
        if (filter is null)
        {
            return [];
        }

        var meant = (await versions.ListAsync(filter, withJson: false, cancellationToken)).Items;
        var (ids, found) = (new List<string>(), meant.Select(version => version.Id).ToHashSet(StringComparer.Ordinal));
        for (var page = 0; ; page++)
        {
            var running = await store.ListAsync(
                new RunFilter { DefinitionIds = [.. meant.Select(version => version.DefinitionId).Distinct()], Statuses = [Engine.WorkflowStatus.Running], Descending = false, Page = page, PageSize = PageSize }, cancellationToken);
            ids.AddRange(running.Items.Where(run => found.Contains(run.VersionId)).Select(run => run.Id));
            if (running.Items.Count < PageSize)
            {
                return ids;
            }
        }
    }

    /// <summary>Deletes runs by id, or those of definitions; one that still runs is cancelled first. One that is at work and cannot be stopped yet stays, and the count tells.</summary>
    private static async Task<IResult> DeleteInstancesAsync(HttpContext context, IRunStore store, RunService runs)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var ids = Bodies.Texts(body, "ids");
        List<string> definitionIds = [.. Bodies.Texts(body, "workflowDefinitionIds")];
        if (Bodies.Text(body, "workflowDefinitionId") is { } one)
        {
            definitionIds.Add(one);
        }

        var deleted = 0;
        if (ids.Count > 0 || definitionIds.Count > 0)
        {
            var filter = new RunFilter
            {
                Ids = ids.Count == 0 ? null : ids,
                DefinitionIds = definitionIds.Count == 0 ? null : definitionIds,
                Descending = false,
                PageSize = PageSize,
            };
            for (var stayed = 0; ;)
            {
                // What is deleted leaves the list; only what stayed is skipped.
                var page = await store.ListAsync(filter with { Page = stayed / PageSize }, context.RequestAborted);
                foreach (var run in page.Items.Where(run => run.Status == Engine.WorkflowStatus.Running))
                {
                    await runs.CancelAsync(run.Id, context.RequestAborted);
                }

                var gone = await store.DeleteAsync([.. page.Items.Select(run => run.Id)], context.RequestAborted);
                deleted += gone;
                stayed += page.Items.Count - gone;
                if (page.Items.Count < PageSize || gone == 0)
                {
                    break;
                }
            }
        }

        return new Reply(new JObject { ["deleted"] = deleted });
    }

    private static async Task<IReadOnlyList<string>> IdsAsync(HttpContext context, string name) =>
        Bodies.Texts(await RequestBody.ReadObjectAsync(context, context.RequestAborted), name);
}
