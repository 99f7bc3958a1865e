using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Budgets;

/// <summary>The API budgets of all servers on a database: each server asks for portions of calls, one question at a time, as many as wait at once.</summary>
public sealed class SharedRateBudget(OperationCatalog catalog, IBudgetStore store, TimeProvider clock, ILogger<SharedRateBudget> log) : IRateBudget
{
    private readonly ConcurrentDictionary<BudgetKey, SharedWindow> windows = new();

    /// <inheritdoc />
    public ValueTask AcquireAsync(Connection connection, CallPriority priority, CancellationToken cancellationToken) => WindowOf(connection).AcquireAsync(priority, cancellationToken);

    /// <inheritdoc />
    public void Observe(Connection connection, int status, IReadOnlyDictionary<string, string> headers) =>
        WindowOf(connection).Learn(BudgetNews.Read(status, headers, clock.GetUtcNow()));

    /// <inheritdoc />
    /// <remarks>Read from the rows: most of it may have been used by other servers.</remarks>
    public async ValueTask<IReadOnlyList<BudgetUse>> DescribeAsync(CancellationToken cancellationToken)
    {
        var uses = new List<BudgetUse>();
        foreach (var (key, locationId, text, now) in await store.ListAsync(cancellationToken))
        {
            uses.AddRange(BudgetState.Read(text).Describe(key[..key.IndexOf('/', StringComparison.Ordinal)], locationId, now));
        }

        // A connection whose credential was changed has a budget of before, too: what was called with it counts until its day is over.
        return uses.GroupBy(use => (use.ConnectionId, use.LocationId)).Select(same => same.MaxBy(use => use.UsedToday)! with { Used = same.Sum(use => use.Used), UsedToday = same.Sum(use => use.UsedToday) }).ToList();
    }

    private SharedWindow WindowOf(Connection connection)
    {
        var key = BudgetKey.Of(connection);
        return windows.TryGetValue(key, out var window) ? window : windows.GetOrAdd(key, new SharedWindow(key, connection, catalog.ConnectorOf(connection.Connector).Limit, store, clock, log));
    }
}
