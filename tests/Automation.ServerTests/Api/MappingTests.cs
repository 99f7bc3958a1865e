using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class MappingTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Map = """
        {"name":"contact-card","description":"A card of a contact.","fields":[
          {"target":"name.full","script":"`${item.firstName} ${item.lastName}`"},
          {"target":"email","source":"emails[0].address|email"},
          {"target":"tags","source":"tags","default":[]},
          {"target":"kind","value":"lead"},
          {"target":"phone","source":"phone"}]}
        """;

    [Fact]
    public async Task Preview_SourcesScriptsValuesDefaults_MakeTheObject()
    {
        var item = JObject.Parse("""{"firstName":"Ada","lastName":"Byron","email":"a@x.org","phone":null}""");

        var (status, body) = await server.PostAsync("/api/mappings/preview", new JObject { ["mapping"] = JObject.Parse(Map), ["item"] = item });

        status.Should().Be(200, "{0}", body);
        JToken.DeepEquals(body["result"], JObject.Parse("""{"name":{"full":"Ada Byron"},"email":"a@x.org","tags":[],"kind":"lead"}""")).Should().BeTrue("{0}", body);
    }

    [Fact]
    public async Task SavedMap_IsListed_UsedByAFlow_ReplacedAndDeleted()
    {
        var (saved, _) = await server.SendTextAsync(HttpMethod.Post, "/api/mappings", Map);
        var (_, list) = await server.GetAsync("/api/mappings");
        await server.PublishAsync(Models.Sequence(
            "maps-fields",
            Models.Activity("map", "Automation.MapFields", ("mapping", "Literal", "Contact-Card"), ("item", "JavaScript", "[{ firstName: 'Ada', lastName: 'Byron' }, { firstName: 'Alan', lastName: 'Turing' }]")),
            Models.Output("out", "Names", "getOutputFrom('map', 'Result').map(card => card.name.full).join(', ')")).WithOutput("Names"));
        var (_, run) = await server.PostAsync("/elsa/api/workflow-definitions/maps-fields/execute", new JObject());
        var (deleted, _) = await server.SendAsync(HttpMethod.Delete, "/api/mappings/contact-card");
        var (status, faulted) = await server.PostAsync("/elsa/api/workflow-definitions/maps-fields/execute", new JObject());
        var (gone, _) = await server.GetAsync("/api/mappings/contact-card");

        (saved, deleted, status, gone).Should().Be((201, 204, 500, 404));
        list["items"]!.Select(map => (string?)map["name"]).Should().Contain("contact-card");
        ((string?)run["workflowState"]!["output"]!["Names"]).Should().Be("Ada Byron, Alan Turing", "{0}", run);
        faulted["workflowState"]!["incidents"]!.ToString().Should().Contain("no field map 'Contact-Card'");
    }

    [Theory]
    [InlineData("""{"fields":[{"target":"a","value":1}]}""", "name")]
    [InlineData("""{"name":"x","fields":[]}""", "fields")]
    [InlineData("""{"name":"x","fields":[{"target":"a..b","value":1}]}""", "fields[0].target")]
    [InlineData("""{"name":"x","fields":[{"target":"a","value":1,"source":"b"}]}""", "fields[0]")]
    [InlineData("""{"name":"x","fields":[{"target":"a","value":1},{"target":"a.b","value":2}]}""", "fields[1].target")]
    [InlineData("""{"name":"x","fields":[{"target":"a","script":"item. +"}]}""", "fields[0].script")]
    public async Task Save_WhatIsNoMap_Is400_WithItsPlace(string map, string property)
    {
        var (status, problem) = await server.SendTextAsync(HttpMethod.Post, "/api/mappings", map);

        (status, (string?)problem["property"]).Should().Be((400, property), "{0}", problem);
    }

    [Fact]
    public async Task Preview_ScriptThatFails_NamesTheField()
    {
        var (status, problem) = await server.PostAsync("/api/mappings/preview", JObject.Parse("""{"item":{},"mapping":{"name":"x","fields":[{"target":"a","script":"item.b.c"}]}}"""));

        status.Should().Be(400);
        ((string?)problem["detail"]).Should().Contain("'a'");
    }
}
