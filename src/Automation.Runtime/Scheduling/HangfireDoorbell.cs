using Automation.Runtime.Running;
using Hangfire;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Scheduling;

/// <summary>
/// Rings through Hangfire, so that any node may answer. Runs are offered to this node first, in memory: only what it has not taken within a moment becomes a job.
/// Rings of one moment become one job of up to a hundred ids.
/// </summary>
public sealed class HangfireDoorbell : IDoorbell, IDisposable
{
    private const int JobSize = 100;

    /// <summary>How long rings are gathered, and how long this node has to take a run itself.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    private readonly RunQueue queue;
    private readonly DueClock dues;
    private readonly IBackgroundJobClient jobs;
    private readonly ILogger<HangfireDoorbell> log;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly HashSet<string> runs = new(StringComparer.Ordinal);
    private readonly HashSet<string> sources = new(StringComparer.Ordinal);

    public HangfireDoorbell(RunQueue queue, DueClock dues, IBackgroundJobClient jobs, TimeProvider clock, ILogger<HangfireDoorbell> log)
    {
        this.queue = queue;
        this.dues = dues;
        this.jobs = jobs;
        this.log = log;
        timer = clock.CreateTimer(static state => ((HangfireDoorbell)state!).Send(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc />
    public void RingRuns(IReadOnlyList<string> instanceIds)
    {
        queue.Add(instanceIds);
        Gather(runs, instanceIds);
    }

    /// <inheritdoc />
    public void RingSources(IReadOnlyList<string> sourceIds) => Gather(sources, sourceIds);

    /// <inheritdoc />
    public void RingClock() => dues.Wake();

    /// <inheritdoc />
    public void Dispose() => timer.Dispose();

    private void Gather(HashSet<string> target, IReadOnlyList<string> ids)
    {
        lock (gate)
        {
            if (ids.Count == 0)
            {
                return;
            }

            if (runs.Count == 0 && sources.Count == 0)
            {
                timer.Change(Moment, Timeout.InfiniteTimeSpan);
            }

            target.UnionWith(ids);
        }
    }

    private void Send()
    {
        string[] gatheredRuns;
        string[] gatheredSources;
        lock (gate)
        {
            gatheredRuns = [.. runs];
            gatheredSources = [.. sources];
            runs.Clear();
            sources.Clear();
        }

        try
        {
            foreach (var ids in queue.StillWaiting(gatheredRuns).Chunk(JobSize))
            {
                jobs.Enqueue<Doorbells>(doorbells => doorbells.RunAsync(ids));
            }

            foreach (var ids in gatheredSources.Chunk(JobSize))
            {
                jobs.Enqueue<Doorbells>(doorbells => doorbells.PollAsync(ids, CancellationToken.None));
            }
        }
        catch (Exception exception)
        {
            // A ring is a hint: the rows say what is due, and the sweep rings again.
            log.LogWarning(exception, "Hangfire did not take a ring for {Runs} runs and {Sources} sources; the sweep rings again.", gatheredRuns.Length, gatheredSources.Length);
        }
    }
}
