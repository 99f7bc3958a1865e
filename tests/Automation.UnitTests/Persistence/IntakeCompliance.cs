using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Sources, scans, items by revision, events.</summary>
public abstract class IntakeCompliance : PollCompliance
{
    [SkippableFact]
    public async Task Intake_Baseline_WritesItemsWithoutEvents()
    {
        await PublishAsync(PollTrigger("t1"));

        var result = await ScanAsync(baseline: true, Item("a", "h1", 1), Item("b", "h1", 1));

        result.Should().Be(new IntakeResult(2, 0, 0, 0));
        var source = (await Polls.FindSourceAsync("src", default))!;
        source.BaselinedAt.Should().Be(T0);
        source.Watermark.Should().Be(T0.AddSeconds(-1));
        source.ItemCount.Should().Be(2);
        source.ScanUpper.Should().BeNull();
        (await Polls.FindItemsAsync("src", "a", default)).Single().FromBaseline.Should().BeTrue();
        (await Polls.ReadEventsAsync("src", 0, 10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Intake_ChangedThereAndBack_FiresEachTimeWithTheNextRevision()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Item("a", "A", 1));
        await ScanAsync(false, Item("a", "B", 2));
        (await ScanAsync(false, Item("a", "A", 3))).Should().Be(new IntakeResult(0, 1, 0, 3));
        (await ScanAsync(false, Item("a", "A", 3))).Should().Be(new IntakeResult(0, 0, 1, 3));

        var events = await Polls.ReadEventsAsync("src", 0, 10, default);

        events.Select(e => e.Key).Should().Equal("a@1", "a@2", "a@3");
        events.Select(e => e.Sequence).Should().Equal(1, 2, 3);
        events.Select(e => (string?)e.Item["hash"]).Should().Equal("A", "B", "A");
        events.Select(e => (string?)e.Previous?["hash"]).Should().Equal(null, "A", "B");
        events[0].Subjects.Should().Equal("a@x.test");
    }

    [SkippableFact]
    public async Task Intake_OlderThanStored_IsIgnored()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Item("a", "B", 5));

        (await ScanAsync(false, Item("a", "A", 4))).Changed.Should().Be(0);

        (await Polls.FindItemsAsync("src", "a", default)).Single().Hash.Should().Be("B");
    }

    [SkippableFact]
    public async Task Intake_WithoutUpdatedAt_CountsAChangedHash()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Item("a", "A", null));

        (await ScanAsync(false, Item("a", "B", null))).Changed.Should().Be(1);
    }

    [SkippableFact]
    public async Task Intake_TwoOfOneIdInAPage_TakesTheNewer()
    {
        await PublishAsync(PollTrigger("t1"));

        var result = await ScanAsync(false, Item("a", "new", 9), Item("a", "old", 3));

        result.New.Should().Be(1);
        (await Polls.ReadEventsAsync("src", 0, 10, default)).Single().Item["hash"]!.ToString().Should().Be("new");
    }

    [SkippableFact]
    public async Task Intake_ManyPages_ResumesAfterARestartInTheMiddle()
    {
        await PublishAsync(PollTrigger("t1"));
        var (source, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(Page(lease, false, [Item("a", "A", 1)]) with { EndsScan = false, NextPageToken = "p2", ScanUpper = T0.AddMinutes(5) }, default);

        await ReopenAsync();
        (source, var next) = await ClaimSourceAsync(afterExpiryOf: lease);

        source.PageToken.Should().Be("p2");
        source.ScanUpper.Should().Be(T0.AddMinutes(5));
        source.ScanPages.Should().Be(1);
        source.Watermark.Should().BeNull();
        source.LedgerEnd.Should().Be(1);
        await Polls.IntakeAsync(Page(next, false, [Item("b", "B", 1)]) with { ScanUpper = T0.AddMinutes(5) }, default);
        source = (await Polls.FindSourceAsync("src", default))!;
        source.Watermark.Should().Be(T0.AddMinutes(5));
        source.PageToken.Should().BeNull();
        source.LedgerEnd.Should().Be(2);
    }

    [SkippableFact]
    public async Task Intake_WithAStaleLease_WritesNothing()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();
        await Polls.ReleaseSourceAsync("src", lease, default);

        await FluentActions.Awaiting(() => Polls.IntakeAsync(Page(lease, false, [Item("a", "A", 1)]), default)).Should().ThrowAsync<LeaseLostException>();

        (await Polls.FindItemsAsync("src", "a", default)).Should().BeEmpty();
        (await Polls.FindSourceAsync("src", default))!.LastPollAt.Should().BeNull();
    }

    [SkippableFact]
    public async Task Intake_BadItems_AreOneIncidentHoweverOftenTheyAreSeen()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();
        for (var i = 0; i < 2; i++)
        {
            await Polls.IntakeAsync(Page(lease, false, []) with { Incidents = [Incident("bad", sourceId: "src")] }, default);
        }

        (await Incidents.ListAsync(true, null, "src", 0, 10, default)).Total.Should().Be(1);
    }

    [SkippableFact]
    public async Task FailScan_KeepsThePlaceUnlessAbandoned()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(Page(lease, false, []) with { EndsScan = false, NextPageToken = "p2" }, default);
        await Polls.FailScanAsync("src", lease, "HTTP 503", T0, T0, abandonScan: false, null, default);
        var source = (await Polls.FindSourceAsync("src", default))!;
        source.PageToken.Should().Be("p2");
        source.Failures.Should().Be(1);
        source.LastError.Should().Be("HTTP 503");

        (_, lease) = await ClaimSourceAsync();
        await Polls.FailScanAsync("src", lease, "gone", T0, T0, abandonScan: true, Incident("alarm", sourceId: "src"), default);

        source = (await Polls.FindSourceAsync("src", default))!;
        source.PageToken.Should().BeNull();
        source.ScanUpper.Should().BeNull();
        source.Failures.Should().Be(2);
        (await Incidents.FindAsync("alarm", default)).Should().NotBeNull();
        await ScanAsync(false);
        (await Polls.FindSourceAsync("src", default))!.Failures.Should().Be(0);
    }

    [SkippableFact]
    public async Task ClaimSources_TakesWhatIsDueAndFree()
    {
        await PublishAsync(PollTrigger("t1"));

        (await Polls.ClaimSourcesAsync(null, "node-1", LeaseTime, 10, false, default)).Should().ContainSingle();
        (await Polls.ClaimSourcesAsync(["src"], "node-2", LeaseTime, 10, true, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task ClaimSources_NotDueOrPaused_AreLeftOut()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();
        await Polls.IntakeAsync(Page(lease, true, []) with { DueAt = new DateTimeOffset(2999, 1, 1, 0, 0, 0, TimeSpan.Zero) }, default);
        await Polls.ReleaseSourceAsync("src", lease, default);

        (await Polls.ClaimSourcesAsync(null, "node-1", LeaseTime, 10, false, default)).Should().BeEmpty();
        (await Polls.PollNowAsync("src", T0, default)).Should().BeTrue();
        (await Due.DueSourcesAsync(T0, 10, default)).Should().Equal("src");
        await Polls.UpdateTriggerAsync("t1", true, null, null, null, default);
        (await Polls.ClaimSourcesAsync(["src"], "node-1", LeaseTime, 10, true, default)).Should().BeEmpty();
        (await Due.DueSourcesAsync(T0, 10, default)).Should().BeEmpty();
        (await Due.NextDueAsync(default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task NextDue_OfADueSourceThatIsHeld_IsTheEndOfItsLease()
    {
        await PublishAsync(PollTrigger("t1"));
        await Polls.PollNowAsync("src", T0, default);
        var (_, lease) = await ClaimSourceAsync();
        await Polls.RenewSourceAsync("src", lease, TimeSpan.FromHours(1), default);

        (await Due.NextDueAsync(default)).Should().BeCloseTo(TimeProvider.System.GetUtcNow().AddHours(1), TimeSpan.FromMinutes(10));
    }

    [SkippableFact]
    public async Task RenewSource_OfALostLease_IsFalse()
    {
        await PublishAsync(PollTrigger("t1"));
        var (_, lease) = await ClaimSourceAsync();

        (await Polls.RenewSourceAsync("src", lease, LeaseTime, default)).Should().BeTrue();
        (await Polls.RenewSourceAsync("src", new Lease("node-2", 7), LeaseTime, default)).Should().BeFalse();
    }

    [SkippableFact]
    public async Task Events_AreListedNewestFirstAndCounted()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Enumerable.Range(0, 7).Select(i => Item("i" + i, "h", i)).ToArray());

        var page = await Polls.ListEventsAsync("src", 1, 3, default);

        page.Total.Should().Be(7);
        page.Items.Select(e => e.Sequence).Should().Equal(4, 3, 2);
        (await Polls.CountEventsAsync("src", 5, default)).Should().Be(2);
    }

    [SkippableFact]
    public async Task FindItems_ByASubject_FindsTheItem()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(true, Item("a", "A", 1), Item("b", "B", 1));

        var found = (await Polls.FindItemsAsync("src", " B@X.test", default)).Single();

        found.ItemId.Should().Be("b");
        found.UpdatedAt.Should().Be(T0.AddSeconds(1));
        ((string?)found.Payload!["hash"]).Should().Be("B");
    }
}
