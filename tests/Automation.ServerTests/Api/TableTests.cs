using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class TableTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task SavedTable_IsReadByExpressions_ReplacedAndDeleted()
    {
        var (saved, _) = await server.SendTextAsync(HttpMethod.Post, "/api/tables", """{"name":"regions","description":"Who sells where.","rows":{"NY":{"rep":"Nora"},"CA":{"rep":"Carl"}}}""");
        var (_, list) = await server.GetAsync("/api/tables");
        await server.PublishAsync(Models.Sequence("reads-table", Models.Output("out", "Rep", "tables.lookup('Regions', 'ny', 'rep')")).WithOutput("Rep"));
        var (_, run) = await server.PostAsync("/elsa/api/workflow-definitions/reads-table/execute", new JObject());
        await server.SendTextAsync(HttpMethod.Post, "/api/tables", """{"name":"regions","rows":{"NY":{"rep":"Nils"}}}""");
        var (_, second) = await server.PostAsync("/elsa/api/workflow-definitions/reads-table/execute", new JObject());
        var (_, one) = await server.GetAsync("/api/tables/regions");
        var (deleted, _) = await server.SendAsync(HttpMethod.Delete, "/api/tables/regions");
        var (status, faulted) = await server.PostAsync("/elsa/api/workflow-definitions/reads-table/execute", new JObject());
        var (gone, _) = await server.GetAsync("/api/tables/regions");

        (saved, deleted, status, gone).Should().Be((201, 204, 500, 404));
        list["items"]!.Should().ContainSingle(table => (string?)table["name"] == "regions").Which["rowCount"]!.ToString().Should().Be("2");
        ((string?)run["workflowState"]!["output"]!["Rep"], (string?)second["workflowState"]!["output"]!["Rep"]).Should().Be(("Nora", "Nils"));
        one["rows"]!["NY"]!["rep"]!.ToString().Should().Be("Nils");
        faulted["workflowState"]!["incidents"]!.ToString().Should().Contain("no lookup table 'Regions'");
    }

    [Theory]
    [InlineData("""{"rows":{}}""", "name")]
    [InlineData("""{"name":"x"}""", "rows")]
    [InlineData("""{"name":"x","rows":{"a":[1]}}""", "rows")]
    [InlineData("""{"name":"x","rows":{"a":1,"A ":2}}""", "rows")]
    public async Task Save_WhatIsNoTable_Is400_WithItsPlace(string table, string property)
    {
        var (status, problem) = await server.SendTextAsync(HttpMethod.Post, "/api/tables", table);

        (status, (string?)problem["property"]).Should().Be((400, property), "{0}", problem);
    }

    [Fact]
    public async Task Functions_AreListed_AndDeclaredForTheEditor()
    {
        await server.PublishAsync(Models.Sequence("declares", Models.Activity("Fetch", "Elsa.RunJavaScript", ("script", "Literal", "1"))));
        var (_, functions) = await server.GetAsync("/api/functions");
        using var response = await server.Client.PostAsync(new Uri("/elsa/api/scripting/javascript/type-definitions/declares", UriKind.Relative), new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));
        var declarations = await response.Content.ReadAsStringAsync();

        functions["items"]!.Select(f => (string?)f["liquid"]).Should().Contain("phones_e164");
        declarations.Should().Contain("declare const phones: {").And.Contain("e164(phone: string, country?: string): string | null;").And.Contain("declare function getResultFromFetch(): any;");
    }
}
