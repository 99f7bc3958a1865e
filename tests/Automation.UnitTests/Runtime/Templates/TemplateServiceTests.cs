using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Templates;

public sealed class TemplateServiceTests
{
    private static readonly Dictionary<string, string> Slots = new() { ["shop"] = PollingWorld.Connection };

    [Fact]
    public async Task InstallAsync_SlotsAndInputs_FillsTypedValuesAndTextAndPublishes()
    {
        await using var world = await WithTemplateAsync();
        var templates = world.Get<TemplateService>();

        var saved = await templates.InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "top" }, publish: true, default);
        var second = await templates.InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "top" }, publish: false, default);

        var model = world.Definitions.Describe(saved.Version);
        var trigger = model["root"]!["activities"]![0]!;
        trigger["connectionId"]!["expression"]!["value"]!.Value<string>().Should().Be(PollingWorld.Connection);
        trigger["interval"]!["expression"]!["value"]!.Value<string>().Should().Be("30s");
        trigger["shelf"]!["expression"]!["value"]!.Value<string>().Should().Be("the top shelf");
        model["customProperties"]!["limit"]!.Type.Should().Be(JTokenType.Integer);
        model["customProperties"]!["template"].Should().BeNull();
        saved.Version.IsPublished.Should().BeTrue();
        saved.Version.Provider.Should().Be("template:watch-shelf");
        (await world.SourceAsync()).Inputs["shelf"]!.Value<string>().Should().Be("the top shelf");
        (saved.Version.Name, second.Version.Name).Should().Be(("Watch a shelf", "Watch a shelf 2"));
        second.Version.DefinitionId.Should().NotBe(saved.Version.DefinitionId);
    }

    [Theory]
    [InlineData("{}", "{\"shelf\":\"a\"}", "connections.shop")]
    [InlineData("{\"shop\":\"nowhere\"}", "{\"shelf\":\"a\"}", "connections.shop")]
    [InlineData("{\"shop\":\"shop-1\",\"extra\":\"shop-1\"}", "{\"shelf\":\"a\"}", "connections.extra")]
    [InlineData("{\"shop\":\"shop-1\"}", "{}", "inputs.shelf")]
    [InlineData("{\"shop\":\"shop-1\"}", "{\"shelf\":5}", "inputs.shelf")]
    [InlineData("{\"shop\":\"shop-1\"}", "{\"shelf\":\"a\",\"interval\":\"often\"}", "inputs.interval")]
    [InlineData("{\"shop\":\"shop-1\"}", "{\"shelf\":\"a\",\"limit\":\"many\"}", "inputs.limit")]
    [InlineData("{\"shop\":\"shop-1\"}", "{\"shelf\":\"a\",\"other\":1}", "inputs.other")]
    public async Task InstallAsync_SlotOrInputMissingOrWrong_IsRefusedByName(string slots, string inputs, string property)
    {
        await using var world = await WithTemplateAsync();

        var act = () => world.Get<TemplateService>().InstallAsync("watch-shelf", null, JObject.Parse(slots).ToObject<Dictionary<string, string>>()!, JObject.Parse(inputs), publish: false, default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Property.Should().Be(property);
        (await world.Get<IDefinitionStore>().ListAsync(new DefinitionFilter(), false, default)).Total.Should().Be(0);
    }

    [Fact]
    public async Task InstallAsync_PublishRefused_KeepsNothing()
    {
        await using var world = await WithTemplateAsync();

        var act = () => world.Get<TemplateService>().InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "a", ["interval"] = "1s" }, publish: true, default);

        await act.Should().ThrowAsync<DefinitionRejectedException>();
        (await world.Get<IDefinitionStore>().ListAsync(new DefinitionFilter(), false, default)).Total.Should().Be(0);
    }

    [Fact]
    public async Task InstallAsync_UnknownTemplate_NamesThoseThatThereAre()
    {
        await using var world = await WithTemplateAsync();

        var act = () => world.Get<TemplateService>().InstallAsync("other", null, Slots, [], publish: false, default);

        await act.Should().ThrowAsync<KeyNotFoundException>().WithMessage("*watch-shelf*");
    }

    public static JObject Template()
    {
        var flow = PollingWorld.Flow("template", interval: "{{input:interval}}", name: "Watch a shelf", more: new JObject
        {
            ["connectionId"] = PollingWorld.Literal("{{slot:shop}}"),
            ["shelf"] = PollingWorld.Literal("the {{ input:shelf }} shelf"),
        });
        flow["customProperties"] = JObject.Parse("""
            {"limit":"{{input:limit}}","template":{"name":"watch-shelf","description":"Watches a shelf.","slots":[{"name":"shop","connector":"shop"}],
             "inputs":[{"name":"shelf","type":"string","required":true},{"name":"interval","type":"interval","default":"30s","required":false},{"name":"limit","type":"integer","default":5,"required":false}],
             "scopes":["things.readonly"],"dailyCalls":2880,"sample":{"id":"x"}}}
            """);
        return flow;
    }

    private static async Task<PollingWorld> WithTemplateAsync()
    {
        var world = await PollingWorld.StartAsync();
        world.Get<TemplateService>().Put("watch-shelf.template.json", Template());
        return world;
    }
}
