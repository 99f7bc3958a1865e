using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class PlanTests
{
    private readonly EngineHarness harness = new();

    [Fact]
    public void NodeIds_AreThePathFromTheImplicitWorkflow()
    {
        var plan = harness.Compile(Def.Of(Def.Flowchart([], Def.Activity("Elsa.If", "if").With("then", Def.Say("a")))));

        plan.Activities.Select(a => a.NodeId).Should().Equal("Workflow1", "Workflow1:flow", "Workflow1:flow:if", "Workflow1:flow:if:a");
        plan.Activities[0].Descriptor.TypeName.Should().Be("Elsa.Workflow");
        plan.FindNode("Workflow1:flow:if:a")!.Id.Should().Be("a");
    }

    [Theory]
    [InlineData("{\"typeName\":\"String\",\"expression\":{\"type\":\"Literal\",\"value\":\"x\"},\"memoryReference\":{\"id\":\"old\"}}", "x")]
    [InlineData("{\"typeName\":null,\"expression\":{\"type\":\"Literal\",\"value\":\"x\"},\"memoryReference\":null}", "x")]
    [InlineData("\"bare\"", "bare")]
    [InlineData("12", "12")]
    [InlineData("{\"expression\":{\"type\":\"Literal\",\"value\":\"x\"}}", "")]
    [InlineData("null", "")]
    [InlineData("{\"typeName\":\"String\",\"expression\":null}", "")]
    public async Task Input_Shapes_AreReadAsElsaDoes(string json, string expected)
    {
        await harness.RunAsync(Def.Of(Def.Activity("Test.Say", "w").With("text", JToken.Parse(json))));

        harness.Said.Should().Equal(expected);
    }

    [Fact]
    public void Input_ObjectWithoutTypeName_IsWarnedOf()
    {
        var plan = harness.Compile(Def.Of(Def.Activity("Test.Say", "w").With("text", new JObject { ["expression"] = new JObject { ["type"] = "Literal", ["value"] = "x" } })));

        plan.Problems.Should().ContainSingle().Which.Should().Match<DefinitionProblem>(p => p.Code == "input-without-type" && p.ActivityId == "w" && p.Property == "text");
    }

    [Fact]
    public async Task Compile_WrongShapesEverywhere_IsKeptAndRuns()
    {
        var definition = JObject.Parse("""
            {"id":{},"definitionId":7,"name":[],"version":"x","options":{"incidentStrategyType":{}},"customProperties":{"flowchartMode":[]},"variables":[1,{"name":{}},{"name":"V","typeName":{},"value":{"a":1}}],
             "inputs":[null,{"name":5}],"outputs":"none",
             "root":{"id":"f","type":"Elsa.Flowchart","activities":[{"id":"a","type":"Test.Say","name":{},"version":"1","text":[1],"customProperties":[],"metadata":3},{"type":"Test.Say"},
               {"id":"s","type":"Elsa.SetVariable","variable":{"id":{},"name":[]}},{"id":"sw","type":"Elsa.FlowSwitch","cases":[{"label":{},"condition":null},4],"mode":null}],
               "connections":[{"source":{"activity":{},"port":1},"target":"a"},{"source":"a","target":"s"},5,{"source":"s","target":"sw"}],"start":{}}}
            """);
        var run = await harness.RunAsync(definition);

        // Only the variable that nobody can tell faults.
        run.Incidents.Should().ContainSingle().Which.ActivityId.Should().Be("s");
        harness.Said.Should().Equal("[1]");
    }

    [Fact]
    public void Variables_Unknown_AreWarnedOfWhereTheyAreUsed()
    {
        var plan = harness.Compile(Def.Of(
            Def.Sequence(
                "s",
                Def.Set("Gone", Def.Literal(1), "set"),
                Def.Activity("Test.Say", "w").With("text", Def.Expression("Variable", new JObject { ["id"] = "var-Gone2", ["name"] = "Gone2" })),
                Def.Activity("Test.Write", "o").With("result", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-Gone3" } }),
                Def.Set("Known", Def.Expression("Variable", "Known"), "fine")),
            Def.Variable("Known", "Object")));

        plan.Problems.Select(p => (p.Code, p.ActivityId, p.Property)).Should().Equal(
            ("unknown-variable", "set", "variable"), ("unknown-variable", "w", "text"), ("unknown-variable", "o", "result"));
    }

    [Fact]
    public void Variable_DefaultDoesNotFit_IsWarnedOfAndStartsEmpty()
    {
        var plan = harness.Compile(Def.Of(Def.Say("w"), Def.Variable("N", "Int32", "many")));

        plan.Problems.Should().ContainSingle().Which.Should().Match<DefinitionProblem>(p => p.Code == "wrong-value" && p.Message.Contains("'N'"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Triggers_MarkedInEitherPlace_AreFoundWithTheirInputs(bool isOld)
    {
        var trigger = Def.Activity("Test.Listen", "t").With("path", Def.Js("'/orders/' + (1 + 1)"));
        if (isOld)
        {
            trigger["canStartWorkflow"] = true;
        }
        else
        {
            trigger["customProperties"]!["canStartWorkflow"] = true;
        }

        var plan = harness.Compile(Def.Of(Def.Flowchart([], trigger, Def.Activity("Test.Listen", "other"), Def.Say("marked").With("canStartWorkflow", true))));
        var found = plan.Triggers.Should().ContainSingle().Subject;
        var inputs = await found.EvaluateTriggerInputsAsync(harness.Engine, NoServices.Instance, CancellationToken.None);

        found.Id.Should().Be("t");
        Json.Write(inputs).Should().Be("{\"path\":\"/orders/2\",\"interval\":\"5m\"}");
    }

    [Fact]
    public async Task TriggerInputs_FailToEvaluate_NameTheInput()
    {
        var plan = harness.Compile(Def.Of(Def.Activity("Test.Listen", "t").With("canStartWorkflow", true).With("path", Def.Js("missing.thing"))));
        var evaluate = async () => await plan.Triggers[0].EvaluateTriggerInputsAsync(harness.Engine, NoServices.Instance, CancellationToken.None);

        (await evaluate.Should().ThrowAsync<FaultException>()).Which.Fault.Property.Should().Be("path");
    }

    [Fact]
    public void Describe_ActivityClass_HasItsInputsOutputsAndPorts()
    {
        var act = ActivityRegistry.Describe(typeof(Act));
        act.Inputs.Select(i => (i.Name, i.TypeName, i.UIHint, i.IsSensitive)).Should().Equal(("Text", "String", "singleline", false), ("Secret", "String", "singleline", true));
        act.Outputs.Select(o => (o.Name, o.TypeName)).Should().Equal(("Result", "Object"));
        act.Ports.Select(p => (p.Name, p.IsEmbedded)).Should().Equal(("Hot", false), ("Cold", false));

        var ask = ActivityRegistry.Describe(typeof(Ask));
        ask.Ports.Should().ContainSingle().Which.Should().Match<PortDescriptor>(p => p.Name == "Body" && p.IsEmbedded);
        ask.Inputs.Should().ContainSingle().Which.Should().Match<InputDescriptor>(i => i.Name == "Loud" && !i.IsWrapped && i.UIHint == "checkbox");

        var listen = ActivityRegistry.Describe(typeof(Listen));
        listen.Kind.Should().Be(ActivityKind.Trigger);
        listen.Inputs[0].Required.Should().BeTrue();
        listen.Inputs[1].DefaultValue!.ToString().Should().Be("5m");
    }

    [Fact]
    public void Registry_ControlFlow_HasElsasTypesPortsAndInputs()
    {
        string[] expected =
        [
            "Elsa.Workflow", "Elsa.Flowchart", "Elsa.Sequence", "Elsa.Parallel", "Elsa.Fork", "Elsa.FlowNode", "Elsa.If", "Elsa.Switch", "Elsa.FlowDecision", "Elsa.FlowSwitch",
            "Elsa.FlowFork", "Elsa.FlowJoin", "Elsa.For", "Elsa.ForEach", "Elsa.ParallelForEach", "Elsa.While", "Elsa.Break", "Elsa.Start", "Elsa.End", "Elsa.Complete", "Elsa.Finish",
            "Elsa.SetVariable", "Elsa.SetOutput", "Elsa.SetName", "Elsa.Correlate", "Elsa.NotFoundActivity", "Automation.ForEach",
        ];
        var registry = new ActivityRegistry().AddControlFlow();

        registry.All.Select(d => d.TypeName).Should().BeEquivalentTo(expected);
        registry.Find("Elsa.If")!.Ports.Select(p => (p.Name, p.IsEmbedded)).Should().Equal(("Then", true), ("Else", true));
        registry.Find("Elsa.FlowDecision")!.Ports.Select(p => p.Name).Should().Equal("True", "False");
        registry.Find("Elsa.Complete")!.Inputs.Should().ContainSingle().Which.Name.Should().Be("Outcomes");
        registry.Find("Elsa.End")!.IsTerminal.Should().BeTrue();
        var again = () => registry.Add(typeof(Act));
        again.Should().NotThrow();
        again.Should().Throw<InvalidOperationException>().WithMessage("*Test.Act*twice*");
    }

    [SkippableFact]
    public void Descriptors_OfTheReferenceServer_HaveTheSameNames()
    {
        var path = SharedFile("elsa/builtin-activity-descriptors.json");
        Skip.If(path is null, "The shared folder with the reference descriptors is not beside the repository.");
        var file = JToken.Parse(File.ReadAllText(path!));
        var reference = (file as JArray ?? (JArray)file["items"]!).ToDictionary(d => (string)d["typeName"]!);
        foreach (var descriptor in new ActivityRegistry().AddControlFlow().All.Where(d => reference.ContainsKey(d.TypeName) && d.TypeName != "Elsa.NotFoundActivity"))
        {
            var theirs = reference[descriptor.TypeName];
            descriptor.Inputs.Select(i => (i.Name, i.IsWrapped)).Should().BeEquivalentTo(theirs["inputs"]!.Select(i => ((string)i["name"]!, (bool)i["isWrapped"]!)), descriptor.TypeName);
            theirs["ports"]!.Select(p => (string)p["name"]!).Except(["Start"]).Should().BeSubsetOf(descriptor.Ports.Select(p => p.Name), descriptor.TypeName);
            descriptor.Category.Should().Be((string?)theirs["category"], descriptor.TypeName);
            (descriptor.IsBrowsable, descriptor.IsTerminal, descriptor.IsStart, descriptor.IsContainer).Should().Be(
                ((bool)theirs["isBrowsable"]!, (bool)theirs["isTerminal"]!, (bool)theirs["isStart"]!, (bool)theirs["isContainer"]!), descriptor.TypeName);
        }
    }

    [Fact]
    public async Task DescribeState_OfASuspendedRun_HasElsasShape()
    {
        var run = await harness.RunAsync(Def.Of(Def.WaitFor("k"), Def.Variable("V", "Int32", "3")), new RunStart { InstanceId = "run", CorrelationId = "c" });
        var state = run.DescribeState();

        ((string?)state["id"], (string?)state["definitionId"], (string?)state["status"], (string?)state["subStatus"], (string?)state["correlationId"]).Should().Be(("run", "def", "Running", "Suspended", "c"));
        Json.Write(state["properties"]).Should().Be("{\"Variables\":{\"var-V\":3}}");
        ((string?)state["activityExecutionContexts"]![1]!["activityState"]!["Key"]).Should().Be("k");
        state["bookmarks"]!.Single()["name"]!.ToString().Should().Be("Test.WaitFor");
    }

    private static string? SharedFile(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, "shared", path);
            if (File.Exists(file))
            {
                return file;
            }
        }

        return null;
    }
}
