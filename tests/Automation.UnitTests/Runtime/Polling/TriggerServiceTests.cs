using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

public sealed class TriggerServiceTests
{
    [Fact]
    public async Task PollNowAsync_ChangeBefore_IsDeliveredWhenItReturns()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("x", "new");

        var polled = await world.Triggers.PollNowAsync((await world.TriggerAsync("flow")).Id, default);

        polled.Should().BeTrue();
        (await world.FiredAsync("flow")).Should().Equal("x@1");
        (await world.Triggers.PollNowAsync("unknown", default)).Should().BeFalse();
    }

    [Fact]
    public async Task PauseAsync_ChangesMeanwhile_FireWhenItIsResumed()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PublishAsync("other");
        await world.PollAsync();
        var id = (await world.TriggerAsync("flow")).Id;

        await world.Triggers.PauseAsync(id, default);
        world.Server.Put("x", "new");
        await world.PollAsync();
        (await world.FiredAsync("flow")).Should().BeEmpty();
        (await world.FiredAsync("other")).Should().Equal("x@1");
        (await AnswerAsync(world, "flow", "x")).Should().Be("paused");

        await world.Triggers.ResumeAsync(id, default);
        (await world.FiredAsync("flow")).Should().Equal("x@1");
    }

    [Fact]
    public async Task PauseAsync_OnlyTriggerOfItsSource_StopsPolling()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.Triggers.PauseAsync((await world.TriggerAsync("flow")).Id, default);

        await world.PollAsync();

        world.Server.Requests.Should().Be(0);
    }

    [Fact]
    public async Task RewindAsync_ToAnEarlierEvent_RaisesTheGenerationAndDeliversAgain()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        foreach (var id in new[] { "a", "b", "c" })
        {
            world.Server.Put(id, "new");
            await world.PollAsync();
        }

        var trigger = await world.TriggerAsync("flow");
        var preview = await world.Triggers.RewindAsync(trigger.Id, 1, preview: true, default);
        (await world.FiredAsync("flow")).Should().HaveCount(3);
        var done = await world.Triggers.RewindAsync(trigger.Id, 1, preview: false, default);

        preview.Should().Be(new RewindResult(3, 1, 2, 1));
        done.Should().Be(new RewindResult(3, 1, 2, 2));
        (await world.FiredAsync("flow")).Should().Equal("a@1", "b@1", "c@1", "b@1", "c@1");
        await world.PollAsync();
        await world.Poller.ConsumeAsync(null, default);
        (await world.FiredAsync("flow")).Should().HaveCount(5);
    }

    [Fact]
    public async Task ConsumeAsync_ManyAtOnce_DeliversEachEventOnce()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        var id = (await world.TriggerAsync("flow")).Id;
        await world.Triggers.PauseAsync(id, default);
        await world.PublishAsync("other");
        for (var i = 0; i < 900; i++)
        {
            world.Server.Put($"n{i}", "new");
        }

        await world.PollAsync();
        await world.Store.UpdateTriggerAsync(id, isPaused: false, null, null, null, default);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => world.Poller.ConsumeAsync(null, default))));

        (await world.CountRunsAsync("flow")).Should().Be(900);
    }

    [Fact]
    public async Task ExplainAsync_Paused_TellsWhatTheResumeWillCatchUpWith()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("old", "1");
        await world.PublishAsync("first");
        await world.PollAsync();
        world.Server.Put("old", "2");
        await world.PollAsync();
        await world.PublishAsync("late");
        var late = (await world.TriggerAsync("late")).Id;
        await world.Triggers.PauseAsync(late, default);
        world.Server.Put("new", "1");
        await world.PollAsync();
        async Task<(string?, string)> ExplainAsync(string key)
        {
            var answer = (await world.Triggers.ExplainAsync(late, key, default))!;
            return ((string?)answer["answer"], answer["notes"]!.ToString());
        }

        (await ExplainAsync("new")).Item1.Should().Be("paused", "the ledger has it");
        (await ExplainAsync("old")).Item1.Should().Be("before-trigger", "the resume does not come to it");
        await world.Triggers.PauseAsync((await world.TriggerAsync("first")).Id, default);
        (await ExplainAsync("old")).Item2.Should().Contain("nobody else watches its list");
    }

    [Fact]
    public async Task ExplainAsync_EveryState_AnswersFromTheLedger()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("old", "was there");
        await world.PublishAsync("flow");
        (await AnswerAsync(world, "flow", "old")).Should().Be("not-baselined");

        await world.PollAsync();
        (await AnswerAsync(world, "flow", "old")).Should().Be("baseline");
        (await AnswerAsync(world, "flow", "nobody")).Should().Be("never-seen");

        world.Server.Put("x", "new");
        await world.PollAsync();
        (await AnswerAsync(world, "flow", "x@example.com")).Should().Be("fired");

        await world.PublishAsync("late");
        (await AnswerAsync(world, "late", "x")).Should().Be("before-trigger");

        world.Server.Before = (context, _) =>
        {
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        await world.PollAsync();
        var answer = (await world.Triggers.ExplainAsync((await world.TriggerAsync("flow")).Id, "nobody", default))!;
        answer["answer"]!.Value<string>().Should().Be("source-failing");
        answer["message"]!.Value<string>().Should().Contain("403");
        (await world.Triggers.ExplainAsync("unknown", "x", default)).Should().BeNull();
    }

    [Fact]
    public async Task ListAsync_Triggers_ShowDefinitionConnectionAndBothIntervals()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("slow", interval: "10m", name: "Slow one");
        await world.PublishAsync("fast", interval: "20s", name: "Fast one");

        var views = (await world.Triggers.ListAsync(new TriggerQuery { Kind = "poll" }, default)).Items;

        var slow = views.Single(view => view.Trigger.DefinitionId == "slow");
        slow.DefinitionName.Should().Be("Slow one");
        slow.ConnectionName.Should().Be("The shop");
        slow.Trigger.Configured.Should().Be("10m");
        slow.Trigger.EffectiveInterval.Should().Be(TimeSpan.FromSeconds(20));
    }

    private static async Task<string?> AnswerAsync(PollingWorld world, string definitionId, string key) =>
        (string?)(await world.Triggers.ExplainAsync((await world.TriggerAsync(definitionId)).Id, key, default))!["answer"];
}
