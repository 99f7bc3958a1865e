using Automation.Engine;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Claims, leases and fencing.</summary>
public abstract class RunLeaseCompliance : StoreCompliance
{
    private static readonly TimeSpan Expired = TimeSpan.FromSeconds(-1);

    [SkippableFact]
    public async Task Claim_PendingInstance_BringsItsStartAndALease()
    {
        await EnqueueAsync(Instance("i1", " Mail@Example.COM "));

        var claimed = await ClaimAsync("i1");

        claimed.Lease.Should().Be(new Automation.Runtime.Storage.Lease("node-1", 1));
        claimed.State.Should().BeNull();
        claimed.Start!.Input!["text"]!.ToString().Should().Be("2026-03-01T12:00:00Z");
        claimed.Start.LocationId.Should().Be("loc-1");
        claimed.Attempts.Should().Be(1);
        claimed.Instance.SubStatus.Should().Be(WorkflowSubStatus.Executing);
        claimed.Instance.Subjects.Should().Equal("mail@example.com");
    }

    [SkippableFact]
    public async Task Claim_LeasedInstance_IsLeftOut()
    {
        await EnqueueAsync(Instance("i1"));
        await ClaimAsync("i1");

        (await Runs.ClaimAsync(["i1"], "node-2", LeaseTime, 10, default)).Should().BeEmpty();
        (await Runs.ClaimAsync(null, "node-2", LeaseTime, 10, default)).Should().BeEmpty();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task LeaseEndsIn_IsTheTimeUntilTheFirstHeldRunIsFree()
    {
        (await Due.LeaseEndsInAsync(default)).Should().BeNull();
        await EnqueueAsync(Instance("r1"), Instance("r2"), Instance("waiting"));
        await Runs.ClaimAsync(["r1"], "node-1", TimeSpan.FromHours(2), 1, default);
        await Runs.ClaimAsync(["r2"], "node-1", TimeSpan.FromHours(1), 1, default);

        (await Due.LeaseEndsInAsync(default)).Should().BeCloseTo(TimeSpan.FromHours(1), TimeSpan.FromMinutes(10));
    }

    [SkippableFact]
    public async Task Claim_AfterTheLeaseRanOut_RaisesTokenAndAttempts()
    {
        await EnqueueAsync(Instance("i1"));
        await ClaimAsync("i1", Expired);

        var second = await ClaimAsync("i1");

        second.Lease.Token.Should().Be(2);
        second.Attempts.Should().Be(2);
    }

    [SkippableFact]
    public async Task FreeLeases_OfAProcessThatIsGone_MakesItsRunsClaimableAtOnce()
    {
        await EnqueueAsync(Instance("i1"), Instance("i2"));
        var stale = (await ClaimAsync("i1")).Lease;

        (await Database.FreeLeasesAsync(default)).Should().Be(1);

        (await ClaimAsync("i1")).Lease.Token.Should().Be(2);
        await FluentActions.Awaiting(() => Runs.CommitAsync(Commit("i1", stale), default)).Should().ThrowAsync<LeaseLostException>();
    }

    [SkippableFact]
    public async Task FreeLeases_OfARunThatManyProcessesEndedWith_LeavesItToItsLease()
    {
        await EnqueueAsync(Instance("i1"));
        for (var start = 1; start < 4; start++)
        {
            await ClaimAsync("i1");
            (await Database.FreeLeasesAsync(default)).Should().Be(1, $"start {start} suspects nobody yet");
        }

        await ClaimAsync("i1");

        (await Database.FreeLeasesAsync(default)).Should().Be(0);
    }

    [SkippableFact]
    public async Task Renew_OfSeveral_TellsThoseThatAreLost()
    {
        await EnqueueAsync(Instance("i1"), Instance("i2"));
        var first = (await ClaimAsync("i1", Expired)).Lease;
        await ClaimAsync("i1");
        var second = (await ClaimAsync("i2")).Lease;

        (await Runs.RenewAsync([("i1", first), ("i2", second)], LeaseTime, default)).Should().Equal("i1");
    }

    [SkippableFact]
    public async Task Claim_WithoutIds_TakesUpToTheLimit()
    {
        await EnqueueAsync(Instance("i1"), Instance("i2"), Instance("i3"));

        (await Runs.ClaimAsync(null, "node-1", LeaseTime, 2, default)).Should().HaveCount(2);
        (await Runs.ClaimAsync(null, "node-1", LeaseTime, 2, default)).Should().HaveCount(1);
    }

    [SkippableFact]
    public async Task Commit_WithAStaleToken_WritesNothing()
    {
        await EnqueueAsync(Instance("i1"));
        var stale = await ClaimAsync("i1", Expired);
        var current = await ClaimAsync("i1");
        var commit = Commit("i1", stale.Lease, new RunChanges { Journal = [Journal(1)], BookmarksAdded = [Bookmark("b1")], Subjects = ["x"] }) with
        {
            Incidents = [Incident("inc", "i1")],
            Children = [Instance("child")],
            Intent = Intent("k", "i1"),
        };

        await FluentActions.Awaiting(() => Runs.CommitAsync(commit, default)).Should().ThrowAsync<LeaseLostException>();

        (await Runs.ReadJournalAsync("i1", default)).Should().BeEmpty();
        (await Runs.ListBookmarksAsync("i1", default)).Should().BeEmpty();
        (await Runs.FindAsync("child", default)).Should().BeNull();
        (await Incidents.FindAsync("inc", default)).Should().BeNull();
        (await Effects.FindAsync("k", default)).Should().BeNull();
        await Runs.CommitAsync(Finish("i1", current.Lease), default);
        (await Runs.FindAsync("i1", default))!.Status.Should().Be(WorkflowStatus.Finished);
    }

    [SkippableFact]
    public async Task Commit_AfterRelease_IsRefused()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Commit("i1", claimed.Lease), default);

        await FluentActions.Awaiting(() => Runs.CommitAsync(Commit("i1", claimed.Lease), default)).Should().ThrowAsync<LeaseLostException>();
    }

    [SkippableFact]
    public async Task Release_ChangesNothingAndLeavesTheInstanceRunnable()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");

        await Runs.ReleaseAsync("i1", claimed.Lease, default);

        (await Runs.FindAsync("i1", default))!.SubStatus.Should().Be(WorkflowSubStatus.Pending);
        (await Runs.ListRunnableAsync(10, default)).Should().Equal("i1");
        (await ClaimAsync("i1")).Attempts.Should().Be(1);
    }

    [SkippableFact]
    public async Task Renew_TellsWhichLeasesAreLost()
    {
        await EnqueueAsync(Instance("i1"), Instance("i2"));
        var first = await ClaimAsync("i1", Expired);
        var second = await ClaimAsync("i2");
        await ClaimAsync("i1");

        var lost = await Runs.RenewAsync([("i1", first.Lease), ("i2", second.Lease)], LeaseTime, default);

        lost.Should().Equal("i1");
    }
}
