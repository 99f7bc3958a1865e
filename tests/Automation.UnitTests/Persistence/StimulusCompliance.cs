using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Stimuli: none lost, none twice, and an instance that has some is runnable.</summary>
public abstract class StimulusCompliance : StoreCompliance
{
    private async Task<Lease> SuspendedAsync(string id)
    {
        await EnqueueAsync(Instance(id));
        var lease = (await ClaimAsync(id)).Lease;
        await Runs.CommitAsync(Commit(id, lease, new RunChanges { BookmarksAdded = [Bookmark("b1"), Bookmark("b2")] }), default);
        return lease;
    }

    [SkippableFact]
    public async Task Enqueue_ForASuspendedInstance_MakesItRunnable()
    {
        await SuspendedAsync("i1");

        await Runs.EnqueueAsync([], [Stimulus("s1", "i1"), Stimulus("s1", "i1"), Stimulus("s2", "i1", "b2"), Stimulus("s3", "nobody")], default);

        (await Runs.ListRunnableAsync(10, default)).Should().Equal("i1");
        (await ClaimAsync("i1")).Stimuli.Select(s => s.Id).Should().Equal("s1", "s2");
    }

    [SkippableFact]
    public async Task Commit_WhileAnotherStimulusArrived_StaysRunnableAndSaysSo()
    {
        await SuspendedAsync("i1");
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);
        var claimed = await ClaimAsync("i1");
        await Runs.EnqueueAsync([], [Stimulus("s2", "i1", "b2")], default);

        var waiting = await Runs.CommitAsync(Commit("i1", claimed.Lease) with { StimuliDone = ["s1"] }, default);

        waiting.Should().BeTrue();
        (await ClaimAsync("i1")).Stimuli.Single().Id.Should().Be("s2");
    }

    [SkippableFact]
    public async Task Commit_WithAStimulusForItself_StaysRunnable()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");

        (await Runs.CommitAsync(Commit("i1", claimed.Lease) with { Stimuli = [Stimulus("s1", "i1")] }, default)).Should().BeTrue();

        (await ClaimAsync("i1")).Stimuli.Should().ContainSingle();
    }

    private static HeldEvent Held(string? instanceId = null, string? correlationId = null, string? activityInstanceId = null, int seconds = 60) =>
        new(Automation.Engine.Bookmark.HashOf("Elsa.Event", "paid"), instanceId, correlationId, activityInstanceId, new JObject { ["amount"] = 7 }, T0.AddSeconds(seconds));

    [SkippableFact]
    public async Task HeldEvent_RunThatComesToWait_GetsItOnce()
    {
        await HeldEvents.HoldAsync(Held("i1", activityInstanceId: "ai1"), default);
        (await HeldEvents.DeliverAsync([Held().Hash], T0, default)).Should().BeEmpty("nobody waits for it yet");
        await SuspendedAsync("i1");
        await SuspendedAsync("i2");

        (await HeldEvents.DeliverAsync([Held().Hash, "another"], T0, default)).Should().Equal("i1");
        (await HeldEvents.DeliverAsync(null, T0, default)).Should().BeEmpty();

        var stimulus = (await ClaimAsync("i1")).Stimuli[0];
        stimulus.BookmarkId.Should().Be("b1");
        ((int?)stimulus.Input!["amount"]).Should().Be(7);
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty("the other run was not meant");
    }

    [SkippableFact]
    public async Task HeldEvent_MeantForOthersOrTooOld_IsNotHandedOver()
    {
        await SuspendedAsync("i1");
        await HeldEvents.HoldAsync(Held("i2"), default);
        await HeldEvents.HoldAsync(Held(correlationId: "another"), default);
        await HeldEvents.HoldAsync(Held(activityInstanceId: "another"), default);
        await HeldEvents.HoldAsync(Held(seconds: 5), default);

        (await HeldEvents.DeliverAsync(null, T0.AddSeconds(5), default)).Should().BeEmpty();

        // What was too old is gone, and does not come back with a clock that is set back.
        (await HeldEvents.DeliverAsync(null, T0, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task HeldEvent_SecondOfItsName_WaitsForTheNextBookmark()
    {
        await EnqueueAsync(Instance("i1"));
        await Runs.CommitAsync(Commit("i1", (await ClaimAsync("i1")).Lease, new RunChanges { BookmarksAdded = [Bookmark("b1")] }) with { Held = [Held(), Held()] }, default);
        (await HeldEvents.DeliverAsync(null, T0, default)).Should().Equal("i1");
        (await HeldEvents.DeliverAsync(null, T0, default)).Should().BeEmpty("the bookmark is being resumed");

        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { BookmarksRemoved = ["b1"], BookmarksAdded = [Bookmark("b2")] }) with { StimuliDone = [claimed.Stimuli.Single().Id] }, default);

        (await HeldEvents.DeliverAsync(null, T0, default)).Should().Equal("i1");
        (await ClaimAsync("i1")).Stimuli.Single().BookmarkId.Should().Be("b2");
    }

    [SkippableFact]
    public async Task Commit_WithAStaleLease_KeepsItsStimuliQueued()
    {
        var stale = await SuspendedAsync("i1");
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);

        await FluentActions.Awaiting(() => Runs.CommitAsync(Commit("i1", stale) with { StimuliDone = ["s1"] }, default)).Should().ThrowAsync<LeaseLostException>();

        (await ClaimAsync("i1")).Stimuli.Should().ContainSingle();
    }

    [SkippableFact]
    public async Task StimulateAndClaim_OfAFreeInstance_LeasesItWithTheStimulus()
    {
        await SuspendedAsync("i1");

        var claimed = await StimulateAndClaimAsync("s1", "i1", "node-1");

        claimed!.Stimuli.Single().Id.Should().Be("s1");
        claimed.State.Should().NotBeNull();
        claimed.Attempts.Should().Be(1);
        (await Runs.ClaimAsync(["i1"], "node-2", LeaseTime, 1, default)).Should().BeEmpty();
        (await Runs.CommitAsync(Commit("i1", claimed.Lease) with { StimuliDone = ["s1"] }, default)).Should().BeFalse();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task StimulateAndClaim_OfAnInstanceThatAnotherHolds_LeavesItTheStimulus()
    {
        await SuspendedAsync("i1");
        var first = await StimulateAndClaimAsync("s1", "i1", "node-1");

        (await StimulateAndClaimAsync("s2", "i1", "node-2")).Should().BeNull();

        (await Runs.CommitAsync(Commit("i1", first!.Lease) with { StimuliDone = ["s1"] }, default)).Should().BeTrue("the other stimulus waits");
        (await ClaimAsync("i1")).Stimuli.Single().Id.Should().Be("s2");
    }

    [SkippableFact]
    public async Task StimulateAndClaim_OfAFinishedOrMissingInstance_DoesNothing()
    {
        var lease = (await ClaimedAgainAsync("i1")).Lease;
        await Runs.CommitAsync(Finish("i1", lease), default);

        (await StimulateAndClaimAsync("s1", "i1", "node-1")).Should().BeNull();
        (await StimulateAndClaimAsync("s2", "nobody", "node-1")).Should().BeNull();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task StimulateAndClaim_ManyAtOnceOfOneInstance_OneGoesOnAndNoneIsLost()
    {
        await SuspendedAsync("i1");

        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => StimulateAndClaimAsync("s" + i, "i1", "node-1")));

        var applied = claims.Single(claimed => claimed is not null)!.Stimuli.Select(stimulus => stimulus.Id).ToList();
        await Runs.CommitAsync(Commit("i1", claims.Single(claimed => claimed is not null)!.Lease) with { StimuliDone = applied }, default);
        applied.AddRange((await Runs.ClaimAsync(["i1"], "node-2", LeaseTime, 1, default)).SelectMany(claimed => claimed.Stimuli).Select(stimulus => stimulus.Id));
        applied.Should().BeEquivalentTo(Enumerable.Range(0, 20).Select(i => "s" + i));
    }

    private Task<ClaimedInstance?> StimulateAndClaimAsync(string id, string instanceId, string owner) => Runs.StimulateAndClaimAsync(Stimulus(id, instanceId), owner, LeaseTime, default);

    private async Task<ClaimedInstance> ClaimedAgainAsync(string id)
    {
        await SuspendedAsync(id);
        await Runs.EnqueueAsync([], [Stimulus("s0", id)], default);
        return await ClaimAsync(id);
    }

    [SkippableFact]
    public async Task TwoEventsAtOnce_ToInstancesWaitingForBoth_AlwaysFinishThem()
    {
        var ids = Enumerable.Range(0, 40).Select(i => "i" + i).ToList();
        foreach (var id in ids)
        {
            await EnqueueAsync(Instance(id));
            await Runs.CommitAsync(Commit(id, (await ClaimAsync(id)).Lease), default);
        }

        // Each of two senders queues its event and then does what a runner does until nothing is left to claim.
        async Task SendAsync(string id, string name)
        {
            await Runs.EnqueueAsync([], [Stimulus($"{id}-{name}", id, name)], default);
            while (await Runs.ClaimAsync([id], "node-" + name, LeaseTime, 1, default) is [var claimed])
            {
                var seen = (claimed.State is { } state ? System.Text.Encoding.UTF8.GetString(state) : "") + string.Concat(claimed.Stimuli.Select(s => s.BookmarkId));
                var both = seen.Contains('x', StringComparison.Ordinal) && seen.Contains('y', StringComparison.Ordinal);
                var commit = (both ? Finish(id, claimed.Lease) : Commit(id, claimed.Lease)) with
                {
                    State = System.Text.Encoding.UTF8.GetBytes(seen),
                    StimuliDone = claimed.Stimuli.Select(s => s.Id).ToList(),
                };
                if (!await Runs.CommitAsync(commit, default))
                {
                    return;
                }
            }
        }

        await Task.WhenAll(ids.SelectMany(id => new[] { Task.Run(() => SendAsync(id, "x")), Task.Run(() => SendAsync(id, "y")) }));

        (await Runs.ListAsync(new RunFilter { Statuses = [WorkflowStatus.Finished] }, default)).Total.Should().Be(40);
    }
}
