using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using OpenQA.Selenium.Interactions;
using Xunit;

namespace Automation.ServerTests.Browser;

[Collection(BrowserTests.Name)]
public sealed class DesignerTests(BrowserServer server)
{
    [SkippableFact]
    public async Task Flow_BuiltByHand_RunsForANewContact_AndIsShown()
    {
        server.Open("/flows");
        server.Fill("name", "Welcome");
        server.Click(BrowserServer.Button("Build it in the designer"));
        server.Until("the editor is there", () => server.Driver.FindElement(Search));

        Drop("Search Contacts", 450, 300);
        Choose("Connection *", "sandbox-ghl");
        Drop("Upsert Profile", 900, 300);
        Choose("Connection *", "sandbox-flocksy");
        Write("Profile id *", "event.item.id");
        Connect();
        server.Until("the last change is saved", () => Notice() == "Saved");
        server.Click(By.CssSelector("button.mud-icon-button.mud-primary-text"));
        server.Until("the designer says that it is published", () => server.Text().Contains("ublished", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
        server.Until("the editor has no serious barrier", () => server.Barriers().Count == 0);
        server.Complaints();

        var id = server.Driver.Url.Split("id=")[1];
        var trigger = (await server.GetAsync("/api/triggers?definitionId=" + id)).Body["items"]!.Single(t => (string?)t["definitionId"] == id);
        await Processes.Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(40), async () => (await server.GetAsync($"/api/triggers/{trigger["id"]}")).Body["baselinedAt"]!.Type != JTokenType.Null);
        server.Open("/welcome");
        server.Fill("first", "Zelda");
        server.Fill("last", "Quick");
        server.Fill("email", "zelda@example.com");
        server.Click(BrowserServer.Button("Add the contact"));
        server.Until("the contact is in the sandbox", () => server.Text().Contains("The contact is in the sandbox", StringComparison.Ordinal));
        server.Open($"/triggers/{trigger["id"]}");
        server.Click(BrowserServer.Button("Poll now"));
        var run = "";
        await Processes.Eventually.HoldsAsync("the contact's run is finished", TimeSpan.FromSeconds(40), async () =>
        {
            var runs = (await server.GetAsync($"/api/runs?definitionId={id}&status=Finished")).Body["items"]!;
            run = (string?)runs.FirstOrDefault()?["id"] ?? "";
            return run.Length > 0;
        });

        server.Open("/runs?find=zelda@example.com");
        server.Until("the run is found by the contact's address", () => server.Text().Contains("Runs about zelda@example.com", StringComparison.Ordinal));
        server.Click(By.CssSelector($"a[href='/runs/{run}']"));
        server.Until("the run's page is there", () => server.Driver.Url.EndsWith(run, StringComparison.Ordinal));
        server.Text().Should().Contain("finished").And.Contain("Zelda").And.Contain("UpsertProfile1");
        server.Click(By.LinkText("Show in the designer"));
        server.Until("the viewer draws the run", () => Nodes().Count == 2);
        server.Until("the viewer counts what ran", () => server.Text().Contains("Upsert Profile - Completed", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
        server.Until("the viewer has no serious barrier", () => server.Barriers().Count == 0);
        server.Complaints();
    }

    [SkippableFact]
    public async Task Editor_WhenTheSessionEnds_OrSomebodyElseSaves_LosesNobodysChange()
    {
        var (_, saved) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject
        {
            ["model"] = new JObject { ["name"] = "Session", ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = new JArray() } },
            ["publish"] = false,
        });
        var id = (string?)saved["workflowDefinition"]!["definitionId"];
        server.Open("/designer/edit?id=" + id);
        server.Until("the editor is there", () => server.Driver.FindElement(Search));
        var description = server.Until("the description is there", Description);

        // The last of the calls that the editor begins with: a session that ends before is another test.
        server.Until("the editor has read all it needs", () => (bool)server.Driver.ExecuteScript("return performance.getEntriesByType('resource').some(e => e.name.includes('commit-strategies') && e.responseEnd > 0)")!);
        server.Driver.Manage().Cookies.DeleteAllCookies();
        description.SendKeys("Kept over a lost session." + Keys.Tab);
        server.Until("the dialog is there", () => server.Driver.FindElement(By.Id("designer-signed-out")).Displayed);
        var tab = server.Driver.CurrentWindowHandle;
        server.Driver.SwitchTo().NewWindow(WindowType.Tab);
        server.SignIn();
        server.Driver.Close();
        server.Driver.SwitchTo().Window(tab);
        if (server.Driver.FindElement(By.Id("designer-signed-out")).Displayed)
        {
            server.Click(By.Id("designer-signed-out-check"));
        }

        server.Until("the change is saved", () => Notice() == "Saved");
        var (_, definition) = await server.GetAsync("/elsa/api/workflow-definitions/by-definition-id/" + id);
        ((string?)definition["description"]).Should().Be("Kept over a lost session.");

        definition["description"] = "Somebody else's.";
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = definition, ["publish"] = false });
        Description().SendKeys(" And mine." + Keys.Tab);
        server.Until("the editor says that somebody else has saved", () => server.Driver.FindElement(By.Id("designer-changed")).Displayed);
        ((string?)(await server.GetAsync("/elsa/api/workflow-definitions/by-definition-id/" + id)).Body["description"]).Should().Be("Somebody else's.");
        server.Click(By.Id("designer-changed-overwrite"));
        server.Until("the change is saved over it", () => Notice() == "Saved");
        ((string?)(await server.GetAsync("/elsa/api/workflow-definitions/by-definition-id/" + id)).Body["description"]).Should().Be("Kept over a lost session. And mine.");
        server.Complaints().Should().OnlyContain(complaint => complaint.Contains("401", StringComparison.Ordinal) || complaint.Contains("412", StringComparison.Ordinal));

        IWebElement Description() => server.Driver.FindElement(By.XPath("//label[normalize-space(.)='Description']/..//textarea"));
    }

    [SkippableFact]
    public void Lists_OfFlowsAndRuns_OpenWithoutComplaints()
    {
        server.Open("/designer");
        server.Until("the list of flows is there", () => server.Text().Contains("Tag sync (sandbox)", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
        server.Click(By.XPath("//*[text()='Tag sync (sandbox)']"));
        server.Until("a click on a row opens the editor", () => server.Driver.Url.Contains("/designer/edit?id=", StringComparison.Ordinal) && Nodes().Count > 4);
        server.Complaints().Should().BeEmpty();

        server.Open("/designer/instances");
        server.Until("the list of runs is there", () => server.Text().Contains("Workflow instances", StringComparison.OrdinalIgnoreCase) && server.Text().Contains("Created", StringComparison.Ordinal));
        server.Complaints().Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Viewer_OfAWaitingRun_ShowsLiveHowItGoesOn()
    {
        static JObject Say(string id) => new() { ["id"] = id, ["type"] = "Elsa.WriteLine", ["version"] = 1, ["text"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = id } } };
        static JObject Line(string from, string to) => new() { ["source"] = new JObject { ["activity"] = from, ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = to, ["port"] = "In" } };
        await server.PublishAsync(new JObject
        {
            ["definitionId"] = "browser-live",
            ["name"] = "Live",
            ["root"] = new JObject
            {
                ["id"] = "root",
                ["type"] = "Elsa.Flowchart",
                ["version"] = 1,
                ["activities"] = new JArray(Say("before"), new JObject { ["id"] = "wait", ["type"] = "Elsa.Event", ["version"] = 1, ["eventName"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = "browser-go" } } }, Say("after")),
                ["connections"] = new JArray(Line("before", "wait"), Line("wait", "after")),
            },
        });
        var (_, started) = await server.PostAsync("/elsa/api/workflow-definitions/browser-live/dispatch", new JObject());
        server.Open("/designer/instance?id=" + started["workflowInstanceId"]);
        server.Until("the viewer draws the run", () => Nodes().Count == 3);
        server.Until("the run waits", () => server.Text().Contains("Suspended", StringComparison.Ordinal));

        await server.PostAsync("/elsa/api/events/browser-go/trigger", new JObject());

        server.Until("the viewer shows the end by itself", () => server.Text().Split("Write Line - Completed").Length == 3);
        server.Complaints().Should().BeEmpty();
    }

    private static By Search => By.CssSelector("input[placeholder=Search]");

    private static By PortOf(string group) => By.CssSelector($".x6-port-body[port-group={group}]");

    private IReadOnlyCollection<IWebElement> Nodes() => server.Driver.FindElements(By.CssSelector(".x6-node"));

    private string Notice() => server.Driver.FindElement(By.Id("designer-notice")).Text;

    /// <summary>Drags an activity from the palette onto the canvas.</summary>
    private void Drop(string activity, int x, int y)
    {
        var search = server.Driver.FindElement(Search);
        search.SendKeys(Keys.Control + "a" + Keys.Null + Keys.Delete);
        search.SendKeys(activity);
        var item = By.XPath($"//*[@draggable='true'][normalize-space(.)='{activity}']");
        server.Until($"'{activity}' is found", () => server.Driver.FindElement(item));

        var before = Nodes().Count;
        server.Until($"'{activity}' can be seen and is still", () => StandsStill(server.Driver.FindElement(item)));
        Drag(last, new System.Drawing.Point(x, y));
        server.Until($"'{activity}' is on the canvas", () => Nodes().Count == before + 1);
    }

    /// <summary>Chooses of a drop-down whose list comes from the server.</summary>
    private void Choose(string label, string text)
    {
        server.Click(By.XPath($"//label[normalize-space(.)='{label}']/ancestor::div[contains(@class,'mud-select')][1]"));
        server.Click(By.XPath($"//div[contains(@class,'mud-list-item')][contains(., '{text}')]"));
        server.Until($"{label} is {text}", () => server.Driver.FindElements(By.XPath($"//label[normalize-space(.)='{label}']/ancestor::div[contains(@class,'mud-select')][1]//input")).Any(i => i.GetAttribute("value")?.StartsWith(text, StringComparison.Ordinal) == true));
    }

    /// <summary>Sets an input to a script.</summary>
    private void Write(string label, string script)
    {
        server.Click(By.XPath($"//label[normalize-space(.)='{label}']/ancestor::div[contains(@class,'mud-grid') or contains(@class,'d-flex') or contains(@class,'mud-stack')][1]//div[contains(@class,'mud-menu')]//button"));
        server.Click(By.XPath("//*[contains(@class,'mud-menu-item') or contains(@class,'mud-list-item')][contains(., 'JavaScript')]"));
        server.Click(By.CssSelector(".monaco-editor .view-lines"));
        new Actions(server.Driver).SendKeys(script).Perform();
    }

    /// <summary>Draws a line from the first activity's outcome to the second activity.</summary>
    private void Connect()
    {
        var from = server.Driver.FindElements(PortOf("out"))[0];
        var to = server.Driver.FindElements(PortOf("in"))[1];
        Drag(Centre(from), Centre(to));
        server.Until("the activities are connected", () => server.Driver.FindElements(By.CssSelector(".x6-edge")).Count == 1);
    }

    private void Drag(System.Drawing.Point from, System.Drawing.Point to) =>
        new Actions(server.Driver)
            .MoveToLocation(from.X, from.Y).ClickAndHold()
            .MoveToLocation(from.X + 8, from.Y + 8).MoveToLocation(to.X, to.Y).MoveToLocation(to.X + 2, to.Y + 2)
            .Release().Perform();

    private System.Drawing.Point Centre(IWebElement element)
    {
        var box = (IDictionary<string, object>)server.Driver.ExecuteScript("const r = arguments[0].getBoundingClientRect(); return { x: Math.round(r.x + r.width / 2), y: Math.round(r.y + r.height / 2) }", element)!;
        return new System.Drawing.Point((int)(long)box["x"], (int)(long)box["y"]);
    }

    private bool IsInSight(IWebElement element) => (bool)server.Driver.ExecuteScript(
        "const r = arguments[0].getBoundingClientRect(); const top = document.elementFromPoint(r.x + r.width / 3, r.y + r.height / 2); return top !== null && arguments[0].contains(top)", element)!;

    private System.Drawing.Point last;

    /// <summary>It is in sight and where it was when last looked: panels open slowly.</summary>
    private bool StandsStill(IWebElement element)
    {
        var before = last;
        last = Centre(element);
        return last == before && IsInSight(element);
    }
}
