using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.Extensions.Hosting;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.Running;

public sealed class RunnerTests : IDisposable
{
    private readonly TestDatabase database = new();

    public void Dispose() => database.Dispose();

    [Fact]
    public async Task Dispatch_RunnerStarted_RunsWithoutAFurtherRing()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        await using var started = await node.StartAsync<Runner>();

        var id = await node.DispatchAsync("flow");

        await node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Sweep_NobodyRang_FindsTheRun()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        await node.DispatchAsync("flow");
        var other = await database.StartNodeAsync();
        await using var started = await other.StartAsync<Runner>();

        // A runner looks for any work when it starts; nobody rang on this node.
        var id = (await other.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Single().Id;
        await other.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished);
        other.Doorbell.Runs.Should().BeEmpty();
    }

    [Fact]
    public async Task Resume_ThousandAtOnce_NoneIsStuck()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "go")), Activity("Test.Note"));
        await using var started = await node.StartAsync<Runner>();
        var ids = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(_ => node.DispatchAsync("flow")));
        await Task.WhenAll(ids.Select(id => node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Suspended)));

        var resumed = await node.Runs.PublishEventAsync("go", null, null, null, null, synchronously: false, CancellationToken.None);

        resumed.Should().HaveCount(1_000);
        await Task.WhenAll(ids.Select(id => node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished)));
        database.Outside.Executions("a2").Should().Be(1_000);
    }

    [Fact]
    public async Task Child_Ends_ResumesItsParent()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("child", Activity("Test.Note"));
        await node.PublishAsync("parent", Activity("Test.Call", ("definition", "child")));
        await using var started = await node.StartAsync<Runner>();

        var id = await node.DispatchAsync("parent");

        await node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished);
        (await node.Store.ReadJournalAsync(id, CancellationToken.None)).Single(line => line.EventName == "ChildEnded").Message.Should().Be("Finished");
        var child = (await node.Store.ListAsync(new RunFilter { ParentInstanceId = id }, CancellationToken.None)).Items.Single();
        child.DefinitionId.Should().Be("child");
        child.StartedBy.Should().Be("child");
    }

    [Fact]
    public async Task Child_NotPublished_ParentGoesOnWithAnIncident()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("parent", Activity("Test.Call", ("definition", "nowhere")));
        await using var started = await node.StartAsync<Runner>();

        var id = await node.DispatchAsync("parent");

        await node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Finished);
        (await node.Store.ReadJournalAsync(id, CancellationToken.None)).Single(line => line.EventName == "ChildEnded").Message.Should().Be("Faulted");
        (await node.IncidentsAsync(id)).Single().Message.Should().Contain("'nowhere'");
    }

    [Fact]
    public async Task Cancel_ParentThatWaits_CancelsItsChild()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("child", Activity("Test.Wait", ("event", "never")));
        await node.PublishAsync("parent", Activity("Test.Call", ("definition", "child")));
        await using var started = await node.StartAsync<Runner>();
        var id = await node.DispatchAsync("parent");
        await node.UntilAsync(id, run => run.SubStatus == WorkflowSubStatus.Suspended);
        var child = (await node.Store.ListAsync(new RunFilter { ParentInstanceId = id }, CancellationToken.None)).Items.Single();
        await node.UntilAsync(child.Id, run => run.SubStatus == WorkflowSubStatus.Suspended);

        (await node.Runs.CancelAsync(id, CancellationToken.None)).Should().BeTrue();

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
        (await node.FindAsync(child.Id)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
    }

    [Fact]
    public async Task PublishedEvent_OfARun_ResumesAnother()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("waits", Activity("Test.Wait", ("event", "done")));
        await node.PublishAsync("tells", Activity("Test.Publish", ("event", "done")));
        await using var started = await node.StartAsync<Runner>();
        var waiting = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "waits" }, CancellationToken.None);

        await node.DispatchAsync("tells");

        await node.UntilAsync(waiting.InstanceId, run => run.SubStatus == WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Run_TriedTooOften_IsGivenUpWithAnIncident()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        var id = await node.DispatchAsync("flow");
        for (var i = 0; i < Runner.MostAttempts; i++)
        {
            // Claimed, and never heard of again: the process ended in the middle.
            (await node.Store.ClaimAsync([id], "dead", TimeSpan.FromSeconds(15), 1, CancellationToken.None)).Should().ContainSingle();
            database.ExpireLeases();
        }

        await node.WorkAsync(id);

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        (await node.IncidentsAsync(id)).Single().Code.Should().Be("given-up");
        database.Outside.Executions("a1").Should().Be(0);

        // Nothing of it had run: a replay starts it anew.
        var replay = await node.Runs.ReplayAsync(id, fromFailed: true, CancellationToken.None);
        await node.WorkAsync(replay);
        (await node.FindAsync(replay)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Run_VersionIsGone_IsLeftAloneWithOneIncident()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        var id = await node.DispatchAsync("flow");
        await node.Get<IDefinitionStore>().DeleteAsync("flow", CancellationToken.None);

        await node.WorkAsync(id);
        await node.WorkAsync(id);

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Pending);
        (await node.IncidentsAsync(id)).Single().Code.Should().Be("definition-missing");

        (await node.Runs.CancelAsync(id, CancellationToken.None)).Should().BeTrue();
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
    }

    [Fact]
    public async Task Run_StateOfANewerFormat_IsNotTouched()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "go")));
        var id = await node.DispatchAsync("flow");
        var claimed = (await node.Store.ClaimAsync([id], "newer", TimeSpan.FromSeconds(15), 1, CancellationToken.None)).Single();
        byte[] newer = [100, 1, 2, 3];
        await node.Store.CommitAsync(
            new RunCommit
            {
                InstanceId = id,
                Lease = claimed.Lease,
                Status = WorkflowStatus.Running,
                SubStatus = WorkflowSubStatus.Executing,
                State = newer,
                Changes = new RunChanges(),
                Release = false,
                At = DateTimeOffset.UnixEpoch,
            },
            CancellationToken.None);
        database.ExpireLeases();

        await node.WorkAsync(id);

        (await node.Store.GetStateAsync(id, CancellationToken.None)).Should().Equal(newer);
        var incident = (await node.IncidentsAsync(id)).Single();
        incident.Code.Should().Be("state-format");
        incident.Message.Should().Contain("newer version");
        (await node.Store.ListRunnableAsync(10, CancellationToken.None)).Should().Equal(id);
    }

    [Fact]
    public async Task Run_StateIsDamaged_IsGivenUp()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        var id = await node.DispatchAsync("flow");
        var claimed = (await node.Store.ClaimAsync([id], "broken", TimeSpan.FromSeconds(15), 1, CancellationToken.None)).Single();
        await node.Store.CommitAsync(
            new RunCommit { InstanceId = id, Lease = claimed.Lease, Status = WorkflowStatus.Running, SubStatus = WorkflowSubStatus.Executing, State = [1, 0, 0], Changes = new RunChanges(), Release = false, At = DateTimeOffset.UnixEpoch },
            CancellationToken.None);
        database.ExpireLeases();

        await node.WorkAsync(id);

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        (await node.IncidentsAsync(id)).Single().Code.Should().Be("state-unreadable");
    }

    [Fact]
    public async Task Stop_BurstInProgress_IsWaitedForAndThenFreed()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"), Activity("Test.Note"));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        database.Outside.OnNote = async token =>
        {
            reached.TrySetResult();
            await new TaskCompletionSource().Task.WaitAsync(token);
        };
        var runner = await node.StartAsync<Runner>();
        var id = await node.DispatchAsync("flow");
        await Soon(reached.Task);

        using var stopNow = new CancellationTokenSource();
        var stop = ((IHostedService)node.Get<Runner>()).StopAsync(stopNow.Token);
        await stopNow.CancelAsync();
        await Soon(stop);
        await node.UntilAsync(id, _ => node.Store.ListRunnableAsync(10, CancellationToken.None).Result.Count == 1);

        // Another node takes it at once, without waiting for a lease to run out.
        database.Outside.OnNote = _ => Task.CompletedTask;
        var other = await database.StartNodeAsync();
        await other.WorkAsync(id);
        (await other.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        await runner.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stop_CallerWaitsForItsRun_IsToldWhetherItGoesOn(bool hasCheckpoint)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", hasCheckpoint ? Sending("https://api.test/a") : Activity("Test.Note"), Activity("Test.Note"));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        database.Outside.OnNote = async token =>
        {
            reached.TrySetResult();
            await new TaskCompletionSource().Task.WaitAsync(token);
        };
        var runner = await node.StartAsync<Runner>();
        var call = node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        await Soon(reached.Task);

        using var stopNow = new CancellationTokenSource();
        var stop = ((IHostedService)node.Get<Runner>()).StopAsync(stopNow.Token);
        await stopNow.CancelAsync();
        await Soon(stop);

        (await FluentActions.Awaiting(() => Soon(call)).Should().ThrowAsync<ServerStoppingException>()).Which.IsStored.Should().Be(hasCheckpoint);
        (await node.Store.ListRunnableAsync(10, CancellationToken.None)).Should().HaveCount(hasCheckpoint ? 1 : 0, "what is not stored may be asked for again, what is stored goes on");
        await runner.DisposeAsync();
    }

    [Fact]
    public async Task Renewal_LeaseTakenByAnother_StopsTheBurst()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"), Activity("Test.Note"));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        database.Outside.OnNote = async token =>
        {
            reached.TrySetResult();
            await new TaskCompletionSource().Task.WaitAsync(token);
        };
        var id = await node.DispatchAsync("flow");
        var work = node.WorkAsync(id);
        await Soon(reached.Task);
        database.ExpireLeases();
        await node.Store.ClaimAsync([id], "another", TimeSpan.FromSeconds(15), 1, CancellationToken.None);

        await node.Get<LeaseKeeper>().RenewAsync(CancellationToken.None);
        await Soon(work);

        database.Outside.Executions("a2").Should().Be(0);
        (await node.FindAsync(id)).SubStatus.Should().NotBe(WorkflowSubStatus.Finished);
    }
}
