using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Runtime.Polling;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Webhooks;

/// <summary>When the next hint is due.</summary>
public sealed class HintClock(TimeProvider clock)
{
    /// <summary>The same sleep and bell as other due times.</summary>
    internal DueClock Due { get; } = new(clock);

    public void WakeAt(DateTimeOffset at) => Due.WakeAt(at);
}

/// <summary>
/// Reads what webhooks told of, into the same rows as polls and under the same lease: what both see fires once. Where an operation can find one item, that item is read; where it cannot, or where many have changed,
/// the list is polled, not more often than every few seconds. What cannot be read is left to the next poll.
/// </summary>
public sealed class HintReader(
    IWebhookStore store,
    IPollStore polls,
    IPollReader reader,
    Poller poller,
    IConnections connections,
    OperationCatalog operations,
    HintClock hints,
    IOptions<AutomationOptions> options,
    Node node,
    TimeProvider clock,
    ILogger<HintReader> log) : BackgroundService
{
    private const int SourcesAtOnce = 8;
    private const int HintsAtOnce = 1000;

    /// <summary>More items than this are found with fewer calls by a scan.</summary>
    private const int MostReads = 10;

    /// <summary>Least time between two scans that webhooks ask for.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan SandboxSpacing = TimeSpan.FromSeconds(1);

    /// <summary>Pauses before an item is read again that does not show the change yet: search indexes lag.</summary>
    private static readonly TimeSpan[] Patience = [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15)];

    /// <summary>How much older than its webhook a change may say that it is.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(5);

    /// <summary>From the end of a reading to the next look.</summary>
    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan WhileBusy = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Retention = TimeSpan.FromDays(7);
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromHours(1);

    /// <summary>Sources that are being read: a long scan of one keeps none of the others waiting.</summary>
    private readonly ConcurrentDictionary<string, Task> reading = new(StringComparer.Ordinal);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retained = clock.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            var sleep = LongestSleep;
            hints.Due.Reset();
            try
            {
                sleep = await BeginAsync(stoppingToken);
                if (clock.GetElapsedTime(retained) >= RetentionInterval)
                {
                    retained = clock.GetTimestamp();
                    while (await store.DeleteBeforeAsync(clock.GetUtcNow() - Retention, stoppingToken) > 0)
                    {
                        // Batch by batch.
                    }
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError(exception, "What webhooks told of could not be read; the next look is in {Pause}.", sleep);
            }

            try
            {
                await hints.Due.SleepAsync(sleep, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
        }

        // Leases are given back before the process ends.
        await Task.WhenAll(reading.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Reads all that is due now, and waits for it.</summary>
    /// <returns>How long to sleep.</returns>
    internal async Task<TimeSpan> PassAsync(CancellationToken cancellationToken)
    {
        var sleep = await BeginAsync(cancellationToken);
        if (reading.IsEmpty)
        {
            return sleep;
        }

        await Task.WhenAll(reading.Values);
        return TimeSpan.Zero;
    }

    /// <summary>Begins to read what is due now.</summary>
    /// <returns>How long to sleep; the end of a reading wakes the sleeper.</returns>
    private async Task<TimeSpan> BeginAsync(CancellationToken cancellationToken)
    {
        var (sources, next) = await store.DueAsync(clock.GetUtcNow(), 2 * SourcesAtOnce, cancellationToken);
        foreach (var source in sources.Where(source => !reading.ContainsKey(source)).Take(SourcesAtOnce - reading.Count))
        {
            var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            reading[source] = ReadAndLeaveAsync(source, gate.Task, cancellationToken);
            gate.SetResult();
        }

        return reading.IsEmpty && next is { } at && at - clock.GetUtcNow() is var wait && wait < LongestSleep ? (wait > TimeSpan.Zero ? wait : TimeSpan.Zero)
            : reading.IsEmpty ? LongestSleep
            : WhileBusy;
    }

    private async Task ReadAndLeaveAsync(string source, Task listed, CancellationToken cancellationToken)
    {
        // Not before it is listed: it takes itself off the list.
        await listed;
        try
        {
            await ReadSourceAsync(source, cancellationToken);
            hints.Due.WakeAt(clock.GetUtcNow() + Gap);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError(exception, "The hints of source {SourceId} could not be read or settled; they are looked at again.", source);
        }
        catch (OperationCanceledException)
        {
            // Stopping: the hints stay.
        }
        finally
        {
            reading.TryRemove(source, out _);
        }
    }

    private async Task ReadSourceAsync(string sourceId, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var due = await store.ReadHintsAsync(sourceId, now, HintsAtOnce, cancellationToken);
        try
        {
            var source = await polls.FindSourceAsync(sourceId, cancellationToken);
            if (source is not { BaselinedAt: not null, Failures: 0 } || operations.Find(source.Operation) is not { Poll: { } shape } operation
                || await connections.FindAsync(source.ConnectionId, cancellationToken) is not { } connection)
            {
                // A source that fails is tried again by its polls, which find all that has changed.
                await store.SettleAsync(due, cancellationToken);
                return;
            }

            var byEntity = shape.Hints.ToLookup(hint => hint.Entity);
            if (due.Count > MostReads || due.Any(hint => byEntity[hint.Entity].FirstOrDefault()?.Read is null))
            {
                await ScanAsync(source, connection, due, now, cancellationToken);
            }
            else
            {
                await ReadItemsAsync(source, operation, connection, due, byEntity, cancellationToken);
            }
        }
        catch (ConnectorException failure)
        {
            log.LogWarning("What webhooks told of source {SourceId} could not be read: {Reason}", sourceId, failure.Message);
            await AgainAsync(due, failure.RetryAfter, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            log.LogError(exception, "What webhooks told of source {SourceId} could not be read.", sourceId);
            await AgainAsync(due, null, cancellationToken);
        }
    }

    /// <summary>A scan that begins after the hints were left: it sees all that they are about.</summary>
    private async Task ScanAsync(SourceRecord source, Connection connection, IReadOnlyList<HintRecord> due, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var soonest = source.LastPollAt + (connection.IsSandbox ? SandboxSpacing : Spacing);
        if (soonest > now)
        {
            await store.PostponeAsync(due, soonest.Value, cancellationToken);
        }
        else if ((await poller.PollAsync([source.Id], evenIfNotDue: true, cancellationToken)).Count == 0)
        {
            // Scanned by somebody else, perhaps past these items already.
            await store.PostponeAsync(due, now + WhileBusy, cancellationToken);
        }
        else
        {
            // 2. A crash before this line: the list is scanned once more, and nothing in it is new.
            await store.SettleAsync(due, cancellationToken);
        }
    }

    private async Task ReadItemsAsync(SourceRecord source, Operation operation, Connection connection, IReadOnlyList<HintRecord> due, ILookup<string, HintShape> shapes, CancellationToken cancellationToken)
    {
        var claimed = await polls.ClaimSourcesAsync([source.Id], node.Id, options.Value.Runner.LeaseDuration, 1, evenIfNotDue: true, cancellationToken);
        if (claimed.Count == 0)
        {
            await store.PostponeAsync(due, clock.GetUtcNow() + WhileBusy, cancellationToken);
            return;
        }

        var lease = claimed[0].Lease;
        if (claimed[0].Source.BaselinedAt is null)
        {
            // It was given a new baseline in this moment: what is there then fires nothing.
            await polls.ReleaseSourceAsync(source.Id, lease, CancellationToken.None);
            await store.SettleAsync(due, cancellationToken);
            return;
        }

        using var held = new HeldSource(polls, source.Id, lease, options.Value.Runner, clock, cancellationToken);
        var settled = new List<HintRecord>();
        var later = new List<HintRecord>();
        try
        {
            foreach (var hint in due)
            {
                held.EnsureHeld();
                if ((await polls.FindItemsAsync(source.Id, hint.ItemId, held.Token)).FirstOrDefault(item => item.ItemId == hint.ItemId) is { UpdatedAt: { } known } && known >= hint.SentAt)
                {
                    // Older than what is stored.
                    settled.Add(hint);
                    continue;
                }

                var page = await reader.ReadItemAsync(operation, connection, source.Inputs, Filled(shapes[hint.Entity].First().Read!, hint.ItemId), held.Token);
                var items = page.Items.Where(item => item.Id == hint.ItemId).ToList();
                if (items.Count > 0)
                {
                    var at = clock.GetUtcNow();

                    // 1. The poll's own rows: an item that a poll has seen as it is now fires nothing, and what is taken in here fires nothing at the next poll.
                    await polls.IntakeAsync(
                        new IntakePage { SourceId = source.Id, Lease = lease, Items = items, IsBaseline = false, IsAside = true, ObservedAt = at, ScanUpper = at, EndsScan = false, DueAt = at },
                        held.Token);
                }

                // Not there, or still as it was: a search index that lags. What filters keep out of the list is not there either, and is asked for a few times in vain.
                (items.Count > 0 && (items[0].UpdatedAt is not { } updated || updated >= hint.SentAt - Tolerance) ? settled : later).Add(hint);
            }
        }
        finally
        {
            await polls.ReleaseSourceAsync(source.Id, lease, CancellationToken.None);
        }

        await store.SettleAsync(settled, cancellationToken);
        await AgainAsync(later, null, cancellationToken);
        await poller.ConsumeAsync(source.Id, cancellationToken);
    }

    private async Task AgainAsync(IReadOnlyList<HintRecord> due, TimeSpan? asked, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await store.SettleAsync([.. due.Where(hint => hint.Attempts >= Patience.Length)], cancellationToken);
        foreach (var group in due.Where(hint => hint.Attempts < Patience.Length).GroupBy(hint => hint.Attempts))
        {
            var pause = asked > Patience[group.Key] ? asked.Value : Patience[group.Key];
            await store.PostponeAsync([.. group.Select(hint => hint with { Attempts = hint.Attempts + 1 })], now + pause, cancellationToken);
        }
    }

    private static JObject Filled(JObject read, string id)
    {
        var filled = (JObject)read.DeepClone();
        foreach (var value in filled.DescendantsAndSelf().OfType<JValue>().Where(value => value.Value is "$id").ToList())
        {
            value.Value = id;
        }

        return filled;
    }
}
