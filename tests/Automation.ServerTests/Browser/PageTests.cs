using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using Xunit;

namespace Automation.ServerTests.Browser;

[Collection(BrowserTests.Name)]
public sealed class PageTests(BrowserServer server)
{
    [SkippableFact]
    public async Task Overview_AfterSignIn_ShowsRuns_AndARunShowsItsJournal()
    {
        server.Driver.Manage().Cookies.DeleteAllCookies();
        server.SignIn();
        await server.PublishAsync(Echo("Browser echo"));
        await server.PostAsync("/elsa/api/workflow-definitions/browser-echo/execute", new JObject());

        server.Open("/");
        server.Until("the overview lists the run", () => server.Text().Contains("Browser echo", StringComparison.Ordinal));
        server.Click(By.LinkText("Browser echo"));
        server.Until("the run's page is there", () => server.Driver.Url.Contains("/runs/", StringComparison.Ordinal));

        server.Text().Should().Contain("finished").And.Contain("Completed").And.Contain("Elsa.WriteLine");
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public void Flow_WithABrokenExpression_ShowsWhereAndWhy()
    {
        Import(Echo("Broken script", definitionId: "broken-script", text: Script("a +")).ToString());

        server.Until("the flow's page is there", () => server.Driver.Url.EndsWith("/flows/broken-script", StringComparison.Ordinal));
        server.Text().Should().Contain("does not parse").And.Contain("activity say").And.Contain("line 1");
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public void Import_OfAMalformedFile_SaysWhatIsWrong_AndKeepsNothing()
    {
        Import("{\"definitionId\": \"never\", \"root\": }");

        server.Until("the refusal is there", () => server.Text().Contains("Nothing was imported", StringComparison.Ordinal));
        server.Text().Should().Contain("malformed").And.Contain("line 1");
        server.Open("/flows/never");
        server.Text().Should().Contain("There is no flow with this id");
        server.Complaints().Should().ContainSingle().Which.Should().Contain("404");
    }

    [SkippableFact]
    public void Page_WhoseSessionEnds_SaysSo_AndKeepsWhatWasTyped()
    {
        server.Open("/flows");
        server.Driver.Manage().Cookies.DeleteCookieNamed("automation");
        server.Fill("name", "Kept over a sign-in");
        server.Until("the page says so", () => server.Text().Contains("You are signed out", StringComparison.Ordinal));
        server.Click(BrowserServer.Button("Build it in the designer"));
        server.Driver.Url.Should().EndWith("/flows", "nothing is sent that would be lost");

        var tab = server.Driver.CurrentWindowHandle;
        server.Driver.SwitchTo().NewWindow(WindowType.Tab);
        server.SignIn();
        server.Driver.Close();
        server.Driver.SwitchTo().Window(tab);
        server.Until("the page goes on", () => !server.Text().Contains("You are signed out", StringComparison.Ordinal));

        // A session that ends with the click itself leads to the sign-in page, and back to the form as it was.
        server.Driver.Manage().Cookies.DeleteCookieNamed("automation");
        server.Click(BrowserServer.Button("Build it in the designer"));
        server.Until("the sign-in page is there", () => server.Driver.FindElement(By.Name("password"))).SendKeys(BrowserServer.Password + Keys.Enter);
        server.Until("the form is filled in again", () => server.Driver.FindElement(By.Name("name")).GetAttribute("value") == "Kept over a sign-in");
        server.Complaints().Should().OnlyContain(complaint => complaint.Contains("401", StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Template_WithAWrongInterval_IsRefusedWithAReason_ThenInstalledAndPublished()
    {
        server.Open("/templates");
        server.Click(By.CssSelector("a.button[href='/templates/tag-sync']"));
        server.Until("the form is there", () => server.Driver.FindElement(By.Name("inputs.interval")));
        server.Fill("name", "Tag sync by hand");
        server.Click(By.CssSelector("[name='connections.ghl'] option[value='sandbox-ghl']"));
        server.Fill("inputs.interval", "5 potatoes");
        server.Click(BrowserServer.Button("Install and publish"));
        server.Until("the refusal is there", () => server.Text().Contains("5 potatoes", StringComparison.Ordinal));
        server.Text().Should().Contain("cannot be read").And.Contain("30s, 5m or 1h");

        server.Fill("inputs.interval", "30s");
        server.Click(BrowserServer.Button("Install and publish"));
        server.Until("the flow's page is there", () => server.Driver.Url.Contains("/flows/", StringComparison.Ordinal));
        server.Text().Should().Contain("Published version").And.Contain("Tag sync by hand");
        server.Complaints().Should().BeEmpty();

        server.Click(BrowserServer.Button("Retract"));
        await Eventually.HoldsAsync("it is retracted", TimeSpan.FromSeconds(10), () => Task.FromResult(server.Text().Contains("Not published", StringComparison.Ordinal)));
    }

    [SkippableFact]
    public void Connection_WithAWrongKey_SaysWhatToDo_AndOneInUseIsNotDeleted()
    {
        server.Open("/connections");
        server.Click(By.LinkText("Add GoHighLevel"));
        server.Until("the guide is there", () => server.Driver.FindElement(By.Name("apiKey")));
        server.Fill("name", "Broken account");
        server.Fill("apiKey", "pit-of-nobody");
        server.Fill("locationId", "loc-1");
        server.Fill("baseUrl", new Uri(server.Url, "/sandbox/ghl").ToString());
        server.Click(BrowserServer.Button("Add and test"));
        server.Until("the test's result is there", () => server.Text().Contains("It does not work", StringComparison.Ordinal));
        server.Text().Should().Contain("401").And.Contain("Renew the credential").And.NotContain("pit-of-nobody");
        server.Click(By.TagName("summary"));
        server.Click(BrowserServer.Button("Delete this connection"));
        server.Until("the list is back", () => server.Driver.Url.EndsWith("/connections", StringComparison.Ordinal));

        server.Open("/connections/sandbox-ghl");
        server.Click(BrowserServer.Button("Test now"));
        server.Until("the test's result is there", () => server.Text().Contains("It works", StringComparison.Ordinal));
        server.Click(By.TagName("summary"));
        server.Click(BrowserServer.Button("Delete this connection"));
        server.Until("the refusal is there", () => server.Text().Contains("is used by published flows", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public void EveryPage_HasATitleAHeadingAndNames_AndNoComplaints()
    {
        foreach (var path in new[] { "/", "/flows", "/templates", "/templates/tag-sync", "/templates/statistics-report", "/runs", "/triggers", "/connections", "/connections/sandbox-ghl", "/incidents" })
        {
            server.Open(path);

            server.Driver.Title.Should().Contain("Automation", "of {0}", path);
            Count("h1").Should().Be(1, "of {0}", path);
            server.Driver.ExecuteScript(
                "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(e => !e.labels?.length && !e.ariaLabel).map(e => e.name)").Should().BeEquivalentTo(Array.Empty<object>(), "every field of {0} has a label", path);
            server.Driver.ExecuteScript(
                "return [...document.querySelectorAll('a, button')].filter(e => !e.textContent.trim() && !e.ariaLabel).map(e => e.outerHTML)").Should().BeEquivalentTo(Array.Empty<object>(), "every link and button of {0} has a name", path);
            server.Complaints().Should().BeEmpty("of {0}", path);
        }

        int Count(string selector) => server.Driver.FindElements(By.CssSelector(selector)).Count;
    }

    private static JObject Script(string source) => new() { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = source } };

    private static JObject Echo(string name, string definitionId = "browser-echo", JToken? text = null) => new()
    {
        ["id"] = definitionId + "-1",
        ["definitionId"] = definitionId,
        ["name"] = name,
        ["version"] = 1,
        ["root"] = new JObject
        {
            ["id"] = "root",
            ["type"] = "Elsa.Sequence",
            ["version"] = 1,
            ["activities"] = new JArray(new JObject { ["id"] = "say", ["type"] = "Elsa.WriteLine", ["version"] = 1, ["text"] = text ?? Script("'hello'") }),
        },
    };

    private void Import(string text)
    {
        var folder = Directory.CreateTempSubdirectory("automation-import-").FullName;
        var file = Path.Combine(folder, "import.json");
        File.WriteAllText(file, text);
        server.Open("/flows");
        server.Driver.FindElement(By.Name("files")).SendKeys(file);
        server.Click(BrowserServer.Button("Import all or none"));
        server.Until("the answer is there", () => server.Driver.FindElements(By.CssSelector("[role=alert], dl.facts")).Count > 0);
        Directory.Delete(folder, recursive: true);
    }
}
