namespace Automation.Hosting.Startup;

/// <summary>Whether the server has started: read by <c>/health/ready</c>.</summary>
public sealed class Readiness
{
    private volatile bool migrated;
    private volatile int waits;

    /// <summary>The database is as this program wants it.</summary>
    public bool IsMigrated => migrated;

    /// <summary>Migrated, and nothing of the start is left to do.</summary>
    public bool IsReady => migrated && waits == 0;

    /// <summary>No other process works on the database: set by whoever holds its lock, before the start.</summary>
    public bool IsAlone { get; set; }

    internal void Migrated() => migrated = true;

    /// <summary>Something has to be done before the server counts as ready; call <see cref="Done"/> after it.</summary>
    public void Expect() => Interlocked.Increment(ref waits);

    public void Done() => Interlocked.Decrement(ref waits);
}
