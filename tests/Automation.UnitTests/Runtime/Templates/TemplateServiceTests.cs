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

    [Fact]
    public async Task SaveAsync_InstalledFlow_BecomesATemplateWithSlotsAndInputs_ThatInstallsTheSameFlow()
    {
        await using var world = await WithTemplateAsync();
        var templates = world.Get<TemplateService>();
        var first = await templates.InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "top" }, publish: true, default);

        var template = await templates.SaveAsync(first.Version, "my-shelf", "Mine.", [new TemplateValue("place", "watch", "shelf", Required: true, KeepDefault: false), new TemplateValue("interval", null, "interval", Required: false, KeepDefault: true)], replace: false, default);
        var again = await templates.InstallAsync("my-shelf", "Again", new Dictionary<string, string> { ["shop"] = PollingWorld.Connection }, new JObject { ["place"] = "the top shelf" }, publish: false, default);

        template.Slots.Should().Equal(new TemplateSlot("shop", "shop"));
        template.Inputs.Select(input => (input.Name, input.Type, (string?)input.Default, input.Required)).Should().Equal(("place", "string", null, true), ("interval", "interval", "30s", false));
        template.Definition.ToString().Should().NotContain(PollingWorld.Connection).And.NotContain("installedFrom").And.NotContain("top shelf");
        (await templates.ListAsync(default)).Select(t => (t.Name, t.IsSaved)).Should().Equal(("my-shelf", true), ("watch-shelf", false));
        DefinitionComparison.Compare(Model(first), Model(again)).Where(change => change.Property != "customProperties").Select(change => change.Text)
            .Should().Equal("The workflow's name changed from \"Watch a shelf\" to \"Again\".");
    }

    [Fact]
    public async Task SaveAsync_NameTaken_IsRefused_UnlessItReplacesASavedOne()
    {
        await using var world = await WithTemplateAsync();
        var templates = world.Get<TemplateService>();
        var flow = (await templates.InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "top" }, publish: false, default)).Version;
        await templates.SaveAsync(flow, "mine", null, null, replace: false, default);

        var twice = () => templates.SaveAsync(flow, "Mine", null, null, replace: false, default);
        var file = () => templates.SaveAsync(flow, "watch-shelf", null, null, replace: true, default);
        await templates.SaveAsync(flow, "mine", "Better.", null, replace: true, default);

        (await twice.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("duplicate-template");
        (await file.Should().ThrowAsync<DefinitionRejectedException>()).Which.Message.Should().Contain("definitions folder");
        (await templates.FindAsync("MINE", default))!.Description.Should().Be("Better.");
        (await templates.DeleteAsync("mine", default)).Should().BeTrue();
        (await templates.FindAsync("mine", default)).Should().BeNull();
    }

    [Fact]
    public async Task AddAsync_WhatCouldNotRunHere_IsRefused_AndSaysWhy()
    {
        await using var world = await PollingWorld.StartAsync();
        var template = Template();
        template["customProperties"]!["template"]!["slots"]![0]!["connector"] = "acme";
        ((JArray)template["customProperties"]!["template"]!["inputs"]!).RemoveAt(2);
        template["root"]!["activities"]![0]!["type"] = "Acme.Vanished";

        var act = () => world.Get<TemplateService>().AddAsync(template, replace: false, default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Select(problem => problem.Code).Should().Equal("unknown-connector", "unknown-placeholder", "unknown-activity-type");
    }

    [Fact]
    public async Task UpgradeAsync_ChangedTemplate_ShowsWhatChanges_ThenAppliesIt_AndTheTriggerKeepsItsSource()
    {
        await using var world = await WithTemplateAsync();
        var templates = world.Get<TemplateService>();
        var installed = (await templates.InstallAsync("watch-shelf", "My shelf", Slots, new JObject { ["shelf"] = "top" }, publish: true, default)).Version;
        var current = await templates.UpgradeAsync(installed.DefinitionId, new Dictionary<string, string>(), [], apply: true, publish: true, default);

        var changed = Template();
        changed["root"]!["activities"]![0]!["name"] = "Renamed";
        ((JArray)changed["customProperties"]!["template"]!["inputs"]!).Add(JObject.Parse("""{"name":"note","type":"string","required":true}"""));
        changed["description"] = "{{input:note}}";
        templates.Put("watch-shelf.template.json", changed);
        var without = () => templates.UpgradeAsync(installed.DefinitionId, new Dictionary<string, string>(), [], apply: false, publish: false, default);
        (await without.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Property.Should().Be("inputs.note");
        var preview = await templates.UpgradeAsync(installed.DefinitionId, new Dictionary<string, string>(), new JObject { ["note"] = "new" }, apply: false, publish: false, default);
        var before = await world.Get<IDefinitionStore>().FindAsync(installed.DefinitionId, VersionOptions.Latest, default);
        var done = await templates.UpgradeAsync(installed.DefinitionId, new Dictionary<string, string>(), new JObject { ["note"] = "new" }, apply: true, publish: true, default);

        (current.IsCurrent, current.WasEdited, current.Changes.Count, current.Saved).Should().Be((true, false, 0, null));
        (preview.IsCurrent, preview.WasEdited, preview.Saved).Should().Be((false, false, null));
        preview.Changes.Select(change => change.Text).Should().HaveCount(2).And.Contain("The workflow's description changed from nothing to \"new\".");
        before!.Version.Should().Be(1);
        (done.Saved!.Version.Version, done.Saved.Version.IsPublished, done.Saved.Version.Name).Should().Be((2, true, "My shelf"));
        (await world.TriggerAsync(installed.DefinitionId)).VersionId.Should().Be(done.Saved.Version.Id);
    }

    [Fact]
    public async Task UpgradeAsync_FlowThatWasEdited_SaysSo_AndNamesWhatWouldBeUndone()
    {
        await using var world = await WithTemplateAsync();
        var templates = world.Get<TemplateService>();
        var installed = (await templates.InstallAsync("watch-shelf", null, Slots, new JObject { ["shelf"] = "top" }, publish: false, default)).Version;
        var model = world.Definitions.Describe(installed);
        model["root"]!["activities"]![0]!["interval"]!["expression"]!["value"] = "10m";
        await world.Definitions.SaveAsync(model, publish: false, default);

        var preview = await templates.UpgradeAsync(installed.DefinitionId, new Dictionary<string, string>(), [], apply: false, publish: false, default);

        (preview.IsCurrent, preview.WasEdited).Should().Be((true, true));
        preview.Changes.Single().Text.Should().EndWith("interval changed from \"10m\" to \"30s\".");
    }

    private static JObject Model(SavedDefinition saved) => JObject.Parse(saved.Version.Json);

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
