using Automation.Runtime.Storage;

namespace Automation.Runtime.Polling;

/// <summary>Keeps the lease on a source alive while it is scanned; cancels the scan when it cannot, judged by a monotonic clock, so that no call is made on a lease that has run out.</summary>
internal sealed class HeldSource : IDisposable
{
    /// <summary>Reading stops this long before the lease may pass to another.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly IPollStore store;
    private readonly string sourceId;
    private readonly Lease lease;
    private readonly RunnerOptions options;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource lost;
    private readonly ITimer timer;
    private long renewedAt;
    private int busy;

    public HeldSource(IPollStore store, string sourceId, Lease lease, RunnerOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        this.store = store;
        this.sourceId = sourceId;
        this.lease = lease;
        this.options = options;
        this.clock = clock;
        renewedAt = clock.GetTimestamp();
        lost = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Token = lost.Token;
        timer = clock.CreateTimer(_ => _ = RenewAsync(), null, options.LeaseRenewal, options.LeaseRenewal);
    }

    /// <summary>Cancelled when the lease is lost, or the caller stops.</summary>
    public CancellationToken Token { get; }

    public bool IsLost { get; private set; }

    /// <summary>Called before each page: a process that stood still reads no more.</summary>
    /// <exception cref="OperationCanceledException">The lease may be another's by now.</exception>
    public void EnsureHeld()
    {
        if (clock.GetElapsedTime(Interlocked.Read(ref renewedAt)) > options.LeaseDuration - Margin)
        {
            Lose();
        }

        Token.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        timer.Dispose();
        lost.Dispose();
    }

    private async Task RenewAsync()
    {
        if (Interlocked.Exchange(ref busy, 1) == 1)
        {
            return;
        }

        try
        {
            var asked = clock.GetTimestamp();
            if (await store.RenewSourceAsync(sourceId, lease, options.LeaseDuration, CancellationToken.None))
            {
                Interlocked.Exchange(ref renewedAt, asked);
            }
            else
            {
                Lose();
            }
        }
        catch (Exception)
        {
            // The store did not answer: the next renewal may still be in time.
            if (clock.GetElapsedTime(Interlocked.Read(ref renewedAt)) > options.LeaseDuration - options.LeaseRenewal)
            {
                Lose();
            }
        }
        finally
        {
            Interlocked.Exchange(ref busy, 0);
        }
    }

    private void Lose()
    {
        IsLost = true;
        try
        {
            lost.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The scan ended meanwhile.
        }
    }
}
