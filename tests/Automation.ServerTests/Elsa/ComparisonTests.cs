using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

public sealed class ComparisonTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Compare_PublishedWithItsDraft_SaysWhatIsDifferent()
    {
        await server.PublishAsync(Models.Sequence("compared", Models.Output("out", "X", "1")));
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = Models.Sequence("compared", Models.Output("out", "X", "2"), Models.Output("more", "Y", "3")) });

        var (status, body) = await server.GetAsync("/api/definitions/compared/compare");
        var (_, back) = await server.GetAsync("/api/definitions/compared/compare?from=2&to=1");
        var (_, same) = await server.GetAsync("/api/definitions/compared/compare?from=Published&to=1");
        var (missing, problem) = await server.GetAsync("/api/definitions/compared/compare?from=7");

        status.Should().Be(200);
        ((int)body["from"]!["version"]!, (int)body["to"]!["version"]!).Should().Be((1, 2));
        body["changes"]!.Select(change => (string?)change["text"]).Should().Equal(
            "Activity 'out' (Elsa.SetOutput): outputValue changed from JavaScript \"1\" to JavaScript \"2\".",
            "Activity 'more' (Elsa.SetOutput) was added in 'root'.");
        back["changes"]!.Select(change => (string?)change["kind"]).Should().Equal("changed", "removed");
        ((string?)same["summary"]).Should().Be("The two versions say the same.");
        missing.Should().Be(404);
        ((string?)problem["detail"]).Should().Contain("'7'");
    }

    [Fact]
    public async Task Template_MadeOfAFlow_IsSharedAsAFile_InstalledAndUpgraded()
    {
        var flow = Models.Sequence("to-share", Models.Activity("get", "GoHighLevel.Contacts.GetContact", ("connectionId", "Literal", "sandbox-ghl"), ("locationId", "Literal", "loc-1"), ("contactId", "Literal", "c1")));
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = flow });

        var (created, template) = await server.PostAsync("/api/templates", new JObject { ["definitionId"] = "to-share", ["name"] = "shared one", ["inputs"] = new JArray(new JObject { ["name"] = "contact", ["property"] = "contactId" }) });
        var file = JObject.Parse(await server.Client.GetStringAsync(new Uri("/api/templates/shared%20one/file", UriKind.Relative)));
        (await server.SendAsync(HttpMethod.Delete, "/api/templates/shared%20one")).Status.Should().Be(204);
        var (added, _) = await server.PostAsync("/api/templates", new JObject { ["definition"] = file });
        var (twice, _) = await server.PostAsync("/api/templates", new JObject { ["definition"] = file });
        var (installed, definition) = await server.PostAsync("/api/templates/shared%20one/install", new JObject { ["connections"] = new JObject { ["gohighlevel"] = "sandbox-ghl" } });
        file["description"] = "Better";
        var (replaced, _) = await server.PostAsync("/api/templates", new JObject { ["definition"] = file, ["replace"] = true });
        var path = $"/api/definitions/{definition["definitionId"]}/upgrade";
        var (_, preview) = await server.PostAsync(path, new JObject { ["preview"] = true, ["inputs"] = new JObject { ["contact"] = "c2" } });
        var (upgraded, result) = await server.PostAsync(path, new JObject { ["inputs"] = new JObject { ["contact"] = "c2" } });
        var (notInstalled, refusal) = await server.PostAsync("/api/definitions/to-share/upgrade", new JObject());

        (created, added, twice, installed, replaced, upgraded, notInstalled).Should().Be((201, 201, 400, 201, 201, 200, 400));
        template["slots"]!.Single()["connector"]!.ToString().Should().Be("gohighlevel");
        template["scopes"]!.Should().NotBeEmpty();
        file.ToString().Should().NotContain("sandbox-ghl").And.NotContain("\"c1\"}");
        preview["changes"]!.Select(change => (string?)change["text"]).Should().Equal(
            "The workflow's description changed from nothing to \"Better\".",
            "Activity 'get' (GoHighLevel.Contacts.GetContact): contactId changed from \"c1\" to \"c2\".");
        ((bool)preview["isCurrent"]!).Should().BeFalse();
        preview["definition"]!.Type.Should().Be(JTokenType.Null);
        ((string?)result["definition"]!["definitionId"]).Should().Be((string?)definition["definitionId"]);
        ((string?)refusal["code"]).Should().Be("not-from-template");
    }
}
