using Automation.Runtime.Storage;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Triggers: publication, positions, deliveries, schedules.</summary>
public abstract class DeliveryCompliance : PollCompliance
{
    private static DeliveryBatch Batch(long from, long to, params string[] keys) => new()
    {
        TriggerId = "t1",
        VersionId = "def-1-v1",
        SourceId = "src",
        FromPosition = from,
        Generation = 1,
        ToPosition = to,
        Instances = keys.Select(k => (k, Instance("run-" + k))).ToList(),
        At = T0,
    };

    [SkippableFact]
    public async Task Deliver_StartsAnInstancePerEventAndMovesThePosition()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Item("a", "A", 1), Item("b", "B", 1), Item("c", "C", 1));
        (await Polls.ListBehindAsync(null, 10, default)).Single().Id.Should().Be("t1");

        (await Polls.DeliverAsync(Batch(0, 3, "a@1", "b@1") with { Filtered = [("c@1", "The filter is false.")] }, default)).Should().BeTrue();

        (await Polls.ListBehindAsync("src", 10, default)).Should().BeEmpty();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEquivalentTo("run-a@1", "run-b@1");
        (await Polls.ListDeliveriesAsync("t1", "c", 10, default)).Single().Reason.Should().Be("The filter is false.");
        (await Polls.ListDeliveriesAsync("t1", "a", 10, default)).Single().InstanceId.Should().Be("run-a@1");
        (await Polls.ListDeliveriesAsync("t1", null, 10, default)).Should().HaveCount(3);
        (await Polls.FindTriggerAsync("t1", default))!.Position.Should().Be(3);
        (await Polls.FindTriggerAsync("t1", default))!.LastFiredAt.Should().Be(T0);
    }

    [SkippableFact]
    public async Task Deliver_FromAPositionThatHasMoved_WritesNothing()
    {
        await PublishAsync(PollTrigger("t1"));
        await Polls.DeliverAsync(Batch(0, 1, "a@1"), default);

        (await Polls.DeliverAsync(Batch(0, 2, "b@1"), default)).Should().BeFalse();

        (await Runs.FindAsync("run-b@1", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Deliver_PausedOrRepublishedMeanwhile_WritesNothing()
    {
        await PublishAsync(PollTrigger("t1"));
        var paused = Batch(0, 1, "a@1");
        await Polls.UpdateTriggerAsync("t1", isPaused: true, null, null, null, default);
        var whilePaused = await Polls.DeliverAsync(paused, default);
        await Polls.UpdateTriggerAsync("t1", isPaused: false, null, null, null, default);

        // Both lists are at number 0: what the old one had must not move the place in the new one.
        await PublishAsync("def-1", 2, PollTrigger("t1", "src-other"));
        var ofTheOldVersion = await Polls.DeliverAsync(paused, default);
        var ofTheOldList = await Polls.DeliverAsync(paused with { VersionId = "def-1-v2" }, default);

        (whilePaused, ofTheOldVersion, ofTheOldList).Should().Be((false, false, false));
        (await Polls.FindTriggerAsync("t1", default))!.Position.Should().Be(0);
        (await Runs.ListAsync(new RunFilter(), default)).Total.Should().Be(0);
        (await Polls.DeliverAsync(paused with { VersionId = "def-1-v2", SourceId = "src-other" }, default)).Should().BeTrue();
    }

    [SkippableFact]
    public async Task Deliver_SameEventAgain_StartsNothingUntilTheGenerationRises()
    {
        await PublishAsync(PollTrigger("t1"));
        await Polls.DeliverAsync(Batch(0, 1, "a@1"), default);
        await Polls.UpdateTriggerAsync("t1", null, 0, null, null, default);
        var again = Batch(0, 1) with { Instances = [("a@1", Instance("second"))] };

        (await Polls.DeliverAsync(again, default)).Should().BeTrue();
        (await Runs.FindAsync("second", default)).Should().BeNull();

        await Polls.UpdateTriggerAsync("t1", null, 0, 2, null, default);
        (await Polls.DeliverAsync(again, default)).Should().BeFalse();
        (await Polls.DeliverAsync(again with { Generation = 2 }, default)).Should().BeTrue();
        (await Runs.FindAsync("second", default)).Should().NotBeNull();
    }

    [SkippableFact]
    public async Task Deliver_ByManyNodesAtOnce_StartsEachEventOnce()
    {
        await PublishAsync(PollTrigger("t1"));

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => Task.Run(() =>
            Polls.DeliverAsync(Batch(0, 1) with { Instances = [("a@1", Instance("node-" + n))] }, default))));

        results.Count(moved => moved).Should().Be(1);
        (await Runs.ListAsync(new RunFilter(), default)).Total.Should().Be(1);
    }

    [SkippableFact]
    public async Task Publish_Again_KeepsPositionGenerationAndPause()
    {
        await PublishAsync(PollTrigger("t1"));
        await ScanAsync(false, Item("a", "A", 1), Item("b", "B", 1));
        await Polls.UpdateTriggerAsync("t1", true, 1, 4, null, default);

        await PublishAsync("def-1", 2, PollTrigger("t1") with { EffectiveInterval = TimeSpan.FromMinutes(1), Configured = "1m" }, PollTrigger("late") with { ActivityId = "other" });

        var kept = (await Polls.FindTriggerAsync("t1", default))!;
        kept.Position.Should().Be(1);
        kept.Generation.Should().Be(4);
        kept.IsPaused.Should().BeTrue();
        kept.VersionId.Should().Be("def-1-v2");
        kept.Configured.Should().Be("1m");
        kept.Settings["filter"]!.ToString().Should().Be("x");
        (await Polls.FindTriggerAsync("late", default))!.Position.Should().Be(2);
        (await Polls.FindSourceAsync("src", default))!.Interval.Should().Be(TimeSpan.FromMinutes(5));
    }

    [SkippableFact]
    public async Task Publish_WithAnotherSource_JoinsAtItsEndAndStopsTheOldOne()
    {
        await PublishAsync("def-2", 1, PollTrigger("other", "src", "def-2"));
        await ScanAsync(false, Item("a", "A", 1));
        await PublishAsync(PollTrigger("t1", "src-old"));

        await PublishAsync("def-1", 2, PollTrigger("t1"));

        var trigger = (await Polls.FindTriggerAsync("t1", default))!;
        trigger.SourceId.Should().Be("src");
        trigger.Position.Should().Be(1);
        (await Polls.ListTriggersOfSourceAsync("src", default)).Select(t => t.Id).Should().BeEquivalentTo("other", "t1");
        (await Due.DueSourcesAsync(T0, 10, default)).Should().Equal("src");
    }

    [SkippableFact]
    public async Task Publish_WithoutATrigger_RemovesItAndSourcesShareTheShortestInterval()
    {
        await PublishAsync(PollTrigger("t1"), PollTrigger("t2") with { ActivityId = "fast", EffectiveInterval = TimeSpan.FromMinutes(1) });
        (await Polls.FindSourceAsync("src", default))!.Interval.Should().Be(TimeSpan.FromMinutes(1));

        await PublishAsync("def-1", 2, PollTrigger("t1"));

        (await Polls.FindTriggerAsync("t2", default)).Should().BeNull();
        (await Polls.FindSourceAsync("src", default))!.Interval.Should().Be(TimeSpan.FromMinutes(5));
    }

    [SkippableFact]
    public async Task Retract_TakesMarkAndTriggersAway()
    {
        await PublishAsync(PollTrigger("t1"));

        await Definitions.RetractAsync("def-1", default);

        (await Definitions.FindAsync("def-1", VersionOptions.Published, default)).Should().BeNull();
        (await Polls.ListTriggersAsync(new TriggerQuery { DefinitionId = "def-1" }, default)).Total.Should().Be(0);
        (await Due.NextDueAsync(default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task ListTriggers_ByStateAndText_FindsThoseAlone()
    {
        await PublishAsync(PollTrigger("calm"), PollTrigger("paused") with { ActivityId = "second", LocationId = "Loc_Paris" }, PollTrigger("failing", "src-failing") with { ActivityId = "third", ActivityType = "GoHighLevel.Contacts.SearchContacts" });
        await Polls.UpdateTriggerAsync("paused", isPaused: true, null, null, null, default);
        var (_, lease) = (await Polls.ClaimSourcesAsync(["src-failing"], "node-1", LeaseTime, 1, true, default)).Single();
        await Polls.FailScanAsync("src-failing", lease, "HTTP 503", T0, T0, abandonScan: false, null, default);

        (await IdsAsync(new TriggerQuery { State = TriggerState.Active })).Should().Equal("calm");
        (await IdsAsync(new TriggerQuery { State = TriggerState.Paused })).Should().Equal("paused");
        (await IdsAsync(new TriggerQuery { State = TriggerState.Failing })).Should().Equal("failing");
        (await IdsAsync(new TriggerQuery { Search = "searchCONTACTS" })).Should().Equal("failing");
        (await IdsAsync(new TriggerQuery { Search = "c_par" })).Should().Equal("paused");
        (await IdsAsync(new TriggerQuery { Search = "l_c" })).Should().BeEmpty("an underscore stands for itself");
        (await Polls.FindSourcesAsync(["src", "src-failing", "nobody"], default)).Select(source => source.Failures).Should().BeEquivalentTo([0, 1]);
        (await Polls.FindSourcesAsync([], default)).Should().BeEmpty();

        async Task<IEnumerable<string>> IdsAsync(TriggerQuery query) => (await Polls.ListTriggersAsync(query, default)).Items.Select(trigger => trigger.Id);
    }

    [SkippableFact]
    public async Task FireSchedule_TwiceForOneTime_StartsOneRun()
    {
        await PublishAsync(Schedule("t1", T0));
        (await Due.DueSchedulesAsync(T0, 10, default)).Single().Id.Should().Be("t1");
        (await Due.NextDueAsync(default)).Should().Be(T0);

        (await Polls.FireScheduleAsync("t1", T0, T0.AddDays(1), Instance("r1"), default)).Should().BeTrue();
        (await Polls.FireScheduleAsync("t1", T0, T0.AddDays(1), Instance("r2"), default)).Should().BeFalse();

        (await Runs.ListRunnableAsync(10, default)).Should().Equal("r1");
        (await Due.DueSchedulesAsync(T0, 10, default)).Should().BeEmpty();
        (await Due.NextDueAsync(default)).Should().Be(T0.AddDays(1));
        (await Polls.ListDeliveriesAsync("t1", null, 10, default)).Single().EventKey.Should().Be("2026-03-01T12:00:00.0000000Z");
    }

    [SkippableFact]
    public async Task Publish_AgainWithTheSameSchedule_DoesNotSkipWhatIsDue()
    {
        await PublishAsync(Schedule("t1", T0));

        await PublishAsync("def-1", 2, Schedule("t1", T0.AddDays(1)));
        (await Polls.FindTriggerAsync("t1", default))!.DueAt.Should().Be(T0);
        await PublishAsync("def-1", 3, Schedule("t1", T0.AddDays(2), "0 10 * * *"));
        (await Polls.FindTriggerAsync("t1", default))!.DueAt.Should().Be(T0.AddDays(2));
    }

    [SkippableFact]
    public async Task FindListening_FindsByHash()
    {
        await PublishAsync(PollTrigger("t1") with { Kind = "http", SourceId = null, Hash = "h" });

        (await Polls.FindListeningAsync(["h"], default)).Single().Id.Should().Be("t1");
        (await Polls.FindListeningAsync(["other"], default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task ResumeDueBookmarks_QueuesOneStimulusEach()
    {
        await EnqueueAsync(Instance("i1"));
        await Runs.CommitAsync(
            Commit("i1", (await ClaimAsync("i1")).Lease, new() { BookmarksAdded = [Bookmark("b1", dueAt: T0.AddMinutes(1)), Bookmark("b2", dueAt: T0.AddMinutes(2)), Bookmark("b3")] }),
            default);
        (await Due.NextDueAsync(default)).Should().Be(T0.AddMinutes(1));
        (await Due.ResumeDueBookmarksAsync(T0, 10, default)).Should().BeEmpty();

        (await Due.ResumeDueBookmarksAsync(T0.AddMinutes(1), 10, default)).Should().Equal("i1");
        (await Due.ResumeDueBookmarksAsync(T0.AddMinutes(1), 10, default)).Should().BeEmpty();

        var claimed = await ClaimAsync("i1");
        claimed.Stimuli.Select(s => s.BookmarkId).Should().Equal("b1");
        (await Due.NextDueAsync(default)).Should().Be(T0.AddMinutes(2));
        (await Runs.FindBookmarkAsync("b1", default))!.Bookmark.DueAt.Should().Be(T0.AddMinutes(1));
    }
}
