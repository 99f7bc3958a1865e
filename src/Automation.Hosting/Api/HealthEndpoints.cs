using Automation.Hosting.Security;
using Automation.Hosting.Startup;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it can work, and which sources do not.</summary>
internal static class HealthEndpoints
{
    /// <summary>A source that has not succeeded for so many intervals, or tries in a row, is degraded.</summary>
    private const int Missed = 3;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/health").AllowAnonymous().WithMetadata(new ProgramEndpoint()).WithTags("health");
        group.MapGet("/live", () => new Reply(new JObject { ["status"] = "Healthy" })).WithSummary("The process answers.");
        group.MapGet("/ready", ReadyAsync).WithSummary("200 when the server can work: database, migrations, start; names degraded sources.");
    }

    private static async Task<IResult> ReadyAsync(HttpContext context, IDatabase database, IPollStore polls, Readiness readiness, TimeProvider clock)
    {
        var answers = readiness.IsMigrated && await AnswersAsync(database, context.RequestAborted);
        var degraded = answers ? await DegradedAsync(polls, clock.GetUtcNow(), context.RequestAborted) : [];
        var trouble = database.Trouble;
        var isReady = answers && readiness.IsReady && trouble is null;
        var body = new JObject
        {
            ["status"] = !isReady ? "Unhealthy" : degraded.Count > 0 ? "Degraded" : "Healthy",
            ["database"] = answers && trouble is null ? "Healthy" : "Unhealthy",
            ["databaseProblem"] = trouble ?? (answers ? null : $"{database.Description} does not answer. Work goes on by itself when it does."),
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

    private static async Task<JArray> DegradedAsync(IPollStore polls, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var degraded = new JArray();
        foreach (var source in await polls.ListSourcesAsync(cancellationToken))
        {
            var isSilent = source.Failures >= Missed || (source.Failures > 0 && now - (source.LastSuccessAt ?? DateTimeOffset.MinValue) > Missed * source.Interval);

            // What nobody watches any more may fail as it likes.
            if (isSilent && (await polls.ListTriggersOfSourceAsync(source.Id, cancellationToken)).Any(trigger => !trigger.IsPaused))
            {
                degraded.Add(new JObject
                {
                    ["id"] = source.Id,
                    ["operation"] = source.Operation,
                    ["failures"] = source.Failures,
                    ["lastSuccessAt"] = Reply.Utc(source.LastSuccessAt),
                });
            }
        }

        return degraded;
    }
}
