using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class ControlFlowTests
{
    private readonly EngineHarness harness = new();

    [Theory]
    [InlineData("true", "then", "end")]
    [InlineData("false", "else", "end")]
    public async Task If_ByCondition_RunsOneBranch(string condition, params string[] expected)
    {
        await RunAsync(Def.Activity("Elsa.If", "if").With("condition", Def.Literal(condition)).With("then", Def.Say("then")).With("else", Def.Say("else")), Def.Say("end"));

        Said.Should().Equal(expected);
    }

    [Fact]
    public async Task If_NoBranchForTheCondition_IsDone()
    {
        await RunAsync(Def.Activity("Elsa.If", "if").With("condition", Def.Literal(false)).With("then", Def.Say("then")), Def.Say("end"));

        Said.Should().Equal("end");
    }

    [Theory]
    [InlineData(0, 3, 1, true, "0", "1", "2", "3")]
    [InlineData(0, 3, 1, false, "0", "1", "2")]
    [InlineData(6, 0, -2, true, "6", "4", "2", "0")]
    [InlineData(6, 0, -2, false, "6", "4", "2")]
    [InlineData(5, 4, 1, true)]
    public async Task For_StartEndStep_Counts(int start, int end, int step, bool inclusive, params string[] expected)
    {
        await RunAsync(Def.Activity("Elsa.For", "for")
            .With("start", Def.Literal(start)).With("end", Def.Literal(end.ToString())).With("step", Def.Literal(step)).With("outerBoundInclusive", Def.Literal(inclusive))
            .With("body", Def.SayJs("w", "'' + getVariable('CurrentValue')")));

        Said.Should().Equal(expected);
    }

    [Fact]
    public async Task For_NoBounds_DefaultsCountZeroOnce()
    {
        await RunAsync(Def.Activity("Elsa.For", "for").With("body", Def.Say("once")));

        Said.Should().Equal("once");
    }

    [Fact]
    public async Task ForEach_Items_ProvidesValueIndexAndOutput()
    {
        var definition = Def.Of(
            Def.Sequence(
                "s",
                Def.Activity("Elsa.ForEach", "each").With("items", Def.Expression("Object", "[2,\"b\",{\"n\":8}]"))
                    .With("currentValue", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-Item" } })
                    .With("body", Def.SayJs("w", "`${getVariable('CurrentIndex')}:${toJson(getVariable('CurrentValue'))}:${toJson(getItem())}`")),
                Def.Say("end")),
            Def.Variable("Item", "Object"));
        await harness.RunAsync(definition);

        Said.Should().Equal("0:2:2", "1:\"b\":\"b\"", "2:{\"n\":8}:{\"n\":8}", "end");
    }

    [Theory]
    [InlineData("[]", WorkflowSubStatus.Finished)]
    [InlineData("null", WorkflowSubStatus.Faulted)]
    [InlineData(null, WorkflowSubStatus.Finished)]
    public async Task ForEach_EmptyNullOrUnset_CompletesOrFaults(string? items, WorkflowSubStatus expected)
    {
        var loop = Def.Activity("Elsa.ForEach", "each").With("body", Def.Say("never"));
        var run = await RunAsync(items is null ? loop : loop.With("items", Def.Expression("Object", items)));

        Said.Should().BeEmpty();
        run.SubStatus.Should().Be(expected);
    }

    [Fact]
    public async Task While_ConditionReadsVariable_IsEvaluatedBeforeEachTurn()
    {
        var loop = Def.Activity("Elsa.While", "while").With("condition", Def.Js("getN() < 3"))
            .With("body", Def.Sequence("b", Def.SayJs("w", "`n=${getN()}`"), Def.Set("N", Def.Js("getN() + 1"))));
        await harness.RunAsync(Def.Of(Def.Sequence("s", loop, Def.Say("end")), Def.Variable("N", "Int32", "0")));

        Said.Should().Equal("n=0", "n=1", "n=2", "end");
    }

    [Fact]
    public async Task Break_InAnIfInTheBody_LeavesTheInnerLoopAndSkipsTheRestOfItsBody()
    {
        var inner = Def.Activity("Elsa.For", "i").With("start", Def.Literal(1)).With("end", Def.Literal(3)).With("currentValue", Reference("var-I"))
            .With("body", Def.Sequence(
                "b",
                Def.SayJs("w", "`${getO()}-${getI()}`"),
                Def.Activity("Elsa.If", "iff").With("condition", Def.Js("getI() == 2")).With("then", Def.Activity("Elsa.Break", "br")),
                Def.SayJs("w2", "`after ${getI()}`")));
        var outer = Def.Activity("Elsa.For", "o").With("start", Def.Literal(1)).With("end", Def.Literal(2)).With("currentValue", Reference("var-O")).With("body", inner);
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", outer, Def.Say("end")), Def.Variable("I", "Int32"), Def.Variable("O", "Int32")));

        Said.Should().Equal("1-1", "after 1", "1-2", "2-1", "after 1", "2-2", "end");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Break_InAForkInAWhile_CancelsTheOtherBranchAndGoesOn()
    {
        var fork = Def.Activity("Elsa.Fork", "fork").With("joinMode", "WaitAll").With("branches", new JArray(Def.WaitFor("ev"), Def.Activity("Elsa.Break", "br")));
        var run = await RunAsync(Def.Activity("Elsa.While", "w").With("condition", Def.Literal(true)).With("body", fork), Def.Say("end"));

        Said.Should().Equal("end");
        run.Bookmarks.Should().BeEmpty();
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Break_OutsideOfALoop_EndsTheSequencesAroundIt()
    {
        await RunAsync(Def.Sequence("inner", Def.Activity("Elsa.Break", "br"), Def.Say("no")), Def.Say("after"));

        Said.Should().BeEmpty();
    }

    [Theory]
    [InlineData("Elsa.End", "outer")]
    [InlineData("Elsa.Finish")]
    [InlineData("Elsa.Complete")]
    public async Task Terminal_InANestedSequence_EndsWhatItIsToEnd(string type, params string[] expected)
    {
        var run = await RunAsync(Def.Sequence("inner", Def.Activity(type, "t"), Def.Say("no")), Def.Say("outer"));

        Said.Should().Equal(expected);
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Journal.Should().ContainSingle(j => j.ActivityId == "t" && j.EventName == "Completed");
    }

    [Fact]
    public async Task Finish_OtherBranchWaits_DropsItsBookmark()
    {
        var run = await RunAsync(Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.WaitFor("ev"), Def.Activity("Elsa.Finish", "f"), Def.Say("queued"))), Def.Say("no"));

        Said.Should().BeEmpty();
        run.Status.Should().Be(WorkflowStatus.Finished);
        run.Bookmarks.Should().BeEmpty();
    }

    [Theory]
    [InlineData("MatchFirst", "one", "end")]
    [InlineData("MatchAny", "one", "two", "end")]
    public async Task Switch_CasesMatch_RunsFirstOrAll(string mode, params string[] expected)
    {
        await RunAsync(
            Def.Activity("Elsa.Switch", "sw").With("mode", Def.Literal(mode)).With("default", Def.Say("default")).With("cases", new JArray(
                Case("zero", "false", Def.Say("zero")), Case("one", "true", Def.Say("one")), Case("two", "1 < 2", Def.Say("two")))),
            Def.Say("end"));

        Said.Should().Equal(expected);
    }

    [Fact]
    public async Task Switch_NoCaseMatches_RunsDefault()
    {
        await RunAsync(Def.Activity("Elsa.Switch", "sw").With("default", Def.Say("default")).With("cases", new JArray(Case("a", "false", Def.Say("a")))));

        Said.Should().Equal("default");
    }

    [Theory]
    [InlineData("MatchFirst", "true", "one")]
    [InlineData("MatchAny", "true", "one", "two")]
    [InlineData("MatchAny", "false", "dflt")]
    public async Task FlowSwitch_ByCases_TakesTheirPorts(string mode, string condition, params string[] expected)
    {
        var flowSwitch = Def.Activity("Elsa.FlowSwitch", "sw").With("mode", Def.Literal(mode)).With("cases", new JArray(Case("One", condition), Case("Two", condition)));
        await harness.RunAsync(Def.Of(Def.Flowchart(["sw:One -> one", "sw:Two -> two", "sw:Default -> dflt"], flowSwitch, Def.Say("one"), Def.Say("two"), Def.Say("dflt"))));

        Said.Should().Equal(expected);
    }

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task FlowFork_NamedBranches_AreAllTaken(string mode)
    {
        var fork = Def.Activity("Elsa.FlowFork", "fork").With("branches", Def.Expression("Object", "[\"Red\", \"Blue\"]"));
        await harness.RunAsync(Def.Of(Def.Flowchart(
            ["fork:Red -> red", "fork:Blue -> blue", "red -> join", "blue -> join", "join -> done"],
            fork, Def.Say("red"), Def.Say("blue"), Def.Join("join", "WaitAll"), Def.Say("done"))).InMode(mode));

        Said.Should().Equal("red", "blue", "done");
    }

    [Fact]
    public async Task Fork_WaitAny_FirstBranchEndsItAndCancelsTheRest()
    {
        var run = await RunAsync(Def.Activity("Elsa.Fork", "fork").With("joinMode", "WaitAny").With("branches", new JArray(Def.WaitFor("a"), Def.WaitFor("b"))), Def.Say("end"));
        await harness.ResumeAsync(run, "b");

        Said.Should().Equal("end");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task ParallelForEach_EachItemWaits_KeepsItsOwnValueAcrossAReload()
    {
        var body = Def.Sequence("b", Def.Activity("Test.WaitFor", "sign").With("key", Def.Js("'signed-' + getVariable('CurrentValue')")), Def.SayJs("w", "getVariable('CurrentValue') + ' signed ' + getVariable('CurrentIndex')"));
        var run = await RunAsync(Def.Activity("Elsa.ParallelForEach", "pfe").With("items", Def.Js("['ann', 'bob']")).With("body", body), Def.Say("all"));
        run.Bookmarks.Should().HaveCount(2);
        run = harness.Reload(run);
        await harness.ResumeAsync(run, "signed-bob");
        run = harness.Reload(run);
        await harness.ResumeAsync(run, "signed-ann");

        Said.Should().Equal("bob signed 1", "ann signed 0", "all");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Theory]
    [InlineData("JavaScript", "null")]
    [InlineData("JavaScript", "[]")]
    [InlineData("Object", "[1, 2]")]
    public async Task ParallelForEach_NoListOfItems_CompletesAtOnce(string type, string value)
    {
        await RunAsync(Def.Activity("Elsa.ParallelForEach", "pfe").With("items", Def.Expression(type, value)).With("body", Def.Say("never")), Def.Say("end"));

        Said.Should().Equal("end");
    }

    [Fact]
    public async Task ParallelForEach_OneItemFaultsAndIncidentsContinue_OthersGoOnButItNeverCompletes()
    {
        var body = Def.Activity("Elsa.If", "if").With("condition", Def.Js("getVariable('CurrentValue') == 2")).With("then", Def.Fail("f")).With("else", Def.Say("ok"));
        var definition = Def.Of(Def.Sequence("s", Def.Activity("Elsa.ParallelForEach", "pfe").With("items", Def.Js("[1,2,3]")).With("body", body), Def.Say("end")));
        definition["options"] = new JObject { ["incidentStrategyType"] = "Elsa.Workflows.IncidentStrategies.ContinueWithIncidentsStrategy, Elsa.Workflows.Core" };
        var run = await harness.RunAsync(definition);

        Said.Should().Equal("ok", "ok");
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        run.Incidents.Should().ContainSingle();
    }

    [Fact]
    public async Task FlowNode_Body_RunsInPlace()
    {
        await harness.RunAsync(Def.Of(Def.Flowchart(["n -> b"], Def.Activity("Elsa.FlowNode", "n").With("body", Def.Say("a")), Def.Say("b"))));

        Said.Should().Equal("a", "b");
    }

    [Fact]
    public async Task Port_OfAnActivityClass_RunsItsChildAndHearsOfItsEnd()
    {
        await harness.RunAsync(Def.Of(Def.Flowchart(["ask:loud -> heard", "ask:quiet -> no"], Def.Activity("Test.Ask", "ask").With("loud", true).With("body", Def.Say("child")), Def.Say("heard"), Def.Say("no"))));

        Said.Should().Equal("child", "heard");
    }

    [Fact]
    public async Task RunValues_NameCorrelationOutputs_AreTheRuns()
    {
        var definition = Def.Of(Def.Sequence(
            "s",
            Def.Activity("Elsa.SetName", "n").With("value", Def.Literal("Renamed")),
            Def.Activity("Elsa.Correlate", "c").With("correlationId", Def.Js("'order-' + getInput('No')")),
            Def.SayJs("w", "getCorrelationId() + getWorkflowInstanceName()"),
            Def.Activity("Elsa.SetOutput", "o").With("outputName", Def.Literal("Age")).With("outputValue", Def.Js("15 + 15"))));
        definition["inputs"] = new JArray(new JObject { ["name"] = "No", ["type"] = "Int32" });
        definition["outputs"] = new JArray(new JObject { ["name"] = "Age", ["type"] = "Int32" });
        var run = await harness.RunAsync(definition, new RunStart { InstanceId = "run", Input = new JObject { ["No"] = 77 } });

        Said.Should().Equal("order-77Renamed");
        run.Output.ToString(Newtonsoft.Json.Formatting.None).Should().Be("{\"Age\":30}");
        (run.Name, run.CorrelationId).Should().Be(("Renamed", "order-77"));
    }

    [Fact]
    public async Task Variables_DeclaredInAContainer_ShadowTheWorkflowsAndStayInside()
    {
        var inner = Def.Sequence("inner", Def.Set("V", Def.Literal("inner set"), "set1"), Def.SayJs("w1", "getV()")).With("variables", new JArray(new JObject { ["name"] = "V", ["id"] = "inner-v", ["typeName"] = "String", ["value"] = "inner" }));
        inner["activities"]![0]!["variable"] = new JObject { ["name"] = "V" };
        await harness.RunAsync(Def.Of(Def.Sequence("s", inner, Def.SayJs("w2", "getV()")), Def.Variable("V", "String", "outer")));

        Said.Should().Equal("inner set", "outer");
    }

    [Fact]
    public async Task Variables_OverridesAndTypedDefaults_AreConverted()
    {
        var definition = Def.Of(
            Def.Sequence("s", Def.SayJs("w", "`${getI() + 1} ${getB() === true} ${getD() * 2} ${typeof getI()} ${getL()[1]}`")),
            Def.Variable("I", "Int32", "41"), Def.Variable("B", "Boolean", "true"), Def.Variable("D", "Double", "1.5"), Def.Variable("L", "Object[]", "[1,2]"));
        await harness.RunAsync(definition);
        await harness.RunAsync(definition, new RunStart { InstanceId = "run2", Variables = new JObject { ["I"] = "99" } });

        Said.Should().Equal("42 true 3 number 2", "100 true 3 number 2");
    }

    [Fact]
    public async Task Outputs_OfActivities_AreReadByNameAndAsLastResult()
    {
        await RunAsync(
            Def.Activity("Test.Write", "wr").With("value", Def.Literal("v")),
            Def.SayJs("w", "`${getLastResult()} ${getOutputFrom('wr')} ${getOutputFrom('wr', 'Result')} ${getResultFromWr()}`"));

        Said.Should().Equal("v v v v");
    }

    private List<string> Said => harness.Said;

    private Task<WorkflowRun> RunAsync(params JObject[] activities) => harness.RunAsync(Def.Of(Def.Sequence("s", activities)));

    private static JObject Reference(string id) => new() { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = id } };

    private static JObject Case(string label, string script, JObject? activity = null)
    {
        var json = new JObject { ["label"] = label, ["condition"] = new JObject { ["type"] = "JavaScript", ["value"] = script } };
        return activity is null ? json : json.With("activity", activity);
    }
}
