using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.People;

/// <summary>Flocksy without an API: the same flow with a mail, or with a task for a person, in the place of each call.</summary>
public sealed class BriefTests(MailingServer server) : IClassFixture<MailingServer>
{
    private async Task<string> ConnectAsync(string name, JObject auth)
    {
        var (status, body) = await server.PostAsync("/api/connections", new JObject { ["name"] = name, ["connector"] = "flocksy", ["locationId"] = "loc-1", ["auth"] = auth });
        status.Should().Be(201, body.ToString());
        return (string)body["id"]!;
    }

    /// <summary>Maps a tag and briefs with what came of it.</summary>
    private static JObject Flow(string id, string connection) => Models.Sequence(
        id,
        Models.Activity("map", "Flocksy.TagMappings.UpsertTagMapping", ("connectionId", "Literal", connection), ("ghlTag", "Literal", "vip"), ("flocksyTag", "Literal", "VIP client")),
        Models.Activity("brief", "Flocksy.Briefs.CreateBrief", ("connectionId", "Literal", connection), ("title", "JavaScript", "'Banner for ' + getOutputFrom('map', 'Result').flocksyTag"), ("text", "Literal", "Blue."), ("category", "Literal", "design")),
        Models.Output("out", "Ids", "[getOutputFrom('map', 'Result').id, getOutputFrom('brief', 'Result').id]")).WithOutput("Ids");

    private async Task<(string Run, JToken State)> RunAsync(string id)
    {
        var (_, started) = await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject());
        return ((string)started["workflowState"]!["id"]!, started["workflowState"]!);
    }

    private async Task<JToken> EndAsync(string run)
    {
        JToken state = JValue.CreateNull();
        await Eventually.HoldsAsync("the run ends", TimeSpan.FromSeconds(20), async () => (string?)(state = (await server.GetAsync($"/elsa/api/workflow-instances/{run}")).Body)["status"] == "Finished", () => state.ToString());
        return state["workflowState"]!;
    }

    [Fact]
    public async Task ByMail_EachWriteIsABrief_AndTheFlowGoesOn()
    {
        var connection = await ConnectAsync("briefs", JObject.Parse("""{"kind":"email","recipient":"studio@x.test"}"""));
        await server.PublishAsync(Flow("brief-mail", connection));
        var (_, test) = await server.PostAsync($"/api/connections/{connection}/test", new JObject());
        ((string?)(await server.GetAsync($"/api/connections/{connection}")).Body["auth"]!["recipient"]).Should().Be("studio@x.test");

        var (run, state) = await RunAsync("brief-mail");

        ((bool?)test["succeeded"], test["message"]!.ToString()).Should().Be((true, "Briefs go to studio@x.test, by mail. Nothing was sent."));
        ((string?)state["status"]).Should().Be("Finished", state.ToString());
        state["output"]!["Ids"]!.Values<string>().Should().OnlyContain(id => id!.StartsWith("brief-")).And.OnlyHaveUniqueItems();
        var mails = server.Mail.Mails.Where(m => m.Contains("To: studio@x.test", StringComparison.Ordinal)).ToList();
        mails.Should().HaveCount(2);
        mails[1].Should().Contain("Subject: Flocksy: Create Brief, Banner for VIP client").And.Contain("category: design").And.Contain("locationId: loc-1");
        var (_, shown) = await server.GetAsync($"/api/runs/{run}");
        shown["effects"]!.Select(e => ((string?)e["operation"], (string?)e["status"])).Should().Equal(("Flocksy.TagMappings.UpsertTagMapping", "done"), ("Flocksy.Briefs.CreateBrief", "done"));
    }

    [Fact]
    public async Task ByTask_EachWriteWaitsForAPerson_WhoseAnswersAreTheResult()
    {
        var connection = await ConnectAsync("studio", JObject.Parse("""{"kind":"task","recipient":"ann"}"""));
        await server.PublishAsync(Flow("brief-task", connection));
        var (run, _) = await RunAsync("brief-task");

        var task = (await server.GetAsync($"/api/tasks?status=open&runId={run}")).Body["items"]!.Single();
        (await server.PostAsync($"/api/tasks/{task["id"]}/complete", JObject.Parse("""{"answers":{"id":"m-17"}}"""))).Status.Should().Be(200);
        JToken? next = null;
        await Eventually.HoldsAsync("the next task is there", TimeSpan.FromSeconds(20), async () => (next = (await server.GetAsync($"/api/tasks?status=open&runId={run}")).Body["items"]!.SingleOrDefault(t => (string?)t["activityId"] == "brief")) is not null);
        (await server.PostAsync($"/api/tasks/{next!["id"]}/complete", new JObject())).Status.Should().Be(200);
        var state = await EndAsync(run);

        (task["title"]!.ToString(), task["assignee"]!.ToString()).Should().Be(("Flocksy: Upsert Tag Mapping, VIP client", "ann"));
        task["fields"]!.Select(f => (string?)f["name"]).Should().Equal("id");
        next["title"]!.ToString().Should().Contain("Banner for VIP client");
        state["output"]!["Ids"]![0]!.ToString().Should().Be("m-17");
        state["output"]!["Ids"]![1]!.ToString().Should().StartWith("brief-");
    }

    [Fact]
    public async Task ByTask_Cancelled_IsAnIncident_WithWhy()
    {
        var connection = await ConnectAsync("cancelling", JObject.Parse("""{"kind":"task"}"""));
        await server.PublishAsync(Flow("brief-cancelled", connection));
        var (run, _) = await RunAsync("brief-cancelled");
        var task = (await server.GetAsync($"/api/tasks?runId={run}")).Body["items"]!.Single();

        await server.PostAsync($"/api/tasks/{task["id"]}/cancel", new JObject { ["comment"] = "we do not do tags" });

        (await EndAsync(run))["incidents"]!.ToString().Should().Contain("we do not do tags");
    }

    [Theory]
    [InlineData("Flocksy.Reports.ReportReady", true)]
    [InlineData("Flocksy.Projects.GetProject", false)]
    public async Task Reads_AreRefusedAtPublish(string type, bool isTrigger)
    {
        var connection = await ConnectAsync("reads " + type, JObject.Parse("""{"kind":"email","recipient":"studio@x.test"}"""));
        var activity = Models.Activity("read", type, ("connectionId", "Literal", connection), ("projectId", "Literal", "p1"), ("interval", "Literal", "1h"));
        activity["customProperties"] = new JObject { ["canStartWorkflow"] = isTrigger };

        var (status, problem) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = Models.Sequence("brief-" + type, activity), ["publish"] = true });

        (status, (string?)problem["code"], (string?)problem["property"]).Should().Be((400, "no-api", "connectionId"), "{0}", problem);
    }

    [Theory]
    [InlineData("flocksy", """{"kind":"email"}""", "auth.recipient")]
    [InlineData("flocksy", """{"kind":"email","recipient":"nobody"}""", "auth.recipient")]
    [InlineData("gohighlevel", """{"kind":"task"}""", "auth.kind")]
    [InlineData("flocksy", """{"kind":"fax"}""", "auth.kind")]
    public async Task Connection_ThatCannotWork_IsRefused(string connector, string auth, string property)
    {
        var (status, problem) = await server.PostAsync("/api/connections", new JObject { ["name"] = "x" + property + auth.Length, ["connector"] = connector, ["auth"] = JObject.Parse(auth) });

        (status, (string?)problem["property"]).Should().Be((400, property), "{0}", problem);
    }
}
