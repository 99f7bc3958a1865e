using Automation.Engine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Definitions;

public sealed class DefinitionServiceTests
{
    [Fact]
    public async Task SaveAsync_NewModelFromTheDesigner_GetsIdsAndVersionOne()
    {
        await using var world = await PollingWorld.StartAsync();
        var model = JObject.Parse("""
            {"definitionId":null,"id":null,"name":"Workflow 1","description":null,"toolVersion":"3.8.0.0","variables":null,"inputs":null,"outputs":null,"outcomes":null,
             "customProperties":null,"options":null,"links":null,"createdAt":"0001-01-01T00:00:00+00:00","version":1,"isLatest":true,"isPublished":false,
             "root":{"id":"9a1b","type":"Elsa.Flowchart","version":1,"name":"Flowchart1"}}
            """);

        var saved = await world.Definitions.SaveAsync(model, publish: false, default);
        var shown = world.Definitions.Describe(saved.Version);

        saved.WasNew.Should().BeTrue();
        saved.Version.Version.Should().Be(1);
        saved.Version.DefinitionId.Should().NotBeEmpty();
        shown["variables"].Should().BeOfType<JArray>();
        shown["options"].Should().BeOfType<JObject>();
        shown["root"]!["nodeId"]!.Value<string>().Should().Be("Workflow1:9a1b");
        shown["createdAt"]!.Value<string>().Should().NotStartWith("0001");
    }

    [Fact]
    public async Task SaveAsync_RetriedByTheDesigner_ChangesNothingMore()
    {
        await using var world = await PollingWorld.StartAsync();
        var model = Text("", "hello", "one");
        model.Remove("definitionId");

        var first = await world.Definitions.SaveAsync((JObject)model.DeepClone(), publish: false, default);
        var second = await world.Definitions.SaveAsync((JObject)model.DeepClone(), publish: false, default);

        second.Version.Id.Should().Be(first.Version.Id);
        second.Version.DefinitionId.Should().Be(first.Version.DefinitionId);
        (await world.Get<IDefinitionStore>().ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions }, false, default)).Total.Should().Be(1);
    }

    [Fact]
    public async Task SaveAsync_DraftThenPublishedThenSaved_OverwritesTheDraftAndAddsAVersion()
    {
        await using var world = await PollingWorld.StartAsync();
        var first = await world.Definitions.SaveAsync(Text("w", "one"), publish: false, default);
        var second = await world.Definitions.SaveAsync(Text("w", "two"), publish: true, default);
        var retried = await world.Definitions.SaveAsync(Text("w", "two"), publish: true, default);
        var third = await world.Definitions.SaveAsync(Text("w", "three"), publish: false, default);

        second.Version.Id.Should().Be(first.Version.Id);
        second.Version.IsPublished.Should().BeTrue();
        retried.Version.Id.Should().Be(second.Version.Id);
        retried.AlreadyPublished.Should().BeTrue();
        third.Version.Id.Should().NotBe(first.Version.Id);
        third.Version.Version.Should().Be(2);
        third.Version.IsPublished.Should().BeFalse();
        var published = await world.Get<IDefinitionStore>().FindAsync("w", VersionOptions.Published, default);
        published!.Version.Should().Be(1);
    }

    [Fact]
    public async Task SaveAsync_UnknownProperties_SurviveTheRoundTripInTheirOrder()
    {
        await using var world = await PollingWorld.StartAsync();
        var model = Text("w", "one");
        model["acmeExtension"] = new JObject { ["b"] = 1, ["a"] = "2026-01-01T00:00:00+01:00" };

        var saved = await world.Definitions.SaveAsync(model, publish: false, default);
        var (fileName, text) = await world.Definitions.ExportAsync(saved.Version, default);
        var again = (await world.Definitions.ImportAsync([(fileName, text)], default)).Single();

        fileName.Should().Be($"workflow-definition-my-flow-w-{saved.Version.Id}.json");
        text.Should().StartWith("{\n  \"$schema\": \"https://elsaworkflows.io/schemas/workflow-definition/v3.0.0/schema.json\"");
        text.Should().Contain("\"acmeExtension\": {\n    \"b\": 1,\n    \"a\": \"2026-01-01T00:00:00+01:00\"\n  }");
        (await world.Definitions.ExportAsync(again.Version, default)).Text.Should().Be(text);
    }

    [Fact]
    public async Task ImportAsync_FileOfAPublishedVersionSeven_BecomesADraftOfTheGivenDefinition()
    {
        await using var world = await PollingWorld.StartAsync();
        var model = Text("w", "one");
        model["version"] = 7;
        model["isPublished"] = true;

        var saved = (await world.Definitions.ImportAsync([("w.json", model.ToString())], default)).Single();
        await world.Definitions.PublishAsync("w", default);
        var again = (await world.Definitions.ImportAsync([("w.json", model.ToString())], default)).Single();

        saved.Version.Should().Match<DefinitionVersion>(version => version.Version == 1 && !version.IsPublished && version.DefinitionId == "w");
        saved.WasNew.Should().BeTrue();
        again.Version.Should().Match<DefinitionVersion>(version => version.Version == 2 && !version.IsPublished);
        again.WasNew.Should().BeFalse();
    }

    [Fact]
    public async Task ImportAsync_OneBrokenFileAmongThree_KeepsNothingAndNamesIt()
    {
        await using var world = await PollingWorld.StartAsync();
        var good = Text("w", "one").ToString();

        var act = () => world.Definitions.ImportAsync([("good.json", good), ("bad.json", "{\n  \"definitionId\": \"x\",\n  oops"), ("other.json", Text("v", "two").ToString())], default);

        var thrown = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which;
        thrown.FileName.Should().Be("bad.json");
        thrown.Problems.Should().Contain(problem => problem.Line == 3);
        (await world.Get<IDefinitionStore>().ListAsync(new DefinitionFilter(), false, default)).Total.Should().Be(0);
    }

    [Fact]
    public async Task PublishAsync_FlowWithMistakes_NamesActivityAndPropertyAndKeepsTheDraft()
    {
        await using var world = await PollingWorld.StartAsync();
        var flow = PollingWorld.Flow("w", more: new JObject { ["connectionId"] = PollingWorld.Literal("no-such"), ["colour"] = PollingWorld.Literal("green") });
        var saved = await world.Definitions.SaveAsync(flow, publish: false, default);

        var act = () => world.Definitions.PublishAsync("w", default);

        var thrown = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which;
        thrown.Problems.Should().ContainSingle(problem => problem.Property == "connectionId").Which.ActivityId.Should().Be("watch");
        thrown.Problems.Should().ContainSingle(problem => problem.Property == "colour");
        saved.Problems.Should().Contain(problem => problem.Property == "connectionId", "saving warns of what publishing will refuse");
        (await world.Get<IDefinitionStore>().FindAsync("w", VersionOptions.Latest, default))!.IsPublished.Should().BeFalse();
        (await world.Store.ListSourcesAsync(default)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("1s", "interval-too-short")]
    [InlineData("often", "bad-interval")]
    [InlineData("61 * * * *", "bad-interval")]
    public async Task PublishAsync_IntervalThatCannotBe_IsRefusedOnce(string interval, string code)
    {
        await using var world = await PollingWorld.StartAsync();

        var act = () => world.PublishAsync("w", interval: interval);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Should().ContainSingle().Which.Code.Should().Be(code);
    }

    [Fact]
    public async Task PublishAsync_HttpPathOfAnotherFlow_IsRefusedInElsasWords()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.Definitions.SaveAsync(Trigger("one", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal("p") }), publish: true, default);

        var act = () => world.Definitions.SaveAsync(Trigger("two", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal("/p") }), publish: true, default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Message
            .Should().Be("The /p path and get method are already in use by another workflow!");
        await world.Definitions.SaveAsync(Trigger("one", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal("p") }, name: "again"), publish: true, default);
        (await world.Store.FindListeningAsync([Bookmark.HashOf("Elsa.HttpEndpoint", "get:/p")], default)).Should().ContainSingle();
    }

    [Theory]
    [InlineData("Orders", "/orders/", true)]
    [InlineData("orders/{id}", "orders/{Number}", true)]
    [InlineData("orders/{id}", "orders/{id:int}", false)]
    [InlineData("orders/{id:int}", "orders/{number:int}", true)]
    [InlineData("orders/{id}", "orders/open", false)]
    [InlineData("files/{*path}", "files/{*name}", true)]
    [InlineData("files/{*path}", "files/{name}", false)]
    public async Task PublishAsync_HttpPathThatAnswersTheSameRequests_IsRefused(string first, string second, bool isRefused)
    {
        await using var world = await PollingWorld.StartAsync();
        await world.Definitions.SaveAsync(Trigger("one", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal(first) }), publish: true, default);

        var saved = await world.Definitions.SaveAsync(Trigger("two", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal(second) }), publish: false, default);

        saved.Problems.Any(problem => problem.Code == "http-path-in-use").Should().Be(isRefused);
    }

    [Fact]
    public async Task SaveAsync_VariableThatNothingUses_IsWarnedOf()
    {
        await using var world = await PollingWorld.StartAsync();
        var model = Trigger("w", "Elsa.Event", new JObject { ["eventName"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = "variables.Named + getSpacedName()" } } });
        model["variables"] = new JArray(new[] { "Named", "spaced name", "Forgotten" }.Select(name => new JObject { ["id"] = "v-" + name.Length, ["name"] = name, ["typeName"] = "String" }));
        model["root"]!["variables"] = new JArray(new JObject { ["id"] = "v-inner", ["name"] = "Inner", ["typeName"] = "String" });

        var saved = await world.Definitions.SaveAsync(model, publish: false, default);

        saved.Problems.Where(problem => problem.Code == "unused-variable").Select(problem => (problem.Severity, problem.ActivityId, problem.Message)).Should().Equal(
            (ProblemSeverity.Warning, null, "Nothing uses the variable 'Forgotten'. Use it, or remove it."),
            (ProblemSeverity.Warning, (string?)model["root"]!["id"], "Nothing uses the variable 'Inner'. Use it, or remove it."));
    }

    [Fact]
    public async Task PublishAsync_BadCron_IsRefusedInElsasWordsAndAGoodOneHasItsTime()
    {
        await using var world = await PollingWorld.StartAsync();

        var act = () => world.Definitions.SaveAsync(Trigger("w", "Elsa.Cron", new JObject { ["cronExpression"] = PollingWorld.Literal("every day") }), publish: true, default);
        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Message.Should().Contain("Error when parsing cron expression: ");

        var good = Trigger("w", "Elsa.Cron", new JObject { ["cronExpression"] = PollingWorld.Literal("30 8 * * *"), ["timeZone"] = PollingWorld.Literal("Asia/Tokyo") });
        await world.Definitions.SaveAsync(good, publish: true, default);
        var trigger = await world.TriggerAsync("w");
        trigger.Kind.Should().Be("schedule");
        trigger.DueAt!.Value.UtcDateTime.TimeOfDay.Should().Be(new TimeSpan(23, 30, 0));
    }

    [Theory]
    [InlineData("Elsa.Cron", "cronExpression", "0 0 30 2 *", "never comes")]
    [InlineData("Elsa.StartAt", "dateTime", "2020-01-01T08:00:00Z", "has passed")]
    public async Task PublishAsync_TimeThatNeverComes_Warns(string type, string property, string text, string expected)
    {
        await using var world = await PollingWorld.StartAsync();

        var saved = await world.Definitions.SaveAsync(Trigger("w", type, new JObject { [property] = PollingWorld.Literal(text) }), publish: true, default);

        var problem = saved.Problems.Should().ContainSingle(problem => problem.Code == "never-due").Subject;
        (problem.Severity, problem.Property).Should().Be((ProblemSeverity.Warning, property));
        problem.Message.Should().Contain(expected);
    }

    [Fact]
    public async Task PublishAsync_TriggersOfEveryKind_ListenToWhatTheyName()
    {
        await using var world = await PollingWorld.StartAsync();
        var methods = new JObject { ["typeName"] = "String[]", ["expression"] = new JObject { ["type"] = "Object", ["value"] = "[\"GET\",\"POST\"]" } };

        await world.Definitions.SaveAsync(Trigger("http", "Elsa.HttpEndpoint", new JObject { ["path"] = PollingWorld.Literal("orders/{id}"), ["supportedMethods"] = methods }), publish: true, default);
        await world.Definitions.SaveAsync(Trigger("event", "Elsa.Event", new JObject { ["eventName"] = PollingWorld.Literal("Paid") }), publish: true, default);
        await world.Definitions.SaveAsync(Trigger("timer", "Elsa.Timer", new JObject { ["interval"] = PollingWorld.Literal("00:05:00") }), publish: true, default);
        await world.Definitions.SaveAsync(Trigger("once", "Elsa.StartAt", new JObject { ["dateTime"] = PollingWorld.Literal("2040-01-01T08:00:00+01:00") }), publish: true, default);

        (await world.Store.ListTriggersAsync(new TriggerQuery { DefinitionId = "http", Kind = "http" }, default)).Items.Select(trigger => trigger.Configured).Should().BeEquivalentTo("get:/orders/{id}", "post:/orders/{id}");
        (await world.Store.FindListeningAsync([Bookmark.HashOf("Elsa.Event", "Paid")], default)).Single().DefinitionId.Should().Be("event");
        var timer = await world.TriggerAsync("timer");
        timer.DueAt.Should().BeCloseTo(world.Clock.GetUtcNow().AddMinutes(5), TimeSpan.FromSeconds(30));
        Automation.Runtime.Polling.TriggerSchedule.Of(timer).Every.Should().Be(TimeSpan.FromMinutes(5));
        var once = await world.TriggerAsync("once");
        once.DueAt.Should().Be(new DateTimeOffset(2040, 1, 1, 7, 0, 0, TimeSpan.Zero));
        Automation.Runtime.Polling.TriggerSchedule.Of(once).Next(once.DueAt!.Value).Should().BeNull();
    }

    [Fact]
    public async Task PublishAsync_WorkflowThatComesBackToItself_IsRefused()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.Definitions.SaveAsync(Uses("a", "b"), publish: true, default);

        var act = () => world.Definitions.SaveAsync(Uses("b", "a"), publish: true, default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Should().Contain(problem => problem.Code == "workflow-cycle" && problem.ActivityId == "use");
    }

    [Fact]
    public async Task PublishAsync_ScriptErrorInATriggersInput_IsRefusedWithItsPlaceButElsewhereOnlyWarned()
    {
        await using var world = await PollingWorld.StartAsync();
        var broken = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = "'a' +\n+ * 2" } };

        var act = () => world.PublishAsync("w", more: new JObject { ["shelf"] = broken });
        var problem = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Should().Contain(found => found.Property == "shelf" && found.Line != null).Which;
        problem.Line.Should().Be(2);

        var text = Text("v", "one");
        text["root"]!["activities"]![0]!["value"] = broken;
        var saved = await world.Definitions.SaveAsync(text, publish: true, default);
        saved.Version.IsPublished.Should().BeTrue();
        saved.Problems.Should().Contain(found => found.Line == 2 && found.Severity == ProblemSeverity.Warning);
    }

    [Fact]
    public async Task RetractAsync_PublishedFlow_TakesItsTriggersAwayAndNotTwice()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("w");

        var retracted = await world.Definitions.RetractAsync("w", default);

        retracted!.IsPublished.Should().BeFalse();
        (await world.Store.ListTriggersAsync(new TriggerQuery { DefinitionId = "w" }, default)).Total.Should().Be(0);
        var again = () => world.Definitions.RetractAsync("w", default);
        (await again.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("not-published");
        (await world.Definitions.RetractAsync("unknown", default)).Should().BeNull();
    }

    [Fact]
    public async Task RevertAsync_ToAnEarlierVersion_MakesItTheNewDraft()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.Definitions.SaveAsync(Text("w", "one"), publish: true, default);
        await world.Definitions.SaveAsync(Text("w", "two"), publish: true, default);

        var draft = await world.Definitions.RevertAsync("w", 1, default);

        draft!.Version.Should().Be(3);
        draft.IsPublished.Should().BeFalse();
        draft.Json.Should().Contain("\"one\"").And.NotContain("\"two\"");
    }

    [Fact]
    public async Task GetPlanAsync_DraftOverwritten_GivesTheNewPlanAndAPublishedOneIsCompiledOnce()
    {
        await using var world = await PollingWorld.StartAsync();
        var draft = await world.Definitions.SaveAsync(Text("w", "one"), publish: false, default);
        var first = await world.Definitions.GetPlanAsync(draft.Version.Id, default);
        await world.Definitions.SaveAsync(Text("w", "two"), publish: false, default);
        var second = await world.Definitions.GetPlanAsync(draft.Version.Id, default);
        await world.Definitions.PublishAsync("w", default);

        var asked = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await world.Definitions.GetPlanAsync(draft.Version.Id, default))));

        second.Should().NotBeSameAs(first);
        asked.Distinct().Should().ContainSingle();
        (await world.Definitions.GetPlanAsync("unknown", default)).Should().BeNull();
    }

    private static JObject Text(string definitionId, string text, string name = "My flow") => new()
    {
        ["definitionId"] = definitionId,
        ["name"] = name,
        ["root"] = new JObject
        {
            ["id"] = "s",
            ["type"] = "Elsa.Sequence",
            ["version"] = 1,
            ["activities"] = new JArray(new JObject { ["id"] = "a", ["type"] = "Elsa.SetVariable", ["version"] = 1, ["value"] = PollingWorld.Literal(text) }),
        },
    };

    private static JObject Trigger(string definitionId, string type, JObject inputs, string name = "flow")
    {
        var activity = new JObject { ["id"] = "t", ["type"] = type, ["version"] = 1, ["customProperties"] = new JObject { ["canStartWorkflow"] = true } };
        activity.Merge(inputs);
        return new JObject
        {
            ["definitionId"] = definitionId,
            ["name"] = name,
            ["root"] = new JObject { ["id"] = "s", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray(activity) },
        };
    }

    private static JObject Uses(string definitionId, string other) => new()
    {
        ["definitionId"] = definitionId,
        ["name"] = definitionId,
        ["root"] = new JObject
        {
            ["id"] = "s",
            ["type"] = "Elsa.Sequence",
            ["version"] = 1,
            ["activities"] = new JArray(new JObject { ["id"] = "use", ["type"] = "Other", ["version"] = 1, ["workflowDefinitionId"] = other }),
        },
    };
}
