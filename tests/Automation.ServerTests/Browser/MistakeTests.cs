using FluentAssertions;
using Newtonsoft.Json.Linq;
using OpenQA.Selenium;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>The seven most common mistakes: each says, on the page where it is made, what is wrong and what to do, in words for somebody who is no developer.</summary>
[Collection(BrowserTests.Name)]
public sealed class MistakeTests(BrowserServer server)
{
    [SkippableTheory]
    [InlineData(401, "does not accept the credential", "Renew the credential of connection 'sandbox-ghl'; it may have expired")]
    [InlineData(403, "lacks a permission", "Give the credential of connection 'sandbox-ghl' the scope (locations.readonly)")]
    [InlineData(429, "too many requests", "lengthen the intervals of polls or spread the work")]
    public async Task Connection_RefusedByTheOtherSide_SaysWhyAndWhatToDo(int status, string why, string action)
    {
        await server.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "GET /locations/*", ["status"] = status, ["times"] = 10 });
        try
        {
            server.Open("/connections/sandbox-ghl");
            server.Click(BrowserServer.Button("Test now"));
            server.Until("the test's result is there", () => server.Text().Contains("It does not work.", StringComparison.Ordinal));

            server.Text().Should().Contain(why).And.Contain(action);
            server.Complaints().Should().BeEmpty();
        }
        finally
        {
            await server.SendAsync(HttpMethod.Delete, "/sandbox/control/ghl/faults");
        }
    }

    [SkippableFact]
    public void Connection_ToAHostThatIsAway_SaysWhichAndWhatToDo()
    {
        server.Open("/connections/new?connector=flocksy");
        server.Fill("name", "Away");
        server.Fill("apiKey", "anything-at-all");
        server.Fill("locationId", "loc-1");
        server.Fill("baseUrl", "http://127.0.0.1:9/");
        server.Click(BrowserServer.Button("Add and test"));
        server.Until("the test's result is there", () => server.Text().Contains("It does not work.", StringComparison.Ordinal));

        server.Text().Should().Contain("127.0.0.1:9").And.MatchRegex("(?i)(could not|cannot) be reached").And.NotContain("Exception").And.NotContain("anything-at-all");
        server.Click(By.CssSelector("details.danger summary"));
        server.Click(BrowserServer.Button("Delete this connection"));
        server.Until("the list is back", () => server.Driver.Url.EndsWith("/connections", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("no-connection", null, "email@example.com", "Literal", "No connection is chosen. Choose a connection of gohighlevel")]
    [InlineData("no-input", "sandbox-ghl", null, "Literal", "is required and is missing. Set it")]
    [InlineData("bad-script", "sandbox-ghl", "event.item.", "JavaScript", "line 1")]
    public async Task Flow_ThatIsNotFinished_SaysAtPublishingWhichActivityAndWhatToDo(string name, string? connection, string? contact, string syntax, string says)
    {
        var id = "mistake-" + name;
        var activity = new JObject { ["id"] = "note", ["name"] = "AddNote", ["type"] = "GoHighLevel.Contacts.GetContact", ["version"] = 1 };
        void Set(string property, string? value, string type)
        {
            if (value is not null)
            {
                activity[property] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = type, ["value"] = value } };
            }
        }

        Set("connectionId", connection, "Literal");
        Set("contactId", contact, syntax);
        var (status, body) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject
        {
            ["model"] = new JObject { ["definitionId"] = id, ["name"] = "Mistake " + name, ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray(activity) } },
            ["publish"] = false,
        });
        status.Should().Be(200, "{0}", body);

        server.Open("/flows/" + id);
        server.Click(BrowserServer.Button("Publish version"));
        server.Until("the page says what is wrong", () => server.Text().Contains(says, StringComparison.Ordinal));

        server.Text().Should().Contain("activity note");
        server.Complaints().Should().BeEmpty();
    }
}
