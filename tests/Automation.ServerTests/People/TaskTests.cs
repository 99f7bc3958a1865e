using System.Net.Http.Headers;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.People;

/// <summary>Tasks for people as a client sees them: <c>/api/tasks</c>, and the pages.</summary>
public sealed class TaskTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Form = """[{"name":"link","label":"Link to the draft","type":"url","required":true,"help":"A page that we can open."},{"name":"ready","type":"checkbox"}]""";

    /// <summary>A flow that tells by its output which way it went.</summary>
    private static JObject Flow(string id, params (string, string, JToken)[] inputs)
    {
        var task = Models.Activity("task", "Automation.Task", [("title", "Literal", "Draft of " + id), .. inputs.Any(input => input.Item1 == "assignee") ? [] : new (string, string, JToken)[] { ("assignee", "Literal", "ann") }, ("fields", "Object", Form), .. inputs]);
        var ways = new[] { "Done", "Cancelled", "Overdue" }.Select(way => Models.Output(way, "Way", $"'{way} ' + (getOutputFrom('task', 'Result')?.link ?? '')")).ToArray();
        return new JObject
        {
            ["definitionId"] = id,
            ["name"] = id,
            ["outputs"] = new JArray(new JObject { ["name"] = "Way", ["type"] = "String" }),
            ["root"] = new JObject
            {
                ["id"] = "root",
                ["type"] = "Elsa.Flowchart",
                ["version"] = 1,
                ["activities"] = new JArray([task, .. ways]),
                ["connections"] = new JArray(ways.Select(way => new JObject { ["source"] = new JObject { ["activity"] = "task", ["port"] = way["id"] }, ["target"] = new JObject { ["activity"] = way["id"], ["port"] = "In" } })),
            },
        };
    }

    private async Task<(string Run, JObject Task)> StartAsync(string id, params (string, string, JToken)[] inputs)
    {
        await server.PublishAsync(Flow(id, inputs));
        var (_, started) = await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject());
        var run = (string)started["workflowState"]!["id"]!;
        var (_, list) = await server.GetAsync($"/api/tasks?runId={run}");
        return (run, (JObject)list["items"]!.Single());
    }

    private async Task<string?> WayAsync(string run)
    {
        JToken state = JValue.CreateNull();
        await Eventually.HoldsAsync("the run ends", TimeSpan.FromSeconds(20), async () => (string?)(state = (await server.GetAsync($"/elsa/api/workflow-instances/{run}")).Body)["status"] == "Finished", () => state.ToString());
        return (string?)state["workflowState"]!["output"]!["Way"];
    }

    [Fact]
    public async Task Task_IsListed_Checked_Done_AndResumesItsRun()
    {
        var (run, task) = await StartAsync("task-done");
        var id = (string)task["id"]!;
        var (_, mine) = await server.GetAsync("/api/tasks?status=open&assignee=ANN&definitionId=task-done");
        var (bad, problem) = await server.PostAsync($"/api/tasks/{id}/complete", JObject.Parse("""{"answers":{"link":"nowhere"}}"""));
        var (status, done) = await server.PostAsync($"/api/tasks/{id}/complete", JObject.Parse("""{"answers":{"link":"https://x.test/d"},"comment":"ok"}"""));
        var (again, _) = await server.PostAsync($"/api/tasks/{id}/complete", JObject.Parse("""{"answers":{"link":"https://x.test/d"},"comment":"ok"}"""));
        var (other, ended) = await server.PostAsync($"/api/tasks/{id}/complete", JObject.Parse("""{"answers":{"link":"https://x.test/other"}}"""));

        mine["items"]!.Select(t => (string?)t["id"]).Should().Equal(id);
        (bad, (string?)problem["property"]).Should().Be((400, "answers.link"), "{0}", problem);
        (status, (string?)done["status"], (string?)done["comment"], (bool?)done["answers"]!["ready"]).Should().Be((200, "done", "ok", false), "{0}", done);
        (again, other, (string?)ended["code"]).Should().Be((200, 409, "task-ended"));
        (await WayAsync(run)).Should().Be("Done https://x.test/d");
        (await server.GetAsync("/api/tasks/nobodys")).Status.Should().Be(404);
        (await server.GetAsync("/api/tasks?status=maybe")).Status.Should().Be(400);
    }

    [Fact]
    public async Task Task_ForSomebody_IsTheirsOrAnAdministratorsToEnd()
    {
        var (run, task) = await StartAsync("task-whose");
        var answers = JObject.Parse("""{"answers":{"link":"https://x.test/d"}}""");

        var (refused, problem) = await AsAsync("bob", $"/api/tasks/{task["id"]}/complete", answers);
        var (cancel, _) = await AsAsync("bob", $"/api/tasks/{task["id"]}/cancel", new JObject());
        var (elsa, _) = await AsAsync("bob", $"/elsa/api/tasks/{task["id"]}/complete", JObject.Parse("""{"result":{"link":"https://x.test/e"}}"""));
        var (done, _) = await AsAsync("Ann", $"/api/tasks/{task["id"]}/complete", answers);

        (refused, (string?)problem["code"]).Should().Be((403, "not-your-task"), "{0}", problem);
        ((string?)problem["detail"]).Should().Contain("is for ann").And.Contain("administrator");
        (cancel, elsa, done).Should().Be((403, 403, 200));
        (await WayAsync(run)).Should().Be("Done https://x.test/d");

        // For nobody, or for the role: any of them.
        var (_, anybodys) = await StartAsync("task-anybodys", ("assignee", "Literal", ""));
        var (_, roles) = await StartAsync("task-roles", ("assignee", "Literal", "Operator"));
        (await AsAsync("bob", $"/api/tasks/{anybodys["id"]}/complete", answers)).Status.Should().Be(200);
        (await AsAsync("bob", $"/api/tasks/{roles["id"]}/complete", answers)).Status.Should().Be(200);
    }

    /// <summary>A request of an operator of this name.</summary>
    private async Task<(int Status, JToken Body)> AsAsync(string name, string path, JObject body)
    {
        var (_, key) = await server.PostAsync("/api/keys", new JObject { ["name"] = name, ["role"] = "operator" });
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", (string?)key["key"]);
        using var content = new StringContent(body.ToString(), System.Text.Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri(path, UriKind.Relative), content);
        return ((int)answer.StatusCode, await RunningServer.ReadAsync(answer));
    }

    [Fact]
    public async Task Task_DoneByManyAtOnce_IsDoneByOne_AndTheRunGoesOnOnce()
    {
        var (run, task) = await StartAsync("task-race");

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => server.PostAsync($"/api/tasks/{task["id"]}/complete", JObject.Parse($$$"""{"answers":{"link":"https://x.test/{{{i}}}"}}"""))));

        answers.Select(a => a.Status).Order().Should().Equal([200, .. Enumerable.Repeat(409, 11)]);
        (await WayAsync(run)).Should().Be("Done " + answers.Single(a => a.Status == 200).Body["answers"]!["link"]);
        var (_, shown) = await server.GetAsync($"/api/runs/{run}");
        shown["journal"]!.Count(line => (string?)line["activityId"] == "task" && (string?)line["eventName"] == "Resumed").Should().Be(1);
    }

    [Fact]
    public async Task Task_Cancelled_Overdue_OrDoneThroughElsasEndpoint_GoesItsWay()
    {
        var (cancelled, first) = await StartAsync("task-cancel");
        var (overdue, second) = await StartAsync("task-overdue", ("due", "Literal", "1s"));
        var (elsa, third) = await StartAsync("task-elsa");
        var (withdrawn, fourth) = await StartAsync("task-withdrawn");

        (await server.PostAsync($"/api/tasks/{first["id"]}/cancel", new JObject { ["comment"] = "no" })).Status.Should().Be(200);
        (await server.PostAsync($"/elsa/api/tasks/{third["id"]}/complete", JObject.Parse("""{"result":{"link":"https://x.test/e"}}"""))).Status.Should().Be(200);
        (await server.PostAsync($"/api/runs/{withdrawn}/cancel", new JObject())).Status.Should().Be(200);

        (await WayAsync(cancelled)).Should().StartWith("Cancelled");
        (await WayAsync(elsa)).Should().Be("Done https://x.test/e");
        (await WayAsync(overdue)).Should().StartWith("Overdue");
        ((string?)(await server.GetAsync($"/api/tasks/{second["id"]}")).Body["status"]).Should().Be("overdue");
        ((string?)(await server.GetAsync($"/api/tasks/{fourth["id"]}")).Body["status"]).Should().Be("cancelled");
        (await server.PostAsync($"/api/tasks/{fourth["id"]}/complete", JObject.Parse("""{"answers":{"link":"https://x.test/l"}}"""))).Status.Should().Be(409);
    }

    [Theory]
    [InlineData("Automation.Task", "title")]
    [InlineData("Automation.Approval", "title")]
    [InlineData("Automation.WaitFor", "eventName")]
    [InlineData("Automation.OnlyOnce", "key")]
    [InlineData("Automation.Digest", "item")]
    public async Task Publish_WithoutARequiredInput_IsRefused_WithItsPlace(string type, string property)
    {
        var (status, problem) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = Models.Sequence("lacks-" + type, Models.Activity("a1", type)), ["publish"] = true });

        (status, (string?)problem["code"], (string?)problem["activityId"], (string?)problem["property"]).Should().Be((400, "missing-input", "a1", property), "{0}", problem);
    }

    [Fact]
    public async Task Pages_ShowTheForm_AndTakeTheAnswers()
    {
        var (run, task) = await StartAsync("task-page", ("instructions", "Literal", "Read <the> guide."));
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", RunningServer.ApiKey);

        var list = await client.GetStringAsync("/tasks");
        var page = await client.GetAsync($"/tasks/{task["id"]}");
        var html = await page.Content.ReadAsStringAsync();
        list.Should().Contain($"/tasks/{task["id"]}").And.Contain("Draft of task-page");
        html.Should().Contain("Read &lt;the&gt; guide.").And.Contain("Link to the draft").And.Contain("type=\"url\"").And.Contain("A page that we can open.");

        var token = System.Text.RegularExpressions.Regex.Match(html, "name=\"__RequestVerificationToken\" value=\"([^\"]+)\"").Groups[1].Value;
        var cookie = page.Headers.GetValues("Set-Cookie").Single(c => c.Contains("Antiforgery", StringComparison.Ordinal)).Split(';')[0];
        async Task<(int, string)> PostAsync(string link)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/tasks/{task["id"]}") { Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["_handler"] = "complete", ["__RequestVerificationToken"] = token, ["answers.link"] = link, ["answers.ready"] = "true" }) };
            request.Headers.Add("Cookie", cookie);
            using var answer = await client.SendAsync(request);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }

        var (kept, refused) = await PostAsync("no link");
        var (moved, _) = await PostAsync("https://x.test/p");

        kept.Should().Be(200);
        refused.Should().Contain("It is not done yet").And.Contain("value=\"no link\"").And.Contain("aria-invalid=\"true\"");
        moved.Should().Be(302);
        (await WayAsync(run)).Should().Be("Done https://x.test/p");
        (await client.GetStringAsync("/tasks?view=done")).Should().Contain("Draft of task-page");
        (await client.GetAsync("/tasks/nobodys")).StatusCode.Should().Be(System.Net.HttpStatusCode.NotFound);
    }
}
