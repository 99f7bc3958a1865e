using Automation.Engine;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Webhooks;

/// <summary>What came for a paused secret address: over a republish, a restart and an activation strategy.</summary>
public sealed class ArrivalDelivererTests
{
    [Fact]
    public async Task Resume_AfterRepublishAndRestart_StartsEachOnceWithTheVersionOfNow()
    {
        await using var first = await PollingWorld.StartAsync();
        await PublishAsync(first, "one");
        var trigger = await first.TriggerAsync("flow");
        await first.Triggers.PauseAsync(trigger.Id, default);
        var waiting = await SendAsync(first, "k1");
        var again = await SendAsync(first, "k1");
        await SendAsync(first, null);
        await PublishAsync(first, "two");
        (await first.Triggers.FindAsync(trigger.Id, default))!.Waiting.Should().Be(2);
        await first.CrashAsync();

        // Killed after the row of the resume, before anything was delivered: the sweep finds it.
        await using var second = await PollingWorld.StartAsync(first.Folder, first.Server);
        await second.Store.UpdateTriggerAsync(trigger.Id, isPaused: false, null, null, null, default);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => second.Get<ArrivalDeliverer>().PassAsync(default))));

        (waiting.Outcome, again).Should().Be((ArrivalOutcome.Waiting, new HookOutcome(ArrivalOutcome.Repeated, waiting.InstanceId)));
        var runs = (await second.Runs.ListAsync(new RunFilter { DefinitionIds = ["flow"], PageSize = 10 }, default)).Items;
        runs.Should().HaveCount(2).And.OnlyContain(run => run.DefinitionName == "two" && run.StartedBy == "hook" && run.TriggerId == trigger.Id);
        runs.Select(run => run.Id).Should().Contain(waiting.InstanceId);
        second.Doorbell.Runs.Should().BeEquivalentTo(runs.Select(run => run.Id));
        (await SendAsync(second, "k1")).Outcome.Should().Be(ArrivalOutcome.Repeated);
        (await second.Triggers.FindAsync(trigger.Id, default))!.Waiting.Should().Be(0);
    }

    [Fact]
    public async Task Pass_FlowOfOneRunAtATime_StartsTheNextWhenTheLastHasEnded()
    {
        await using var world = await PollingWorld.StartAsync();
        await PublishAsync(world, "one", new JObject { ["activationStrategyType"] = "Elsa.Workflows.ActivationValidators.SingletonStrategy, Elsa.Workflows.Core" });
        var trigger = await world.TriggerAsync("flow");
        await world.Triggers.PauseAsync(trigger.Id, default);
        await SendAsync(world, "k1");
        await SendAsync(world, "k2");

        await world.Triggers.ResumeAsync(trigger.Id, default);
        var refused = await SendAsync(world, "k3");
        await world.Get<ArrivalDeliverer>().PassAsync(default);
        var started = (await world.CountRunsAsync("flow"), (await world.Triggers.FindAsync(trigger.Id, default))!.Waiting);
        await world.SqlAsync("UPDATE instances SET status = 1, runnable = 0; SELECT 1");
        await world.Get<ArrivalDeliverer>().PassAsync(default);

        refused.Outcome.Should().Be(ArrivalOutcome.Busy, "the sender is told, and sends again");
        started.Should().Be((1L, 1L));
        (await world.CountRunsAsync("flow"), (await world.Triggers.FindAsync(trigger.Id, default))!.Waiting).Should().Be((2L, 0L));
    }

    private static Task PublishAsync(PollingWorld world, string name, JObject? options = null) => world.Definitions.SaveAsync(
        new JObject
        {
            ["definitionId"] = "flow",
            ["name"] = name,
            ["options"] = options ?? [],
            ["root"] = new JObject { ["id"] = "s", ["type"] = "Elsa.Sequence", ["activities"] = new JArray(new JObject { ["id"] = "start", ["type"] = "Automation.Hook", ["customProperties"] = new JObject { ["canStartWorkflow"] = true } }) },
        },
        publish: true,
        default);

    private static async Task<HookOutcome> SendAsync(PollingWorld world, string? key) =>
        await world.Get<HookIntake>().StartAsync(await world.TriggerAsync("flow"), new JObject { ["body"] = new JObject { ["n"] = 1 } }, key, default);
}
