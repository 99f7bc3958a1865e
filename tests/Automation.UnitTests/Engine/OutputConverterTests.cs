using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class OutputConverterTests
{
    private readonly EngineHarness harness = new();

    [Theory]
    [InlineData("Automation.JsonText", null, """{"a":[1,{"b":"x"}]}""")]
    [InlineData("Automation.Pick", """{"path":"a[1].b"}""", "x")]
    public async Task Converter_OfABoundOutput_ChangesWhatTheVariableGets(string id, string? settings, string expected)
    {
        var run = await harness.RunAsync(Definition(id, settings, "JsonConvert"));

        run.Variables.Single(v => v.Name == "V").Value.Should().Be(expected);
        harness.Said.Should().Equal(["""{"a":[1,{"b":"x"}]}"""], "the output itself stays what it was");
    }

    [Theory]
    [InlineData("Nope", null, "*'Nope' is not registered*")]
    [InlineData("Automation.Pick", null, "*'path' is missing*")]
    public async Task Converter_UnknownOrWithoutItsSettings_IsAPublishErrorAndAFault(string id, string? settings, string message)
    {
        var definition = Definition(id, settings, "JsonConvert");
        harness.Compile(definition).Problems.Should().Contain(p => p.Severity == ProblemSeverity.PublishError && p.Code == "output-converter").Which.Message.Should().Match(message);
        var run = await harness.RunAsync(definition);

        run.Incidents.Should().ContainSingle().Which.Fault.Code.Should().Be("output-converter");
        run.Variables.Single(v => v.Name == "V").Value.Should().BeNull();
    }

    [Fact]
    public void Converter_WithoutADestination_IsAPublishError()
    {
        var write = Def.Activity("Test.Write", "o").With("result", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "nowhere" }, ["converter"] = new JObject { ["id"] = "Automation.JsonText" } });
        harness.Compile(Def.Of(write)).Problems.Should().Contain(p => p.Code == "output-converter").Which.Message.Should().Contain("destination");
    }

    private static JObject Definition(string id, string? settings, string name)
    {
        var converter = new JObject { ["id"] = id };
        if (settings is not null)
        {
            converter["settings"] = JObject.Parse(settings);
        }

        var write = Def.Activity("Test.Write", "o").With("name", name).With("value", Def.Js("({a:[1,{b:'x'}]})"))
            .With("result", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "V" }, ["converter"] = converter });
        return Def.Of(Def.Sequence("s", write, Def.SayJs("w", $"JSON.stringify(getOutputFrom('{name}'))")), Def.Variable("V", "Object"));
    }
}
