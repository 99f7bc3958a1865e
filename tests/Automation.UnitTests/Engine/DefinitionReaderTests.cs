using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class DefinitionReaderTests
{
    [Theory]
    [InlineData("{\n  \"root\": {,}\n}", 2, "malformed-json")]
    [InlineData("", 1, "malformed-json")]
    [InlineData("{\"root\":{}} tail", 1, "malformed-json")]
    [InlineData("[1]", 1, "not-a-definition")]
    public void Read_NotADefinition_SaysWhere(string text, int line, string code)
    {
        var (definition, problems) = DefinitionReader.Read(text);

        definition.Should().BeNull();
        var problem = problems.Should().ContainSingle().Subject;
        (problem.Severity, problem.Code, problem.Line).Should().Be((ProblemSeverity.Error, code, line));
        problem.Column.Should().BePositive();
    }

    [Theory]
    [InlineData("{\"root\":null}")]
    [InlineData("{\"name\":\"x\"}")]
    [InlineData("{\"root\":[]}")]
    public void Read_NoRoot_IsRefused(string text) =>
        DefinitionReader.Read(text).Problems.Should().ContainSingle().Which.Code.Should().Be("missing-root");

    [Fact]
    public void Read_ThousandLevels_IsRefusedAsTextAndAsObject()
    {
        var text = "{\"root\":" + string.Concat(Enumerable.Repeat("{\"id\":\"a\",\"body\":", 1_000)) + "{}" + new string('}', 1_001);
        DefinitionReader.Read(text).Problems.Should().ContainSingle().Which.Code.Should().Be("too-deep");

        var deep = new JObject();
        for (var i = 0; i < 100_000; i++)
        {
            deep = new JObject { ["body"] = deep };
        }

        DefinitionReader.Read(new JObject { ["root"] = deep }).Problems.Should().ContainSingle().Which.Code.Should().Be("too-deep");
    }

    [Fact]
    public void Read_TooLarge_IsRefused()
    {
        var text = "{\"root\":{},\"description\":\"" + new string('x', DefinitionReader.MaximumLength) + "\"}";

        DefinitionReader.Read(text).Problems.Should().ContainSingle().Which.Code.Should().Be("too-large");
    }

    [Fact]
    public void Read_DuplicateIdsAnywhere_AreNamedWithTheirPlace()
    {
        var definition = Def.Of(Def.Flowchart(
            [],
            Def.Say("a"),
            Def.Activity("Elsa.If", "if").With("then", Def.Say("a")),
            Def.Activity("Elsa.Switch", "sw").With("cases", new JArray(new JObject { ["label"] = "x", ["activity"] = Def.Say("b") })),
            Def.Activity("Elsa.Fork", "fork").With("branches", new JArray(Def.Say("b")))));
        var (read, problems) = DefinitionReader.Read(definition.ToString());

        read.Should().BeNull();
        problems.Select(p => (p.Code, p.ActivityId)).Should().Equal(("duplicate-activity-id", "a"), ("duplicate-activity-id", "b"));
        problems.Should().OnlyContain(p => p.Line > 1 && p.Message.Contains($"'{p.ActivityId}'"));
    }

    [Fact]
    public void Read_SameIdInDataOrVariables_IsNoDuplicate()
    {
        var definition = Def.Of(Def.Sequence("s", Def.Set("a", Def.Literal(1), "a"), Def.Say("x")), Def.Variable("a", "Object"));
        definition["root"]!["activities"]![1]!["metadata"]!["designer"] = new JObject { ["id"] = "a", ["type"] = "t", ["version"] = 1 };

        DefinitionReader.Read(definition).Problems.Should().BeEmpty();
    }

    [Fact]
    public void Read_WhatWeDoNotKnow_SurvivesToTheByte()
    {
        const string Text = """{"$schema":"https://elsaworkflows.io/schemas/workflow-definition/v3.0.0/schema.json","id":"v","future":{"b":[1,2.5,null,"2030-01-01T00:00:00+02:00"],"a":true},"variables":null,"inputs":null,"outputs":null,"customProperties":null,"options":null,"createdAt":"0001-01-01T00:00:00+00:00","root":{"id":"r","type":"Elsa.Flowchart","version":1,"name":null,"activities":null,"connections":null,"unknown":[{"x":-20.5}],"metadata":{"designer":{"position":{"x":-20.75,"y":1e-7}}}}}""";
        var (definition, problems) = DefinitionReader.Read(Text);

        problems.Should().BeEmpty();
        Json.Write(definition!.Json).Should().Be(Text.Replace("1e-7", "1E-07", StringComparison.Ordinal));
        new EngineHarness().Engine.Compile(definition).Problems.Should().BeEmpty();
        Json.Write(definition.Json).Should().Be(Text.Replace("1e-7", "1E-07", StringComparison.Ordinal), "compiling changes nothing");
    }
}
