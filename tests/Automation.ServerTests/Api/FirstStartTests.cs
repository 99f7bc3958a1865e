using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>A first start as a newcomer sees it: the repository's own definitions folder, the sandbox's demo.</summary>
public sealed class FirstStart : RunningServer
{
    protected override IEnumerable<string> Settings => [$"--Automation:Definitions:Directory={Path.Combine(Root(), "workflow-definitions")}"];

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("Automation.sln was not found above the test assembly.");
        }

        return folder.FullName;
    }
}

public sealed class FirstStartTests(FirstStart server) : IClassFixture<FirstStart>
{
    [Fact]
    public async Task FirstStart_TagSync_RunsWithinAMinute_AndItsWritesAreInTheSandbox()
    {
        JToken runs = new JObject();
        await Eventually.HoldsAsync("a tag-sync run is finished", TimeSpan.FromSeconds(60), async () =>
        {
            runs = (await server.GetAsync("/api/runs?status=Finished")).Body;
            return ((JArray)runs["items"]!).Count > 0;
        }, () => runs.ToString());

        var listed = runs["items"]!.First();
        var (_, run) = await server.GetAsync($"/api/runs/{listed["id"]}");
        var (_, bySubject) = await server.GetAsync($"/api/runs?subject={listed["subjects"]!.First()}");
        var (_, trigger) = await server.GetAsync($"/api/triggers/{listed["trigger"]!["id"]}");
        var (_, received) = await server.GetAsync("/sandbox/control/requests?api=flocksy");
        var (_, incidents) = await server.GetAsync("/api/incidents?status=open");

        ((string?)run["subStatus"]).Should().Be("Finished");
        run["effects"]!.Should().NotBeEmpty().And.OnlyContain(e => (string?)e["status"] == "done");
        bySubject["items"]!.Select(r => (string?)r["id"]).Should().Contain((string?)listed["id"]);
        trigger["baselinedAt"]!.Type.Should().Be(JTokenType.String, "the first poll fires nothing");
        received["items"]!.Should().Contain(r => (string?)r["method"] != "GET" && (string?)r["idempotencyKey"] != null);
        ((int)incidents["total"]!).Should().Be(0, "{0}", incidents);
    }

    [Fact]
    public async Task FirstStart_DefinitionOfTheTemplate_IsPublishedOnce_AndUsesBothConnections()
    {
        var (_, definitions) = await server.GetAsync("/elsa/api/workflow-definitions?versionOptions=Published");
        var (_, ghl) = await server.GetAsync("/api/connections/sandbox-ghl/usage");
        var (_, flocksy) = await server.GetAsync("/api/connections/sandbox-flocksy/usage");
        var (_, templates) = await server.GetAsync("/api/templates");

        definitions["items"]!.Should().ContainSingle(d => (string?)d["providerName"] == "template:tag-sync");
        ghl["items"]!.Should().ContainSingle();
        flocksy["items"]!.Should().ContainSingle();
        templates["items"]!.Select(t => (string?)t["name"]).Should().Contain("tag-sync");
    }
}
