using System.IO.Compression;
using System.Net;
using System.Text;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class ElsaApiTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/elsa/api/workflow-definitions";

    [Fact]
    public async Task SavePublishExecute_RoundTrip_RunsThePublishedVersion()
    {
        var model = Models.Sequence("round-trip", Models.Output("out", "Greeting", "'hello ' + getInput('Who')")).WithOutput("Greeting");
        model["inputs"] = new JArray(new JObject { ["name"] = "Who", ["type"] = "String" });

        var (saved, draft) = await server.PostAsync(Definitions, new JObject { ["model"] = model, ["publish"] = false });
        var (early, _) = await server.PostAsync($"{Definitions}/round-trip/execute", new JObject());
        var (published, answer) = await server.PostAsync($"{Definitions}/round-trip/publish", new JObject());
        var (executed, result) = await server.PostAsync($"{Definitions}/round-trip/execute", new JObject { ["input"] = new JObject { ["Who"] = "you" } });

        saved.Should().Be(200);
        ((bool)draft["workflowDefinition"]!["isPublished"]!).Should().BeFalse();
        ((string?)draft["workflowDefinition"]!["root"]!["nodeId"]).Should().Be("Workflow1:root");
        draft["workflowDefinition"]!["links"]!.Select(l => (string?)l["rel"]).Should().Contain("publish", "else the designer is read-only");
        early.Should().Be(404);
        published.Should().Be(200);
        ((bool)answer["workflowDefinition"]!["isPublished"]!).Should().BeTrue();
        executed.Should().Be(200);
        ((string?)result["workflowState"]!["output"]!["Greeting"]).Should().Be("hello you");
        ((string?)result["workflowState"]!["subStatus"]).Should().Be("Finished");
    }

    [Fact]
    public async Task Execute_Answer_NamesTheInstance_WhichCanBeRead()
    {
        await server.PublishAsync(Models.Sequence("named-instance", Models.Output("out", "X", "1")).WithOutput("X"));
        using var response = await server.Client.PostAsync(new Uri($"{Definitions}/named-instance/execute", UriKind.Relative), new StringContent("{}", Encoding.UTF8, "application/json"));

        var id = response.Headers.GetValues("x-elsa-workflow-instance-id").Single();
        var (status, instance) = await server.GetAsync($"/elsa/api/workflow-instances/{id}");
        var (_, journal) = await server.GetAsync($"/elsa/api/workflow-instances/{id}/journal?skip=0&take=100");
        var (_, executions) = await server.GetAsync($"/elsa/api/activity-executions/list?WorkflowInstanceId={id}");
        var (_, run) = await server.GetAsync($"/api/runs/{id}");

        status.Should().Be(200);
        ((string?)instance["subStatus"]).Should().Be("Finished");
        instance["workflowState"]!.Type.Should().Be(JTokenType.Object);
        journal["items"]!.Where(r => (string?)r["activityId"] == "out").Select(r => (string?)r["eventName"]).Should().Equal("Started", "Completed");
        executions["items"]!.Single(e => (string?)e["activityId"] == "out")["status"]!.ToString().Should().Be("Completed");
        run["journal"]!.Should().NotBeEmpty();
        run["effects"]!.Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_FlowThatFaults_Is500WithItsState()
    {
        await server.PublishAsync(Models.Sequence("faulting", Models.Output("out", "X", "nothing.at.all")).WithOutput("X"));

        var (status, body) = await server.PostAsync($"{Definitions}/faulting/execute", new JObject());

        status.Should().Be(500);
        ((string?)body["workflowState"]!["subStatus"]).Should().Be("Faulted");
        body["workflowState"]!["incidents"]!.Should().ContainSingle();
    }

    [Fact]
    public async Task Save_PublishedVersion_MakesANewDraft_AndListsAgree()
    {
        await server.PublishAsync(Models.Sequence("versions", Models.Output("out", "X", "1")).WithOutput("X"));
        var (_, first) = await server.GetAsync($"{Definitions}/by-definition-id/versions?versionOptions=Published");
        var model = (JObject)first.DeepClone();
        model["description"] = "changed";

        var (_, saved) = await server.PostAsync(Definitions, new JObject { ["model"] = model, ["publish"] = null });
        var (_, again) = await server.PostAsync(Definitions, new JObject { ["model"] = model, ["publish"] = null });
        var (_, versions) = await server.GetAsync($"{Definitions}?versionOptions=AllVersions&Page=0&PageSize=10&DefinitionIds=versions&OrderBy=Version&OrderDirection=Descending");
        var (_, published) = await server.GetAsync($"{Definitions}?VersionOptions=Published&definitionIds=versions&IsSystem=False");

        ((int)saved["workflowDefinition"]!["version"]!).Should().Be(2);
        saved["workflowDefinition"]!["id"]!.ToString().Should().NotBe((string?)first["id"]);
        again["workflowDefinition"]!["id"]!.ToString().Should().Be((string?)saved["workflowDefinition"]!["id"], "a retried save changes nothing more");
        versions["items"]!.Select(v => (int)v["version"]!).Should().Equal(2, 1);
        versions["links"]!.Select(l => (string?)l["rel"]).Should().Contain("bulk-publish", "else the designer's list has no tools");
        ((int)published["totalCount"]!).Should().Be(1);
    }

    [Fact]
    public async Task Save_NewWorkflowOfTheDesigner_NullsBecomeEmptyArrays()
    {
        var model = JObject.Parse("""
            {"definitionId":null,"id":null,"name":"Workflow 1","description":null,"toolVersion":"3.8.0.0","variables":null,"inputs":null,"outputs":null,"outcomes":null,
             "customProperties":null,"options":null,"links":null,"createdAt":"0001-01-01T00:00:00+00:00","version":1,"isLatest":true,"isPublished":false,
             "root":{"id":"8f521cb18772691d","type":"Elsa.Flowchart","version":1,"name":"Flowchart1"}}
            """);

        var (status, saved) = await server.PostAsync(Definitions, new JObject { ["model"] = model, ["publish"] = null });
        var (_, unique) = await server.GetAsync($"{Definitions}/validation/is-name-unique?name=Workflow%201");

        status.Should().Be(200);
        var definition = saved["workflowDefinition"]!;
        definition["definitionId"]!.ToString().Should().NotBeEmpty();
        new[] { "variables", "inputs", "outputs", "outcomes" }.Select(n => definition[n]!.Type).Should().AllBeEquivalentTo(JTokenType.Array);
        ((bool)unique["isUnique"]!).Should().BeFalse();
    }

    [Fact]
    public async Task ImportFiles_OneBrokenFileInTheArchive_KeepsNothing()
    {
        var good = Models.Sequence("in-archive", Models.Output("out", "X", "1"));

        var broken = await ImportAsync(("good.json", good.ToString()), ("bad.json", "{ \"root\": "));
        var (before, _) = await server.GetAsync($"{Definitions}/by-definition-id/in-archive");
        var whole = await ImportAsync(("good.json", good.ToString()), ("__MACOSX/good.json", "junk"));
        var (after, _) = await server.GetAsync($"{Definitions}/by-definition-id/in-archive");

        broken.Status.Should().Be(400);
        ((string?)broken.Body["file"]).Should().Be("flows.zip/bad.json");
        before.Should().Be(404);
        whole.Status.Should().Be(200);
        ((int)whole.Body["count"]!).Should().Be(1);
        after.Should().Be(200);
    }

    [Fact]
    public async Task Export_ThenImport_IsTheSameToTheByte()
    {
        var model = Models.Sequence("exported", Models.Output("out", "X", "1"));
        model["unknownToUs"] = new JObject { ["kept"] = 1.50 };
        await server.PostAsync(Definitions + "/import", model);

        var first = await server.Client.GetStringAsync(new Uri($"{Definitions}/exported/export", UriKind.Relative));
        await server.SendTextAsync(HttpMethod.Post, Definitions + "/import", first);
        var second = await server.Client.GetStringAsync(new Uri($"{Definitions}/exported/export", UriKind.Relative));

        second.Should().Be(first);
        first.Should().Contain("unknownToUs").And.Contain("$schema");
    }

    [Fact]
    public async Task Descriptors_AskedAgainWithTheirTag_AreNotSentAgain()
    {
        using var first = await server.Client.GetAsync(new Uri("/elsa/api/descriptors/activities?Refresh=True", UriKind.Relative));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/elsa/api/descriptors/activities?Refresh=True");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await server.Client.SendAsync(request);
        var items = (await RunningServer.ReadAsync(first))["items"]!;

        second.StatusCode.Should().Be(HttpStatusCode.NotModified);
        items.Select(i => (string?)i["typeName"]).Should().Contain(["Elsa.If", "Elsa.Flowchart"]).And.OnlyHaveUniqueItems();
        items.SelectMany(i => i["inputs"]!).Select(i => i["order"]!.Type).Distinct().Should().BeSubsetOf([JTokenType.Integer, JTokenType.Float], "text there kills the designer's page");
    }

    [Theory]
    [InlineData("expression-descriptors")]
    [InlineData("workflow-activation-strategies")]
    [InlineData("log-persistence-strategies")]
    [InlineData("incident-strategies")]
    [InlineData("commit-strategies/workflows")]
    [InlineData("storage-drivers")]
    [InlineData("variables")]
    public async Task Descriptors_Lists_HaveItems(string name)
    {
        var (status, body) = await server.GetAsync("/elsa/api/descriptors/" + name);

        status.Should().Be(200);
        body["items"]!.Type.Should().Be(JTokenType.Array);
    }

    private async Task<(int Status, JToken Body)> ImportAsync(params (string Name, string Text)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, text) in entries)
            {
                using var writer = new StreamWriter(archive.CreateEntry(name).Open());
                await writer.WriteAsync(text);
            }
        }

        using var form = new MultipartFormDataContent { { new ByteArrayContent(stream.ToArray()), "files", "flows.zip" } };
        using var response = await server.Client.PostAsync(new Uri(Definitions + "/import-files", UriKind.Relative), form);
        return ((int)response.StatusCode, await RunningServer.ReadAsync(response));
    }

    [Fact]
    public async Task TypeDefinitions_OfADefinition_DeclareItsVariablesAndInputs_AndTheEvent()
    {
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject
        {
            ["model"] = new JObject
            {
                ["definitionId"] = "declared",
                ["variables"] = new JArray(new JObject { ["id"] = "v1", ["name"] = "total", ["typeName"] = "Int32" }, new JObject { ["id"] = "v2", ["name"] = "my tags", ["typeName"] = "String", ["isArray"] = true }),
                ["inputs"] = new JArray(new JObject { ["name"] = "Email", ["type"] = "String" }),
                ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray() },
            },
        });

        using var response = await server.Client.PostAsync(new Uri("/elsa/api/scripting/javascript/type-definitions/declared", UriKind.Relative), new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();

        text.Should().Contain("total: number;").And.Contain("\"my tags\": string[];").And.Contain("function getTotal(): number").And.Contain("function getEmail(): string").And.Contain("declare const event:");
    }

    [Fact]
    public async Task TypeDefinitions_OfADraftWithATrigger_HaveTheItemAsItIsDocumented()
    {
        var trigger = new JObject { ["id"] = "t", ["type"] = "GoHighLevel.Contacts.SearchContacts", ["version"] = 1 };
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject
        {
            ["model"] = new JObject { ["definitionId"] = "declared-draft", ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = new JArray(trigger) } },
        });

        using var response = await server.Client.PostAsync(new Uri("/elsa/api/scripting/javascript/type-definitions/declared-draft", UriKind.Relative), new StringContent("{}", System.Text.Encoding.UTF8, "application/json"));

        (await response.Content.ReadAsStringAsync()).Should().Contain("no event has been seen yet").And.MatchRegex(@"item: \{[^}]*email\??: string");
    }
}
