using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class RunLoopTests
{
    private readonly EngineHarness harness = new();

    [Fact]
    public async Task Fault_DefaultStrategy_DoesWhatIsQueuedAndFaultsTheRun()
    {
        var run = await RunAsync(Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.WaitFor("ev"), Def.Fail("f", "No stock"), Def.Say("queued"))));

        Said.Should().Equal("queued");
        (run.Status, run.SubStatus).Should().Be((WorkflowStatus.Finished, WorkflowSubStatus.Faulted));
        run.Bookmarks.Should().BeEmpty();
        var incident = run.Incidents.Should().ContainSingle().Subject;
        (incident.ActivityId, incident.NodeId, incident.ActivityType).Should().Be(("f", "Workflow1:s:p:f", "Test.Fail"));
        incident.Fault.Should().Match<Fault>(f => f.Message == "No stock" && f.Code == "exception" && f.ExceptionType == "System.InvalidOperationException");
        harness.Journal.Should().ContainSingle(j => j.EventName == "Faulted").Which.State!["Message"]!.ToString().Should().Be("No stock");
    }

    [Fact]
    public async Task Fault_ContinueWithIncidents_RestGoesOnAndTheRunStaysSuspended()
    {
        var definition = Def.Of(Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.Fail("f"), Def.Say("other"))))
            .With("options", new JObject { ["incidentStrategyType"] = "Elsa.Workflows.IncidentStrategies.ContinueWithIncidentsStrategy, Elsa.Workflows.Core" });
        var run = await harness.RunAsync(definition);

        Said.Should().Equal("other");
        (run.Status, run.SubStatus).Should().Be((WorkflowStatus.Running, WorkflowSubStatus.Suspended));
        run.DescribeState()["activityExecutionContexts"]!.Select(c => ((string)c["status"]!, (int)c["aggregateFaultCount"]!)).Should().Equal(("Running", 1), ("Running", 1), ("Faulted", 1));
    }

    [Fact]
    public async Task Fault_UnknownActivityType_NamesTheTypeAsElsaDoes()
    {
        var plan = harness.Compile(Def.Of(Def.Sequence("s", Def.Activity("Acme.Gone", "g"))));
        plan.Problems.Should().ContainSingle().Which.Should().Match<DefinitionProblem>(p => p.Code == "unknown-activity-type" && p.ActivityId == "g" && p.Severity == ProblemSeverity.Warning);

        var run = await RunAsync(Def.Activity("Acme.Gone", "g"));
        run.Incidents.Should().ContainSingle().Which.Fault.Message.Should().Be("Activity type 'Acme.Gone' version '0' could not be found.");
    }

    [Fact]
    public async Task Input_Fails_FaultsTheActivityWithoutRunningIt()
    {
        var run = await RunAsync(Def.SayJs("w", "nothing.here"));

        Said.Should().BeEmpty();
        var fault = run.Incidents.Single().Fault;
        fault.Message.Should().StartWith("Failed to evaluate activity input 'Text'");
        fault.Property.Should().Be("text");
    }

    [Fact]
    public async Task Input_DoesNotParse_IsAProblemWithItsPlaceAndFaultsWhenRun()
    {
        var definition = Def.Of(Def.Sequence("s", Def.SayJs("w", "1 +\n* 2")));
        var problem = harness.Compile(definition).Problems.Should().ContainSingle().Subject;
        (problem.Code, problem.ActivityId, problem.Property, problem.Line).Should().Be(("expression-syntax", "w", "text", 2));

        var run = await harness.RunAsync(definition);
        run.Incidents.Single().Fault.Code.Should().Be("expression-syntax");
    }

    [Fact]
    public void Input_OfATriggerDoesNotParse_IsRefusedOnPublish()
    {
        var plan = harness.Compile(Def.Of(Def.Sequence("s", Def.Activity("Test.Listen", "t").With("canStartWorkflow", true).With("path", Def.Js("(")))));

        plan.Problems.Should().ContainSingle().Which.Severity.Should().Be(ProblemSeverity.PublishError);
    }

    [Fact]
    public async Task Input_FailsToConvert_FaultsAtThatInput()
    {
        var run = await RunAsync(Def.Activity("Test.Write", "w").With("number", Def.Literal("many")));

        run.Incidents.Single().Fault.Should().Match<Fault>(f => f.Property == "number" && f.Code == "conversion");
    }

    [Fact]
    public async Task Budget_EndlessFlowchart_EndsInAnIncident()
    {
        var limited = new EngineHarness(o => o.RunActivityBudget = 1_000);
        var run = await limited.RunAsync(Def.Of(Def.Flowchart(["a -> b", "b -> a"], Def.Say("a"), Def.Say("b"))));

        (run.Status, run.SubStatus).Should().Be((WorkflowStatus.Finished, WorkflowSubStatus.Faulted));
        run.Incidents.Should().ContainSingle().Which.Fault.Should().Match<Fault>(f => f.Code == "run-budget" && f.Action != null && f.Message.Contains("1,000"));
        limited.Said.Count.Should().BeLessThan(1_001);
    }

    [Fact]
    public async Task Budget_RunningTime_DoesNotCountSuspension()
    {
        var limited = new EngineHarness(o => o.RunTimeBudget = TimeSpan.FromMinutes(10));
        limited.OnAct = (context, _) =>
        {
            limited.Clock.Advance(TimeSpan.FromMinutes(6));
            return ValueTask.FromResult(ActivityResult.Done);
        };
        var run = await limited.RunAsync(Def.Of(Def.Sequence("s", Def.Act("a"), Def.WaitFor("k"), Def.Act("b"), Def.Say("end"))));
        limited.Clock.Advance(TimeSpan.FromDays(3));
        run = limited.Reload(run);
        await limited.ResumeAsync(run, "k");

        run.Incidents.Should().ContainSingle().Which.Should().Match<Incident>(i => i.Fault.Code == "run-budget" && i.ActivityId == "end");
    }

    [Fact]
    public async Task Stimuli_TwoInOneBurst_FinishARunThatWaitsForBoth()
    {
        var run = await RunAsync(Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.WaitFor("a"), Def.WaitFor("b"))), Def.Say("end"));
        await harness.ResumeAsync(harness.Reload(run), "a", "b");

        Said.Should().Equal("end");
    }

    [Fact]
    public async Task Stimulus_BookmarkIsGone_IsSkipped()
    {
        var run = await RunAsync(Def.WaitFor("a"), Def.Say("end"));
        var stimulus = new Stimulus("s", run.Bookmarks.Single().Id, null);
        await harness.BurstAsync(run, stimulus, stimulus with { Id = "again" });
        await harness.BurstAsync(run, stimulus);

        Said.Should().Equal("end");
        harness.Journal.Count(j => j.EventName == "Resumed").Should().Be(1);
    }

    [Fact]
    public async Task Bookmark_Suspended_IsShownAndDrainedOnce()
    {
        var run = harness.Create(Def.Of(Def.WaitFor("a")));
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        var bookmark = run.DrainChanges().BookmarksAdded.Should().ContainSingle().Subject;
        bookmark.Hash.Should().Be(Bookmark.HashOf("Test.WaitFor", "a"));
        (bookmark.NodeId, bookmark.Key).Should().Be(("Workflow1:a", "a"));
        run.DrainChanges().BookmarksAdded.Should().BeEmpty();
        run.DescribeState()["bookmarks"]!.Single()["activityNodeId"]!.ToString().Should().Be("Workflow1:a");
        await harness.Engine.RunAsync(run, [new Stimulus("s", bookmark.Id, "x")], NoServices.Instance, CancellationToken.None);
        run.DrainChanges().BookmarksRemoved.Should().Equal(bookmark.Id);
    }

    [Fact]
    public async Task Journal_OfARun_HasPairsInOrderWithInputsOutputsAndOutcomes()
    {
        await RunAsync(Def.Activity("Test.Write", "wr").With("value", Def.Js("[1,2]")).With("secret", Def.Literal("hidden")), Def.WaitFor("k"));

        harness.Journal.Select(j => $"{j.ActivityId} {j.EventName}").Should().Equal(
            "Workflow1 Started", "s Started", "wr Started", "wr Completed", "k Started", "k Suspended");
        harness.Journal.Select(j => j.Sequence).Should().BeInAscendingOrder();
        var completed = harness.Journal[3];
        completed.State!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("{\"Number\":7,\"Value\":[1,2]}");
        completed.Outputs!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("{\"Result\":[1,2]}");
        completed.Outcomes.Should().Equal("Done");
        harness.Journal[5].State!["Key"]!.ToString().Should().Be("k", "what a run waits for is to be seen while it waits");
        completed.ParentActivityInstanceId.Should().Be(harness.Journal[1].ActivityInstanceId);
        harness.Journal.Should().NotContain(j => j.State != null && j.State.ToString().Contains("hidden"));
    }

    [Fact]
    public async Task Journal_ResumedActivity_CompletesWithTheInputsItHadBefore()
    {
        var run = await RunAsync(Def.WaitFor("k"));
        await harness.ResumeAsync(harness.Reload(run), "k");

        harness.Journal.Single(j => j.ActivityId == "k" && j.EventName == "Completed").State!["Key"]!.ToString().Should().Be("k");
    }

    [Fact]
    public async Task Journal_ValueOverTheLimit_IsCutAndMarked()
    {
        var small = new EngineHarness(o => o.JournalValueLimit = 100);
        await small.RunAsync(Def.Of(Def.Sequence("s", Def.Say("w", new string('x', 101)), Def.Activity("Test.Write", "wr").With("value", Def.Js("Array(100).fill('abc')")))));

        var text = small.Journal.Single(j => j.ActivityId == "w" && j.EventName == "Completed").State!["Text"]!;
        ((bool)text["$cut"]!, (int)text["bytes"]!).Should().Be((true, 101));
        ((bool)small.Journal.Single(j => j.ActivityId == "wr" && j.EventName == "Completed").Outputs!["Result"]!["$cut"]!).Should().BeTrue();
    }

    [Fact]
    public async Task Cancel_SuspendedRun_IsCancelledWithoutBookmarks()
    {
        var run = await RunAsync(Def.WaitFor("k"), Def.Say("no"));
        harness.Engine.Cancel(run);
        await harness.BurstAsync(run);

        (run.Status, run.SubStatus).Should().Be((WorkflowStatus.Finished, WorkflowSubStatus.Cancelled));
        run.Bookmarks.Should().BeEmpty();
        Said.Should().BeEmpty();
        harness.Journal.Where(j => j.EventName == "Canceled").Select(j => j.ActivityId).Should().Equal("k", "s", "Workflow1");
    }

    [Fact]
    public async Task Token_CancelledInAnActivity_NextBurstExecutesItAgain()
    {
        using var source = new CancellationTokenSource();
        var tries = 0;
        var keys = new List<string>();
        harness.OnAct = (context, cancellationToken) =>
        {
            keys.Add(context.EffectKey);
            context.PublishEvent("once");
            if (++tries == 1)
            {
                source.Cancel();
                cancellationToken.ThrowIfCancellationRequested();
            }

            return ValueTask.FromResult(ActivityResult.Done);
        };
        var run = harness.Create(Def.Of(Def.Sequence("s", Def.Say("before"), Def.Act("a"), Def.Say("after"))));
        var burst = async () => await harness.Engine.RunAsync(run, [], NoServices.Instance, source.Token);
        await burst.Should().ThrowAsync<OperationCanceledException>();
        Said.Should().Equal("before");

        run = harness.Reload(run);
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        Said.Should().Equal("before", "after");
        keys.Should().Equal("run/Workflow1:s:a#0", "run/Workflow1:s:a#0");
        run.DrainChanges().Events.Should().ContainSingle();
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task LeaseLost_InAnActivity_PassesThrough()
    {
        harness.OnAct = (_, _) => throw new LeaseLostException("run");
        var run = harness.Create(Def.Of(Def.Act("a")));
        var burst = async () => await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        await burst.Should().ThrowAsync<LeaseLostException>();
    }

    [Fact]
    public async Task Child_DispatchedAndWaitedFor_HandsItsBookmarkToTheChild()
    {
        harness.OnAct = (context, _) =>
        {
            var child = context.DispatchChild("other", new JObject { ["x"] = 1 }, "corr", waitForCompletion: true);
            return ValueTask.FromResult(ActivityResult.Suspended(child.Bookmark!));
        };
        var run = harness.Create(Def.Of(Def.Act("a")));
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        var child = run.DrainChanges().Children.Should().ContainSingle().Subject;
        child.Should().Match<ChildDispatch>(c => c.DefinitionId == "other" && c.CorrelationId == "corr" && c.InstanceId.Length == 32);
        run.Bookmarks.Should().ContainSingle().Which.Id.Should().Be(child.ParentBookmarkId);
    }

    [Fact]
    public async Task Requests_OfAnActivityThatFaults_AreDropped()
    {
        harness.OnAct = (context, _) =>
        {
            context.PublishEvent("never");
            context.DispatchChild("other", null);
            return ValueTask.FromResult(ActivityResult.Faulted("no"));
        };
        var run = harness.Create(Def.Of(Def.Act("a")));
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        var changes = run.DrainChanges();
        changes.Events.Should().BeEmpty();
        changes.Children.Should().BeEmpty();
    }

    [Fact]
    public async Task Outcomes_OfAnActivityClass_AreFollowed()
    {
        harness.OnAct = (context, _) =>
        {
            context.AddSubject("c1");
            context.AddSubject("c1");
            return ValueTask.FromResult(ActivityResult.Completed("Cold"));
        };
        var run = harness.Create(Def.Of(Def.Flowchart(["a:Hot -> hot", "a:Cold -> cold"], Def.Act("a"), Def.Say("hot"), Def.Say("cold"))));
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        Said.Should().Equal("cold");
        run.DrainChanges().Subjects.Should().Equal("c1");
    }

    private List<string> Said => harness.Said;

    private Task<WorkflowRun> RunAsync(params JObject[] activities) => harness.RunAsync(Def.Of(Def.Sequence("s", activities)));
}
