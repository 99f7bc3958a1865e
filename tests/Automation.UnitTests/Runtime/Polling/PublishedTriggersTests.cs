using Automation.Runtime;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>What publishing does to triggers and their sources: shared, joined late, changed, left and taken up again, within the budget.</summary>
public sealed class PublishedTriggersTests
{
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
        await world.SqlAsync($"UPDATE sources SET last_poll_at = last_poll_at - {TimeSpan.FromHours(1).Ticks} RETURNING 1");
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

    private static void Fill(PollingWorld world, int count)
    {
        for (var i = world.Server.Items.Count; i < count; i++)
        {
            world.Server.Put($"i{i}", $"name {i}");
        }
    }
}
