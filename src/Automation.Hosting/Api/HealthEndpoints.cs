using Automation.Hosting.Security;
using Automation.Hosting.Startup;
using Automation.Hosting.Web;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it can work, and which sources do not.</summary>
internal static class HealthEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/health").AllowAnonymous().WithMetadata(new ProgramEndpoint()).WithTags("health");
        group.MapGet("/live", () => new Reply(new JObject { ["status"] = "Healthy" })).WithSummary("The process answers.");
        group.MapGet("/ready", ReadyAsync).WithSummary("200 when the server can work: database, migrations, start. Status Degraded, still with 200, names the sources without success for three intervals.");
    }

    private static async Task<IResult> ReadyAsync(HttpContext context, IDatabase database, SourceWatch sources, Readiness readiness)
    {
        var answers = readiness.IsMigrated && await AnswersAsync(database, context.RequestAborted);
        var degraded = answers ? Degraded(await sources.ListSilentAsync(context.RequestAborted)) : [];
        var trouble = database.Trouble;
        var isReady = answers && readiness.IsReady && trouble is null;
        var body = new JObject
        {
            ["status"] = !isReady ? "Unhealthy" : degraded.Count > 0 ? "Degraded" : "Healthy",
            ["database"] = answers && trouble is null ? "Healthy" : "Unhealthy",
            ["databaseProblem"] = trouble ?? (answers ? null : $"{database.Description} does not answer: it restarts, cannot be reached, or has ended itself (its own log says why; a full disk is one reason). Work goes on by itself when it does."),
            ["migrations"] = readiness.IsMigrated ? "Applied" : "Pending",
            ["start"] = readiness.IsReady ? "Done" : "Pending",
            ["degradedSources"] = degraded,
        };
        return new Reply(body, isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<bool> AnswersAsync(IDatabase database, CancellationToken cancellationToken)
    {
        try
        {
            return await database.PingAsync(cancellationToken);
        }
        catch (System.Data.Common.DbException)
        {
            return false;
        }
    }

    /// <summary>Sources without success for three intervals. The server works, so it stays in the pool: the answer is 200 all the same.</summary>
    private static JArray Degraded(IReadOnlyList<SourceRecord> silent) => new(silent.Select(source => new JObject
    {
        ["id"] = source.Id,
        ["operation"] = source.Operation,
        ["failures"] = source.Failures,
        ["interval"] = source.Interval.ToString("c"),
        ["lastSuccessAt"] = Reply.Utc(source.LastSuccessAt),
        ["dueAt"] = Reply.Utc(source.DueAt),
    }));
}
