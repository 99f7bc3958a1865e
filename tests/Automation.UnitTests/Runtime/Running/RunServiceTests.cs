using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.Running;

public sealed class RunServiceTests : IDisposable
{
    private readonly TestDatabase database = new();

    public void Dispose() => database.Dispose();

    [Fact]
    public async Task Execute_ShortFlow_IsStoredWhenItReturns()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"), Activity("Test.Note"));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", CorrelationId = "c-1", StartedBy = "manual" }, CancellationToken.None);

        var instance = await node.FindAsync(run.InstanceId);
        instance.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        instance.CorrelationId.Should().Be("c-1");
        instance.StartedBy.Should().Be("manual");
        (await node.Store.ReadJournalAsync(run.InstanceId, CancellationToken.None)).Count(line => line.EventName == "Completed" && line.ActivityType == "Test.Note").Should().Be(2);
        (await node.Store.ListRunnableAsync(10, CancellationToken.None)).Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_NoPublishedVersion_SaysSo()
    {
        var node = await database.StartNodeAsync();

        var execute = () => node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "nothing" }, CancellationToken.None);

        (await execute.Should().ThrowAsync<KeyNotFoundException>()).WithMessage("*'nothing'*Published*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Execute_OneActivityOnly_WaitsAndEndsWithoutWhatFollows(bool isDispatched)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"), Activity("Test.Wait", ("event", "paid")), Activity("Test.Note"));
        var start = new StartRequest { DefinitionId = "flow", OnlyNodeId = "Workflow1:root:a2" };

        var id = isDispatched ? await node.Runs.DispatchAsync(start, CancellationToken.None) : (await node.Runs.ExecuteAsync(start, CancellationToken.None)).InstanceId;
        await node.WorkAsync(id);
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        await PublishAsync(node, "paid");

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.Store.ReadJournalAsync(id, CancellationToken.None)).Should().OnlyContain(line => line.ActivityId == "a2");
    }

    [Fact]
    public async Task Execute_VersionGivenById_IsTheOneThatRuns()
    {
        var node = await database.StartNodeAsync();
        var versionId = await node.PublishAsync("flow", Activity("Test.Note"));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", VersionId = versionId }, CancellationToken.None);

        var instance = await node.FindAsync(run.InstanceId);
        instance.VersionId.Should().Be(versionId);
        instance.DefinitionId.Should().Be("flow");
        instance.DefinitionName.Should().Be("flow");
        var missing = () => node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", VersionId = "gone" }, CancellationToken.None);
        await missing.Should().ThrowAsync<KeyNotFoundException>().WithMessage("*gone*");
    }

    [Fact]
    public async Task Execute_IdIsTaken_StartsNothing()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts"));
        var request = new StartRequest { DefinitionId = "flow", InstanceId = "mine" };
        await node.Runs.ExecuteAsync(request, CancellationToken.None);

        var again = () => node.Runs.ExecuteAsync(request, CancellationToken.None);

        await again.Should().ThrowAsync<InstanceExistsException>();
        database.Outside.Arrived.Should().ContainSingle();
    }

    [Fact]
    public async Task Resume_FreeInstance_RunsOnTheCallersThread()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "go")), Activity("Test.Note"));
        var waiting = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        waiting.SubStatus.Should().Be(WorkflowSubStatus.Suspended);

        var run = await node.Runs.ResumeAsync(waiting.Bookmarks.Single().Id, new JObject(), null, CancellationToken.None);

        run!.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        var again = () => node.Runs.ResumeAsync(waiting.Bookmarks.Single().Id, null, null, CancellationToken.None);
        await again.Should().ThrowAsync<KeyNotFoundException>();
    }

    [Fact]
    public async Task PublishEvent_Filters_AreExact()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "paid")));
        var one = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", CorrelationId = "c-1" }, CancellationToken.None);
        var two = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", CorrelationId = "c-2" }, CancellationToken.None);
        var none = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        (await PublishAsync(node, "paid", correlationId: "c")).Should().BeEmpty();
        (await PublishAsync(node, "Paid")).Should().BeEmpty();
        (await PublishAsync(node, "paid", correlationId: "c-2")).Should().Equal(two.InstanceId);
        (await PublishAsync(node, "paid", instanceId: none.InstanceId)).Should().Equal(none.InstanceId);
        (await PublishAsync(node, "paid", activityInstanceId: one.Bookmarks.Single().ActivityInstanceId)).Should().Equal(one.InstanceId);
        foreach (var run in new[] { one, two, none })
        {
            (await node.FindAsync(run.InstanceId)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PublishEvent_BeforeTheRunWaits_ResumesItOnce(bool byARun)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("asks", Activity("Test.Publish", ("event", "paid")));
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "paid")), Activity("Test.Note"));
        if (byARun)
        {
            await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "asks" }, CancellationToken.None);
        }
        else
        {
            (await PublishAsync(node, "paid")).Should().BeEmpty();
        }

        await using var held = await node.StartAsync<HeldEvents>();
        var first = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        await node.UntilAsync(first.InstanceId, _ => node.Store.ListRunnableAsync(1, CancellationToken.None).Result.Count == 1);
        await node.WorkAsync(first.InstanceId);
        var second = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);
        await node.Get<HeldEvents>().SweepAsync(CancellationToken.None);

        (await node.FindAsync(first.InstanceId)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.FindAsync(second.InstanceId)).SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        (await node.Store.ListRunnableAsync(1, CancellationToken.None)).Should().BeEmpty();
    }

    [Fact]
    public async Task PublishEvent_ThatStartsARun_IsNotKept()
    {
        var node = await database.StartNodeAsync();
        var trigger = new TriggerRecord { Id = "t1", DefinitionId = "flow", VersionId = "flow-v1", ActivityId = "a1", ActivityType = "Test.Wait", Kind = "event", Hash = Bookmark.HashOf("Elsa.Event", "paid"), CreatedAt = DateTimeOffset.UnixEpoch };
        await node.PublishAsync("flow", [trigger], Activity("Test.Wait", ("event", "paid")), Activity("Test.Wait", ("event", "paid")));

        var id = (await PublishAsync(node, "paid")).Single();
        await node.Get<HeldEvents>().SweepAsync(CancellationToken.None);

        (await node.Store.ListRunnableAsync(1, CancellationToken.None)).Should().BeEmpty();
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Suspended, "what began the run is not what it waits for");
    }

    [Fact]
    public async Task PublishEvent_ListeningTrigger_StartsOneRunWithItsPayload()
    {
        var node = await database.StartNodeAsync();
        var trigger = new TriggerRecord
        {
            Id = "t1",
            DefinitionId = "flow",
            VersionId = "flow-v1",
            ActivityId = "a1",
            ActivityType = "Test.Wait",
            Kind = "event",
            Hash = Bookmark.HashOf("Elsa.Event", "paid"),
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        await node.PublishAsync("flow", [trigger], Activity("Test.Wait", ("event", "paid")), Activity("Test.Note"));

        var ids = await PublishAsync(node, "paid", correlationId: "order-7");

        var instance = await node.FindAsync(ids.Should().ContainSingle().Subject);
        instance.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        instance.TriggerId.Should().Be("t1");
        instance.CorrelationId.Should().Be("order-7");
        instance.StartedBy.Should().Be("event");
    }

    [Fact]
    public async Task PublishEvent_TwoAtOnceToAnInstanceThatWaitsForBoth_NoneIsStuck()
    {
        var node = await database.StartNodeAsync();
        await node.PublishRootAsync("flow", [], new JObject
        {
            ["type"] = "Elsa.Parallel",
            ["id"] = "root",
            ["activities"] = new JArray(WithId("a1", Activity("Test.Wait", ("event", "left"))), WithId("a2", Activity("Test.Wait", ("event", "right")))),
        });
        var ids = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            ids.Add((await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None)).InstanceId);
        }

        await Task.WhenAll(ids.SelectMany(id => new[] { PublishAsync(node, "left", instanceId: id), PublishAsync(node, "right", instanceId: id) }));
        await node.Get<Runner>().SweepAsync(CancellationToken.None);
        await node.WorkAsync(await node.Store.ListRunnableAsync(100, CancellationToken.None));

        foreach (var id in ids)
        {
            (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        }
    }

    [Fact]
    public async Task Cancel_PendingRun_NeverStarts()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"));
        var id = await node.DispatchAsync("flow");

        (await node.Runs.CancelAsync(id, CancellationToken.None)).Should().BeTrue();

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
        database.Outside.Executions("a1").Should().Be(0);
        (await node.Runs.CancelAsync(id, CancellationToken.None)).Should().BeFalse();
    }

    [Fact]
    public async Task Cancel_SuspendedRun_LosesItsBookmarks()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "go")));
        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        (await node.Runs.CancelAsync(run.InstanceId, CancellationToken.None)).Should().BeTrue();

        (await node.FindAsync(run.InstanceId)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
        (await node.Store.ListBookmarksAsync(run.InstanceId, CancellationToken.None)).Should().BeEmpty();
        (await PublishAsync(node, "go")).Should().BeEmpty();
    }

    [Fact]
    public async Task Cancel_BurstInProgress_EndsTheWriteInFlightAndNothingMore()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts", EffectClass.Unsafe), Activity("Test.Note"));
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        database.Outside.OnSend = async (request, token) =>
        {
            sending.SetResult();
            await answer.Task.WaitAsync(token);
            return database.Outside.Take(request);
        };
        var id = await node.DispatchAsync("flow");
        var work = node.WorkAsync(id);
        await Soon(sending.Task);

        var cancel = node.Runs.CancelAsync(id, CancellationToken.None);
        await node.UntilAsync(id, _ => node.Get<LeaseKeeper>().Find(id)!.Interruption == Interruption.Cancelled);
        answer.SetResult();
        (await cancel).Should().BeTrue();
        await Soon(work);

        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Cancelled);
        (await node.EffectsAsync(id)).Single().Status.Should().Be("done");
        database.Outside.Executions("a2").Should().Be(0);
    }

    [Fact]
    public async Task Replay_FromTheFailedActivity_KeepsWhatRanBefore()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Note"), Activity("Test.Fault"), Activity("Test.Note"));
        var id = await node.DispatchAsync("flow");
        await node.WorkAsync(id);
        (await node.IncidentsAsync(id)).Single().Code.Should().Be("test-fault");

        var replay = await node.Runs.ReplayAsync(id, fromFailed: true, CancellationToken.None);
        await node.WorkAsync(replay);

        (await node.FindAsync(replay)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        database.Outside.Executions("a1").Should().Be(1);
        database.Outside.Executions("a2").Should().Be(2);
        database.Outside.Executions("a3").Should().Be(1);
    }

    [Fact]
    public async Task Replay_RunThatDidNotFault_IsRefusedFromTheFailedActivity()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Test.Wait", ("event", "go")));
        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        var early = () => node.Runs.ReplayAsync(run.InstanceId, true, CancellationToken.None);
        await early.Should().ThrowAsync<InvalidOperationException>().WithMessage("*not finished*");
        await PublishAsync(node, "go");
        await early.Should().ThrowAsync<InvalidOperationException>().WithMessage("*did not fault*");
    }

    private static JObject WithId(string id, JObject activity)
    {
        activity["id"] = id;
        return activity;
    }

    private static Task<IReadOnlyList<string>> PublishAsync(TestNode node, string name, string? correlationId = null, string? instanceId = null, string? activityInstanceId = null) =>
        node.Runs.PublishEventAsync(name, correlationId, instanceId, activityInstanceId, new JObject { ["amount"] = 7 }, synchronously: true, CancellationToken.None);
}
