using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class ConnectionTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task SandboxConnections_AreThereAndWork()
    {
        var (_, list) = await server.GetAsync("/api/connections");
        var (_, ghl) = await server.PostAsync("/api/connections/sandbox-ghl/test", new JObject());
        var (_, flocksy) = await server.PostAsync("/api/connections/sandbox-flocksy/test", new JObject());

        list["items"]!.Select(c => (string?)c["id"]).Should().Contain(["sandbox-ghl", "sandbox-flocksy"]);
        ((bool)ghl["succeeded"]!).Should().BeTrue("{0}", ghl);
        ((bool)flocksy["succeeded"]!).Should().BeTrue("{0}", flocksy);
    }

    [Fact]
    public async Task Secrets_GoInAndNeverComeOut()
    {
        var (created, connection) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = "secretive",
            ["connector"] = "gohighlevel",
            ["locationId"] = "loc-1",
            ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = "very-secret-value" },
        });
        var (changed, renamed) = await server.SendAsync(HttpMethod.Put, $"/api/connections/{connection["id"]}", new JObject { ["name"] = "renamed" });
        var all = (await server.GetAsync("/api/connections")).Body.ToString() + (await server.GetAsync($"/api/connections/{connection["id"]}")).Body;
        var (deleted, _) = await server.SendAsync(HttpMethod.Delete, $"/api/connections/{connection["id"]}");

        created.Should().Be(201);
        changed.Should().Be(200);
        ((string?)renamed["name"]).Should().Be("renamed");
        ((string?)renamed["locationId"]).Should().Be("loc-1", "what is left out stays");
        (connection.ToString() + renamed + all).Should().NotContain("very-secret-value");
        deleted.Should().Be(204);
    }

    [Theory]
    [InlineData("""{"kind":"apiKey","apiKey":"kept-secret"}""", "auth.apiKey")]
    [InlineData("""{"kind":"oauth2","clientId":"app-moved","clientSecret":"kept-secret"}""", "auth.clientSecret")]
    public async Task AnotherServer_AsksForTheSecretAgain(string auth, string secret)
    {
        var (_, connection) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = $"moved {secret}",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = "https://services.example.com:8443/v1",
            ["locationId"] = "loc-1",
            ["auth"] = JObject.Parse(auth),
        });
        var path = $"/api/connections/{connection["id"]}";
        Task<(int Status, JToken Body)> ChangeAsync(JObject change) => server.SendAsync(HttpMethod.Put, path, change);

        foreach (var address in (string[])["https://evil.example.com:8443/v1", "http://services.example.com:8443/v1", "https://services.example.com/v1"])
        {
            var (status, problem) = await ChangeAsync(new JObject { ["baseUrl"] = address });
            var (half, missing) = await ChangeAsync(new JObject { ["baseUrl"] = address, ["auth"] = new JObject() });

            (status, (string?)problem["property"]).Should().Be((400, "auth"), "{0}", problem);
            ((string?)problem["action"]).Should().Contain("again");
            (half, (string?)missing["property"]).Should().Be((400, secret), "{0}", missing);
        }

        ((string?)(await server.GetAsync(path)).Body["baseUrl"]).Should().Be("https://services.example.com:8443/v1", "nothing was changed");
        (await ChangeAsync(new JObject { ["baseUrl"] = "https://SERVICES.example.com:8443/v2" })).Status.Should().Be(200, "the server is the same");
        (await ChangeAsync(new JObject { ["baseUrl"] = "https://other.example.com/", ["auth"] = JObject.Parse(auth) })).Status.Should().Be(200, "who has the secret may send it anywhere");
    }

    [Fact]
    public async Task ExecuteOperation_WithFieldsByName_ShowsThemAsTheApiTakesThem()
    {
        var (status, answer) = await server.PostAsync("/api/operations/GoHighLevel.Contacts.CreateContact/execute", new JObject
        {
            ["connectionId"] = "sandbox-ghl",
            ["dryRun"] = true,
            ["inputs"] = new JObject { ["locationId"] = "loc-1", ["email"] = "fields@example.com", ["customFields"] = new JObject { ["Company size"] = "12" } },
        });

        status.Should().Be(200, "{0}", answer);
        JToken.DeepEquals(answer["request"]!["body"]!["customFields"], JToken.Parse("""[{"id":"field-1-size","field_value":12}]""")).Should().BeTrue("{0}", answer);
    }

    [Fact]
    public async Task ExecuteOperation_WhoseItemsArePlainValues_ShowsTheEventAsAPollWouldGiveIt()
    {
        var (status, answer) = await server.PostAsync("/api/operations/GoHighLevel.Calendars.GetFreeSlots/execute", new JObject
        {
            ["connectionId"] = "sandbox-ghl",
            ["inputs"] = new JObject { ["calendarId"] = "calendar-1", ["startDate"] = 1767571200000, ["endDate"] = 1767916800000 },
        });

        status.Should().Be(200, "{0}", answer);
        ((string?)answer["outputs"]!["event"]!["item"]!["value"]).Should().StartWith("2026-01-05T");
        ((string?)answer["outputs"]!["event"]!["key"]).Should().Be(answer["outputs"]!["event"]!["item"]!["value"] + "@1");
    }

    [Fact]
    public async Task ExecuteOperation_OnTheSandbox_AnswersWithRequestAndOutputs_SecretsHidden()
    {
        var body = new JObject { ["connectionId"] = "sandbox-ghl", ["inputs"] = new JObject { ["locationId"] = "loc-1", ["firstName"] = "Ann", ["email"] = "ann@example.com" } };

        var dry = (JObject)body.DeepClone();
        dry["dryRun"] = true;
        var (shown, request) = await server.PostAsync("/api/operations/GoHighLevel.Contacts.CreateContact/execute", dry);
        var (status, answer) = await server.PostAsync("/api/operations/GoHighLevel.Contacts.CreateContact/execute", body);

        shown.Should().Be(200);
        ((string?)request["request"]!["method"]).Should().Be("POST");
        ((string?)request["request"]!["body"]!["firstName"]).Should().Be("Ann");
        status.Should().Be(200, "{0}", answer);
        answer["outputs"]!["result"]!.Type.Should().Be(JTokenType.Object);
        ((double)answer["durationMs"]!).Should().BeGreaterThan(0);
        (request.ToString() + answer).Should().NotContain("sandbox-ghl-token");
    }

    [Fact]
    public async Task ExecuteOperation_ProviderRefuses_Is502WithItsStatusAndMessage()
    {
        var (status, problem) = await server.PostAsync("/api/operations/GoHighLevel.Contacts.GetContact/execute", new JObject
        {
            ["connectionId"] = "sandbox-ghl",
            ["inputs"] = new JObject { ["contactId"] = "nobody-here" },
        });

        status.Should().Be(502, "{0}", problem);
        ((int)problem["providerStatus"]!).Should().BeInRange(400, 499);
        ((string?)problem["providerMessage"]).Should().NotBeNullOrEmpty();
        ((string?)problem["action"]).Should().NotBeNullOrEmpty();
        problem["request"]!["url"]!.ToString().Should().Contain("nobody-here");
    }

    [Fact]
    public async Task Operations_ListTheCatalogue()
    {
        var (_, all) = await server.GetAsync("/api/operations");
        var (_, triggers) = await server.GetAsync("/api/operations?connector=gohighlevel&kind=trigger&page=1&pageSize=10");

        all["items"]!.Count(o => o["number"]!.Type == JTokenType.Integer).Should().Be(126);
        triggers["items"]!.Should().HaveCount(10);
        ((int)triggers["total"]!).Should().BeGreaterThanOrEqualTo(55);
    }

    [Fact]
    public async Task Budget_ShowsEveryConnectionWithItsLimits()
    {
        var (status, body) = await server.GetAsync("/api/budget");

        status.Should().Be(200);
        var ghl = body["items"]!.First(i => (string?)i["connectionId"] == "sandbox-ghl");
        ((int)ghl["limits"]!["calls"]!).Should().Be(100);
        ((int)ghl["limits"]!["perDay"]!).Should().Be(200_000);
    }

    [Fact]
    public async Task Metrics_AreForThoseWhoAreSignedIn_InPrometheusText()
    {
        using var stranger = await server.NewClient().GetAsync(new Uri("/metrics", UriKind.Relative));
        var text = await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));

        ((int)stranger.StatusCode).Should().Be(401);
        text.Should().Contain("# TYPE automation_incidents_open gauge").And.Contain("automation_runs_open{sub_status=\"Pending\"} ");
    }

    [Fact]
    public async Task Hangfire_IsForAdministrators()
    {
        using var stranger = await server.NewClient().GetAsync(new Uri("/hangfire", UriKind.Relative));
        using var administrator = await server.Client.GetAsync(new Uri("/hangfire", UriKind.Relative));

        ((int)stranger.StatusCode).Should().Be(401);
        ((int)administrator.StatusCode).Should().Be(200);
        administrator.Content.Headers.ContentType!.MediaType.Should().Be("text/html");
    }

    [Fact]
    public async Task OpenApi_NamesTheFixedPaths()
    {
        var (status, body) = await server.GetAsync("/openapi/v1.json");

        status.Should().Be(200);
        ((JObject)body["paths"]!).Properties().Select(p => p.Name).Should().Contain(["/api/runs", "/api/connections", "/api/operations/{activityType}/execute", "/api/triggers/{id}/explain", "/health/ready"]);
    }
}
