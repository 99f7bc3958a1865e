using System.Globalization;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>Tasks for people, as a person does them: in the browser, by the keyboard alone.</summary>
[Collection(BrowserTests.Name)]
public sealed class TaskPageTests(BrowserServer server)
{
    private const string Form = """
        [{"name":"link","label":"Link to the draft","type":"url","required":true,"help":"A page that we can open."},
         {"name":"kind","label":"Kind","type":"select","options":["banner","video"],"required":true},
         {"name":"pages","label":"Pages","type":"number"},
         {"name":"ready","label":"It is ready","type":"checkbox"}]
        """;

    private async Task<string> StartAsync(string id, string type, params (string, string, JToken)[] inputs)
    {
        await server.PublishAsync(Models.Sequence(id, Models.Activity("ask", type, [("title", "Literal", "Draft for " + id), ("due", "Literal", "2d"), .. inputs])));
        var (_, started) = await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject());
        return (string)started["workflowState"]!["id"]!;
    }

    private Task EndedAsync(string run) =>
        Eventually.HoldsAsync("the run ends", TimeSpan.FromSeconds(20), async () => (string?)(await server.GetAsync($"/api/runs/{run}")).Body["subStatus"] == "Finished");

    [SkippableFact]
    public async Task Task_IsFoundFilledInAndDone_ByTheKeyboardAlone()
    {
        var run = await StartAsync("browser-task", "Automation.Task", ("assignee", "Literal", "admin"), ("fields", "Object", Form));
        var due = DateTimeOffset.Parse((string)(await server.GetAsync($"/api/tasks?runId={run}")).Body["items"]![0]!["dueAt"]!, CultureInfo.InvariantCulture);

        server.Open("/tasks?view=mine");
        server.Until("the list has it", () => server.Driver.FindElement(By.LinkText("Draft for browser-task"))).SendKeys(Keys.Enter);
        var link = server.Until("the form is there", () => server.Driver.FindElement(By.Name("answers.link")));
        server.Barriers().Should().BeEmpty();
        server.Driver.ExecuteScript("return [...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')].every(field => field.labels.length > 0)").Should().Be(true);
        server.Driver.ExecuteScript($"return new Date(document.querySelector('dl.facts time').dateTime).getTime()").Should().Be(due.ToUnixTimeMilliseconds());

        link.SendKeys("https://x.test/draft" + Keys.Tab);
        Type("video" + Keys.Tab);
        Type("3" + Keys.Tab);
        Type(Keys.Space + Keys.Tab);
        Type("Have a look." + Keys.Tab + Keys.Enter);
        server.Until("it says done", () => server.Text().Contains("Have a look.", StringComparison.Ordinal) && server.Driver.FindElements(By.Name("answers.link")).Count == 0);
        await EndedAsync(run);

        var task = (await server.GetAsync($"/api/tasks?runId={run}")).Body["items"]!.Single();
        JToken.DeepEquals(task["answers"], JObject.Parse("""{"link":"https://x.test/draft","kind":"video","pages":3,"ready":true}""")).Should().BeTrue(task.ToString());
        ((string?)task["finishedBy"]).Should().Be("admin");
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Approval_IsRejectedOnItsPage_AndTellsTheNextWhoDecided()
    {
        var run = await StartAsync("browser-approval", "Automation.Approval");
        var id = (string)(await server.GetAsync($"/api/tasks?runId={run}")).Body["items"]![0]!["id"]!;

        server.Open("/tasks/" + id);
        server.Until("the buttons are there", () => server.Driver.FindElement(BrowserServer.Button("Reject")));
        server.Driver.FindElements(BrowserServer.Button("Cancel this task")).Should().BeEmpty("an approval is rejected, not cancelled");
        server.Fill("comment", "Too blue.");
        server.Click(BrowserServer.Button("Reject"));
        server.Until("it says so", () => server.Text().Contains("rejected", StringComparison.OrdinalIgnoreCase) && server.Text().Contains("by admin", StringComparison.Ordinal));

        await EndedAsync(run);
        server.Complaints().Should().BeEmpty();
    }

    /// <summary>Types into whatever has the focus.</summary>
    private void Type(string keys) => server.Driver.SwitchTo().ActiveElement().SendKeys(keys);
}
