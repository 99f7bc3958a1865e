using System.Net;
using System.Text.RegularExpressions;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.People;

/// <summary>A server with a mail server beside it.</summary>
public sealed class MailingServer : RunningServer
{
    public SmtpListener Mail { get; } = new();

    protected override IEnumerable<string> Settings =>
        [.. base.Settings, "--Automation:Smtp:Host=127.0.0.1", $"--Automation:Smtp:Port={Mail.Port}", "--Automation:Smtp:Security=None", "--Automation:Smtp:From=flows@automation.test"];
}

public sealed partial class ApprovalLinkTests(MailingServer server) : IClassFixture<MailingServer>
{
    [GeneratedRegex(@"http://[^\s]+/decide/[A-Za-z0-9_\-]+")]
    private static partial Regex Link();

    private async Task<(string Run, Uri Link)> AskAsync(string id)
    {
        var approver = id + "@x.test";
        await server.PublishAsync(Models.Sequence(
            id,
            Models.Activity("ask", "Automation.Approval", ("title", "Literal", "Publish " + id), ("details", "Literal", "A <b>bold</b> post."), ("approvers", "Object", $"[\"{approver}\"]"), ("sendEmail", "Literal", true), ("due", "Literal", "2d")),
            Models.Output("out", "By", "getOutputFrom('ask', 'DecidedBy') + ': ' + getOutputFrom('ask', 'Comment')")).WithOutput("By"));
        var (_, started) = await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject());
        var mail = server.Mail.Mails.Single(m => m.Contains(approver, StringComparison.Ordinal));
        mail.Should().Contain("text/plain").And.NotContain("text/html", "what others wrote is no markup");
        return ((string)started["workflowState"]!["id"]!, new Uri(Link().Match(mail).Value));
    }

    private async Task<JToken> TaskAsync(string run) => (await server.GetAsync($"/api/tasks?runId={run}")).Body["items"]!.Single();

    [Fact]
    public async Task Link_OpenedDecidesNothing_PostedDecidesOnce()
    {
        var (run, link) = await AskAsync("link");
        using var nobody = server.NewClient();

        using var shown = await nobody.GetAsync(link);
        using var scanned = await nobody.SendAsync(new HttpRequestMessage(HttpMethod.Head, link));
        var html = await shown.Content.ReadAsStringAsync();
        var afterReading = (string?)(await TaskAsync(run))["status"];
        using var unclear = await nobody.PostAsync(link, new FormUrlEncodedContent([]));
        using var decided = await nobody.PostAsync(link, new FormUrlEncodedContent(new Dictionary<string, string> { ["outcome"] = "Approved", ["comment"] = "go on" }));
        using var again = await nobody.PostAsync(link, new FormUrlEncodedContent(new Dictionary<string, string> { ["outcome"] = "Rejected" }));
        using var reopened = await nobody.GetAsync(link);

        (shown.StatusCode, scanned.StatusCode, afterReading).Should().Be((HttpStatusCode.OK, HttpStatusCode.OK, "open"));
        html.Should().Contain("Publish link").And.Contain("&lt;b&gt;bold").And.Contain("Approve").And.Contain("Reject");
        shown.Headers.GetValues("Referrer-Policy").Should().Equal("no-referrer");
        (unclear.StatusCode, decided.StatusCode, again.StatusCode, reopened.StatusCode).Should().Be((HttpStatusCode.BadRequest, HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.Conflict));
        (await again.Content.ReadAsStringAsync()).Should().Contain("approved already by link@x.test");
        JToken state = JValue.CreateNull();
        await Eventually.HoldsAsync("the run ends", TimeSpan.FromSeconds(20), async () => (string?)(state = (await server.GetAsync($"/elsa/api/workflow-instances/{run}")).Body)["status"] == "Finished");
        ((string?)state["workflowState"]!["output"]!["By"]).Should().Be("link@x.test: go on");
    }

    [Fact]
    public async Task Link_ThatWasChanged_IsNone_AndAnUnneededOneSaysSo()
    {
        var (run, link) = await AskAsync("changed");
        using var nobody = server.NewClient();
        var text = link.ToString();
        var changed = text[..^5] + (text[^5] == 'A' ? 'B' : 'A') + text[^4..];

        using var forged = await nobody.PostAsync(changed, new FormUrlEncodedContent(new Dictionary<string, string> { ["outcome"] = "Approved" }));
        await server.PostAsync($"/api/runs/{run}/cancel", new JObject());
        using var late = await nobody.PostAsync(link, new FormUrlEncodedContent(new Dictionary<string, string> { ["outcome"] = "Approved" }));

        (forged.StatusCode, late.StatusCode).Should().Be((HttpStatusCode.NotFound, HttpStatusCode.Conflict));
        ((string?)(await TaskAsync(run))["status"]).Should().Be("cancelled");
    }

    [Fact]
    public async Task Api_DecidesAnApproval_WithItsOutcomeOnly()
    {
        var (run, _) = await AskAsync("byapi");
        var id = (await TaskAsync(run))["id"];

        (await server.PostAsync($"/api/tasks/{id}/complete", new JObject())).Body["property"]!.ToString().Should().Be("outcome");
        (await server.PostAsync($"/api/tasks/{id}/cancel", new JObject())).Status.Should().Be(400);
        var (status, decided) = await server.PostAsync($"/api/tasks/{id}/complete", JObject.Parse("""{"outcome":"Rejected","comment":"no"}"""));

        (status, (string?)decided["outcome"], (string?)decided["kind"]).Should().Be((200, "Rejected", "approval"));
    }
}
