namespace Automation.Runtime.Polling;

/// <summary>Reads poll sources page by page into intake, and hands their events to triggers. Keeps nothing in memory between pages but the position.</summary>
public sealed class Poller
{
    /// <summary>Claims those of the sources that are due and free, scans each to its end and delivers its events; returns when all are done. Never throws for a source that fails: the failure is on the source.</summary>
    /// <param name="sourceIds">The sources; null: any that are due.</param>
    /// <param name="evenIfNotDue">Also those that are not due yet.</param>
    /// <param name="cancellationToken">Stops after the page in progress; the scan resumes at the next one.</param>
    /// <returns>Ids of the sources that this call has polled.</returns>
    public Task<IReadOnlyList<string>> PollAsync(IReadOnlyList<string>? sourceIds, bool evenIfNotDue, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Hands events to the triggers that are behind: deliveries and pending instances, then a ring. Safe at any time, from any node; the sweep calls it too.</summary>
    /// <param name="sourceId">One source; null: all.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>Instances created.</returns>
    public Task<int> ConsumeAsync(string? sourceId, CancellationToken cancellationToken) => throw new NotImplementedException();
}
