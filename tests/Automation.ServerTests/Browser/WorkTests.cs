using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>What people do every day, by hand on the pages.</summary>
[Collection(BrowserTests.Name)]
public sealed class WorkTests(BrowserServer server)
{
    [SkippableFact]
    public async Task Runs_AreFoundByWhomTheyAreAbout_ReplayedTogether_AndTheirIncidentsSettled()
    {
        await server.PublishAsync(Flow("work-lead", "Leads", Script("check", "if (getInput('phone') === '') throw new Error('the lead has no phone')")));
        foreach (var phone in new[] { "", "+1 555 0100" })
        {
            await server.PostAsync("/elsa/api/workflow-definitions/work-lead/execute", new JObject { ["input"] = new JObject { ["phone"] = phone }, ["correlationId"] = "lead-77" });
        }

        server.Open("/runs");
        server.Fill("find", "lead has no phone");
        server.Driver.FindElement(By.Name("find")).SendKeys(Keys.Enter);
        server.Until("the failed run is found by its error", () => server.Text().Contains("Runs with 'lead has no phone'", StringComparison.Ordinal));
        server.Driver.FindElements(By.Name("ids")).Should().ContainSingle();

        server.Driver.FindElement(By.CssSelector("[data-choose-all]")).Click();
        server.Click(BrowserServer.Button("Replay from the failed activity"));
        server.Until("it says how many", () => server.Text().Contains("1 done.", StringComparison.Ordinal));
        await Eventually.HoldsAsync("the replay failed too", TimeSpan.FromSeconds(30), async () => ((JArray)(await server.GetAsync("/api/runs?definitionId=work-lead&status=Faulted")).Body["items"]!).Count == 2);

        var (_, found) = await server.GetAsync("/api/runs?definitionId=work-lead&status=Faulted");
        server.Open("/runs/" + found["items"]![0]!["id"]);
        server.Text().Should().Contain("the lead has no phone").And.Contain("a replay").And.Contain("What to do");

        server.Open("/incidents");
        server.Until("the incidents are there", () => server.Text().Contains("the lead has no phone", StringComparison.Ordinal));
        foreach (var box in server.Driver.FindElements(By.XPath("//tr[contains(., 'the lead has no phone')]//input[@name='ids']")))
        {
            box.Click();
        }

        server.Click(BrowserServer.Button("Settle without a replay"));
        server.Until("they are settled", () => server.Text().Contains("2 done.", StringComparison.Ordinal));
        server.Text().Should().NotContain("the lead has no phone");
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Versions_AreCompared_Restored_AndSwitchedOff()
    {
        await server.PublishAsync(Flow("work-versions", "Versions", Script("say", "'first'")));
        await server.PublishAsync(Flow("work-versions", "Versions", Script("say", "'second'")));

        server.Open("/flows/work-versions");
        server.Click(By.LinkText("Compare versions"));
        server.Until("the difference is said in words", () => server.Text().Contains("script changed from", StringComparison.Ordinal));
        server.Text().Should().Contain("first").And.Contain("second");
        server.Click(BrowserServer.Button("Restore version 1"));
        server.Until("the flow has a newer draft", () => server.Text().Contains("newer draft", StringComparison.OrdinalIgnoreCase));

        server.Open("/flows?search=Versions");
        server.Click(By.CssSelector("button[aria-label='Switch Versions off']"));
        server.Until("it is off", () => server.Driver.FindElements(By.CssSelector("button[aria-label='Switch Versions on']")).Count == 1);
        (await server.GetAsync("/elsa/api/workflow-definitions/by-definition-id/work-versions?versionOptions=Published")).Status.Should().Be(404);

        server.Open("/flows/work-versions/template");
        server.Fill("name", "versions-by-hand");
        server.Click(BrowserServer.Button("Save the template"));
        server.Until("the template's page is there", () => server.Driver.Url.EndsWith("/templates/versions-by-hand", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Field_IsSearchedOverAllFlows()
    {
        var write = new JObject { ["id"] = "create", ["name"] = "MakeContact", ["type"] = "GoHighLevel.Contacts.CreateContact", ["version"] = 1, ["email"] = Literal("lead@example.com") };
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = Flow("work-field", "Writes the address", write), ["publish"] = false });

        server.Open("/flows");
        server.Fill("field", "EMAIL");
        server.Driver.FindElement(By.Name("field")).SendKeys(Keys.Enter);
        server.Until("the writer is found", () => server.Text().Contains("Writes the address", StringComparison.Ordinal));

        server.Text().Should().Contain("MakeContact").And.Contain("GoHighLevel.Contacts.CreateContact").And.Contain("lead@example.com");
    }

    [SkippableFact]
    public void Key_IsShownOnce_WorksAndIsRevoked()
    {
        server.Open("/settings");
        server.Driver.FindElement(By.XPath("//form[.//button[contains(., 'Make a key')]]//input[@name='name']")).SendKeys("reporting");
        server.Click(BrowserServer.Button("Make a key"));
        var key = server.Until("the key is shown", () => server.Driver.FindElement(By.Id("new-key"))).Text;
        Status(key).Should().Be(200);

        server.Open("/settings");
        server.Text().Should().Contain("reporting").And.NotContain(key);
        server.Click(By.CssSelector("button[aria-label='Revoke reporting']"));
        server.Until("it is gone", () => server.Driver.FindElements(By.CssSelector("button[aria-label='Revoke reporting']")).Count == 0);
        Status(key).Should().Be(401);
        server.Complaints().Should().BeEmpty();

        int Status(string given)
        {
            using var client = server.NewClient();
            client.DefaultRequestHeaders.Add("Authorization", "ApiKey " + given);
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/session");
            using var response = client.Send(request);
            return (int)response.StatusCode;
        }
    }

    [SkippableFact]
    public void FieldMap_IsTriedOnASample_AndSaved()
    {
        server.Open("/mappings");
        server.Click(BrowserServer.Button("Try it"));
        server.Until("the result is there", () => server.Text().Contains("What it makes of the sample", StringComparison.Ordinal));
        server.Text().Should().Contain("\"email\": \"zoe@example.com\"").And.Contain("Zoe Example");

        server.Click(BrowserServer.Button("Save"));
        server.Until("it is in the list", () => server.Driver.FindElements(By.LinkText("contact-to-profile")).Count == 1);
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Designer_OpensAFlowOfTwoHundredActivities()
    {
        var activities = new JArray(Enumerable.Range(0, 200).Select(i => new JObject
        {
            ["id"] = $"a{i}",
            ["type"] = "Elsa.WriteLine",
            ["version"] = 1,
            ["text"] = Literal($"line {i}"),
            ["metadata"] = new JObject { ["designer"] = new JObject { ["position"] = new JObject { ["x"] = i % 20 * 220, ["y"] = i / 20 * 120 } } },
        }));
        var lines = new JArray(Enumerable.Range(1, 199).Select(i => new JObject { ["source"] = new JObject { ["activity"] = $"a{i - 1}", ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = $"a{i}", ["port"] = "In" } }));
        var root = new JObject { ["id"] = "root", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = activities, ["connections"] = lines };
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = new JObject { ["definitionId"] = "work-large", ["name"] = "Two hundred", ["root"] = root }, ["publish"] = false });

        server.Open("/designer/edit?id=work-large");

        server.Until("all activities are drawn", () => server.Driver.FindElements(By.CssSelector(".x6-node")).Count == 200);
        server.Until("all lines are drawn", () => server.Driver.FindElements(By.CssSelector(".x6-edge")).Count == 199);
        server.Until("every button has a name", () => (long)server.Driver.ExecuteScript("return [...document.querySelectorAll('#designer button')].filter(b => !b.textContent.trim() && !b.ariaLabel && !b.title).length")! == 0);
        server.Complaints().Should().BeEmpty();
    }

    private static JObject Literal(string value) => new() { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } };

    private static JObject Script(string id, string source) => new() { ["id"] = id, ["type"] = "Elsa.RunJavaScript", ["version"] = 1, ["script"] = Literal(source) };

    private static JObject Flow(string id, string name, JObject activity) => new()
    {
        ["definitionId"] = id,
        ["name"] = name,
        ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray(activity) },
    };
}
