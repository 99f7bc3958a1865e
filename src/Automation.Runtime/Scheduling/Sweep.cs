using Automation.Runtime.Connections;
using Automation.Runtime.Polling;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Runtime.Scheduling;

/// <summary>
/// Finds what nobody rang for: runnable instances, triggers behind their source, what waits for triggers that are not paused any more. Every minute it looks for sources that have fallen silent, due times that a wrong clock has set and access that ends, and once an hour it deletes what is past its retention: runs, sources
/// that nobody consumes, and events that everybody has.
/// </summary>
public sealed class Sweep(Runner runner, Poller poller, ArrivalDeliverer arrivals, HeldEvents held, DueTimeService dues, SourceWatch sources, TokenWatch tokens, IRunStore runs, IPollStore polls, IWebhookStore webhooks, IDueStore due, IOptions<AutomationOptions> options, TimeProvider clock, ILogger<Sweep> log) : BackgroundService
{
    private const int DeleteBatch = 500;
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromHours(1);

    /// <summary>A clock's grain after the end of a lease.</summary>
    private static readonly TimeSpan AfterLease = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMinutes(1);

    private readonly RunnerOptions settings = options.Value.Runner;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = settings.SweepInterval;
        // By a clock that nobody sets back.
        var retained = clock.GetTimestamp();
        var watched = retained;
        try
        {
            while (true)
            {
                pause = settings.SweepInterval;
                await TryAsync("Runnable instances", async token => pause = await SweepRunsAsync(token), stoppingToken);
                await TryAsync("Triggers behind their source", token => poller.ConsumeAsync(null, token), stoppingToken);
                await TryAsync("What waits for triggers", arrivals.PassAsync, stoppingToken);
                await TryAsync("Kept events", held.SweepAsync, stoppingToken);
                if (clock.GetElapsedTime(watched) >= WatchInterval)
                {
                    watched = clock.GetTimestamp();
                    await TryAsync("Silent sources", sources.CheckAsync, stoppingToken);
                    await TryAsync("Due times", dues.RecallAsync, stoppingToken);
                    await TryAsync("Access that ends", tokens.CheckAsync, stoppingToken);
                }

                if (clock.GetElapsedTime(retained) >= RetentionInterval)
                {
                    retained = clock.GetTimestamp();
                    await TryAsync("Runs past their retention", RetainAsync, stoppingToken);
                    await TryAsync("Ledgers past their retention", PruneAsync, stoppingToken);
                }

                await Task.Delay(pause, clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <returns>How long to wait: what a dead process held is taken over in the moment in which its lease has run out, not a pause later.</returns>
    private async Task<TimeSpan> SweepRunsAsync(CancellationToken cancellationToken)
    {
        await runner.SweepAsync(cancellationToken);
        return await due.LeaseEndsInAsync(cancellationToken) is { } left && left + AfterLease < settings.SweepInterval ? left + AfterLease : settings.SweepInterval;
    }

    internal async Task RetainAsync(CancellationToken cancellationToken)
    {
        if (settings.Retention is not { } retention)
        {
            return;
        }

        var before = clock.GetUtcNow() - retention;
        var deleted = 0;
        IReadOnlyList<string> ids;
        do
        {
            ids = await runs.ListFinishedBeforeAsync(before, DeleteBatch, cancellationToken);
            deleted += ids.Count == 0 ? 0 : await runs.DeleteAsync(ids, cancellationToken);
        }
        while (ids.Count == DeleteBatch);
        if (deleted > 0)
        {
            log.LogInformation("{Count} runs that ended before {Before} were deleted.", deleted, before);
        }
    }

    /// <summary>A batch per transaction, so that nobody waits long for the writer.</summary>
    internal async Task PruneAsync(CancellationToken cancellationToken)
    {
        if (settings.Retention is { } retention)
        {
            var pruned = 0;
            while (await polls.PruneAsync(clock.GetUtcNow() - retention, DeleteBatch, cancellationToken) is > 0 and var rows)
            {
                pruned += rows;
            }

            if (pruned > 0)
            {
                log.LogInformation("{Count} rows of ledgers that nobody needs any more were deleted.", pruned);
            }

            while (await webhooks.DropWaitingAsync(clock.GetUtcNow() - retention, clock.GetUtcNow(), DeleteBatch, cancellationToken) > 0)
            {
                // Batch by batch; an incident says so.
            }
        }
    }

    private async Task TryAsync(string what, Func<CancellationToken, Task> sweep, CancellationToken cancellationToken)
    {
        try
        {
            await sweep(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError(exception, "{What} could not be swept; the next sweep is in {Interval}.", what, settings.SweepInterval);
        }
    }
}
