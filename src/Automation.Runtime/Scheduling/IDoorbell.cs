namespace Automation.Runtime.Scheduling;

/// <summary>
/// Wakes workers with batches of ids. Holds no truth: what it loses, the sweep rings again. Implemented over Hangfire.
/// </summary>
public interface IDoorbell
{
    /// <summary>There is work on these instances; empty: look for any.</summary>
    void RingRuns(IReadOnlyList<string> instanceIds);

    /// <summary>These sources are due.</summary>
    void RingSources(IReadOnlyList<string> sourceIds);

    /// <summary>A due time was set that may be earlier than the one waited for.</summary>
    void RingClock();
}
