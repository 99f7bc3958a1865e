using System.Text;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>The less common ways into Elsa's API.</summary>
public sealed class HandleTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/elsa/api/workflow-definitions";

    [Theory]
    [InlineData("Elsa.Flowchart", """{"activityId":"second"}""")]
    [InlineData("Elsa.Sequence", """{"activityId":"second"}""")]
    [InlineData("Elsa.Flowchart", """{"activityNodeId":"Workflow1:root:second","activityId":null,"activityInstanceId":null,"activityHash":null}""")]
    public async Task Execute_WithAnActivityHandle_RunsThatActivityAlone(string rootType, string handle)
    {
        var model = Chain("handled");
        model["root"]!["type"] = rootType;
        model["variables"] = new JArray(new JObject { ["id"] = "v", ["name"] = "Base", ["typeName"] = "Int32", ["value"] = "40" });
        model["root"]!["activities"]![1] = Models.Output("second", "Second", "getVariable('Base') + 2");
        await server.PublishAsync(model);

        var (status, body) = await server.PostAsync(Definitions + "/handled/execute", new JObject { ["activityHandle"] = JObject.Parse(handle) });

        status.Should().Be(200, "{0}", body);
        body["workflowState"]!["output"]!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"Second":42}""");
        ((string?)body["workflowState"]!["status"], (string?)body["workflowState"]!["subStatus"]).Should().Be(("Finished", "Finished"));
    }

    [Theory]
    [InlineData("""{"activityId":"Workflow1"}""")]
    [InlineData("""{"activityNodeId":"Workflow1"}""")]
    public async Task Execute_WithAHandleOfTheWorkflowItself_RunsAllOfIt(string handle)
    {
        await server.PublishAsync(Chain("whole"));

        var (status, body) = await server.PostAsync(Definitions + "/whole/execute", new JObject { ["activityHandle"] = JObject.Parse(handle) });

        status.Should().Be(200, "{0}", body);
        (body["workflowState"]!["output"] as JObject)!.Properties().Select(output => output.Name).Should().BeEquivalentTo("First", "Second", "Third");
    }

    [Theory]
    [InlineData("""{"activityId":"nobody"}""", "has no activity 'nobody'")]
    [InlineData("""{"activityInstanceId":"x"}""", "no activity instances yet")]
    public async Task Execute_WithAHandleOfNothing_IsRefused(string handle, string reason)
    {
        await server.PublishAsync(Chain("mishandled"));

        var (status, body) = await server.PostAsync(Definitions + "/mishandled/execute", new JObject { ["activityHandle"] = JObject.Parse(handle) });

        status.Should().Be(400);
        ((string?)body["detail"]).Should().Contain(reason);
        ((string?)body["property"]).Should().Be("activityHandle");
    }

    [Fact]
    public async Task Execute_ByGet_TakesItsInputFromTheQuery()
    {
        var model = Models.Sequence("by-get", Models.Output("out", "Greeting", "'hello ' + getInput('Who')")).WithOutput("Greeting");
        model["inputs"] = new JArray(new JObject { ["name"] = "Who", ["type"] = "String" });
        await server.PublishAsync(model);

        var (status, body) = await server.GetAsync(Definitions + "/by-get/execute?CorrelationId=c1&Input=" + Uri.EscapeDataString("""{"Who":"you"}"""));

        status.Should().Be(200, "{0}", body);
        ((string?)body["workflowState"]!["output"]!["Greeting"], (string?)body["workflowState"]!["correlationId"]).Should().Be(("hello you", "c1"));
    }

    [Fact]
    public async Task Save_OfWhatSomebodyElseHasSavedSince_IsRefused_WhenItSaysWhatItWasMadeFrom()
    {
        var model = Models.Sequence("two-people", Models.Output("x", "X", "1"));
        var (_, firstTag, _) = await SaveAsync(null);
        model["description"] = "Ann's.";
        var (ann, annsTag, _) = await SaveAsync(firstTag);
        var (again, _, _) = await SaveAsync(firstTag);
        model["description"] = "Ben's.";
        var (ben, present, problem) = await SaveAsync(firstTag);
        var (_, stored) = await server.GetAsync(Definitions + "/two-people");
        var (published, _) = await server.PostAsync(Definitions + "/two-people/publish", new JObject());
        var (mended, _, _) = await SaveAsync(present);
        await server.SendAsync(HttpMethod.Delete, Definitions + "/two-people");
        var (deleted, none, _) = await SaveAsync(present);
        var (anyway, _, _) = await SaveAsync(null);

        (ann, again, ben, published, mended, deleted, anyway).Should().Be((200, 200, 412, 200, 200, 412, 200), "a repeated save is no other one, and a publication takes nothing away");
        ((string?)stored["description"], (string?)problem["code"]).Should().Be(("Ann's.", "changed-meanwhile"));
        (present, none).Should().Be((annsTag, null));

        async Task<(int Status, string? Tag, JToken Body)> SaveAsync(string? ifMatch)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Definitions, UriKind.Relative)) { Content = new StringContent(new JObject { ["model"] = model }.ToString(), Encoding.UTF8, "application/json") };
            if (ifMatch is not null)
            {
                request.Headers.Add("If-Match", ifMatch);
            }

            using var response = await server.Client.SendAsync(request);
            return ((int)response.StatusCode, response.Headers.ETag?.ToString(), await RunningServer.ReadAsync(response));
        }
    }

    [Fact]
    public async Task Import_UnderAGivenId_IsThatDefinition()
    {
        var model = Models.Sequence("another-id", Models.Output("x", "X", "1"));

        var (created, first) = await server.SendAsync(HttpMethod.Put, Definitions + "/given-id/import", model);
        var (replaced, second) = await server.SendAsync(HttpMethod.Post, Definitions + "/given-id/import", model);
        var (bare, third) = await server.SendAsync(HttpMethod.Put, Definitions + "/import", model);

        (created, replaced, bare).Should().Be((201, 200, 201));
        Shape.Check(first, Shapes.Definition).Should().BeEmpty();
        ((string?)first["definitionId"], (string?)second["id"]).Should().Be(("given-id", (string?)first["id"]));
        ((string?)third["definitionId"]).Should().Be("another-id");
    }

    [Fact]
    public async Task Export_ByPost_IsTheSameFile()
    {
        await server.PublishAsync(Chain("posted-export"));
        using var posted = await server.Client.PostAsync(new Uri(Definitions + "/posted-export/export", UriKind.Relative), new StringContent("{}", Encoding.UTF8, "application/json"));

        (await posted.Content.ReadAsStringAsync()).Should().Be(await server.Client.GetStringAsync(new Uri(Definitions + "/posted-export/export", UriKind.Relative)));
        posted.Content.Headers.ContentDisposition!.FileName.Should().StartWith("workflow-definition-posted-export-posted-export-");
    }

    [Fact]
    public async Task Version_IsDeletedByItsNumber()
    {
        await server.PublishAsync(Chain("numbered"));
        await server.PublishAsync(Chain("numbered", "other"));

        var (deleted, _) = await server.SendAsync(HttpMethod.Delete, Definitions + "/numbered/version/1");
        var (_, versions) = await server.GetAsync(Definitions + "/numbered/versions");

        deleted.Should().Be(204);
        versions["items"]!.Select(version => (int)version["version"]!).Should().Equal(2);
    }

    [Fact]
    public async Task Definition_OfAnOlderProgram_IsShownAsStrictClientsReadIt_AndKeptAsItCame()
    {
        var older = JObject.Parse("""
            {"definitionId":"older","name":"older","toolVersion":"3","outcomes":{"$values":["Done"]},
             "variables":[{"name":"Total","typeName":"Int32","value":null}],
             "inputs":[{"name":"Who","type":"String"}],"outputs":[{"name":"X","type":"Object","description":null}],
             "options":{"usableAsActivity":"yes","autoUpdateConsumingWorkflows":null},
             "root":{"id":"root","type":"Elsa.Flowchart","version":1,"activities":{"$values":[{"id":"a","type":"Elsa.WriteLine","version":1,"canStartWorkflow":true},{"id":"b","type":"Elsa.WriteLine"}]},
              "connections":[{"source":"a","sourcePort":"Done","target":"b","targetPort":"In"}]}}
            """);
        await server.PostAsync(Definitions + "/import", older);

        var (_, shown) = await server.GetAsync(Definitions + "/by-definition-id/older");
        var exported = JObject.Parse(await server.Client.GetStringAsync(new Uri(Definitions + "/older/export", UriKind.Relative)));

        Shape.Check(shown, Shapes.Definition).Should().BeEmpty();
        Shape.Check(shown["root"]!["connections"]!, JArray.Parse("""[{"source":{"activity":"text","port":"text!"},"target":{"activity":"text","port":"text!"},"vertices":"array"}]""")).Should().BeEmpty();
        ((bool)shown["root"]!["activities"]![0]!["customProperties"]!["canStartWorkflow"]!).Should().BeTrue();
        JToken.DeepEquals(exported["root"], older["root"]).Should().BeTrue();
    }

    private static JObject Chain(string id, string third = "third")
    {
        var model = Models.Sequence(id, Models.Output("first", "First", "1"), Models.Output("second", "Second", "2"), Models.Output(third, "Third", "3")).WithOutput("First");
        model["outputs"] = new JArray(new[] { "First", "Second", "Third" }.Select(name => new JObject { ["name"] = name, ["type"] = "Object" }));
        model["root"]!["type"] = "Elsa.Flowchart";
        model["root"]!["connections"] = new JArray(Edge("first", "second"), Edge("second", third));
        return model;
    }

    private static JObject Edge(string from, string to) => new() { ["source"] = new JObject { ["activity"] = from, ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = to, ["port"] = "In" } };
}
