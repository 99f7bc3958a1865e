using System.Net;
using System.Text;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>The table of mistakes, through HTTP: what is refused, where it is, and that nothing else is harmed.</summary>
public sealed class BadInputTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/elsa/api/workflow-definitions";

    [Fact]
    public async Task UnknownRoute_Is404Problem()
    {
        var (status, body) = await server.GetAsync("/api/no-such-thing");

        status.Should().Be(404);
        ((string?)body["detail"]).Should().Contain("/api/no-such-thing");
    }

    [Theory]
    [InlineData("/elsa/api/workflow-definitions")]
    [InlineData("/elsa/api/workflow-definitions/import")]
    [InlineData("/api/connections")]
    public async Task MalformedJson_Is400_WithLineAndColumn(string path)
    {
        var (status, body) = await server.SendTextAsync(HttpMethod.Post, path, "{\n  \"name\": \"x\",\n  \"root\": {,}\n}");

        status.Should().Be(400);
        ((int)body["line"]!).Should().Be(3);
        ((int)body["column"]!).Should().BeGreaterThan(1);
        ((string?)body["detail"]).Should().NotContain("   at ");
    }

    [Theory]
    [InlineData("POST", Definitions, """{"model":{"definitionId":"strict","root":{"id":"r","type":"Elsa.Sequence"}},"publish":"yes"}""", "publish")]
    [InlineData("POST", Definitions + "/any/dispatch", """{"correlationId":{"a":1}}""", "correlationId")]
    [InlineData("POST", "/elsa/api/bulk-actions/cancel/workflow-instances", """{"ids":"one","definitionId":"all-of-it"}""", "ids")]
    [InlineData("POST", "/elsa/api/workflow-instances", """{"orderBy":"Colour"}""", "orderBy")]
    [InlineData("POST", "/elsa/api/workflow-instances", """{"orderDirection":"Up"}""", "orderDirection")]
    [InlineData("GET", "/elsa/api/workflow-instances?hasIncidents=perhaps", null, "hasIncidents")]
    [InlineData("GET", Definitions + "?orderBy=Colour", null, "orderBy")]
    [InlineData("GET", Definitions + "/validation/is-name-unique", null, "name")]
    public async Task Value_OfAnotherKind_IsRefused_AndNotTakenForNone(string method, string path, string? sent, string property)
    {
        var (status, body) = await server.SendTextAsync(new HttpMethod(method), path, sent);

        status.Should().Be(400, "{0}", body);
        ((string?)body["property"]).Should().Be(property);
    }

    [Theory]
    [InlineData("/api/budget")]
    [InlineData("/api/connections")]
    [InlineData("/api/files")]
    [InlineData("/api/functions")]
    [InlineData("/api/incidents")]
    [InlineData("/api/keys")]
    [InlineData("/api/mappings")]
    [InlineData("/api/operations")]
    [InlineData("/api/runs")]
    [InlineData("/api/tables")]
    [InlineData("/api/tasks")]
    [InlineData("/api/templates")]
    [InlineData("/api/triggers")]
    [InlineData("/api/webhooks")]
    [InlineData("/api/webhooks/counts")]
    public async Task List_IsPaged_AndRefusesPagesThatAreNone(string path)
    {
        var (status, whole) = await server.GetAsync(path);
        var (_, first) = await server.GetAsync(path + "?page=1&pageSize=1");

        status.Should().Be(200);
        first["items"]!.Count().Should().Be(Math.Min(1, (int)whole["total"]!));
        ((int)first["total"]!).Should().Be((int)whole["total"]!);
        foreach (var wrong in new[] { "pageSize=101", "pageSize=0", "page=0", "page=x" })
        {
            (await server.GetAsync($"{path}?{wrong}")).Status.Should().Be(400, "of {0}?{1}", path, wrong);
        }
    }

    [Theory]
    [InlineData("POST", "/elsa/api/descriptors/activities/Acme.NotThere/options/ConnectionId")]
    [InlineData("POST", "/elsa/api/descriptors/activities/Elsa.If/options/Nothing")]
    [InlineData("GET", Definitions + "/not-there/consumers")]
    [InlineData("POST", "/elsa/api/bulk-actions/export/workflow-instances")]
    public async Task Request_ForWhatIsNotThere_Is404(string method, string path) =>
        (await server.SendTextAsync(new HttpMethod(method), path, method == "GET" ? null : """{"ids":["none"]}""")).Status.Should().Be(404);

    [Theory]
    [InlineData(Definitions, """{"model":{"definitionId":"twice","root":{"id":"r","type":"Elsa.Sequence"},"root":{"id":"s","type":"Elsa.Sequence"}}}""", "root")]
    [InlineData(Definitions + "/import", """{"definitionId":"twice","root":{"id":"r","type":"Elsa.Sequence","activities":[],"activities":[]}}""", "activities")]
    [InlineData("/api/connections", """{"name":"one","name":"two"}""", "name")]
    public async Task Name_ThatStandsTwiceInAnObject_IsRefused_WithItsPlace(string path, string sent, string name)
    {
        var (status, body) = await server.SendTextAsync(HttpMethod.Post, path, sent);

        status.Should().Be(400, "{0}", body);
        ((string?)body["detail"]).Should().Contain($"'{name}'").And.Contain("line 1");
        (await server.GetAsync($"{Definitions}/twice")).Status.Should().Be(404);
    }

    [Fact]
    public async Task Body50Megabytes_Is413()
    {
        using var response = await server.Client.PostAsync(new Uri(Definitions, UriKind.Relative), new ByteArrayContent(new byte[50 * 1024 * 1024]));

        ((int)response.StatusCode).Should().Be(413);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        (await server.GetAsync("/api/runs")).Status.Should().Be(200);
    }

    [Theory]
    [InlineData(Definitions)]
    [InlineData(Definitions + "/import")]
    public async Task Definition1000LevelsDeep_Is400(string path)
    {
        var text = new StringBuilder("{\"definitionId\":\"deep\",\"root\":");
        for (var i = 0; i < 1000; i++)
        {
            text.Append("{\"id\":\"a").Append(i).Append("\",\"type\":\"Elsa.Sequence\",\"activities\":[");
        }

        text.Append(string.Concat(Enumerable.Repeat("]}", 1000))).Append('}');
        var (status, _) = await server.SendTextAsync(HttpMethod.Post, path, path == Definitions ? $"{{\"model\":{text}}}" : text.ToString());

        status.Should().Be(400);
        (await server.GetAsync($"{Definitions}/by-definition-id/deep")).Status.Should().Be(404);
    }

    [Fact]
    public async Task DuplicateActivityIds_IsRefusedOnSave_WithTheId()
    {
        var model = Models.Sequence("twins", Models.Output("same", "A", "1"), Models.Output("same", "B", "2"));

        var (status, body) = await server.PostAsync(Definitions, new JObject { ["model"] = model });

        status.Should().Be(400);
        body.ToString().Should().Contain("same");
        body["errors"]!.Type.Should().Be(JTokenType.Object);
        (await server.GetAsync($"{Definitions}/by-definition-id/twins")).Status.Should().Be(404);
    }

    [Fact]
    public async Task UnknownActivityType_IsKeptAndPublished_AndTheRunNamesIt()
    {
        await server.PublishAsync(Models.Sequence("unknown-type", Models.Activity("x", "Acme.NotThere")));

        var (status, body) = await server.PostAsync($"{Definitions}/unknown-type/execute", new JObject());

        status.Should().Be(500);
        body["workflowState"]!["incidents"]!.ToString().Should().Contain("Acme.NotThere");
    }

    [Fact]
    public async Task ScriptThatDoesNotParse_IsKept_WarnedOfWithItsPlace_AndAnIncidentOfTheRun()
    {
        var model = Models.Sequence("bad-script", Models.Output("script", "A", "1 +\n  ) 2")).WithOutput("A");

        var (saved, draft) = await server.PostAsync(Definitions, new JObject { ["model"] = model });
        var (published, _) = await server.PostAsync($"{Definitions}/bad-script/publish", new JObject());
        var (executed, body) = await server.PostAsync($"{Definitions}/bad-script/execute", new JObject());

        saved.Should().Be(200);
        var problem = draft["problems"]!.Single();
        ((string?)problem["activityId"]).Should().Be("script");
        ((int)problem["line"]!).Should().Be(2);
        ((int)problem["column"]!).Should().BeGreaterThan(0);
        published.Should().Be(200);
        executed.Should().Be(500);
        body["workflowState"]!["incidents"]!.Should().ContainSingle();
    }

    [Theory]
    [InlineData("endless-loop", "while (true) { }")]
    [InlineData("endless-native", "'x'.repeat(2**28).replaceAll('x','yy')")]
    [InlineData("endless-recursion", "(function f() { return f() + 1; })()")]
    public async Task RunawayScript_IsStoppedAsAnIncident_AndOtherRunsGoOn(string id, string script)
    {
        await server.PublishAsync(Models.Sequence(id, Models.Output("script", "A", script)).WithOutput("A"));
        await server.PublishAsync(Models.Sequence(id + "-neighbour", Models.Output("ok", "A", "1")).WithOutput("A"));

        var runaway = server.PostAsync($"{Definitions}/{id}/execute", new JObject());
        var (neighbour, _) = await server.PostAsync($"{Definitions}/{id}-neighbour/execute", new JObject());
        var (status, body) = await runaway;

        neighbour.Should().Be(200);
        status.Should().Be(500);
        ((string?)body["workflowState"]!["incidents"]![0]!["activityId"]).Should().Be("script");
    }

    [Fact]
    public async Task EndlessCyclicFlowchart_IsStoppedByTheRunsBudget()
    {
        var model = new JObject
        {
            ["definitionId"] = "cycle",
            ["name"] = "cycle",
            ["root"] = new JObject
            {
                ["id"] = "chart",
                ["type"] = "Elsa.Flowchart",
                ["version"] = 1,
                ["activities"] = new JArray(Models.Activity("a", "Elsa.SetName", ("value", "Literal", "again")), Models.Activity("b", "Elsa.SetName", ("value", "Literal", "and again"))),
                ["connections"] = new JArray(Edge("a", "b"), Edge("b", "a")),
                ["start"] = "a",
            },
        };
        await server.PublishAsync(model);

        var (status, body) = await server.PostAsync($"{Definitions}/cycle/execute", new JObject());

        status.Should().Be(500);
        body["workflowState"]!["incidents"]!.ToString().Should().ContainEquivalentOf("budget");
    }

    [Fact]
    public async Task OperationOfAFlow_MissingConnection_IsKeptOnSave_RefusedOnPublish_WithItsPlace()
    {
        var model = Models.Sequence("no-connection", Models.Activity("create", "GoHighLevel.Contacts.CreateContact", ("connectionId", "Literal", "not-there"), ("locationId", "Literal", "loc-1")));

        var (saved, _) = await server.PostAsync(Definitions, new JObject { ["model"] = model });
        var (published, body) = await server.PostAsync($"{Definitions}/no-connection/publish", new JObject());

        saved.Should().Be(200);
        published.Should().Be(400);
        ((string?)body["activityId"]).Should().Be("create");
        ((string?)body["property"]).Should().Be("connectionId");
        body["errors"]!.ToString().Should().Contain("not-there");
        ((bool)(await server.GetAsync($"{Definitions}/by-definition-id/no-connection")).Body["isPublished"]!).Should().BeFalse("the draft stays as it was");
    }

    [Fact]
    public async Task ExecuteOperation_MissingRequiredInput_Is400_AndNothingIsSent()
    {
        var before = await CountAsync();

        var (status, body) = await server.PostAsync("/api/operations/GoHighLevel.Contacts.GetContact/execute", new JObject { ["connectionId"] = "sandbox-ghl", ["inputs"] = new JObject { ["contactId"] = "" } });

        status.Should().Be(400);
        ((string?)body["property"]).Should().Be("contactId");
        (await CountAsync()).Should().Be(before);
    }

    [Theory]
    [InlineData("/api/operations/Acme.Nothing/execute", """{"connectionId":"sandbox-ghl"}""", 404)]
    [InlineData("/api/operations/GoHighLevel.Contacts.GetContact/execute", """{"connectionId":"not-there"}""", 400)]
    [InlineData("/api/operations/GoHighLevel.Contacts.GetContact/execute", """{"inputs":{}}""", 400)]
    [InlineData("/api/operations/GoHighLevel.Contacts.GetContact/execute", """[]""", 400)]
    [InlineData("/api/connections", """{"name":"x","connector":"acme","auth":{"kind":"apiKey","apiKey":"k"}}""", 400)]
    [InlineData("/api/connections", """{"name":"x","connector":"gohighlevel","auth":{"kind":"password"}}""", 400)]
    [InlineData("/api/connections", """{"name":"x","connector":"gohighlevel","baseUrl":"ftp://x","auth":{"kind":"apiKey","apiKey":"k"}}""", 400)]
    [InlineData("/api/connections", """{"name":"sandbox-ghl","connector":"gohighlevel","auth":{"kind":"apiKey","apiKey":"k"}}""", 409)]
    [InlineData("/api/templates/none/install", "{}", 404)]
    [InlineData("/api/triggers/none/poll", "{}", 404)]
    [InlineData("/api/runs/none/cancel", "{}", 404)]
    [InlineData("/api/incidents/none/resolve", "{}", 404)]
    public async Task Post_WrongRequest_IsAProblemOfItsKind(string path, string body, int expected)
    {
        var (status, problem) = await server.SendTextAsync(HttpMethod.Post, path, body);

        status.Should().Be(expected, "{0}", problem);
        ((int)problem["status"]!).Should().Be(expected);
        ((string?)problem["title"]).Should().NotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("/api/runs?page=0")]
    [InlineData("/api/runs?pageSize=1000")]
    [InlineData("/api/runs?status=Sleeping")]
    [InlineData("/api/runs?since=yesterday")]
    [InlineData("/api/operations?kind=nothing")]
    public async Task Lists_WrongFilter_Is400_NamingIt(string path)
    {
        var (status, problem) = await server.GetAsync(path);

        status.Should().Be((int)HttpStatusCode.BadRequest);
        path.Should().Contain((string?)problem["property"]);
    }

    private static JObject Edge(string from, string to) => new()
    {
        ["source"] = new JObject { ["activity"] = from, ["port"] = "Done" },
        ["target"] = new JObject { ["activity"] = to, ["port"] = "In" },
    };

    private async Task<int> CountAsync() => (await server.GetAsync("/sandbox/control/requests?api=ghl")).Body["items"]!.Count();
}
