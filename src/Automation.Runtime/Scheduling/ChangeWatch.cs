using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Scheduling;

/// <summary>
/// Looks once a second at the numbers that other processes raise, and tells whoever holds something of theirs in memory. A row that is read, not a message that is sent: what was missed while the database
/// or this process was away is seen at the next look.
/// </summary>
public sealed class ChangeWatch(IChangeStore changes, TimeProvider clock, ILogger<ChangeWatch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly List<(string Topic, Action Forget)> listeners = [];
    private IReadOnlyDictionary<string, long> seen = new Dictionary<string, long>();

    /// <summary>Asks to be told of changes, also of this process's own. Before the start.</summary>
    /// <param name="topic">One of <see cref="Topics"/>.</param>
    /// <param name="forget">Forgets what is held in memory; quick, and throws nothing.</param>
    public void On(string topic, Action forget)
    {
        lock (listeners)
        {
            listeners.Add((topic, forget));
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            do
            {
                try
                {
                    await LookAsync(stoppingToken);
                }
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    log.LogWarning(exception, "What other processes changed could not be read; the next look is in {Interval}.", Interval);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        var now = await changes.ReadAsync(cancellationToken);
        foreach (var (topic, version) in now)
        {
            if (!seen.TryGetValue(topic, out var before) || before != version)
            {
                (string Topic, Action Forget)[] told;
                lock (listeners)
                {
                    told = [.. listeners.Where(listener => listener.Topic == topic)];
                }

                foreach (var (_, forget) in told)
                {
                    forget();
                }
            }
        }

        seen = now;
    }
}
