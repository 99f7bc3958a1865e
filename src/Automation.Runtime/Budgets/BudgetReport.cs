using Automation.Connectors;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Budgets;

/// <summary>What of its API budget each connection has used, and what its polls will take.</summary>
public sealed class BudgetReport(IRateBudget budget, IConnectionStore connections, IPollStore polls, OperationCatalog operations)
{
    /// <summary>A line per connection and location; those of connectors without a limit that have not called are left out.</summary>
    public async Task<IReadOnlyList<ConnectionBudget>> ListAsync(CancellationToken cancellationToken)
    {
        var planned = (await polls.ListSourcesAsync(cancellationToken))
            .Where(source => source.IsActive)
            .GroupBy(source => source.ConnectionId)
            .ToDictionary(group => group.Key, group => (long)Math.Ceiling(group.Sum(source => PollCost.PerDay(operations, source))));
        var uses = (await budget.DescribeAsync(cancellationToken)).ToLookup(use => use.ConnectionId);
        var lines = new List<ConnectionBudget>();
        foreach (var connection in await connections.ListAsync(cancellationToken))
        {
            var known = uses[connection.Id].ToList();
            if (known.Count == 0 && operations.Connectors.FirstOrDefault(connector => connector.Name == connection.Connector)?.Limit is { } limit)
            {
                known.Add(new BudgetUse(connection.Connector, connection.Id, connection.LocationId, limit.Calls, limit.Window, 0, limit.PerDay, 0));
            }

            lines.AddRange(known.Select(use => new ConnectionBudget(connection, use, planned.GetValueOrDefault(connection.Id))));
        }

        return lines;
    }
}

/// <summary>The budget of a connection in one location.</summary>
/// <param name="Connection">Whose it is.</param>
/// <param name="Use">Limits and use.</param>
/// <param name="PlannedPerDay">Calls a day that the polls of its published flows take.</param>
public sealed record ConnectionBudget(ConnectionRecord Connection, BudgetUse Use, long PlannedPerDay)
{
    /// <summary>Part of the day's calls from which on a person should know.</summary>
    private const double Near = 0.8;

    /// <summary>Most of the day's calls are used.</summary>
    public bool IsNearlyUsed => Use.PerDay is { } perDay && Use.UsedToday >= Near * perDay;

    /// <summary>The polls alone take most of the day's calls, or more than there are.</summary>
    public bool IsOverplanned => Use.PerDay is { } perDay && PlannedPerDay >= Near * perDay;
}
