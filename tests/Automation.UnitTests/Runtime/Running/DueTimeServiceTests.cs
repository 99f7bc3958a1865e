using Automation.Engine;
using Automation.Runtime.Polling;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.Running;

public sealed class DueTimeServiceTests : IDisposable
{
    private static readonly DateTimeOffset Start = DateTimeOffset.Parse("2026-03-02T12:00:00Z");
    private readonly TestDatabase database = new();
    private readonly FakeTimeProvider clock = new(Start);

    public void Dispose() => database.Dispose();

    [Theory]
    [InlineData("5m", "12:00:00", "12:00:00", "12:05:00")]
    [InlineData("5m", "12:00:00", "12:00:02", "12:05:00")]
    [InlineData("5m", "12:00:00", "12:17:30", "12:20:00")]
    [InlineData("*/10 * * * *", "12:00:00", "12:00:00", "12:10:00")]
    [InlineData("*/10 * * * *", "12:00:00", "12:34:00", "12:40:00")]
    public void NextAfter_MissedTimes_ArePassedOver(string configured, string due, string now, string expected)
    {
        var next = DueTimeService.NextAfter(Automation.Connectors.Schedule.Parse(configured), At(due), At(now));

        next.Should().Be(At(expected));
    }

    [Fact]
    public async Task Pass_ScheduleMissedForHours_FiresOnce()
    {
        var node = await StartAsync(Schedule("*/10 * * * *", dueAt: Start));
        clock.Advance(TimeSpan.FromHours(3));

        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        var sleep = await node.Get<DueTimeService>().PassAsync(CancellationToken.None);

        var run = (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Should().ContainSingle().Subject;
        run.StartedBy.Should().Be("schedule");
        (await node.Get<IPollStore>().FindTriggerAsync("t1", CancellationToken.None))!.DueAt.Should().Be(Start.AddHours(3).AddMinutes(10));
        sleep.Should().Be(TimeSpan.FromSeconds(5));
        node.Doorbell.Runs.Should().Equal(run.Id);
    }

    [Fact]
    public async Task Pass_CronInATimeZone_FollowsItsSummerTime()
    {
        // Berlin changes to summer time on 29 March 2026: nine o'clock is 08:00 UTC before it and 07:00 UTC after.
        var node = await StartAsync(Schedule("0 9 * * *", dueAt: DateTimeOffset.Parse("2026-03-28T08:00:00Z")) with { TimeZone = "Europe/Berlin" });
        clock.SetUtcNow(DateTimeOffset.Parse("2026-03-28T08:00:00Z"));

        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);

        (await node.Get<IPollStore>().FindTriggerAsync("t1", CancellationToken.None))!.DueAt.Should().Be(DateTimeOffset.Parse("2026-03-29T07:00:00Z"));
    }

    [Fact]
    public async Task Pass_SingleTime_FiresOnceAndNeverAgain()
    {
        var node = await StartAsync(Schedule("2026-03-02T12:00:00Z", dueAt: Start));

        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        clock.Advance(TimeSpan.FromDays(400));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);

        (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Total.Should().Be(1);
    }

    [Theory]
    [InlineData("5m", "2026-03-02T12:05:30Z")]
    [InlineData("*/10 * * * *", "2026-03-02T12:10:00Z")]
    public async Task Recall_ClockWentADayAheadAndWasSetRight_FiresAtItsNextTime(string configured, string expected)
    {
        var node = await StartAsync(Schedule(configured, dueAt: Start));
        clock.Advance(TimeSpan.FromDays(1));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        clock.AdjustTime(Start.AddSeconds(30));

        await node.Get<DueTimeService>().RecallAsync(CancellationToken.None);
        await node.Get<DueTimeService>().RecallAsync(CancellationToken.None);

        (await node.Get<IPollStore>().FindTriggerAsync("t1", CancellationToken.None))!.DueAt.Should().Be(DateTimeOffset.Parse(expected));
    }

    [Theory]
    [InlineData("2026-12-31T00:00:00Z")]
    [InlineData("0 9 * * *")]
    public async Task Recall_WhatIsToComeYet_StaysAsItIs(string configured)
    {
        var due = configured.Contains('T', StringComparison.Ordinal) ? DateTimeOffset.Parse(configured) : DateTimeOffset.Parse("2026-03-03T09:00:00Z");
        var node = await StartAsync(Schedule(configured, due));

        await node.Get<DueTimeService>().RecallAsync(CancellationToken.None);

        (await node.Get<IPollStore>().FindTriggerAsync("t1", CancellationToken.None))!.DueAt.Should().Be(due);
    }

    [Fact]
    public async Task Pass_ScheduleThatCannotBeRead_IsPausedWithAnIncident()
    {
        var node = await StartAsync(Schedule("0 9 * * *", dueAt: Start) with { TimeZone = "Moon/Crater" });

        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);

        (await node.Get<IPollStore>().FindTriggerAsync("t1", CancellationToken.None))!.IsPaused.Should().BeTrue();
        var incident = (await node.Get<IIncidentStore>().ListAsync(true, null, null, 0, 10, CancellationToken.None)).Items.Should().ContainSingle().Subject;
        (incident.Code, incident.DefinitionId).Should().Be(("bad-schedule", "flow"));
        incident.Message.Should().Contain("Moon/Crater");
    }

    [Fact]
    public async Task Pass_TwoNodesAtOnce_FireOnce()
    {
        var node = await StartAsync(Schedule("*/10 * * * *", dueAt: Start));
        var other = await database.StartNodeAsync(clock);

        await Task.WhenAll(node.Get<DueTimeService>().PassAsync(CancellationToken.None), other.Get<DueTimeService>().PassAsync(CancellationToken.None));

        (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Total.Should().Be(1);
    }

    [Fact]
    public async Task Pass_BookmarkDueLater_SleepsUntilItAndThenResumes()
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Activity("Test.Wait", ("milliseconds", 4_000)));
        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);

        (await node.Get<DueTimeService>().PassAsync(CancellationToken.None)).Should().Be(TimeSpan.FromSeconds(4));
        node.Doorbell.Runs.Should().BeEmpty();
        clock.Advance(TimeSpan.FromSeconds(4));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        node.Doorbell.Runs.Should().Equal(run.InstanceId);
        await node.WorkAsync(run.InstanceId);

        (await node.FindAsync(run.InstanceId)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task ShortDelay_ServicesStarted_EndsByItsOwnTimer()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("milliseconds", 150)));
        await using var runner = await node.StartAsync<Runner>();
        await using var dues = await node.StartAsync<DueTimeService>();

        var id = await node.DispatchAsync("flow");

        var ended = await node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished);
        (ended.FinishedAt - ended.CreatedAt).Should().BeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Sleep_EarlierWakeTime_IsKept()
    {
        var due = new DueClock(clock);
        var sleep = due.SleepAsync(TimeSpan.FromSeconds(30), CancellationToken.None);

        due.WakeAt(Start.AddSeconds(3));
        due.WakeAt(Start.AddSeconds(5));
        while (!sleep.IsCompleted)
        {
            // The sleeper sets its timer on a thread of its own: a busy machine gets half a second of real time for it before the clock moves again.
            clock.Advance(TimeSpan.FromSeconds(5));
            await Task.WhenAny(sleep, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System));
        }

        clock.GetUtcNow().Should().BeBefore(Start.AddSeconds(30));
    }

    [Fact]
    public async Task Retention_OldRuns_AreDeleted()
    {
        var node = await database.StartNodeAsync(clock, runner => runner.Retention = TimeSpan.FromDays(1));
        await node.PublishAsync("flow", Activity("Test.Note"));
        var old = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        clock.Advance(TimeSpan.FromDays(2));
        var young = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        await node.Get<Sweep>().RetainAsync(CancellationToken.None);

        (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Select(run => run.Id).Should().Equal(young.InstanceId).And.NotContain(old.InstanceId);
    }

    private static DateTimeOffset At(string time) => DateTimeOffset.Parse($"2026-03-02T{time}Z");

    private async Task<TestNode> StartAsync(TriggerRecord trigger)
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", [trigger], Activity("Test.Note"));
        return node;
    }

    private static TriggerRecord Schedule(string configured, DateTimeOffset dueAt) => new()
    {
        Id = "t1",
        DefinitionId = "flow",
        VersionId = "flow-v1",
        ActivityId = "a1",
        ActivityType = "Elsa.Cron",
        Kind = "schedule",
        Configured = configured,
        DueAt = dueAt,
        CreatedAt = Start,
    };
}
