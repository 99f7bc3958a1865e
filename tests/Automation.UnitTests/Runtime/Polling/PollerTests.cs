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
    public async Task PollAsync_FilterOverTheEvent_FiresWhereItIsTrue()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", more: new JObject { ["filter"] = "event.item.name.startsWith('v')" });
        await world.PollAsync();

        world.Server.Put("a", "vip");
        world.Server.Put("b", "other");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("a@1");
    }

    [Fact]
    public async Task PollAsync_TwoTriggersWithTheSameInputs_ShareOneCall()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("one", interval: "1h");
        await world.PublishAsync("two", mode: "new", interval: "10s");
        await world.PollAsync();
        var calls = world.Server.Requests;

        world.Server.Put("x", "new");
        await world.PollAsync();

        (world.Server.Requests - calls).Should().Be(1);
        (await world.FiredAsync("one")).Should().Equal("x@1");
        (await world.FiredAsync("two")).Should().Equal("x@1");
        (await world.SourceAsync()).Interval.Should().Be(TimeSpan.FromSeconds(10));
        (await world.Triggers.FindAsync((await world.TriggerAsync("one")).Id, default))!.Trigger.EffectiveInterval.Should().Be(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task PollAsync_LateJoiner_StartsAtTheLedgersEnd()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("early");
        await world.PollAsync();
        world.Server.Put("x", "before");
        await world.PollAsync();

        await world.PublishAsync("late");
        await world.PollAsync();
        world.Server.Put("y", "after");
        await world.PollAsync();

        (await world.FiredAsync("early")).Should().Equal("x@1", "y@1");
        (await world.FiredAsync("late")).Should().Equal("y@1");
    }

    [Fact]
    public async Task PublishAsync_AgainInTheMiddle_ChangesNeitherPositionNorRuns()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("x", "A");
        await world.PollAsync();
        var before = await world.TriggerAsync("flow");

        await world.PublishAsync("flow", name: "renamed");
        await world.PollAsync();
        world.Server.Put("y", "B");
        await world.PollAsync();

        var after = await world.TriggerAsync("flow");
        after.Id.Should().Be(before.Id);
        after.VersionId.Should().NotBe(before.VersionId);
        (await world.FiredAsync("flow")).Should().Equal("x@1", "y@1");
    }

    [Fact]
    public async Task PublishAsync_ChangedInputs_WarnsAndTakesANewBaseline()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();

        var saved = await world.PublishAsync("flow", more: new JObject { ["colour"] = PollingWorld.Literal("red") });
        await world.PollAsync();

        saved.Problems.Should().ContainSingle(problem => problem.Code == "source-changed");
        (await world.FiredAsync("flow")).Should().BeEmpty();
        (await world.Store.ListSourcesAsync(default)).Should().HaveCount(2);
    }

    [Fact]
    public async Task PublishAsync_SourceNobodyWatchedForLong_TakesANewBaselineAndSaysSo()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();
        await world.Definitions.RetractAsync("flow", default);
        await SqlAsync(world, $"UPDATE sources SET last_poll_at = last_poll_at - {TimeSpan.FromHours(1).Ticks} RETURNING 1");
        world.Server.Put("i0", "changed while nobody looked");

        var saved = await world.PublishAsync("flow", name: "back");
        await world.PollAsync();
        world.Server.Put("i1", "changed after");
        await world.PollAsync();

        saved.Problems.Should().ContainSingle(problem => problem.Code == "new-baseline");
        (await world.FiredAsync("flow")).Should().Equal("i1@2");
    }

    [Fact]
    public async Task PublishAsync_RetractedForAMoment_LosesNoChange()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();
        await world.Definitions.RetractAsync("flow", default);
        world.Server.Put("i0", "changed");

        var saved = await world.PublishAsync("flow", name: "back");
        await world.PollAsync();

        saved.Problems.Should().BeEmpty();
        (await world.FiredAsync("flow")).Should().Equal("i0@2");
    }

    [Fact]
    public async Task PublishAsync_FilterThatDoesNotParse_IsRefusedWithItsPlace()
    {
        await using var world = await PollingWorld.StartAsync();

        var act = () => world.PublishAsync("flow", more: new JObject { ["filter"] = "event.item.name ===\n=== 1" });

        (await act.Should().ThrowAsync<Automation.Runtime.Definitions.DefinitionRejectedException>()).Which.Problems.Should().ContainSingle(problem => problem.Property == "filter" && problem.Line == 2);
    }

    [Fact]
    public async Task PublishAsync_MoreCallsThanTheDayHas_IsRefused()
    {
        await using var world = await PollingWorld.StartAsync(callsPerDay: 2_000, isSandbox: false);
        await world.PublishAsync("one", interval: "1m");

        var act = () => world.PublishAsync("two", interval: "1m", more: new JObject { ["shelf"] = PollingWorld.Literal("top") });

        (await act.Should().ThrowAsync<Automation.Runtime.Definitions.DefinitionRejectedException>()).Which.Problems.Should().ContainSingle(problem => problem.Code == "budget-exceeded");
        await world.PublishAsync("two", interval: "5m", more: new JObject { ["shelf"] = PollingWorld.Literal("top") });
    }

    [Fact]
    public async Task PublishAsync_MoreCallsThanTheSandboxSays_IsOnlyWarnedOf()
    {
        await using var world = await PollingWorld.StartAsync(callsPerDay: 20_000);
        await world.PublishAsync("one", interval: "5s");

        var saved = await world.PublishAsync("two", interval: "10s", more: new JObject { ["shelf"] = PollingWorld.Literal("top") });

        saved.Problems.Should().ContainSingle(problem => problem.Code == "budget-exceeded" && problem.Severity == Automation.Engine.ProblemSeverity.Warning);
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
    public async Task PollAsync_DuplicateAndBrokenItems_GoodOnesGoOnAndBadOnesAreOneIncidentEach()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("x", "good");
        world.Server.Items.Add(new JObject { ["id"] = "x", ["name"] = "good, and newer" });
        world.Server.Items.Add(new JObject { ["name"] = "no id" });
        world.Server.Items.Add("not an object");

        await world.PollAsync();
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("x@1");
        (await world.IncidentsAsync()).Should().HaveCount(2).And.OnlyContain(incident => incident.Kind == "item" && incident.Action != null);
    }

    [Theory]
    [InlineData(401, "{\"message\":\"Invalid JWT\"}", "401")]
    [InlineData(403, "{\"message\":\"The token is not authorized for this scope.\"}", "403")]
    [InlineData(404, "{\"message\":\"No such list\"}", "404")]
    [InlineData(503, "{\"message\":\"down\"}", "503")]
    [InlineData(200, "<html><body>Sign in</body></html>", "JSON")]
    [InlineData(200, "{\"things\": [{\"id\": \"x\"", "JSON")]
    [InlineData(200, "{\"other\": []}", "things")]
    public async Task PollAsync_AnswerThatIsNoPage_FiresNothingAndShowsTheReason(int status, string body, string reason)
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();
        var watermark = (await world.SourceAsync()).Watermark;
        world.Server.Put("x", "new");
        world.Server.Before = async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = body.StartsWith('<') ? "text/html" : "application/json";
            await context.Response.WriteAsync(body);
            return true;
        };

        await world.PollAsync();

        var source = await world.SourceAsync();
        source.LastError.Should().Contain(reason).And.NotContain("secret-key");
        source.Failures.Should().Be(1);
        source.Watermark.Should().Be(watermark);
        (await world.FiredAsync("flow")).Should().BeEmpty();

        world.Server.Before = null;
        await world.PollAsync();
        (await world.FiredAsync("flow")).Should().Equal("x@1");
        (await world.SourceAsync()).LastError.Should().BeNull();
    }

    [Fact]
    public async Task PollAsync_NoAnswerInTime_FiresNothingAndShowsTheReason()
    {
        await using var world = await PollingWorld.StartAsync(callTimeout: TimeSpan.FromMilliseconds(500));
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Before = async (context, _) =>
        {
            var aborted = new TaskCompletionSource();
            await using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
            await aborted.Task;
            return true;
        };

        await world.PollAsync();

        var source = await world.SourceAsync();
        source.LastError.Should().NotBeNullOrEmpty();
        source.Failures.Should().Be(1);
    }

    [Theory]
    [InlineData(2, 5, "come again")]
    [InlineData(7, 60, "come again")]
    [InlineData(1000, 60, "60 pages")]
    public async Task PollAsync_ListWithoutAnEnd_IsStoppedWithItsReasonAndAbandoned(int pagesOfACircle, int requests, string reason)
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Before = async (context, skip) =>
        {
            // The same hundred ids under ever new page tokens would be one page; these come round, or are ever new ones.
            var page = new JArray(Enumerable.Range(0, 100).Select(i => new JObject { ["id"] = $"e{(skip / 100 % pagesOfACircle * 100) + i}" }));
            await ListServer.WriteAsync(context, new JObject { ["things"] = page });
            return true;
        };
        var before = world.Server.Requests;

        await world.PollAsync();

        (world.Server.Requests - before).Should().BeInRange(2, requests);
        var source = await world.SourceAsync();
        source.LastError.Should().Contain(reason);
        source.ScanUpper.Should().BeNull();
        source.DueAt.Should().BeAfter(world.Clock.GetUtcNow());
    }

    [Fact]
    public async Task PollAsync_FailuresInARow_BackOffAndRaiseOneIncidentThatClosesWithTheOutage()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "60s");
        await world.PollAsync();
        world.Server.Before = (context, _) =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        var waits = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            await world.PollAsync();
            var source = await world.SourceAsync();
            waits.Add(Math.Round((source.DueAt!.Value - source.LastPollAt!.Value).TotalMinutes));
        }

        waits.Should().Equal(1, 2, 4, 8, 16);
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.Kind == "source" && incident.ResolvedAt == null);

        world.Server.Before = null;
        await world.PollAsync();
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.ResolvedAt != null);
    }

    [Fact]
    public async Task PollAsync_ConnectionDeleted_SaysSoOnTheSource()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.Get<Automation.Runtime.Connections.ConnectionVault>().DeleteAsync(PollingWorld.Connection, force: true, default);

        await world.PollAsync();

        (await world.SourceAsync()).LastError.Should().Contain(PollingWorld.Connection).And.Contain("does not exist");
        world.Server.Requests.Should().Be(0);
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
        new("dead", await SqlAsync(world, "UPDATE sources SET lease_token = lease_token + 1, lease_owner = 'dead' RETURNING lease_token"));

    private static async Task<long> SqlAsync(PollingWorld world, string sql)
    {
        var path = Path.Combine(world.Folder, "automation.db");
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path}");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
