using Automation.Runtime.Storage;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Ledgers as they grow old: backfills over their items, retention, silence.</summary>
public abstract class LedgerCompliance : PollCompliance
{
    [SkippableFact]
    public async Task Prune_SourceThatNobodyConsumes_GoesWhenItIsOld_AndItsTriggerComesBackInANewGeneration()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(true, Item("a", "A", 1), Item("b", "A", 1), Item("c", "A", 1));
        await ScanAsync(false, Item("a", "B", 2), Item("b", "B", 2));
        await DeliverAsync(1, 2, "a@2", "b@2");
        await Definitions.RetractAsync("def-1", default);

        (await PruneAsync(T0)).Should().Be(0, "it is not older than that");
        (await PruneAsync(T0.AddSeconds(1), batch: 2)).Should().Be(3 + 2 + 1);
        (await Polls.FindSourceAsync("src", default)).Should().BeNull();

        // The ledger begins anew, with the same revisions: they must not count as delivered.
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(true, Item("a", "B", 2));
        await ScanAsync(false, Item("a", "C", 3));
        var trigger = (await Polls.FindTriggerAsync("t1", default))!;
        trigger.Generation.Should().Be(2);
        await DeliverAsync(trigger.Generation, 1, "a@2");
        (await Runs.FindAsync("g2-a@2", default)).Should().NotBeNull();
    }

    [SkippableFact]
    public async Task Prune_EventsThatAllHaveConsumed_GoWhenTheyAreOld_OthersStay()
    {
        await PublishAsync(PollTrigger("t1"), PollTrigger("t2"));
        await ScanAsync(false, Item("a", "A", 1), Item("b", "A", 1), Item("c", "A", 1));
        await DeliverAsync(1, 3, "a@1", "b@1", "c@1");

        (await PruneAsync(T0.AddDays(1))).Should().Be(0, "the second trigger has consumed none");
        await Polls.UpdateTriggerAsync("t2", null, 2, null, null, default);
        (await PruneAsync(T0)).Should().Be(0, "they are not older than that");
        (await PruneAsync(T0.AddSeconds(1), batch: 1)).Should().Be(2);

        (await Polls.ReadEventsAsync("src", 0, 10, default)).Select(e => e.Key).Should().Equal("c@1");
        (await Polls.FindItemsAsync("src", "a", default)).Should().ContainSingle("what is there is still known");
        (await Polls.FindSourceAsync("src", default))!.LedgerEnd.Should().Be(3);
    }

    [SkippableFact]
    public async Task Backfill_MovesOnOnlyFromWhereItWas()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(true, Item("a", "A", 1), Item("b", "A", 1), Item("c", "A", 1));
        var begun = new BackfillState { State = "running", End = await Polls.LastItemAsync("src", default), Items = 3, Fires = 3, StartedAt = T0 };
        (await Polls.UpdateBackfillAsync("t1", null, begun, default)).Should().BeTrue();
        (await Polls.UpdateBackfillAsync("t1", null, begun, default)).Should().BeFalse("it has begun");
        (await Polls.ListBackfillsAsync(default)).Single().Backfill.Should().Be(begun);

        var first = await Polls.ListItemsAsync("src", 0, begun.End, 2, default);
        first.Select(entry => entry.Item.ItemId).Should().Equal("a", "b");
        var next = begun with { Next = first[^1].No, Fired = 2 };
        (await Polls.DeliverAsync(Batch(begun, next, "a@1", "b@1"), default)).Should().BeTrue();
        (await Polls.DeliverAsync(Batch(begun, next, "c@1"), default)).Should().BeFalse();

        (await Polls.ListItemsAsync("src", next.Next, begun.End, 2, default)).Single().Item.ItemId.Should().Be("c");
        (await Polls.CountRunnableAsync("t1", default)).Should().Be(2);
        (await Polls.FindTriggerAsync("t1", default))!.Position.Should().Be(0, "the ledger's position is its own");

        await PublishAsync("def-1", 2, PollTrigger("t1") with { VersionId = "def-1-v2" });
        (await Polls.FindTriggerAsync("t1", default))!.Backfill.Should().Be(next, "publishing again does not stop it");
    }

    [SkippableFact]
    public async Task RecallSources_PolledByAClockThatWasAhead_AreDueNow()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(Page(lease, baseline: true, [Item("a", "A", 1)]) with { ObservedAt = T0.AddDays(1), DueAt = T0.AddDays(1).AddMinutes(5) }, default);

        var first = await Polls.RecallSourcesAsync(T0.AddMinutes(1), T0.AddMinutes(2), default);
        var second = await Polls.RecallSourcesAsync(T0.AddMinutes(1), T0.AddMinutes(2), default);

        (first, second).Should().Be((1, 0));
        var source = (await Polls.FindSourceAsync("src", default))!;
        (source.DueAt, source.LastPollAt, source.LastSuccessAt).Should().Be((T0.AddMinutes(1), T0.AddMinutes(1), T0.AddMinutes(1)));
    }

    [SkippableFact]
    public async Task ListSilent_FailedOrNotPolledForThreeIntervals()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(true, Item("a", "A", 1));
        Task<IReadOnlyList<SourceRecord>> Silent(int minutes, int started = -100) => Polls.ListSilentAsync(T0.AddMinutes(minutes), T0.AddMinutes(started), 3, default);

        (await Silent(15)).Should().BeEmpty();
        (await Silent(16)).Should().ContainSingle("it was due at T0, every five minutes");
        (await Silent(16, started: 2)).Should().BeEmpty("this process has not had the time");

        var (_, lease) = await ClaimSourceAsync();
        await Polls.FailScanAsync("src", lease, "HTTP 503", T0.AddMinutes(5), T0.AddMinutes(10), abandonScan: false, null, default);
        (await Silent(15)).Should().BeEmpty();
        (await Silent(16)).Should().ContainSingle();
    }

    private static DeliveryBatch Batch(BackfillState from, BackfillState to, params string[] keys) => new()
    {
        TriggerId = "t1",
        VersionId = "def-1-v1",
        SourceId = "src",
        FromPosition = 0,
        ToPosition = 0,
        Generation = 1,
        Instances = [.. keys.Select(key => (key, Instance("b-" + key) with { TriggerId = "t1" }))],
        At = T0,
        Backfill = (from, to),
    };

    private async Task DeliverAsync(int generation, long to, params string[] keys)
    {
        var delivered = await Polls.DeliverAsync(
            new DeliveryBatch
            {
                TriggerId = "t1",
                VersionId = (await Polls.FindTriggerAsync("t1", default))!.VersionId,
                SourceId = "src",
                FromPosition = (await Polls.FindTriggerAsync("t1", default))!.Position,
                ToPosition = to,
                Generation = generation,
                Instances = [.. keys.Select(key => (key, Instance($"g{generation}-{key}")))],
                At = T0,
            },
            default);
        delivered.Should().BeTrue();
    }

    private async Task<int> PruneAsync(DateTimeOffset before, int batch = 100)
    {
        var pruned = 0;
        while (await Polls.PruneAsync(before, batch, default) is > 0 and var rows)
        {
            pruned += rows;
        }

        return pruned;
    }
}
