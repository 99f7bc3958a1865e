using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using OpenQA.Selenium.Interactions;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>Every page by the rules of axe-core, light and dark, with something on it; and by keyboard alone.</summary>
[Collection(BrowserTests.Name)]
public sealed class AccessibilityTests(BrowserServer server)
{
    [SkippableFact]
    public async Task EveryPage_HasNoSeriousBarrier_LightAndDark_AndNoComplaint()
    {
        await server.PublishAsync(Failing());
        await server.PostAsync("/elsa/api/workflow-definitions/browser-failing/execute", new JObject());
        var run = (string?)(await server.GetAsync("/api/runs?definitionId=browser-failing")).Body["items"]![0]!["id"];
        var trigger = (string?)(await server.GetAsync("/api/triggers")).Body["items"]!.FirstOrDefault()?["id"];
        var flow = (string?)(await server.GetAsync("/api/runs")).Body["items"]!.FirstOrDefault()?["definitionId"];
        string?[] paths =
        [
            "/", "/flows", "/flows?field=email", $"/flows/{flow}", $"/flows/{flow}/versions", $"/flows/{flow}/template", "/templates", "/templates/tag-sync", "/mappings", "/runs", $"/runs/{run}",
            "/tasks", "/triggers", trigger is null ? null : $"/triggers/{trigger}?key=nobody&fill=true&back=1", "/connections", "/connections/sandbox-ghl", "/connections/new?connector=gohighlevel&area=Contacts",
            "/connections/new?connector=flocksy", "/incidents", "/incidents?all=true", "/settings", "/account", "/welcome", "/welcome?with=account",
        ];
        server.Open("/");
        server.Theme("light");
        server.Complaints();
        var barriers = new List<string>();
        foreach (var path in paths.OfType<string>())
        {
            server.Open(path);
            barriers.AddRange(server.Barriers().Select(barrier => $"{path}: {barrier}"));

            // The same page in the other colours, as its button changes them: of the rules, one looks at colours.
            server.Driver.ExecuteScript("document.documentElement.dataset.theme = 'dark'");
            barriers.AddRange(server.Barriers(rule: "color-contrast").Select(barrier => $"{path} (dark): {barrier}"));
            barriers.AddRange(server.Complaints().Select(complaint => $"{path}: {complaint}"));
            server.Driver.FindElements(By.TagName("h1")).Should().ContainSingle("of {0}", path);
            server.Driver.Title.Should().EndWith("· Automation", "of {0}", path);
        }

        // And as the server writes it for whoever has chosen dark.
        server.Theme("dark");
        foreach (var path in new[] { "/", $"/runs/{run}", "/settings" })
        {
            server.Open(path);
            barriers.AddRange(server.Barriers().Select(barrier => $"{path} (written dark): {barrier}"));
        }

        server.Theme("light");
        string.Join('\n', barriers).Should().BeEmpty();
    }

    [SkippableFact]
    public void SignIn_HasNoSeriousBarrier()
    {
        server.Driver.Manage().Cookies.DeleteAllCookies();
        server.Open("/login");
        server.Barriers().Should().BeEmpty();
        server.SignIn();
        server.Complaints();
    }

    [SkippableFact]
    public void Keyboard_ReachesTheContentFirst_AndShowsWhereItIs()
    {
        server.Open("/flows");
        Press(Keys.Tab);
        server.Driver.SwitchTo().ActiveElement().Text.Should().Be("Skip to content");
        Press(Keys.Enter);
        ((string?)server.Driver.ExecuteScript("return document.activeElement.id")).Should().Be("content");

        // Everything that can be done on the page is on the way, and can be seen there.
        var reached = new List<string>();
        for (var i = 0; i < 80; i++)
        {
            Press(Keys.Tab);
            var (name, outline) = ((string, string))Focused();
            if (name == "BODY")
            {
                break;
            }

            outline.Should().NotBe("none 0px", "the focus on {0} can be seen", name);
            reached.Add(name);
        }

        reached.Should().Contain("search").And.Contain("field").And.Contain("name").And.Contain("Build it in the designer").And.Contain("files").And.Contain("Import all or none");
    }

    [SkippableFact]
    public void Theme_IsKept_AndTheZoneIsTheReaders()
    {
        server.Open("/");
        server.Driver.Manage().Cookies.DeleteCookieNamed("theme");
        server.Open("/");
        server.Click(By.CssSelector("[data-theme-toggle]"));
        var chosen = server.Driver.Manage().Cookies.GetCookieNamed("theme")!.Value;
        server.Open("/runs");
        ((string?)server.Driver.ExecuteScript("return document.documentElement.dataset.theme")).Should().Be(chosen);

        Travel("Pacific/Auckland");
        server.Open("/runs");
        server.Open("/runs");
        ((string?)server.Driver.ExecuteScript("return document.documentElement.dataset.zone")).Should().Be("Pacific/Auckland", "the server writes times in the reader's zone from the second page on");
        var time = server.Driver.FindElements(By.CssSelector("time")).FirstOrDefault();
        Skip.If(time is null, "There is no run yet.");
        var at = DateTimeOffset.Parse(time!.GetAttribute("title")!, System.Globalization.CultureInfo.InvariantCulture);
        at.Offset.Should().Be(TimeSpan.Zero, "the title says UTC");
        time.Text.Should().StartWith(TimeZoneInfo.ConvertTime(at, TimeZoneInfo.FindSystemTimeZoneById("Pacific/Auckland")).ToString("d MMM yyyy, HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture));
        Travel("");
        server.Theme("light");
    }

    private void Travel(string zone) => server.Driver.ExecuteCdpCommand("Emulation.setTimezoneOverride", new Dictionary<string, object?> { ["timezoneId"] = zone });

    private void Press(string key) => new Actions(server.Driver).SendKeys(key).Perform();

    private object Focused()
    {
        var seen = (IReadOnlyCollection<object>)server.Driver.ExecuteScript(
            "const e = document.activeElement; const s = getComputedStyle(e); return [e === document.body ? 'BODY' : e.name || e.textContent.trim() || e.ariaLabel || e.tagName, s.outlineStyle + ' ' + s.outlineWidth]")!;
        return ((string)seen.First(), (string)seen.Last());
    }

    private static JObject Failing() => new()
    {
        ["definitionId"] = "browser-failing",
        ["name"] = "Browser failing",
        ["root"] = new JObject
        {
            ["id"] = "root",
            ["type"] = "Elsa.Sequence",
            ["version"] = 1,
            ["activities"] = new JArray(new JObject { ["id"] = "fail", ["type"] = "Elsa.RunJavaScript", ["version"] = 1, ["script"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = "throw new Error('the lead has no phone')" } } }),
        },
    };
}
