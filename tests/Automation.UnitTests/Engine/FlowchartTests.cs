using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class FlowchartTests
{
    private readonly EngineHarness harness = new();

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Diamond_BothBranchesEnd_JoinRunsOnce(string mode)
    {
        var run = await RunAsync(mode, ["open -> north", "open -> south", "north -> close", "south -> close"], Say("open", "north", "south", "close"));

        Said.Should().Equal("open", "north", "south", "close");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Theory]
    [InlineData("Token", "Begin", "Left", "Right", "After", "Right2", "After")]
    [InlineData("Counter", "Begin", "Left", "Right", "Right2", "After")]
    public async Task Merge_BranchesOfUnequalLength_TokenRunsTwiceCounterOnce(string mode, params string[] expected)
    {
        await RunAsync(mode, ["Begin -> Left", "Begin -> Right", "Left -> After", "Right -> Right2", "Right2 -> After"], Say("Begin", "Left", "Right", "Right2", "After"));

        Said.Should().Equal(expected);
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Decision_BranchesConverge_TakenBranchGoesOn(string mode)
    {
        var run = await RunAsync(mode, ["d:True -> yes", "d:False -> no", "yes -> merge", "no -> merge"], [Def.Decision("d", "2 < 1"), .. Say("yes", "no", "merge")]);

        Said.Should().Equal("no", "merge");
        run.Status.Should().Be(WorkflowStatus.Finished);
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Loop_BackwardConnection_RunsUntilItsConditionHolds(string mode)
    {
        var definition = Def.Of(
            Def.Flowchart(
                ["try -> enough", "enough:False -> again", "again -> try", "enough:True -> ok"],
                Def.Set("Tries", Def.Js("getTries() + 1"), "try"),
                Def.Decision("enough", "getTries() >= 3"),
                Def.SayJs("again", "`attempt ${getTries()}`"),
                Def.Say("ok")),
            Def.Variable("Tries", "Int32", "0")).InMode(mode);
        var run = await harness.RunAsync(definition);

        Said.Should().Equal("attempt 1", "attempt 2", "ok");
        run.Variables.Should().ContainSingle().Which.Value.Should().Be(3);
        run.Status.Should().Be(WorkflowStatus.Finished);
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Braid_TwoBranches_InterleaveBreadthFirst(string mode)
    {
        await RunAsync(mode, ["1 -> 2", "1 -> 3", "2 -> 4", "3 -> 5", "4 -> 6", "5 -> 7"], Say("1", "2", "3", "4", "5", "6", "7"));

        Said.Should().Equal("1", "2", "3", "4", "5", "6", "7");
    }

    [Theory]
    [InlineData("Token", "WaitAny")]
    [InlineData("Counter", "WaitAny")]
    [InlineData("Token", null)]
    [InlineData("Counter", null)]
    public async Task JoinAny_OtherBranchWaits_IsCancelledAndTheRunFinishes(string mode, string? join)
    {
        var run = await RunAsync(
            mode,
            ["begin -> slow", "begin -> fast", "slow -> join", "fast -> join", "join -> winner"],
            Def.Say("begin"),
            Def.WaitFor("slow"),
            Def.Say("fast"),
            Def.Join("join", join),
            Def.Say("winner"));

        Said.Should().Equal("begin", "fast", "winner");
        run.Bookmarks.Should().BeEmpty();
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Journal.Should().ContainSingle(j => j.EventName == "Canceled").Which.ActivityId.Should().Be("slow");
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task JoinAll_BothBranchesWait_LastStimulusGoesOn(string mode)
    {
        var run = await RunAsync(mode, ["s -> a", "s -> b", "a -> join", "b -> join", "join -> end"], Def.Say("s"), Def.WaitFor("a"), Def.WaitFor("b"), Def.Join("join", "WaitAll"), Def.Say("end"));
        await harness.ResumeAsync(run, "b");
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        run = harness.Reload(run);
        await harness.ResumeAsync(run, "a");

        Said.Should().Equal("s", "end");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Theory]
    [InlineData("Token", WorkflowSubStatus.Suspended)]
    [InlineData("Counter", WorkflowSubStatus.Finished)]
    public async Task JoinAllActive_BranchNotTaken_TokenHangsCounterGoesOn(string mode, WorkflowSubStatus expected)
    {
        var run = await RunAsync(
            mode,
            ["d:True -> yes", "d:False -> no", "yes -> join", "no -> join", "join -> end"],
            [Def.Decision("d", "true"), .. Say("yes", "no"), Def.Join("join", "WaitAllActive"), Def.Say("end")]);

        run.SubStatus.Should().Be(expected);
        run.Bookmarks.Should().BeEmpty();
        Said.Should().Equal(mode == "Token" ? ["yes"] : ["yes", "end"]);
    }

    [Fact]
    public async Task JoinAll_CounterModeAndBranchNotTaken_IsSkippedWithItsSuccessors()
    {
        var run = await RunAsync(
            "Counter",
            ["d:True -> yes", "d:False -> no", "yes -> join", "no -> join", "join -> end"],
            [Def.Decision("d", "true"), .. Say("yes", "no"), Def.Join("join", "WaitAll"), Def.Say("end")]);

        Said.Should().Equal("yes");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task DeadPath_CounterMode_GoesOnThroughSkippedActivities()
    {
        var run = await RunAsync(
            "Counter",
            ["d:True -> yes", "d:False -> no", "no -> no2", "no2 -> no3", "yes -> end", "no3 -> end"],
            [Def.Decision("d", "true"), .. Say("yes", "no", "no2", "no3", "end")]);

        Said.Should().Equal("yes", "end");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Theory]
    [InlineData("Merge", new[] { "Begin", "Left", "Right", "Right2", "After" })]
    [InlineData("Converge", new[] { "Begin", "Left", "Right", "Right2", "After" })]
    [InlineData("Cascade", new[] { "Begin", "Left", "Right", "After", "Right2" })]
    [InlineData("Race", new[] { "Begin", "Left", "Right", "After", "Right2" })]
    [InlineData("Stream", new[] { "Begin", "Left", "Right", "After", "Right2", "After" })]
    [InlineData("None", new[] { "Begin", "Left", "Right", "After", "Right2", "After" })]
    public async Task MergeMode_TokenMode_DecidesHowTheTargetMerges(string merge, string[] expected)
    {
        await RunAsync("Token", ["Begin -> Left", "Begin -> Right", "Left -> After", "Right -> Right2", "Right2 -> After"], [.. Say("Begin", "Left", "Right", "Right2"), Def.Say("After").Merging(merge)]);

        Said.Should().Equal(expected);
    }

    [Fact]
    public async Task Merge_TokenModeAndBranchNotTaken_HangsWithoutBookmarks()
    {
        var run = await RunAsync("Token", ["d:True -> yes", "d:False -> no", "yes -> end", "no -> end"], [Def.Decision("d", "true"), .. Say("yes", "no"), Def.Say("end").Merging("Merge")]);

        Said.Should().Equal("yes");
        run.Status.Should().Be(WorkflowStatus.Running);
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        run.Bookmarks.Should().BeEmpty();
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task End_SiblingsQueued_StillRunBeforeTheStop(string mode)
    {
        var run = await RunAsync(mode, ["one -> end", "one -> two", "two -> three"], [Def.Say("one"), Def.Activity("Elsa.End", "end"), .. Say("two", "three")]);

        Said.Should().Equal("one", "two");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Backward_CounterModeAndAnotherWayIn_FaultsTheFlowchart()
    {
        var run = await RunAsync("Counter", ["s -> a", "s -> b", "a -> c", "b -> c", "c -> a"], Say("s", "a", "b", "c"));

        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        run.Incidents.Should().ContainSingle().Which.Fault.Message.Should().Be("Invalid backward connection: Every path from the source ('c') must go through the target ('a') when tracing back to the start.");
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task LoopWithFork_CounterOfVisits_LetsTheJoinRunInEveryRound(string mode)
    {
        var definition = Def.Of(
            Def.Flowchart(
                ["count -> a", "count -> b", "a -> join", "b -> join", "join -> more", "more:True -> count", "more:False -> end"],
                Def.Set("N", Def.Js("getN() + 1"), "count"),
                Def.SayJs("a", "`a${getN()}`"),
                Def.SayJs("b", "`b${getN()}`"),
                Def.Join("join", "WaitAll"),
                Def.Decision("more", "getN() < 2"),
                Def.Say("end")),
            Def.Variable("N", "Int32", "0")).InMode(mode);
        await harness.RunAsync(definition);

        Said.Should().Equal("a1", "b1", "a2", "b2", "end");
    }

    [Fact]
    public async Task Start_ElsaStartCanStartOrFirst_AreTakenInThatOrder()
    {
        var start = Def.Activity("Elsa.Start", "st");
        await harness.RunAsync(Def.Of(Def.Flowchart(["st -> after"], [Def.Say("plain"), start, Def.Say("after")])));
        Said.Should().Equal("after");

        Said.Clear();
        var named = Def.Of(Def.Flowchart(["st -> after"], [Def.Say("plain"), start, Def.Say("after")]).With("start", "plain"));
        await harness.RunAsync(named);
        Said.Should().Equal(["after"], "Elsa does not read a flowchart's start");
        harness.Compile(named).Problems.Should().ContainSingle(p => p.Code == "start-ignored");

        Said.Clear();
        var marked = Def.Say("marked");
        marked["customProperties"]!["canStartWorkflow"] = true;
        await harness.RunAsync(Def.Of(Def.Flowchart([], Def.Say("plain"), marked)));
        Said.Should().Equal("marked");

        Said.Clear();
        await harness.RunAsync(Def.Of(Def.Flowchart(["b -> a"], Def.Say("a"), Def.Say("b"))));
        Said.Should().Equal("b", "a");
    }

    [Fact]
    public async Task Start_TriggerStartedTheRun_FlowStartsThereAndTheTriggerDoesNotBlock()
    {
        var definition = Def.Of(Def.Flowchart(["t -> seen"], Def.Say("first"), Def.WaitFor("t").With("canStartWorkflow", true), Def.SayJs("seen", "event.key")));
        var run = await harness.RunAsync(definition, new RunStart { InstanceId = "run", TriggerActivityId = "t", TriggerPayload = new JObject { ["key"] = "c1@1" } });

        Said.Should().Equal("c1@1");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Connections_FlatShapeValuesWrapperAndMissingActivity_AreReadAndWarnedOf()
    {
        var flow = Def.Flowchart([], Def.Say("a"), Def.Say("b"), Def.Say("island"));
        flow["connections"] = new JObject { ["$values"] = new JArray(new JObject { ["source"] = "a", ["target"] = "b", ["sourcePort"] = null }, new JObject { ["source"] = "b", ["target"] = "gone" }) };
        var plan = harness.Compile(Def.Of(flow));

        await harness.RunAsync(Def.Of(flow));
        Said.Should().Equal("a", "b");
        plan.Problems.Select(p => p.Code).Should().Equal("missing-activity", "unreachable-activity");
        plan.Problems.Should().OnlyContain(p => p.Severity == ProblemSeverity.Warning && p.ActivityId == "flow");
    }

    [Fact]
    public async Task Flowchart_Empty_CompletesAtOnce()
    {
        var run = await harness.RunAsync(Def.Of(Def.Flowchart([])));

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public void Compile_FiveHundredActivities_IsLinearEnough()
    {
        var ids = Enumerable.Range(0, 500).Select(i => $"a{i}").ToArray();
        var connections = ids.Zip(ids.Skip(1), (a, b) => $"{a} -> {b}").Concat(ids.Skip(10).Select((id, i) => $"{id} -> a{i}")).ToArray();
        var definition = Def.Of(Def.Flowchart(connections, Say(ids)));

        var plan = harness.Compile(definition);

        plan.Activities.Should().HaveCount(502);
        plan.Problems.Should().BeEmpty();
    }

    private List<string> Said => harness.Said;

    private Task<WorkflowRun> RunAsync(string mode, string[] connections, params JObject[] activities) => harness.RunAsync(Def.Of(Def.Flowchart(connections, activities)).InMode(mode));

    private static JObject[] Say(params string[] ids) => [.. ids.Select(id => Def.Say(id))];
}
