using System.Threading.Channels;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Running;

/// <summary>
/// Events that nobody took are kept for a while: another system often answers before the run that asked it has come to wait for the answer. When a run comes to wait, or an event is kept, both
/// sides are looked for here; whichever was committed last finds the other. What a crash prevents, the sweep does.
/// </summary>
public sealed class HeldEvents(IHeldEventStore store, IDoorbell doorbell, TimeProvider clock, ILogger<HeldEvents> log) : BackgroundService
{
    /// <summary>How long an event is kept.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly HashSet<string> noted = new(StringComparer.Ordinal);
    private readonly Channel<bool> signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Keeps an event that nobody took. It is looked for once more: a run may have come to wait for it meanwhile.</summary>
    internal async Task HoldAsync(HeldEvent held, CancellationToken cancellationToken)
    {
        await store.HoldAsync(held, cancellationToken);
        Note([held.Hash]);
    }

    /// <summary>Bookmarks or kept events of these hashes were committed. Those of one moment are looked for together, and the caller does not wait for it.</summary>
    internal void Note(IEnumerable<string> hashes)
    {
        lock (gate)
        {
            noted.UnionWith(hashes);
        }

        signal.Writer.TryWrite(true);
    }

    /// <summary>Looks for all that is kept.</summary>
    internal Task SweepAsync(CancellationToken cancellationToken) => DeliverAsync(null, cancellationToken);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await signal.Reader.ReadAsync(stoppingToken);
                string[] hashes;
                lock (gate)
                {
                    hashes = [.. noted];
                    noted.Clear();
                }

                await DeliverAsync(hashes, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception exception)
            {
                log.LogError(exception, "Kept events could not be looked for; the next sweep does it.");
            }
        }
    }

    private async Task DeliverAsync(IReadOnlyList<string>? hashes, CancellationToken cancellationToken)
    {
        // Checkpoint: stimuli are queued and their events gone in one transaction. A crash before the ring: the sweep finds the runs.
        if (await store.DeliverAsync(hashes, clock.GetUtcNow(), cancellationToken) is { Count: > 0 } resumed)
        {
            doorbell.RingRuns(resumed);
        }
    }
}
