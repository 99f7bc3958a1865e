using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>What was there before a trigger fires only where a user wants it: counted first, once each, and through a restart.</summary>
public sealed class BackfillTests
{
    [Fact]
    public async Task StartAsync_AfterTheBaseline_CountsFirstAndFiresEachItemThatPassesOnce()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 150);
        await world.PublishAsync("flow", mode: "new", more: new JObject { ["filter"] = """[{"field":"name","operator":"contains","value":"odd"}]""" });
        (await CountAsync(world)).Should().BeNull("nobody knows yet what is there");
        await world.PollAsync();

        (await CountAsync(world)).Should().Be((150L, 75L));
        (await world.CountRunsAsync("flow")).Should().Be(0, "it was only counted");

        var begun = (await world.Triggers.StartBackfillAsync(await world.TriggerAsync("flow"), default))!;
        (begun.Items, begun.Fires).Should().Be((150, 75));
        await world.Get<Backfiller>().PassAsync(default);

        (await world.CountRunsAsync("flow")).Should().Be(75);
        var state = (await world.TriggerAsync("flow")).Backfill!;
        (state.State, state.Fired).Should().Be(("finished", 75));
        var run = (await world.Runs.ListAsync(new RunFilter { Subject = "i1@example.com" }, default)).Items.Single();
        run.StartedBy.Should().Be("backfill");
        ((bool)(await world.Runs.GetStartAsync(run.Id, default))!.TriggerPayload!["backfill"]!).Should().BeTrue();
    }

    [Fact]
    public async Task BackfillAll_OfTheTriggersInput_BeginsByItselfAfterTheFirstPoll()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 30);
        await world.PublishAsync("flow", more: new JObject { ["backfill"] = PollingWorld.Literal("all") });
        await world.Get<Backfiller>().PassAsync(default);
        (await world.TriggerAsync("flow")).Backfill!.State.Should().Be("wanted");

        await world.PollAsync();
        await world.Get<Backfiller>().PassAsync(default);
        (await world.CountRunsAsync("flow")).Should().Be(30);

        await world.PublishAsync("flow", more: new JObject { ["backfill"] = PollingWorld.Literal("all") }, name: "again");
        await world.PollAsync();
        await world.Get<Backfiller>().PassAsync(default);
        (await world.CountRunsAsync("flow")).Should().Be(30, "publishing again does not begin it anew");
    }

    [Fact]
    public async Task WhatFiredAlready_IsLeftOut_AndWhatChangesMeanwhileFiresOnce()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 10);
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("i3", "changed");
        world.Server.Put("x", "new");
        await world.PollAsync();

        await world.Triggers.StartBackfillAsync(await world.TriggerAsync("flow"), default);
        await world.Triggers.StartBackfillAsync(await world.TriggerAsync("flow"), default);
        world.Server.Put("i4", "changed after");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().OnlyHaveUniqueItems().And.BeEquivalentTo(
            Enumerable.Range(0, 10).Where(i => i != 3).Select(i => $"i{i}@1").Concat(["i3@2", "x@1", "i4@2"]));
    }

    [Fact]
    public async Task ManyItems_GoAheadOnlyAsFarAsTheirRunsKeepUp_AndResumeAfterACrash()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 450);
        await world.PublishAsync("flow");
        await world.PollAsync();
        await world.Triggers.StartBackfillAsync(await world.TriggerAsync("flow"), default);
        (await world.CountRunsAsync("flow")).Should().Be(200, "the others wait until these have run");
        (await world.TriggerAsync("flow")).Backfill!.State.Should().Be("running");
        await world.CrashAsync();

        await using var next = await PollingWorld.StartAsync(world.Folder, world.Server);
        await next.Get<Backfiller>().PassAsync(default);
        (await next.CountRunsAsync("flow")).Should().Be(200);
        for (var i = 0; i < 3; i++)
        {
            // As if all that were started had run.
            await next.SqlAsync("UPDATE instances SET runnable = 0 RETURNING 1");
            await next.Get<Backfiller>().PassAsync(default);
        }

        (await next.TriggerAsync("flow")).Backfill!.Fired.Should().Be(450);
        (await next.Store.ListDeliveriesAsync((await next.TriggerAsync("flow")).Id, null, 1000, default)).Should().HaveCount(450);
    }

    [Fact]
    public async Task StopAsync_EndsItWhereItIs()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 450);
        await world.PublishAsync("flow");
        await world.PollAsync();
        var id = (await world.TriggerAsync("flow")).Id;
        await world.Triggers.StartBackfillAsync(await world.TriggerAsync("flow"), default);

        (await world.Triggers.StopBackfillAsync(id, default)).Should().BeTrue();
        await world.Get<Backfiller>().PassAsync(default);

        (await world.CountRunsAsync("flow")).Should().Be(200);
        (await world.TriggerAsync("flow")).Backfill!.State.Should().Be("stopped");
        (await world.Triggers.StopBackfillAsync(id, default)).Should().BeFalse();
    }

    private static async Task<(long, long)?> CountAsync(PollingWorld world) => await world.Triggers.CountBackfillAsync(await world.TriggerAsync("flow"), default);

    private static void Fill(PollingWorld world, int count)
    {
        for (var i = 0; i < count; i++)
        {
            world.Server.Put($"i{i}", $"name {i} {(i % 2 == 1 ? "odd" : "even")}");
        }
    }
}
