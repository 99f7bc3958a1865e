using Automation.Connectors;
using Automation.Runtime.Polling;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Scheduling;

/// <summary>
/// One loop for all that is due: sleeps until the earliest due time of sources, schedules and bookmarks, or a ring; exact to a second. What is due is decided by
/// rows, so a time that passed while no node ran is found at the next start; of several missed times of a schedule one fires.
/// </summary>
public sealed class DueTimeService(IDueStore due, IPollStore triggers, IDefinitionStore definitions, IRunStore runs, IDoorbell doorbell, DueClock dues, TimeProvider clock, ILogger<DueTimeService> log) : BackgroundService
{
    private const int BatchSize = 500;

    /// <summary>Longest sleep without a look at the rows: what another node set (it may be dead when it is due), and jumps of the clock.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(5);

    /// <summary>Sleep while something is due that others have been rung for and have not taken yet.</summary>
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(2);

    /// <summary>How long a rung source is not rung again.</summary>
    private static readonly TimeSpan RingPause = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, DateTimeOffset> rung = new(StringComparer.Ordinal);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan sleep;
            dues.Reset();
            try
            {
                sleep = await PassAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                sleep = AfterFailure;
                log.LogError(exception, "What is due could not be read or served; the next look is in {Pause}.", AfterFailure);
            }

            await dues.SleepAsync(sleep, stoppingToken);
        }
    }

    /// <summary>Serves all that is due now.</summary>
    /// <returns>How long to sleep.</returns>
    internal async Task<TimeSpan> PassAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var resumed = await due.ResumeDueBookmarksAsync(now, BatchSize, cancellationToken);
        if (resumed.Count > 0)
        {
            // Checkpoint: their stimuli are queued. A crash before the ring: the sweep finds the runs.
            doorbell.RingRuns(resumed.Distinct().ToList());
        }

        var schedules = await due.DueSchedulesAsync(now, BatchSize, cancellationToken);
        foreach (var trigger in schedules)
        {
            await FireAsync(trigger, now, cancellationToken);
        }

        var sources = await RingSourcesAsync(now, cancellationToken);
        if (resumed.Count >= BatchSize || schedules.Count >= BatchSize || sources >= BatchSize)
        {
            return TimeSpan.Zero;
        }

        var next = await due.NextDueAsync(cancellationToken);
        now = clock.GetUtcNow();
        return next is not { } time || time - now > LongestSleep ? LongestSleep
            : time > now ? time - now
            : Nap;
    }

    private async Task FireAsync(TriggerRecord trigger, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var dueAt = trigger.DueAt ?? now;
        DateTimeOffset? next;
        try
        {
            next = NextAfter(TriggerSchedule.Of(trigger), dueAt, now);
        }
        catch (FormatException exception)
        {
            log.LogError("Trigger {TriggerId} ({Configured}) has no readable schedule and fires no more: {Message}", trigger.Id, trigger.Configured, exception.Message);
            await triggers.UpdateTriggerAsync(trigger.Id, true, null, null, null, cancellationToken);
            return;
        }

        var payload = new JObject { ["dueAt"] = dueAt.UtcDateTime.ToString("O"), ["firedAt"] = now.UtcDateTime.ToString("O") };
        if (await EventRouter.StartByTriggerAsync(definitions, runs, clock, trigger, "schedule", null, payload, cancellationToken) is not { } start)
        {
            log.LogError("Trigger {TriggerId} names a version of its workflow that is not there, and is paused. Publish the workflow again.", trigger.Id);
            await triggers.UpdateTriggerAsync(trigger.Id, true, null, null, null, cancellationToken);
            return;
        }

        // Checkpoint: delivery, instance and the next due time are one transaction; a crash before it fires again at the next start, after it never.
        if (await triggers.FireScheduleAsync(trigger.Id, dueAt, next, start.MayStart ? start.Instance : null, cancellationToken) && start.MayStart)
        {
            doorbell.RingRuns([start.Instance.Id]);
        }
    }

    /// <summary>The next time after now. An interval keeps its beat: times that were missed are passed over, not moved.</summary>
    internal static DateTimeOffset? NextAfter(Schedule schedule, DateTimeOffset dueAt, DateTimeOffset now)
    {
        if (schedule.Every is { } every)
        {
            var beats = Math.Max(0, (now - dueAt).Ticks / every.Ticks);
            return dueAt + ((beats + 1) * every);
        }

        return schedule.Next(now > dueAt ? now : dueAt);
    }

    /// <summary>Rings for sources that are due, each once per pause.</summary>
    private async Task<int> RingSourcesAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (var (id, at) in rung)
        {
            if (now - at > RingPause || at > now)
            {
                rung.Remove(id);
            }
        }

        var fresh = new List<string>();
        foreach (var id in await due.DueSourcesAsync(now, BatchSize + rung.Count, cancellationToken))
        {
            if (rung.TryAdd(id, now))
            {
                fresh.Add(id);
            }
        }

        if (fresh.Count > 0)
        {
            doorbell.RingSources(fresh);
        }

        return fresh.Count;
    }
}
