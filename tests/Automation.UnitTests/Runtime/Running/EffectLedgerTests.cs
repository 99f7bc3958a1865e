using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.Running;

/// <summary>A write to the outside is never silently repeated: crashes at every line between intent and commit.</summary>
public sealed class EffectLedgerTests : IDisposable
{
    private readonly TestDatabase database = new();
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource never = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Outside Outside => database.Outside;

    public void Dispose() => database.Dispose();

    [Fact]
    public async Task Send_FirstTime_StateAndIntentAreStoredBeforeItLeaves()
    {
        var node = await database.StartNodeAsync();
        EffectRecord? seen = null;
        byte[]? state = null;
        var id = "";
        Outside.OnSend = async (request, _) =>
        {
            id = (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Single().Id;
            seen = (await node.EffectsAsync(id)).Single();
            state = await node.Store.GetStateAsync(id, CancellationToken.None);
            return Outside.Take(request);
        };
        await node.PublishAsync("flow", Sending("contacts"));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        run.InstanceId.Should().Be(id);
        seen!.Status.Should().Be("intent");
        seen.Request.Url.Should().Be("https://outside.test/contacts/1");
        state.Should().NotBeEmpty();
        (await node.EffectsAsync(id)).Single().Status.Should().Be("done");
    }

    [Fact]
    public async Task Send_BodyHoldsASecret_IsEncryptedWhereItIsRecordedAndSentAsItIs()
    {
        var node = await database.StartNodeAsync();
        JToken? sent = null;
        Outside.OnSend = (request, _) =>
        {
            sent = request.Body;
            return Task.FromResult(Outside.Take(request));
        };
        await node.PublishAsync("flow", Sending("secret"));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        ((string?)sent!["password"]).Should().Be("hunter2");
        (await node.EffectsAsync(run.InstanceId)).Single().Request.Body!.ToString().Should().NotContain("hunter2").And.NotContain("password");
    }

    [Fact]
    public async Task Crash_BetweenIntentAndSend_SafeWriteIsSentOnceAsRecorded()
    {
        var (id, node) = await CrashAsync(EffectClass.Safe, arrives: false);

        await node.WorkAsync(id);

        // Executed twice, but what was recorded by the first is what is sent.
        Outside.Executions("a1").Should().Be(2);
        Outside.Arrived.Should().Equal("https://outside.test/contacts/1");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.EffectsAsync(id)).Single().Attempts.Should().Be(2);
    }

    [Fact]
    public async Task Crash_BetweenSendAndOutcome_SafeWriteIsRepeatedAsRecorded()
    {
        var (id, node) = await CrashAsync(EffectClass.Safe, arrives: true);

        await node.WorkAsync(id);

        Outside.Arrived.Should().Equal("https://outside.test/contacts/1", "https://outside.test/contacts/1");
        (await node.EffectsAsync(id)).Single().Status.Should().Be("done");
    }

    [Fact]
    public async Task Crash_BetweenSendAndOutcome_ProbeThatFindsItTakesItsAnswer()
    {
        var (id, node) = await CrashAsync(EffectClass.Probe, arrives: true);

        await node.WorkAsync(id);

        Outside.Arrived.Should().ContainSingle();
        var effect = (await node.EffectsAsync(id)).Single();
        effect.Status.Should().Be("done");
        ((string?)effect.Response!.Body).Should().Be("probed");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Crash_BetweenIntentAndSend_ProbeThatFindsNothingSendsIt()
    {
        var (id, node) = await CrashAsync(EffectClass.Probe, arrives: false);

        await node.WorkAsync(id);

        Outside.Arrived.Should().Equal("https://outside.test/contacts/1");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(409)]
    [InlineData(422)]
    public async Task Crash_ListThatLags_RefusedRepeatIsTheFirstOnesSuccess(int status)
    {
        var (id, node) = await CrashAsync(EffectClass.Probe, arrives: true);
        var found = Outside.OnProbe;
        var probes = 0;
        Outside.OnProbe = request => probes++ == 0 ? Task.FromResult<ConnectorResponse?>(null) : found(request);
        Outside.OnSend = (_, _) => throw new ConnectorException("This location does not allow duplicated contacts.") { Code = "invalid-input", Status = status };

        await node.WorkAsync(id);

        Outside.Arrived.Should().ContainSingle();
        var effect = (await node.EffectsAsync(id)).Single();
        (effect.Status, (string?)effect.Response!.Body).Should().Be(("done", "probed"));
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Crash_RepeatRefusedForItself_IsFailed()
    {
        var (id, node) = await CrashAsync(EffectClass.Probe, arrives: false);
        Outside.OnSend = (_, _) => throw new ConnectorException("The name is too long.") { Code = "invalid-input", Status = 422 };

        await node.WorkAsync(id);

        (await node.EffectsAsync(id)).Single().Status.Should().Be("failed");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);
    }

    [Fact]
    public async Task Crash_BetweenSendAndOutcome_RepeatedDeleteThatFindsNothingIsDone()
    {
        var (id, node) = await CrashAsync(EffectClass.Safe, arrives: true, method: "DELETE");
        Outside.OnSend = (_, _) => throw new ConnectorException("There is no such contact.") { Code = "not-found", Status = 404 };

        await node.WorkAsync(id);

        (await node.EffectsAsync(id)).Single().Status.Should().Be("done");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Crash_BetweenSendAndOutcome_UnsafeWriteBecomesOneIncident()
    {
        var (id, node) = await CrashAsync(EffectClass.Unsafe, arrives: true);

        await node.WorkAsync(id);

        Outside.Arrived.Should().ContainSingle();
        (await node.EffectsAsync(id)).Single().Status.Should().Be("unknown");
        var instance = await node.FindAsync(id);
        instance.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        instance.IncidentCount.Should().Be(1);
        instance.Error.Should().Contain("unknown");
        var incident = (await node.IncidentsAsync()).Should().ContainSingle().Subject;
        incident.Kind.Should().Be("effect");
        incident.Code.Should().Be("outcome-unknown");
        incident.EffectKey.Should().Be((await node.EffectsAsync(id)).Single().Key);
        incident.Action.Should().Contain("notHappened");
    }

    [Fact]
    public async Task Crash_BetweenOutcomeAndCommit_RecordedAnswerIsUsed()
    {
        var first = await database.StartNodeAsync();
        await first.PublishAsync("flow", Sending("contacts", EffectClass.Unsafe), Activity("Test.Note"));
        Outside.OnNote = Hang;
        var id = await first.DispatchAsync("flow");
        _ = first.WorkAsync(id);
        await Soon(reached.Task);
        Outside.OnNote = _ => Task.CompletedTask;
        var second = await TakeOverAsync();

        await second.WorkAsync(id);

        Outside.Executions("a1").Should().Be(2);
        Outside.Arrived.Should().ContainSingle();
        (await second.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await second.Store.ReadJournalAsync(id, CancellationToken.None)).Count(line => line.EventName == "Answered").Should().Be(1);
    }

    [Fact]
    public async Task Lease_PassesItsDeadline_CallIsCutOffAndNothingIsRecorded()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Sending("contacts"));
        Outside.OnSend = async (_, token) =>
        {
            reached.TrySetResult();
            await never.Task.WaitAsync(token);
            throw new InvalidOperationException("Not reached.");
        };
        var id = await node.DispatchAsync("flow");
        var work = node.WorkAsync(id);
        await Soon(reached.Task);

        clock.Advance(TimeSpan.FromSeconds(15));
        await Soon(work);

        (await node.EffectsAsync(id)).Single().Status.Should().Be("intent");
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Executing);
        (await node.IncidentsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Fencing_StaleOwnerComesBack_CommitsNothing()
    {
        var first = await database.StartNodeAsync();
        await first.PublishAsync("flow", Activity("Test.Note"), Sending("contacts"));
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Outside.OnNote = async _ =>
        {
            reached.TrySetResult();
            await goOn.Task;
        };
        var id = await first.DispatchAsync("flow");
        var stale = first.WorkAsync(id);
        await Soon(reached.Task);
        Outside.OnNote = _ => Task.CompletedTask;
        var second = await TakeOverAsync();
        await second.WorkAsync(id);

        goOn.SetResult();
        await Soon(stale);

        Outside.Arrived.Should().ContainSingle();
        (await second.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await second.Store.ReadJournalAsync(id, CancellationToken.None)).Count(line => line.EventName == "Completed" && line.ActivityId == "a2").Should().Be(1);
    }

    [Fact]
    public async Task Send_RefusedWith422_IsFailedAndSentAgainByAReplayOnly()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts", EffectClass.Unsafe));
        Outside.OnSend = (_, _) => throw new ConnectorException("The name is too long.") { Code = "invalid-input", Status = 422 };
        var id = await node.DispatchAsync("flow");
        await node.WorkAsync(id);
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        var effect = (await node.EffectsAsync(id)).Single();
        effect.Status.Should().Be("failed");
        effect.Error.Should().Be("invalid-input: The name is too long.");

        Outside.OnSend = (request, _) => Task.FromResult(Outside.Take(request));
        var replay = await node.Runs.ReplayAsync(id, fromFailed: true, CancellationToken.None);
        await node.WorkAsync(replay);

        (await node.FindAsync(replay)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        Outside.Arrived.Should().ContainSingle();
    }

    [Theory]
    [InlineData("happened", 1)]
    [InlineData("notHappened", 2)]
    public async Task Send_NoAnswerToAnUnsafeWrite_PersonSettlesIt(string resolution, int arrivals)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts", EffectClass.Unsafe), Activity("Test.Note"));
        Outside.OnSend = (request, _) =>
        {
            Outside.Take(request);
            throw new ConnectorException("No answer within 30 s.") { Code = "timeout", MayHaveHappened = true, IsTransient = true };
        };
        var id = await node.DispatchAsync("flow");
        await node.WorkAsync(id);
        var incident = (await node.IncidentsAsync()).Should().ContainSingle().Subject;
        Outside.OnSend = (request, _) => Task.FromResult(Outside.Take(request));

        (await node.Runs.ResolveIncidentAsync(incident.Id, resolution, CancellationToken.None)).Should().BeTrue();
        var replay = (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Single(run => run.Id != id);
        await node.WorkAsync(replay.Id);

        (await node.FindAsync(replay.Id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        Outside.Arrived.Should().HaveCount(arrivals);
        Outside.Executions("a2").Should().Be(1);
        (await node.IncidentsAsync()).Single().Resolution.Should().Be(resolution);

        // Settled once: the second click starts nothing.
        await node.Runs.ResolveIncidentAsync(incident.Id, resolution, CancellationToken.None);
        (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Total.Should().Be(2);
    }

    [Fact]
    public async Task Send_SafeWriteFailsForGood_IsFailedNotUnknown()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts"));
        Outside.OnSend = (_, _) => throw new ConnectorException("Down.") { Code = "provider-error", Status = 503, MayHaveHappened = true, IsTransient = true };

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None);

        (await node.EffectsAsync(run.InstanceId)).Single().Status.Should().Be("failed");
        (await node.IncidentsAsync()).Single().Code.Should().Be("provider-error");
    }

    [Fact]
    public async Task Replay_FromTheStart_RepeatsNoEffect()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("one", EffectClass.Unsafe), Sending("two"), Activity("Test.Fault"));
        var id = await node.DispatchAsync("flow");
        await node.WorkAsync(id);
        (await node.FindAsync(id)).SubStatus.Should().Be(WorkflowSubStatus.Faulted);

        var replay = await node.Runs.ReplayAsync(id, fromFailed: false, CancellationToken.None);
        await node.WorkAsync(replay);

        (await node.FindAsync(replay)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        Outside.Executions("a1").Should().Be(2);
        Outside.Arrived.Should().Equal("https://outside.test/one/1", "https://outside.test/two/1");
        var again = await node.FindAsync(replay);
        again.Lineage.Should().Be(id);
        again.StartedBy.Should().Be("replay");
    }

    [Fact]
    public async Task DryRun_Write_IsShownAndNotSent()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Sending("contacts", EffectClass.Unsafe));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", IsDryRun = true }, CancellationToken.None);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        Outside.Arrived.Should().BeEmpty();
        (await node.EffectsAsync(run.InstanceId)).Should().BeEmpty();
        var shown = (await node.Store.ReadJournalAsync(run.InstanceId, CancellationToken.None)).Single(line => line.EventName == "DryRun");
        ((string?)shown.State!["request"]!["url"]).Should().Be("https://outside.test/contacts/1");
    }

    /// <summary>A node dies while its write is under way; another takes the run over.</summary>
    private async Task<(string InstanceId, TestNode Second)> CrashAsync(EffectClass effectClass, bool arrives, string method = "POST")
    {
        var first = await database.StartNodeAsync();
        await first.PublishAsync("flow", Sending("contacts", effectClass, method));
        Outside.OnSend = async (request, token) =>
        {
            if (arrives)
            {
                Outside.Take(request);
            }

            await Hang(token);
            return new ConnectorResponse { Status = 200 };
        };
        var id = await first.DispatchAsync("flow");
        _ = first.WorkAsync(id);
        await Soon(reached.Task);
        Outside.OnSend = (request, _) => Task.FromResult(Outside.Take(request));
        return (id, await TakeOverAsync());
    }

    private async Task<TestNode> TakeOverAsync()
    {
        database.ExpireLeases();
        return await database.StartNodeAsync();
    }

    private Task Hang(CancellationToken cancellationToken)
    {
        reached.TrySetResult();
        return never.Task;
    }
}
