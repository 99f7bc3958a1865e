using Automation.Runtime.Definitions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>Filters of triggers: as scripts and as conditions, before "seen already", checked at publish, told by explain.</summary>
public sealed class TriggerFilterTests
{
    public static TheoryData<JToken> Filters() =>
    [
        "event.item.name.startsWith('v')",
        """[{"field":"name","operator":"startsWith","value":"v"}]""",
        JArray.Parse("""[{"field":"name","operator":"startsWith","value":"v"}]"""),
        Wrapped("JavaScript", "event.item.name.startsWith('v')"),
        Wrapped("Literal", "event.item.name.startsWith('v')"),
        Wrapped("Object", """[{"field":"name","operator":"startsWith","value":"v"}]"""),
        Wrapped("Literal", """[{"field":"name","operator":"startsWith","value":"v"}]"""),
    ];

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task Filter_HoweverItIsWritten_FiresWhereItHolds(JToken filter)
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", more: new JObject { ["filter"] = filter });
        await world.PollAsync();

        world.Server.Put("a", "vip");
        world.Server.Put("b", "other");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("a@1");
        var answer = await ExplainAsync(world, "b");
        ((string)answer["answer"]!).Should().Be("filtered");
        ((string)answer["message"]!).Should().Contain("name").And.Contain("v");
    }

    [Fact]
    public async Task ModeNewWithAFilter_FiresWhenAnItemPassesItForTheFirstTime()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("there", "plain");
        world.Server.Put("passed", "vip already");
        await world.PublishAsync("flow", mode: "new", more: new JObject { ["filter"] = "event.item.name.startsWith('v')" });
        await world.PollAsync();

        foreach (var (id, name) in new[] { ("there", "vip now"), ("there", "vip still"), ("passed", "vip and more"), ("there", "plain again"), ("there", "vip again"), ("late", "plain"), ("late", "vip") })
        {
            world.Server.Put(id, name);
            await world.PollAsync();
        }

        (await world.FiredAsync("flow")).Should().Equal("there@2", "late@2");
        ((string)(await ExplainAsync(world, "there"))["message"]!).Should().Contain("before");
        ((string)(await ExplainAsync(world, "passed"))["message"]!).Should().Contain("new items only");
    }

    [Theory]
    [InlineData("event.item.name ===\n=== 1", "does not parse", 2)]
    [InlineData("""[{"field":"name","operator":"resembles","value":"v"}]""", "resembles", null)]
    public async Task Publish_FilterThatIsWrong_IsRefusedAndSaysWhy(string filter, string why, int? line)
    {
        await using var world = await PollingWorld.StartAsync();

        foreach (var written in new JToken[] { filter, Wrapped("JavaScript", filter) })
        {
            var act = () => world.PublishAsync("flow", more: new JObject { ["filter"] = written });

            var problem = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Should().ContainSingle().Subject;
            problem.Property.Should().Be("filter");
            problem.ActivityId.Should().Be("watch");
            problem.Message.Should().Contain(why);
            problem.Line.Should().Be(line);
        }
    }

    [Fact]
    public async Task Filter_ThatFails_FiresNothingAndSaysSo()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", more: new JObject { ["filter"] = "event.item.nothing.at.all === 1" });
        await world.PollAsync();
        world.Server.Put("x", "new");
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().BeEmpty();
        ((string)(await ExplainAsync(world, "x"))["message"]!).Should().Contain("failed").And.Contain("event.item.nothing");
    }

    [Theory]
    [InlineData("timeZone", "Mars/Olympus", "IANA")]
    [InlineData("backfill", "some", "none, all")]
    public async Task Publish_WrongChoice_IsRefused(string property, string value, string why)
    {
        await using var world = await PollingWorld.StartAsync();

        var act = () => world.PublishAsync("flow", more: new JObject { [property] = PollingWorld.Literal(value) });

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Should().ContainSingle(problem => problem.Property == property && problem.Message.Contains(why));
    }

    private static JObject Wrapped(string type, JToken value) => new() { ["typeName"] = "Object", ["expression"] = new JObject { ["type"] = type, ["value"] = value } };

    private static async Task<JObject> ExplainAsync(PollingWorld world, string key) => (await world.Triggers.ExplainAsync((await world.TriggerAsync("flow")).Id, key, default))!;
}
