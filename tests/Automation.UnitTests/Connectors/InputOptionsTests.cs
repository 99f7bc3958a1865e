using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class InputOptionsTests
{
    [Theory]
    [InlineData("GoHighLevel.Opportunities.CreateOpportunity", "pipelineId", "c-ghl", "Sales,Support", "/api/opportunities/pipelines?locationId=loc-1")]
    [InlineData("GoHighLevel.Opportunities.CreateOpportunity", "name", "c-ghl", "", null)]
    [InlineData("GoHighLevel.Opportunities.CreateOpportunity", "pipelineId", null, "", null)]
    [InlineData("GoHighLevel.Opportunities.CreateOpportunity", "pipelineId", "nobody", "", null)]
    public async Task Read_Input_GivesTheConnectionsOwn(string type, string property, string? connectionId, string texts, string? target)
    {
        await using var server = StubServer.Of(StubReply.Json(JObject.Parse("""{"pipelines":[{"id":"p2","name":"Support"},{"id":"p1","name":"Sales"}]}""")));
        await using var kit = new Kit(add: s => s.AddSingleton<IConnections>(new One(Kit.Ghl(server.Url))));

        var options = await kit.Services.GetRequiredService<InputOptions>().ReadAsync(type, property, connectionId, [], CancellationToken.None);

        string.Join(",", options.Select(o => o.Text)).Should().Be(texts);
        server.Requests.Select(r => r.Target).Should().Equal(target is null ? [] : [target]);
    }

    [Theory]
    [InlineData("p1", "New=s1,Won=s2")]
    [InlineData(null, "Support: Open=s3,Sales: New=s1,Sales: Won=s2")]
    public async Task Read_Stages_AreThoseOfThePipelineChosen(string? pipelineId, string expected)
    {
        await using var server = StubServer.Of(StubReply.Json(JObject.Parse("""
            {"pipelines":[{"id":"p2","name":"Support","stages":[{"id":"s3","name":"Open"}]},{"id":"p1","name":"Sales","stages":[{"id":"s1","name":"New"},{"id":"s2","name":"Won"}]}]}
            """)));
        await using var kit = new Kit(add: s => s.AddSingleton<IConnections>(new One(Kit.Ghl(server.Url))));

        var inputs = new JObject { ["pipelineId"] = pipelineId };
        var options = await kit.Services.GetRequiredService<InputOptions>().ReadAsync("GoHighLevel.Opportunities.CreateOpportunity", "pipelineStageId", "c-ghl", inputs, CancellationToken.None);

        string.Join(",", options.Select(o => $"{o.Text}={o.Value}")).Should().Be(expected);
    }

    private sealed class One(Connection connection) : IConnections
    {
        public ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken) => ValueTask.FromResult(idOrName == connection.Id ? connection : null);
    }
}
