using Automation.Runtime;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>From a list behind HTTP to pending instances, over the real SQLite store.</summary>
public sealed class PollerTests
{
    [Fact]
    public async Task PollAsync_FirstPoll_TakesBaselineAndFiresNothing()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 250);
        await world.PublishAsync("flow");

        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().BeEmpty();
        var source = await world.SourceAsync();
        source.BaselinedAt.Should().NotBeNull();
        source.ItemCount.Should().Be(250);
        source.LedgerEnd.Should().Be(0);
        world.Server.Requests.Should().Be(3);
    }

    [Fact]
    public async Task PollAsync_NewItemThenChangesBackAndForth_FiresOnceForEach()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 3);
        await world.PublishAsync("flow");
        await world.PollAsync();

        world.Server.Put("x", "A");
        await world.PollAsync();
        await world.PollAsync();
        world.Server.Put("x", "B");
        await world.PollAsync();
        world.Server.Put("x", "A");
        await world.PollAsync();
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("x@1", "x@2", "x@3");
    }

    [Fact]
    public async Task PollAsync_InstanceOfAnEvent_CarriesTheEventAndItsSubjects()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 1);
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("i0", "changed");

        await world.PollAsync();

        var run = (await world.Runs.ListAsync(new RunFilter { Subject = "I0@example.com" }, default)).Items.Single();
        var start = (await world.Runs.GetStartAsync(run.Id, default))!;
        run.IsSandbox.Should().BeTrue();
        run.StartedBy.Should().Be("poll");
        run.LocationId.Should().Be("loc-1");
        start.TriggerActivityId.Should().Be("watch");
        var payload = (JObject)start.TriggerPayload!;
        payload["revision"]!.Value<int>().Should().Be(2);
        payload["item"]!["name"]!.Value<string>().Should().Be("changed");
        payload["previous"]!["name"]!.Value<string>().Should().Be("name 0");
        payload["sample"]!.Value<bool>().Should().BeFalse();
        payload["sourceId"]!.Value<string>().Should().Be((await world.SourceAsync()).Id);
        world.Doorbell.Runs.Should().Equal(run.Id);
    }

    [Fact]
    public async Task PollAsync_SameItemsInAnotherOrder_FiresNothing()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 230);
        await world.PublishAsync("flow");
        await world.PollAsync();

        world.Server.Items.Reverse();
        await world.PollAsync();

        (await world.SourceAsync()).LedgerEnd.Should().Be(0);
    }

    [Fact]
    public async Task PollAsync_ItemOlderThanKnown_IsIgnored()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("x", "newer", "2026-01-02T00:00:00Z");
        await world.PublishAsync("flow");
        await world.PollAsync();

        world.Server.Put("x", "older", "2026-01-01T00:00:00Z");
        await world.PollAsync();
        world.Server.Put("x", "newest", "2026-01-03T00:00:00Z");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("x@2");
    }

    [Fact]
    public async Task PollAsync_ModeNew_FiresOnFirstRevisionOnly()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 1);
        await world.PublishAsync("flow", mode: "new");
        await world.PollAsync();

        world.Server.Put("i0", "changed");
        world.Server.Put("x", "new");
        await world.PollAsync();
        world.Server.Put("x", "changed");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("x@1");
        var answer = (await world.Triggers.ExplainAsync((await world.TriggerAsync("flow")).Id, "x", default))!;
        answer["answer"]!.Value<string>().Should().Be("filtered");
    }

    [Fact]
    public async Task PollAsync_ModeEdge_FiresWhenThePredicateBecomesTrue()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("x", "");
        await world.PublishAsync("flow", mode: "edge");
        await world.PollAsync();

        foreach (var name in new[] { "on", "still on", "", "on again" })
        {
            world.Server.Put("x", name);
            await world.PollAsync();
        }

        (await world.FiredAsync("flow")).Should().Equal("x@2", "x@5");
    }

    [Fact]
    public async Task PollAsync_StoppedInMidScan_ResumesAtItsPage()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        Fill(world, 450);
        using var stop = new CancellationTokenSource();
        world.Server.Before = async (_, skip) =>
        {
            if (skip == 198)
            {
                await stop.CancelAsync();
            }

            return false;
        };
        await world.Poller.PollAsync(null, evenIfNotDue: true, stop.Token);
        await world.CrashAsync();
        var skips = new List<int>();
        world.Server.Before = (_, skip) =>
        {
            skips.Add(skip);
            return Task.FromResult(false);
        };

        await using var next = await PollingWorld.StartAsync(world.Folder, world.Server);
        await next.PollAsync();

        skips.Should().Equal(198, 297, 396);
        (await next.CountRunsAsync("flow")).Should().Be(450);
        await next.PollAsync();
        (await next.CountRunsAsync("flow")).Should().Be(450);
    }

    [Fact]
    public async Task PollAsync_OwnerHangsUntilItsLeaseIsGone_AnotherGoesOnAndNothingIsDoubled()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        Fill(world, 250);
        var reached = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var hung = 0;
        world.Server.Before = async (_, skip) =>
        {
            if (skip == 99 && Interlocked.Exchange(ref hung, 1) == 0)
            {
                reached.SetResult();
                await goOn.Task;
            }

            return false;
        };
        await using var other = await PollingWorld.StartAsync(world.Folder, world.Server);
        var first = world.PollAsync();
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

        // The lease of a dead owner, as the database sees it.
        var lease = await StealAsync(world);
        await other.Store.ReleaseSourceAsync((await world.SourceAsync()).Id, lease, default);
        await other.PollAsync();
        goOn.SetResult();
        await first;

        (await world.CountRunsAsync("flow")).Should().Be(250);
        (await world.SourceAsync()).LastError.Should().BeNull();
    }

    [Fact]
    public async Task PollAsync_FiveThousandNewItems_StartsExactlyFiveThousandInstances()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 10);
        await world.PublishAsync("flow");
        await world.PollAsync();

        Fill(world, 5010);
        await world.PollAsync();
        await world.PollAsync();

        (await world.CountRunsAsync("flow")).Should().Be(5000);
        world.Doorbell.Runs.Should().HaveCount(5000).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task HeldSource_LeaseTakenByAnother_CancelsTheScanAtTheNextRenewal()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        var (source, lease) = (await world.Store.ClaimSourcesAsync(null, "me", TimeSpan.FromSeconds(15), 1, true, default)).Single();
        var clock = new FakeTimeProvider();
        using var held = new HeldSource(world.Store, source.Id, lease, new RunnerOptions(), clock, default);
        var cancelled = new TaskCompletionSource();
        await using var registration = held.Token.Register(cancelled.SetResult);
        await StealAsync(world);

        clock.Advance(new RunnerOptions().LeaseRenewal);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));

        held.IsLost.Should().BeTrue();
    }

    [Fact]
    public void PhasedDue_ManySourcesOfOneInterval_SpreadOverItAndKeepTheirBeat()
    {
        var now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var interval = TimeSpan.FromMinutes(1);
        var dues = Enumerable.Range(0, 600).Select(i => Poller.PhasedDue($"source-{i}", now, interval)).ToList();

        dues.Should().OnlyContain(due => due >= now + (interval / 2) && due < now + (1.5 * interval));
        dues.GroupBy(due => (due - now).Ticks / TimeSpan.FromSeconds(10).Ticks).Should().OnlyContain(group => group.Count() < 160).And.HaveCountGreaterThan(5);
        Poller.PhasedDue("source-1", dues[1] + TimeSpan.FromSeconds(2), interval).Should().Be(dues[1] + interval);
    }

    private static void Fill(PollingWorld world, int count)
    {
        for (var i = world.Server.Items.Count; i < count; i++)
        {
            world.Server.Put($"i{i}", $"name {i}");
        }
    }

    private static async Task<Lease> StealAsync(PollingWorld world) =>
        new("dead", await world.SqlAsync("UPDATE sources SET lease_token = lease_token + 1, lease_owner = 'dead' RETURNING lease_token"));
}
