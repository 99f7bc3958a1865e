using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Of runs that want to hold the same, one at a time is inserted.</summary>
public abstract class ActivationCompliance : StoreCompliance
{
    private static readonly ActivationKey Only = new("definition/def-1", null);

    [SkippableFact]
    public async Task Insert_ManyAtOnce_OneHoldsIt_UntilItHasFinished()
    {
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => i % 2 == 0 ? QueuedAsync($"q{i}", Only) : CommittedAsync($"c{i}", Only)).Append(QueuedAsync("free", null)));

        var held = (await RunningAsync()).Where(run => run.Id != "free").Should().ContainSingle().Subject.Id;
        (await QueuedAsync("late", Only), await CommittedAsync("later", Only)).Should().Be((false, false));
        var lease = held[0] == 'q' ? (await ClaimAsync(held)).Lease : new Lease("node-1", 1);
        await Runs.CommitAsync(Finish(held, lease), default);

        (await Task.WhenAll(Enumerable.Range(0, 30).Select(i => QueuedAsync($"n{i}", Only)))).Count(isIn => isIn).Should().Be(1);
        (await RunningAsync()).Should().HaveCount(2);
    }

    [SkippableFact]
    public async Task Insert_WithCorrelation_IsHeldOnlyAsLongAsTheRunHasThatCorrelation()
    {
        var key = new ActivationKey("correlation/x", "x");
        (await CommittedAsync("a", key, "x"), await QueuedAsync("b", key, "x"), await QueuedAsync("other", new ActivationKey("correlation/y", "y"), "y")).Should().Be((true, false, true));

        await Runs.CommitAsync(Commit("a", new Lease("node-1", 1)) with { CorrelationId = "z" }, default);

        (await QueuedAsync("c", key, "x"), await QueuedAsync("d", key, "x")).Should().Be((true, false));
    }

    [SkippableFact]
    public async Task Insert_OfTheSameRunAgain_IsNotInItsOwnWay()
    {
        (await QueuedAsync("a", Only)).Should().BeTrue();
        (await QueuedAsync("a", Only)).Should().BeTrue();
    }

    [SkippableFact]
    public async Task Commit_WithAChildThatMayNotStart_KeepsTheRestOfIt()
    {
        await QueuedAsync("first", Only);
        await EnqueueAsync(Instance("parent"));
        var claimed = await ClaimAsync("parent");

        await Runs.CommitAsync(Finish("parent", claimed.Lease) with { Children = [Instance("refused") with { Activation = Only }, Instance("child")] }, default);

        (await Runs.FindAsync("refused", default)).Should().BeNull();
        (await Runs.FindAsync("child", default)).Should().NotBeNull();
        (await Runs.FindAsync("parent", default))!.Status.Should().Be(WorkflowStatus.Finished);
    }

    private static NewInstance Wanting(string id, ActivationKey? key, string? correlationId) =>
        Instance(id) with { Activation = key, Start = Instance(id).Start with { CorrelationId = correlationId } };

    private async Task<bool> QueuedAsync(string id, ActivationKey? key, string? correlationId = null) =>
        (await Runs.EnqueueAsync([Wanting(id, key, correlationId)], [], default)).Count == 0;

    private async Task<bool> CommittedAsync(string id, ActivationKey? key, string? correlationId = null)
    {
        try
        {
            await Runs.CommitAsync(Commit(id, new Lease("node-1", 1)) with { Insert = Wanting(id, key, correlationId), CorrelationId = correlationId, Release = false, LeaseDuration = LeaseTime }, default);
            return true;
        }
        catch (ActivationRefusedException)
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<InstanceRecord>> RunningAsync() => (await Runs.ListAsync(new RunFilter { Statuses = [WorkflowStatus.Running] }, default)).Items;
}
