using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Engine.Def;

namespace Automation.UnitTests.Engine;

public sealed class WorkflowAsActivityTests
{
    private readonly EngineHarness harness = new();

    [Fact]
    public async Task Run_InputsAndOutputs_GoInAndOutAndInsideTheInputsAreVariables()
    {
        var tax = Child("tax", "Tax", Sequence("s", SetOutputJs("Gross", "getNet() * 1.2 + getInput('Net') - variables.Net"))).With("inputs", Named("Net", "Double")).With("outputs", Named("Gross", "Double"));
        var root = Sequence("s", Uses("Tax", "t").With("net", Js("getNet() * 10")).With("gross", Bound("var-G")), SayJs("say", "`${getG()} ${getNet()} ${getOutputFrom('t', 'Gross')}`"));

        await RunAsync(Of(root, Variable("G", "Object")).With("inputs", Named("Net", "Double")), [tax], new JObject { ["Net"] = 1 });

        harness.Said.Should().Equal("12 1 12");
    }

    [Fact]
    public async Task Run_Complete_EndsOnlyTheNearestWorkflowWithItsOutcomes()
    {
        var gate = Child("gate", "Gate", Sequence("s", Activity("Elsa.Complete", "c").With("outcomes", Js("['Pass']")), Say("never")));
        var outer = Child("outer", "Outer", Flowchart(["g:Pass -> in", "g:Done -> done"], Uses("Gate", "g"), Say("in"), Say("done")));

        var run = await RunAsync(Of(Flowchart(["o:Done -> after", "o:Pass -> wrong"], Uses("Outer", "o"), Say("after"), Say("wrong"))), gate, outer);

        harness.Said.Should().Equal("in", "after");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Run_SameNamesInBothWorkflows_StayApart()
    {
        var child = Child("child", "Child", Sequence("s", Set("X", Literal("inner"), "set"), SayJs("say", "getX()"))).With("variables", new JArray(Variable("X", "String", "default")));
        var root = Sequence("s", Set("X", Literal("outer"), "set"), Uses("Child", "a"), SayJs("say", "getX()"), Uses("Child", "b"));

        await RunAsync(Of(root, Variable("X", "String")), child);

        harness.Said.Should().Equal("inner", "outer", "inner");
    }

    [Fact]
    public async Task Run_OutputsOfOneNameAtTwoLevels_DoNotCollide()
    {
        var inner = Child("inner", "Inner", Sequence("s", SetOutputJs("Value", "'inner'"))).With("outputs", Named("Value", "String"));
        var middle = Child("middle", "Middle", Sequence("s", Uses("Inner", "i").With("value", Bound("var-I")), SetOutputJs("Value", "'middle of ' + getI()"))).With("outputs", Named("Value", "String"))
            .With("variables", new JArray(Variable("I", "String")));
        var root = Sequence("s", Uses("Middle", "m").With("value", Bound("var-M")), SetOutputJs("Value", "'root of ' + getM()"));

        var run = await RunAsync(Of(root, Variable("M", "String")).With("outputs", Named("Value", "String")), inner, middle);

        run.Output["Value"]!.Value<string>().Should().Be("root of middle of inner");
    }

    [Fact]
    public async Task Reload_SuspendedInside_GoesOnWithItsInputs()
    {
        var child = Child("child", "Child", Sequence("s", WaitFor("go"), SayJs("say", "getName()"))).With("inputs", Named("Name", "String"));
        var run = await RunAsync(Of(Sequence("s", Uses("Child", "a").With("name", Literal("Ada")), Say("after"))), child);
        run.Bookmarks.Should().ContainSingle().Which.NodeId.Should().Be("Workflow1:s:a:Workflow1:s:go");

        var again = harness.Reload(run);
        await harness.ResumeAsync(again, "go");

        harness.Said.Should().Equal("Ada", "after");
        again.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Run_OutputSetAsVariable_IsTheOutput()
    {
        var child = Child("child", "Child", Sequence("s", Activity("Test.Write", "w").With("value", Literal("written")).With("result", Bound("Answer")))).With("outputs", Named("Answer", "String"));

        await RunAsync(Of(Sequence("s", Uses("Child", "a").With("answer", Bound("var-A")), SayJs("say", "getA()")), Variable("A", "String")), child);

        harness.Said.Should().Equal("written");
    }

    [Fact]
    public void Compile_WorkflowThatComesBackToItself_IsRefusedAtPublish()
    {
        var a = Child("a", "A", Sequence("s", Uses("B", "b")));
        var b = Child("b", "B", Sequence("s", Uses("A", "x")));

        var plan = harness.Engine.Compile(new WorkflowDefinition { Json = a }, Lookup(a, b));

        plan.Problems.Should().Contain(p => p.Code == "workflow-cycle" && p.Severity == ProblemSeverity.PublishError && p.ActivityId == "x");
    }

    [Fact]
    public void Describe_WorkflowUsableAsActivity_HasItsInputsOutputsAndOutcomes()
    {
        var definition = Child("tax", "sales tax", Sequence("s")).With("inputs", Named("Net", "Double")).With("outputs", Named("Gross", "Double")).With("outcomes", new JArray("High", "Low"));

        var descriptor = WorkflowAsActivity.Describe(new WorkflowDefinition { Json = definition });

        descriptor.TypeName.Should().Be("SalesTax");
        descriptor.Inputs.Should().ContainSingle().Which.Should().BeEquivalentTo(new { Name = "Net", TypeName = "Double", IsSynthetic = true });
        descriptor.Outputs.Should().ContainSingle().Which.Should().BeEquivalentTo(new { Name = "Gross", TypeName = "Double", IsSynthetic = true });
        descriptor.Ports.Where(p => !p.IsEmbedded).Select(p => p.Name).Should().Equal("High", "Low");
        descriptor.CustomProperties.Value<string>("RootType").Should().Be("WorkflowDefinitionActivity");
        descriptor.CustomProperties.Value<string>("WorkflowDefinitionId").Should().Be("tax");
    }

    private Task<WorkflowRun> RunAsync(JObject definition, params JObject[] children) => RunAsync(definition, children, null);

    private async Task<WorkflowRun> RunAsync(JObject definition, JObject[] children, JObject? input)
    {
        var plan = harness.Engine.Compile(new WorkflowDefinition { Json = definition }, Lookup(children));
        var run = harness.Engine.Create(plan, new RunStart { InstanceId = "run", Input = input });
        await harness.BurstAsync(run);
        return run;
    }

    private static WorkflowLookup Lookup(params JObject[] definitions) =>
        activity => definitions.FirstOrDefault(d => (string?)d["name"] == (string?)activity["type"]) is { } found ? new WorkflowDefinition { Json = found } : null;

    private static JObject Child(string id, string name, JObject root) => Of(root).With("definitionId", id).With("id", id + "-1").With("name", name).With("options", new JObject { ["usableAsActivity"] = true });
    private static JObject Uses(string type, string id) => Activity(type, id);
    private static JArray Named(string name, string type) => [new JObject { ["name"] = name, ["type"] = type }];
    private static JObject Bound(string target) => new() { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = target } };

    private static JObject SetOutputJs(string output, string script) =>
        Activity("Elsa.SetOutput", "set-" + output).With("outputName", Literal(output)).With("outputValue", Js(script));
}
