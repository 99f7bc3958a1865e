using Automation.Connectors;
using Automation.Hosting.Web;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/budget</c>: calls allowed, used and planned by connection.</summary>
internal static class BudgetEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/budget", BudgetAsync).WithTags("budget").WithSummary("API budget by connection: limits, used, planned by published flows (calls a day; a list that is read whole counts with its pages).");

    private static async Task<IResult> BudgetAsync(HttpContext context, IRateBudget budget, IConnectionStore connections, IPollStore polls, OperationCatalog operations)
    {
        var planned = (await polls.ListSourcesAsync(context.RequestAborted))
            .Where(s => s.IsActive)
            .GroupBy(s => s.ConnectionId)
            .ToDictionary(g => g.Key, g => (long)Math.Ceiling(g.Sum(s => PollCost.PerDay(operations, s))));
        var uses = (await budget.DescribeAsync(context.RequestAborted)).ToLookup(u => u.ConnectionId);
        var items = new List<JToken>();
        foreach (var connection in await connections.ListAsync(context.RequestAborted))
        {
            var limit = operations.Connectors.FirstOrDefault(c => c.Name == connection.Connector)?.Limit;
            var known = uses[connection.Id].ToList();
            if (known.Count == 0 && limit is not null)
            {
                known.Add(new BudgetUse(connection.Connector, connection.Id, connection.LocationId, limit.Calls, limit.Window, 0, limit.PerDay, 0));
            }

            items.AddRange(known.Select(use => new JObject
            {
                ["connectionId"] = connection.Id,
                ["connectionName"] = connection.Name,
                ["connector"] = use.Connector,
                ["locationId"] = use.LocationId,
                ["limits"] = new JObject { ["calls"] = use.Limit, ["windowSeconds"] = use.Window.TotalSeconds, ["perDay"] = use.PerDay },
                ["used"] = new JObject { ["window"] = use.Used, ["today"] = use.UsedToday },
                ["planned"] = new JObject { ["perDay"] = planned.GetValueOrDefault(connection.Id) },
            }));
        }

        return Reply.List(items, items.Count);
    }
}
