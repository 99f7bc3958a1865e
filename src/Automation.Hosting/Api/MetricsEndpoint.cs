using System.Globalization;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Security;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Automation.Hosting.Api;

/// <summary><c>/metrics</c> in Prometheus' text format: what waits, what fails, what is spent. Read when scraped; nothing is counted in between.</summary>
internal static class MetricsEndpoint
{
    private static readonly WorkflowSubStatus[] Open = [WorkflowSubStatus.Pending, WorkflowSubStatus.Executing, WorkflowSubStatus.Suspended];

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", ReadAsync).WithMetadata(new ProgramEndpoint()).WithTags("health").WithSummary("Metrics in Prometheus' text format.");

    private static async Task<IResult> ReadAsync(HttpContext context, IRunStore runs, IIncidentStore incidents, IPollStore polls, IRateBudget budget)
    {
        var text = new StringBuilder();
        Head(text, "automation_runs_open", "Runs that are not finished.");
        foreach (var status in Open)
        {
            var found = await runs.ListAsync(new RunFilter { SubStatuses = [status], PageSize = 1 }, context.RequestAborted);
            Sample(text, "automation_runs_open", found.Total, ("sub_status", status.ToString()));
        }

        Head(text, "automation_incidents_open", "Incidents that nobody has settled.");
        Sample(text, "automation_incidents_open", (await incidents.ListAsync(true, null, null, 0, 1, context.RequestAborted)).Total);

        var sources = await polls.ListSourcesAsync(context.RequestAborted);
        Head(text, "automation_sources", "Poll sources.");
        Sample(text, "automation_sources", sources.Count(s => s.Failures == 0), ("state", "working"));
        Sample(text, "automation_sources", sources.Count(s => s.Failures > 0), ("state", "failing"));

        Head(text, "automation_budget_used", "Calls in the present window of a connection's API budget.");
        foreach (var use in await budget.DescribeAsync(context.RequestAborted))
        {
            Sample(text, "automation_budget_used", use.Used, ("connection", use.ConnectionId), ("location", use.LocationId ?? ""));
        }

        Head(text, "process_working_set_bytes", "Memory of the process.");
        Sample(text, "process_working_set_bytes", Environment.WorkingSet);
        Head(text, "dotnet_gc_heap_bytes", "Bytes on the managed heap.");
        Sample(text, "dotnet_gc_heap_bytes", GC.GetTotalMemory(forceFullCollection: false));
        return Results.Text(text.ToString(), "text/plain; version=0.0.4", Encoding.UTF8);
    }

    private static void Head(StringBuilder text, string name, string help) => text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n').Append("# TYPE ").Append(name).Append(" gauge\n");

    private static void Sample(StringBuilder text, string name, long value, params (string Name, string Value)[] labels)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').AppendJoin(',', labels.Select(l => $"{l.Name}=\"{l.Value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"")).Append('}');
        }

        text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
