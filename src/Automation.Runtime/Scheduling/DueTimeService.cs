using Automation.Connectors;
using Automation.Engine;
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
public sealed class DueTimeService(IDueStore due, IPollStore triggers, IDefinitionStore definitions, IRunStore runs, IIncidentStore incidents, IDoorbell doorbell, DueClock dues, TimeProvider clock, ILogger<DueTimeService> log) : BackgroundService
{
    private const int BatchSize = 500;

    /// <summary>Longest sleep without a look at the rows: what another node set (it may be dead when it is due), and jumps of the clock.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(5);

    /// <summary>Sleep while something is due that others have been rung for and have not taken yet.</summary>
    private static readonly TimeSpan Nap = TimeSpan.FromMilliseconds(500);

    /// <summary>By how much the clocks of two servers may differ.</summary>
    private static readonly TimeSpan ClocksApart = TimeSpan.FromMinutes(1);

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
            await StopAsync(trigger, "bad-schedule", $"Its schedule '{trigger.Configured}' cannot be read: {exception.Message}", "Correct it, or what this machine lacks (time zones), and resume the trigger.", cancellationToken);
            return;
        }

        var payload = new JObject { ["dueAt"] = dueAt.UtcDateTime.ToString("O"), ["firedAt"] = now.UtcDateTime.ToString("O") };
        if (await EventRouter.StartByTriggerAsync(definitions, runs, clock, trigger, "schedule", null, payload, cancellationToken) is not { } start)
        {
            await StopAsync(trigger, "definition-missing", "The version of the workflow that it starts is not there.", "Publish the workflow again, and resume the trigger.", cancellationToken);
            return;
        }

        // Checkpoint: delivery, instance and the next due time are one transaction; a crash before it fires again at the next start, after it never.
        if (await triggers.FireScheduleAsync(trigger.Id, dueAt, next, start.MayStart ? start.Instance : null, cancellationToken) && start.MayStart)
        {
            doorbell.RingRuns([start.Instance.Id]);
        }
    }

    /// <summary>A schedule that cannot be served stops, and a person hears of it.</summary>
    private async Task StopAsync(TriggerRecord trigger, string code, string what, string action, CancellationToken cancellationToken)
    {
        log.LogError("Trigger {TriggerId} was paused and fires no more. {Reason}", trigger.Id, what);
        var incident = new IncidentRecord
        {
            Id = Bookmark.HashOf("schedule-stopped", $"{trigger.Id}/{trigger.DueAt?.UtcTicks}"),
            Kind = "trigger",
            DefinitionId = trigger.DefinitionId,
            ActivityId = trigger.ActivityId,
            ActivityType = trigger.ActivityType,
            LocationId = trigger.LocationId,
            Code = code,
            Message = "The trigger was paused and fires no more. " + what,
            Action = action,
            CreatedAt = clock.GetUtcNow(),
        };

        // Checkpoint: first what is told, then the pause; a crash in between tells the same once more.
        await incidents.AddAsync([incident], cancellationToken);
        await triggers.UpdateTriggerAsync(trigger.Id, true, null, null, null, cancellationToken);
    }

    /// <summary>
    /// Brings back due times that lie further ahead than the next one can: a clock that went ahead and was set right has left them behind, and nothing would be polled or fired until it gets there.
    /// </summary>
    public async Task RecallAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var recalled = await triggers.RecallSourcesAsync(now, now + ClocksApart, cancellationToken);
        for (var page = 0; ; page++)
        {
            var schedules = (await triggers.ListTriggersAsync(new TriggerQuery { Kind = "schedule", Page = page, PageSize = BatchSize }, cancellationToken)).Items;
            foreach (var trigger in schedules.Where(trigger => trigger is { IsPaused: false, DueAt: not null }))
            {
                if (LatestNext(trigger, now) is { } latest && trigger.DueAt > latest + ClocksApart && await triggers.MoveScheduleAsync(trigger.Id, trigger.DueAt.Value, latest, cancellationToken))
                {
                    recalled++;
                }
            }

            if (schedules.Count < BatchSize)
            {
                break;
            }
        }

        if (recalled > 0)
        {
            log.LogWarning("{Count} due times lay further ahead than this machine's clock allows, and were brought back: the clock must have been ahead. Check it.", recalled);
            doorbell.RingClock();
        }
    }

    private static DateTimeOffset? LatestNext(TriggerRecord trigger, DateTimeOffset now)
    {
        try
        {
            // A single time is where it was put.
            return trigger.Configured is { } text && Schedule.TryReadTime(text, out _) ? null : TriggerSchedule.Of(trigger).Next(now);
        }
        catch (FormatException)
        {
            // Told when it comes due.
            return null;
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
