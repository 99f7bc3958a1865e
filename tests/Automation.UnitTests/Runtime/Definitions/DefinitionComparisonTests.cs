using Automation.Runtime.Definitions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Definitions;

public sealed class DefinitionComparisonTests
{
    private const string Flow = """
        {"id":"v1","version":1,"definitionId":"d","name":"Greets","createdAt":"2026-01-01T00:00:00Z","variables":[{"name":"Who","typeName":"String","value":"you"}],
         "root":{"id":"chart","nodeId":"Workflow1:chart","type":"Elsa.Flowchart","version":1,"activities":[
           {"id":"a","name":"Ask","type":"Elsa.WriteLine","version":1,"metadata":{"designer":{"position":{"x":1,"y":1}}},"text":{"typeName":"String","expression":{"type":"Literal","value":"hello"}}},
           {"id":"b","name":"Loop","type":"Elsa.ForEach","version":1,"body":{"id":"c","name":"Say","type":"Elsa.WriteLine","version":1}}],
          "connections":[{"source":{"activity":"a","port":"Done"},"target":{"activity":"b","port":"In"}}]}}
        """;

    [Fact]
    public void Compare_SameContent_OtherIdsAndLayoutOfTheServer_IsNoDifference()
    {
        var other = JObject.Parse(Flow);
        (other["id"], other["version"], other["isLatest"], other["links"]) = ("v2", 2, true, new JArray());

        DefinitionComparison.Compare(JObject.Parse(Flow), other).Should().BeEmpty();
    }

    [Fact]
    public void Compare_EachKindOfDifference_IsSaidInWords()
    {
        var to = JObject.Parse(Flow);
        to["name"] = "Welcomes";
        to["variables"]![0]!["value"] = "all";
        var activities = (JArray)to["root"]!["activities"]!;
        activities[0]["text"]!["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = "greet()" };
        activities[0]["metadata"]!["designer"]!["position"]!["x"] = 50;
        activities[1]["body"]!.Parent!.Remove();
        activities.Add(new JObject { ["id"] = "d", ["name"] = "End", ["type"] = "Elsa.Finish", ["version"] = 1 });
        ((JArray)to["root"]!["connections"]!).Add(JObject.Parse("""{"source":"b","sourcePort":"Done","target":"d","targetPort":"In"}"""));

        var changes = DefinitionComparison.Compare(JObject.Parse(Flow), to);

        changes.Select(change => change.Text).Should().Equal(
            "The workflow's name changed from \"Greets\" to \"Welcomes\".",
            "The variable 'Who' changed: value from \"you\" to \"all\".",
            "Activity 'Ask' (Elsa.WriteLine): text changed from \"hello\" to JavaScript \"greet()\".",
            "Activity 'Ask' (Elsa.WriteLine) was moved on the canvas.",
            "Activity 'End' (Elsa.Finish) was added in 'chart'.",
            "Activity 'Say' (Elsa.WriteLine) was removed in body of 'b'.",
            "Connection b:Done → d:In was added.");
        changes.Where(change => change.ActivityId == "a").Select(change => (change.Kind, change.Property)).Should().Equal(("changed", "text"), ("moved", null));
    }

    [Fact]
    public void Compare_ActivityTakenElsewhere_NamesBothPlaces()
    {
        var to = JObject.Parse(Flow);
        var activities = (JArray)to["root"]!["activities"]!;
        var moved = activities[1]["body"]!.DeepClone();
        activities[1]["body"]!.Parent!.Remove();
        activities.Add(moved);

        DefinitionComparison.Compare(JObject.Parse(Flow), to).Select(change => change.Text).Should().Equal("Activity 'Say' (Elsa.WriteLine) was taken from body of 'b' to 'chart'.");
    }
}
