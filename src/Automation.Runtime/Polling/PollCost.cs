using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Polling;

/// <summary>Calls a day that polling a source takes.</summary>
public static class PollCost
{
    /// <summary>Of a source that is polled; 0: nobody wants it polled.</summary>
    public static double PerDay(OperationCatalog operations, SourceRecord source) =>
        operations.Find(source.Operation) is { } operation && source.Interval > TimeSpan.Zero ? PerDay(operation, source.Interval, source.ItemCount) : 0;

    /// <summary>One call per page: of a list that is read whole, as many as its items fill.</summary>
    public static double PerDay(Operation operation, TimeSpan interval, long? items)
    {
        var pages = operation is { Poll.Window: null, Pagination: { Style: not "none", PageSize: > 0 and var size } } && items is { } count ? Math.Max(1, Math.Ceiling(count / (double)size)) : 1;
        return pages * (TimeSpan.FromDays(1) / interval);
    }
}
