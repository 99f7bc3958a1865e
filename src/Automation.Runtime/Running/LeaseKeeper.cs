using System.Collections.Concurrent;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Runtime.Running;

/// <summary>Keeps the leases of all bursts of this node: one renewal for all of them, and none while there are none.</summary>
public sealed class LeaseKeeper(IRunStore runs, IOptions<AutomationOptions> options, TimeProvider clock, ILogger<LeaseKeeper> log) : BackgroundService
{
    private readonly ConcurrentDictionary<string, RunLease> open = new(StringComparer.Ordinal);
    private readonly RunnerOptions settings = options.Value.Runner;

    /// <summary>Leases held now.</summary>
    internal IReadOnlyCollection<RunLease> Open => (IReadOnlyCollection<RunLease>)open.Values;

    /// <summary>A burst is in progress on this node.</summary>
    public bool HasOpen => !open.IsEmpty;

    internal RunLease? Find(string instanceId) => open.GetValueOrDefault(instanceId);

    /// <param name="committer">Commits the burst.</param>
    /// <param name="instanceId">The instance.</param>
    /// <param name="lease">The claim.</param>
    /// <param name="origin">Where the run comes from.</param>
    /// <param name="insert">Set: there is no row yet.</param>
    /// <param name="since">Timestamp taken before the claim was asked for: the deadline counts from there.</param>
    internal RunLease Hold(RunCommitter committer, string instanceId, Lease lease, RunOrigin origin, NewInstance? insert, long since)
    {
        var held = new RunLease(this, committer, instanceId, lease, origin, insert, since, settings.LeaseDuration, clock);
        open[instanceId] = held;
        return held;
    }

    internal void Close(RunLease lease) => open.TryRemove(new KeyValuePair<string, RunLease>(lease.InstanceId, lease));

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.LeaseRenewal, clock);
        var last = clock.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var pause = clock.GetElapsedTime(last);
                last = clock.GetTimestamp();
                if (pause > settings.LeaseDuration && HasOpen)
                {
                    log.LogWarning("This process stood still for {Pause:0} s, longer than its leases last. What it was working on has passed to others: {Count} bursts are stopped, and nothing more of them is sent or committed.", pause.TotalSeconds, open.Count);
                }

                await RenewAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    internal async Task RenewAsync(CancellationToken cancellationToken)
    {
        var since = clock.GetTimestamp();
        var held = new List<RunLease>();
        foreach (var lease in open.Values)
        {
            if (lease.Insert is null)
            {
                held.Add(lease);
            }
            else
            {
                // No row, so nobody to lose it to.
                lease.Extend(since);
            }
        }

        if (held.Count == 0)
        {
            return;
        }

        try
        {
            var lost = new HashSet<string>(await runs.RenewAsync(held.ConvertAll(lease => (lease.InstanceId, lease.Lease)), settings.LeaseDuration, cancellationToken), StringComparer.Ordinal);
            foreach (var lease in held)
            {
                if (!lost.Contains(lease.InstanceId))
                {
                    lease.Extend(since);
                }
                else if (ReferenceEquals(Find(lease.InstanceId), lease))
                {
                    // A burst that ended meanwhile freed its lease itself and is no longer among the open ones.
                    log.LogWarning("Run {InstanceId}: the lease was lost to another owner; the burst is stopped, and nothing more of it is sent or committed.", lease.InstanceId);
                    lease.Lose();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception)
        {
            // The deadlines go on running: a lease that cannot be renewed in time cuts off its burst by itself.
            log.LogError(exception, "The leases of {Count} runs could not be renewed; their bursts are stopped when their leases run out.", held.Count);
        }
    }
}
