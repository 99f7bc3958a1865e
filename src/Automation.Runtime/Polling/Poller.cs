using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Runtime.Polling;

/// <summary>Reads poll sources page by page into intake, and hands their events to triggers. Keeps nothing in memory between pages but the position.</summary>
public sealed class Poller(
    IPollStore store,
    IConnections connections,
    OperationCatalog operations,
    IPollReader reader,
    IIncidentStore incidents,
    Deliverer deliverer,
    IDoorbell doorbell,
    IOptions<AutomationOptions> options,
    Node node,
    TimeProvider clock,
    ILogger<Poller> log)
{
    /// <summary>A list that is broken throughout is told by its first items.</summary>
    private const int QuarantinedPerPage = 20;

    private static readonly TimeSpan LongestBackoff = TimeSpan.FromHours(1);

    /// <summary>Search indexes lag by seconds.</summary>
    private static readonly TimeSpan ShortestLateness = TimeSpan.FromMinutes(1);

    /// <summary>Claims those of the sources that are due and free, scans each to its end and delivers its events; returns when all are done. Never throws for a source that fails: the failure is on the source.</summary>
    /// <param name="sourceIds">The sources; null: any that are due.</param>
    /// <param name="evenIfNotDue">Also those that are not due yet.</param>
    /// <param name="cancellationToken">Stops after the page in progress; the scan resumes at the next one.</param>
    /// <returns>Ids of the sources that this call has polled.</returns>
    public async Task<IReadOnlyList<string>> PollAsync(IReadOnlyList<string>? sourceIds, bool evenIfNotDue, CancellationToken cancellationToken)
    {
        var polled = new HashSet<string>(StringComparer.Ordinal);
        var running = new Dictionary<Task, string>();
        var mayBeMore = true;
        while (mayBeMore || running.Count > 0)
        {
            // Only as many are claimed as are polled at once: a lease that waits in a queue runs out.
            var free = options.Value.Polling.Concurrency - running.Count;
            if (mayBeMore && free > 0 && !cancellationToken.IsCancellationRequested)
            {
                var wanted = sourceIds?.Where(id => !polled.Contains(id) && !running.ContainsValue(id)).ToList();
                var claimed = wanted is { Count: 0 } ? [] : await store.ClaimSourcesAsync(wanted, node.Id, options.Value.Runner.LeaseDuration, free, evenIfNotDue, cancellationToken);
                mayBeMore = claimed.Count == free;
                foreach (var (source, lease) in claimed)
                {
                    if (polled.Contains(source.Id))
                    {
                        // Every source was polled once; those that are due again are the next call's.
                        mayBeMore = false;
                        await store.ReleaseSourceAsync(source.Id, lease, CancellationToken.None);
                        continue;
                    }

                    running.Add(Task.Run(() => PollOneAsync(source, lease, cancellationToken), CancellationToken.None), source.Id);
                }
            }
            else if (running.Count == 0)
            {
                break;
            }

            if (running.Count > 0)
            {
                var done = await Task.WhenAny(running.Keys);
                running.Remove(done, out var sourceId);
                polled.Add(sourceId!);
                await done;
            }
        }

        return [.. polled];
    }

    /// <summary>Hands events to the triggers that are behind: deliveries and pending instances, then a ring. Safe at any time, from any node; the sweep calls it too.</summary>
    /// <param name="sourceId">One source; null: all.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>Instances created.</returns>
    public Task<int> ConsumeAsync(string? sourceId, CancellationToken cancellationToken) => deliverer.ConsumeAsync(sourceId, cancellationToken);

    private async Task PollOneAsync(SourceRecord source, Lease lease, CancellationToken cancellationToken)
    {
        using var held = new HeldSource(store, source.Id, lease, options.Value.Runner, clock, cancellationToken);
        using var span = Telemetry.Source.StartActivity($"poll {source.Operation}");
        span?.SetTag("automation.operation", source.Operation).SetTag("automation.source.id", source.Id);
        var (started, succeeded) = (clock.GetTimestamp(), false);
        try
        {
            await ScanAsync(source, lease, held, held.Token);
            succeeded = true;
            await store.ReleaseSourceAsync(source.Id, lease, CancellationToken.None);
            if (source.Failures > 0 || SourceAlarm.IsOverdue(source, clock.GetUtcNow()))
            {
                await incidents.ResolveAsync(SourceAlarm.IdOf(source), "The source answers again.", clock.GetUtcNow(), CancellationToken.None);
            }
        }
        catch (LeaseLostException)
        {
            log.LogWarning("The lease on poll source {SourceId} was lost; whoever holds it goes on from the last page.", source.Id);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopping: the scan is stored up to its last page, and the next owner resumes there.
            await TryAsync(source, () => store.ReleaseSourceAsync(source.Id, lease, CancellationToken.None));
        }
        catch (OperationCanceledException) when (held.IsLost)
        {
            log.LogWarning("The lease on poll source {SourceId} could not be renewed; its scan resumes at the last page.", source.Id);
        }
        catch (Exception exception)
        {
            await TryAsync(source, () => FailAsync(source, lease, exception));
        }

        Telemetry.Poll(span, clock.GetElapsedTime(started), source.Operation, succeeded);

        // While it was leased the source was not among what is due: the clock has to look again, or it sleeps past the next poll.
        doorbell.RingClock();
        await DeliverAsync(source, cancellationToken);
    }

    /// <summary>Delivers what was taken in. A failure here is no failure of the source: the sweep delivers later.</summary>
    private Task DeliverAsync(SourceRecord source, CancellationToken cancellationToken) =>
        cancellationToken.IsCancellationRequested ? Task.CompletedTask : TryAsync(source, () => deliverer.ConsumeAsync(source.Id, cancellationToken));

    private async Task TryAsync(SourceRecord source, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception exception) when (exception is LeaseLostException or OperationCanceledException)
        {
            // Whoever holds the source now goes on.
        }
        catch (Exception exception)
        {
            log.LogError(exception, "After polling source {SourceId} its state could not be written; its lease runs out, and the sweep takes it up again.", source.Id);
        }
    }

    private async Task ScanAsync(SourceRecord source, Lease lease, HeldSource held, CancellationToken cancellationToken)
    {
        var (operation, shape) = operations.Find(source.Operation) is { Poll: { } poll } found ? (found, poll)
            : throw Broken("unknown-operation", $"There is no operation '{source.Operation}' that can be polled in this installation.", "Install the connector that has it, or remove the trigger.");
        var connection = await connections.FindAsync(source.ConnectionId, cancellationToken)
            ?? throw Broken("no-connection", $"The connection '{source.ConnectionId}' of this source does not exist any more.", "Give the trigger another connection and publish the flow again.");

        if (source.LocationId is { } own && SourceRecord.LocationIn(source.Inputs) is null && connection.LocationId != own)
        {
            // Read in the other location, all that is there would be new.
            throw Broken("other-location", $"This source watches location {own}, and the connection '{connection.Name}' is to {(connection.LocationId is { } other ? $"location {other}" : "no location")} now.", "Publish the flow again, so that it watches the connection's location; or give the connection its location back.");
        }

        // A scan that was interrupted goes on with its own upper bound and page; a new one looks back over the overlap.
        var upper = source.ScanUpper ?? clock.GetUtcNow();
        // A scan by updated-at goes by the list's own clock, and looks for nothing again that has had its time to show.
        TimeSpan? lateness = shape.Window is not null && operation.Response.UpdatedAtPath is not null ? LatenessOf(shape, source.Interval) : null;
        var from = shape.Window is null || source.Watermark is null ? null : source.Watermark - (lateness ?? shape.Overlap);
        from = lateness is not null && from < source.Floor ? source.Floor : from;
        var position = new ScanPosition(from, upper, source.ScanUpper is null ? null : source.PageToken) { Since = source.Watermark };
        var pages = source.ScanUpper is null ? 0 : source.ScanPages;
        var priority = source.BaselinedAt is null ? CallPriority.Backfill : CallPriority.Poll;
        while (true)
        {
            if (pages >= shape.MaxPages)
            {
                throw Broken("endless-scan", $"The scan was stopped after {pages} pages: the list has no end, or is longer than the {shape.MaxPages} pages that this operation allows.", "Narrow the trigger's inputs.");
            }

            held.EnsureHeld();
            var page = await reader.ReadPageAsync(operation, connection, source.Inputs, position, priority, cancellationToken);
            var next = page.NextPageToken;
            if (next is not null && next == position.PageToken)
            {
                throw Broken("endless-scan", $"The list answered the same next page twice ('{Cut(next)}'): the scan would never end.", "Report it to the provider; the flow resumes when the answer is right again.");
            }

            var now = clock.GetUtcNow();
            var ends = next is null;
            if (page.RolledIn.Count > 0)
            {
                // 0. A crash between this commit and the next: the page is read again, and what has rolled in is known by then.
                await store.IntakeAsync(
                    new IntakePage
                    {
                        SourceId = source.Id,
                        Lease = lease,
                        Items = page.RolledIn,
                        IsBaseline = true,
                        ObservedAt = now,
                        ScanUpper = upper,
                        NextPageToken = position.PageToken,
                        EndsScan = false,
                        Lateness = lateness,
                        DueAt = now,
                    },
                    cancellationToken);
            }

            // 1. A crash before this commit: the page is read again. After it: the scan goes on at the next page, and nothing of this one is seen twice.
            await store.IntakeAsync(
                new IntakePage
                {
                    SourceId = source.Id,
                    Lease = lease,
                    Items = page.Items,
                    IsBaseline = source.BaselinedAt is null,
                    ObservedAt = now,
                    ScanUpper = upper,
                    NextPageToken = next,
                    EndsScan = ends,
                    Lateness = lateness,
                    Present = shape.Forgets && ends && position.PageToken is null ? [.. page.Items.Concat(page.RolledIn).Select(item => item.Id)] : null,
                    DueAt = ends ? await NextDueAsync(source, connection, now, cancellationToken) : now,
                    Incidents = [.. page.Bad.Take(QuarantinedPerPage).Select(bad => Quarantine(source, bad, now))],
                },
                cancellationToken);
            if (ends)
            {
                return;
            }

            pages++;
            position = position with { PageToken = next };
            if (pages % 10 == 0)
            {
                // A long scan does not keep its events back until its end.
                await DeliverAsync(source, cancellationToken);
            }
        }
    }

    /// <summary>How far a scan looks back: what the operation says, less where polls follow each other so closely that each would read the same again.</summary>
    internal static TimeSpan LatenessOf(PollShape shape, TimeSpan interval)
    {
        var wanted = 2 * interval < ShortestLateness ? ShortestLateness : 2 * interval;
        return wanted < shape.Overlap ? wanted : shape.Overlap;
    }

    /// <summary>Soonest time that one of the source's triggers wants. Intervals keep a phase of the source's own, so that sources of one interval spread over it.</summary>
    private async Task<DateTimeOffset> NextDueAsync(SourceRecord source, Connection connection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var minimum = connection.IsSandbox ? options.Value.Polling.SandboxMinimumInterval : options.Value.Polling.MinimumInterval;
        var triggers = await store.ListTriggersOfSourceAsync(source.Id, cancellationToken);
        DateTimeOffset? soonest = null;
        foreach (var trigger in triggers.Where(trigger => !trigger.IsPaused))
        {
            var schedule = TriggerSchedule.Of(trigger);
            var due = schedule.Every is { } every
                ? PhasedDue(source.Id, now, every < minimum ? minimum : every)
                : schedule.Next(now) is { } next && next < now + minimum ? schedule.Next(now + minimum) : schedule.Next(now);
            soonest = due is { } time && (soonest is null || time < soonest) ? time : soonest;
        }

        return soonest ?? PhasedDue(source.Id, now, source.Interval);
    }

    /// <summary>
    /// The next time after <paramref name="now"/> on the source's own grid: multiples of the interval, shifted by a hash of its id. Never sooner than half an interval away.
    /// </summary>
    internal static DateTimeOffset PhasedDue(string sourceId, DateTimeOffset now, TimeSpan interval)
    {
        var phase = (long)(BitConverter.ToUInt32(SHA256.HashData(Encoding.UTF8.GetBytes(sourceId))) / (double)uint.MaxValue * interval.Ticks);
        var earliest = now.UtcTicks + (interval.Ticks / 2);
        var grid = (earliest - phase) / interval.Ticks * interval.Ticks + phase;
        return new DateTimeOffset(grid < earliest ? grid + interval.Ticks : grid, TimeSpan.Zero);
    }

    private async Task FailAsync(SourceRecord source, Lease lease, Exception exception)
    {
        var now = clock.GetUtcNow();
        var failure = exception as ConnectorException;
        if (failure is null)
        {
            log.LogError(exception, "Polling source {SourceId} ({Operation}) failed unexpectedly.", source.Id, source.Operation);
        }

        var failures = source.Failures + 1;
        var reason = failure is null ? $"Polling failed unexpectedly: {exception.Message}" : Describe(failure);
        var interval = source.Interval > TimeSpan.Zero ? source.Interval : TimeSpan.FromMinutes(1);
        var backoff = TimeSpan.FromTicks((long)Math.Min(interval.Ticks * Math.Pow(2, Math.Min(failures - 1, 20)), Math.Max(LongestBackoff.Ticks, interval.Ticks)));
        var due = now + (failure?.RetryAfter is { } wait && wait > backoff ? wait : backoff);

        // A page that the other side refuses for good would be asked for over and over: the scan begins anew from its watermark.
        var resumed = source.ScanUpper is not null;
        var abandon = failure?.Code == "endless-scan" || (resumed && failure is { Status: 400 or 404 or 410 or 422 });
        var silent = now - (source.LastSuccessAt ?? source.ScanStartedAt ?? source.LastPollAt ?? now);
        var isAlarm = failures >= SourceAlarm.Missed || silent >= SourceAlarm.Missed * interval;
        await store.FailScanAsync(source.Id, lease, reason, now, due, abandon, isAlarm ? SourceAlarm.OfFailure(source, failure, reason, failures, now) : null, CancellationToken.None);
        log.LogWarning("Polling source {SourceId} ({Operation}) failed, {Failures} in a row; next try at {DueAt:u}. {Reason}", source.Id, source.Operation, failures, due, reason);
    }

    private static IncidentRecord Quarantine(SourceRecord source, BadItem bad, DateTimeOffset now) => new()
    {
        Id = Hash("item", source.Id, bad.Reason, bad.Excerpt),
        Kind = "item",
        SourceId = source.Id,
        LocationId = source.LocationId,
        ActivityType = source.Operation,
        Code = "bad-item",
        Message = $"An item of the list was left out: {bad.Reason}",
        Detail = bad.Excerpt,
        Action = "Correct the item at the source; the others went on.",
        CreatedAt = now,
    };

    private static string Describe(ConnectorException failure)
    {
        var text = new StringBuilder(failure.Message);
        if (failure.Status is { } status && !failure.Message.Contains(status.ToString(), StringComparison.Ordinal))
        {
            text.Append(" (HTTP ").Append(status).Append(')');
        }

        if (failure.ProviderMessage is { Length: > 0 } said && !failure.Message.Contains(said, StringComparison.Ordinal))
        {
            text.Append(" — ").Append(said);
        }

        if (failure.TraceId is { Length: > 0 } trace)
        {
            text.Append(" [trace ").Append(trace).Append(']');
        }

        return failure.Action is { Length: > 0 } action ? text.Append(' ').Append(action).ToString() : text.ToString();
    }

    private static ConnectorException Broken(string code, string message, string action) => new(message) { Code = code, Action = action };

    private static string Cut(string text) => text.Length <= 60 ? text : text[..60] + "…";

    private static string Hash(params string[] parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001f', parts))))[..32];
}
