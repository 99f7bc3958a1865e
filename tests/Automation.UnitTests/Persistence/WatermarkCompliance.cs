using Automation.Connectors;
using Automation.Runtime.Storage;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Where a scan by updated-at goes on, whatever the list's clock says; what a list does not have any more.</summary>
public abstract class WatermarkCompliance : PollCompliance
{
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(5);

    [SkippableFact]
    public async Task Intake_Baseline_LooksForNothingBeforeItsNewestItem()
    {
        await PublishAsync(PollTrigger("t1"));

        await ScanAsync(start: 0, end: 60, Item("a", "A", -40), Item("b", "B", -30));

        var source = (await Polls.FindSourceAsync("src", default))!;
        source.Watermark.Should().Be(T0.AddSeconds(-30));
        source.Floor.Should().Be(T0.AddSeconds(-30).AddMilliseconds(1));
    }

    [SkippableFact]
    public async Task Intake_ClockOfTheListIsBehindOrAhead_TheWatermarkIsNeverAheadOfIt()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(0, 1, Item("a", "A", -900));

        await ScanAsync(300, 310, Item("a", "B", -590));
        (await Polls.FindSourceAsync("src", default))!.Watermark.Should().Be(T0.AddSeconds(-600), "the newest time of the list, less the ten seconds of the scan");

        await ScanAsync(600, 601, Item("a", "C", 100_000));
        (await Polls.FindSourceAsync("src", default))!.Watermark.Should().Be(T0.AddSeconds(599), "and an item of the future does not hide what changes now");
    }

    [SkippableFact]
    public async Task Intake_PagesOfAScan_CountTogetherAlsoAfterARestart()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(0, 1, Item("a", "A", -900));
        var (_, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(At(lease, 100, 100, Item("b", "B", 90)) with { EndsScan = false, NextPageToken = "p2" }, default);
        (await Polls.FindSourceAsync("src", default))!.Watermark.Should().Be(T0.AddSeconds(-900));

        await ReopenAsync();
        (_, lease) = await ClaimSourceAsync(afterExpiryOf: lease);
        await Polls.IntakeAsync(At(lease, 100, 100, Item("c", "C", 20)), default);

        (await Polls.FindSourceAsync("src", default))!.Watermark.Should().Be(T0.AddSeconds(90));
    }

    [SkippableFact]
    public async Task Intake_WatermarkThatStands_IsSettledAfterTheLatenessAndNotBefore()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(0, 1, Item("a", "A", -900));
        await ScanAsync(10, 10, Item("a", "B", 5));
        var floor = T0.AddSeconds(-900).AddMilliseconds(1);

        await ScanAsync(300, 301, Item("a", "B", 5));
        (await Polls.FindSourceAsync("src", default))!.Floor.Should().Be(floor, "something of the same time may still show up");

        await ScanAsync(311, 312, Item("a", "B", 5));
        (await Polls.FindSourceAsync("src", default))!.Floor.Should().Be(T0.AddSeconds(5).AddMilliseconds(1));
        await ScanAsync(330, 331);
        (await Polls.FindSourceAsync("src", default))!.Watermark.Should().Be(T0.AddSeconds(5));
    }

    [SkippableFact]
    public async Task Intake_ItemThatWasGone_IsNewWhenItComesBack()
    {
        await PublishAsync(PollTrigger("t1"));
        await ForgetAsync("a", "b", "c");
        await ForgetAsync("b", "c");
        (await Polls.ReadEventsAsync("src", 0, 10, default)).Should().BeEmpty();

        await ForgetAsync("a", "b", "c");
        await ForgetAsync("a", "b", "c");

        var back = (await Polls.ReadEventsAsync("src", 0, 10, default)).Single();
        back.Key.Should().Be("a@2");
        back.Previous.Should().BeNull();
    }

    [SkippableFact]
    public async Task Intake_EmptyAnswerWhereThereWereSeveral_IsBelievedTheSecondTime()
    {
        await PublishAsync(PollTrigger("t1"));
        await ForgetAsync("a", "b");
        await ForgetAsync();
        await ForgetAsync("a", "b");
        (await Polls.ReadEventsAsync("src", 0, 10, default)).Should().BeEmpty("one empty answer among full ones is a hiccup");

        await ForgetAsync();
        await ForgetAsync();
        await ForgetAsync("a", "b");

        (await Polls.ReadEventsAsync("src", 0, 10, default)).Select(e => e.Key).Should().BeEquivalentTo("a@2", "b@2");
    }

    private static IntakePage At(Lease lease, int start, int end, params PolledItem[] items) =>
        Page(lease, baseline: false, items) with { ScanUpper = T0.AddSeconds(start), ObservedAt = T0.AddSeconds(end), Lateness = Late };

    private async Task ScanAsync(int start, int end, params PolledItem[] items)
    {
        var (source, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(At(lease, start, end, items) with { IsBaseline = source.BaselinedAt is null }, default);
        await Polls.ReleaseSourceAsync("src", lease, default);
    }

    private async Task ForgetAsync(params string[] present)
    {
        var (source, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(Page(lease, source.BaselinedAt is null, [.. present.Select(id => Item(id, "same", null))]) with { Present = present }, default);
        await Polls.ReleaseSourceAsync("src", lease, default);
    }
}
