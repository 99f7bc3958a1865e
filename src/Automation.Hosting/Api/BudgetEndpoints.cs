using Automation.Hosting.Web;
using Automation.Runtime.Budgets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/budget</c>: calls allowed, used and planned by connection.</summary>
internal static class BudgetEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/budget", BudgetAsync).WithTags("budget").WithSummary("API budget by connection: limits, used, planned by published flows (calls a day; a list that is read whole counts with its pages). Filter: connectionId.");

    private static async Task<IResult> BudgetAsync(HttpContext context, BudgetReport report)
    {
        var connectionId = Query.Text(context, "connectionId");
        var lines = await report.ListAsync(context.RequestAborted);
        return Reply.List(context, [.. lines.Where(line => connectionId is null || line.Connection.Id == connectionId)], Describe);
    }

    private static JObject Describe(ConnectionBudget line) => new()
    {
        ["connectionId"] = line.Connection.Id,
        ["connectionName"] = line.Connection.Name,
        ["connector"] = line.Use.Connector,
        ["locationId"] = line.Use.LocationId,
        ["limits"] = new JObject { ["calls"] = line.Use.Limit, ["windowSeconds"] = line.Use.Window.TotalSeconds, ["perDay"] = line.Use.PerDay },
        ["used"] = new JObject { ["window"] = line.Use.Used, ["today"] = line.Use.UsedToday },
        ["planned"] = new JObject { ["perDay"] = line.PlannedPerDay },
    };
}
