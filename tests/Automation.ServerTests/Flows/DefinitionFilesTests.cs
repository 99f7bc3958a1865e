using System.Globalization;
using Automation.Connectors;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Flows;

/// <summary>The server with the repository's own definitions folder.</summary>
public sealed class GalleryServer : RunningServer
{
    /// <summary>The folder <c>workflow-definitions</c>.</summary>
    public static string Folder { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    protected override IEnumerable<string> Settings => [.. base.Settings.Where(s => !s.Contains("Definitions:Directory", StringComparison.Ordinal)), $"--Automation:Definitions:Directory={Folder}"];

    private static string Find(DirectoryInfo? at) => at is null ? throw new DirectoryNotFoundException("No repository above the tests.")
        : File.Exists(Path.Combine(at.FullName, "Automation.sln")) ? Path.Combine(at.FullName, "workflow-definitions")
        : Find(at.Parent);
}

/// <summary>Every file of the definitions folder, installed with the sandbox's connections, published and run for its outcome, twice.</summary>
public sealed class DefinitionFilesTests(GalleryServer server) : IClassFixture<GalleryServer>
{
    private static readonly string[] Cases = ["tag-sync", "statistics-report", "user-segments", "creative-brief"];

    [Fact]
    public void Folder_HasNoFileWithoutACaseHere() =>
        Directory.EnumerateFiles(GalleryServer.Folder, "*.json", SearchOption.AllDirectories).Select(file => Path.GetFileName(file).Replace(".template.json", "", StringComparison.Ordinal))
            .Should().BeEquivalentTo(Cases);

    [Fact]
    public async Task TagSync_MapsTheTag_TagsItsContacts_AndRefreshesItsCampaigns()
    {
        var flow = await InstallAsync("tag-sync", new JObject { ["interval"] = "1h" });
        await ControlAsync("flocksy/tag-mappings", """{"locationId":"loc-1","ghlTag":"gold","flocksyTag":"Gold client","contactIds":["contact-1-09"],"campaignIds":["campaign-1c"]}""");
        var trigger = await BaselinedAsync(flow);

        for (var round = 1; round <= 2; round++)
        {
            await ControlAsync("ghl/social-tags", $$"""{"id":"tag-gold","locationId":"loc-1","tag":"gold","round":{{round}}}""");
            await PollAsync(trigger);
            await FinishedAsync(flow, round);
        }

        (await OneAsync("ghl/contacts", "contact-1-09"))["tags"]!.Values<string>().Should().ContainSingle("Gold client");
        ((int)(await OneAsync("flocksy/campaigns", "campaign-1c"))["refreshCount"]!).Should().BeGreaterThanOrEqualTo(2);
        (await AllAsync("flocksy/tag-mappings")).Where(m => (string?)m["ghlTag"] == "gold").Should().ContainSingle().Which["contactIds"]!.Should().HaveCount(1);
    }

    [Fact]
    public async Task StatisticsReport_FillsTheDashboard_MakesOneReport_AndWritesTheFile()
    {
        var flow = await InstallAsync("statistics-report", new JObject { ["locationId"] = "loc-2", ["dashboardId"] = "dashboard-2", ["timeZone"] = "America/New_York", ["eventName"] = "numbers-2" });
        var daily = (await server.GetAsync($"/api/triggers?definitionId={flow}")).Body["items"]!.Single(t => (string?)t["kind"] == "schedule");
        var due = DateTimeOffset.Parse((string)daily["dueAt"]!, CultureInfo.InvariantCulture);
        TimeZoneInfo.ConvertTime(due, TimeZoneInfo.FindSystemTimeZoneById("America/New_York")).TimeOfDay.Should().Be(TimeSpan.FromHours(7));

        for (var round = 1; round <= 2; round++)
        {
            var (status, _) = await server.PostAsync("/elsa/api/events/numbers-2/trigger", new JObject());
            status.Should().BeInRange(200, 299);
            await FinishedAsync(flow, round);
        }

        var metrics = (await AllAsync("flocksy/metrics")).Where(m => (string?)m["locationId"] == "loc-2").ToList();
        metrics.Should().HaveCount((4 * 7) + 1);
        metrics.Where(m => (string?)m["metricId"] == "likes").Sum(m => (int)m["value"]!).Should().Be(21 * 7);
        var report = (await AllAsync("flocksy/reports")).Where(r => (string?)r["locationId"] == "loc-2").Should().ContainSingle().Subject;
        ((int)report["rows"]!).Should().Be(29);

        var folder = server.Services.GetRequiredService<IOptions<FilesOptions>>().Value.Directory;
        var lines = await File.ReadAllLinesAsync(Directory.EnumerateFiles(folder, "statistics-loc-2-*.csv").Should().ContainSingle().Subject);
        lines.Should().HaveCount(30);
        lines[0].Should().Be("metricId,date,value,locationId");
        lines[1].Should().StartWith("posts,").And.EndWith(",loc-2");
    }

    [Fact]
    public async Task UserSegments_EnrichTheProfile_AssignByRules_AndUpdateTheRecords()
    {
        await ControlAsync("ghl/contacts", """{"id":"c-vip-user","locationId":"loc-3","email":"vera@sandbox.example","tags":["VIP"]}""");
        var flow = await InstallAsync("user-segments", new JObject { ["locationId"] = "loc-3", ["interval"] = "1h" });
        var trigger = await BaselinedAsync(flow);

        for (var round = 1; round <= 2; round++)
        {
            await ControlAsync("ghl/users", $$"""{"id":"user-vera","locationId":"loc-3","firstName":"Vera","lastName":"Round {{round}}","email":"vera@sandbox.example","type":"account","role":"admin"}""");
            await PollAsync(trigger);
            await FinishedAsync(flow, round);
        }

        var profile = await OneAsync("flocksy/profiles", "user-vera");
        ((string?)profile["name"]).Should().Be("Vera Round 2");
        ((string?)profile["attributes"]!["timeZone"]).Should().Be("Australia/Sydney");
        profile["segmentIds"]!.Values<string>().Should().BeEquivalentTo("segment-3-admins", "segment-3-vip");
        var record = (await AllAsync("flocksy/related-records")).Where(r => (string?)r["profileId"] == "user-vera").Should().ContainSingle().Subject;
        record["fields"]!["segments"]!.Values<string>().Should().BeEquivalentTo("Administrators", "VIP clients");
    }

    [Fact]
    public async Task CreativeBrief_IsApproved_AndHandedOver_OncePerRequest()
    {
        var flow = await InstallAsync("creative-brief", new JObject { ["eventName"] = "brief-wanted-2" });

        for (var round = 1; round <= 2; round++)
        {
            await server.PostAsync("/elsa/api/events/brief-wanted-2/trigger", JObject.Parse("""{"input":{"id":"request-7","title":"Banner","text":"Blue.","category":"design"}}"""));
            if (round == 1)
            {
                var task = (JToken?)null;
                await Eventually.HoldsAsync("somebody is asked", TimeSpan.FromSeconds(20), async () => (task = (await server.GetAsync($"/api/tasks?status=open&definitionId={flow}")).Body["items"]!.SingleOrDefault()) is not null);
                ((string?)task!["title"], (string?)task["instructions"]).Should().Be(("Brief: Banner", "Blue."));
                (await server.PostAsync($"/api/tasks/{task["id"]}/complete", JObject.Parse("""{"outcome":"Approved","comment":"Dark blue."}"""))).Status.Should().Be(200);
            }

            await FinishedAsync(flow, round);
        }

        var brief = (await AllAsync("flocksy/briefs")).Where(b => (string?)b["title"] == "Banner").Should().ContainSingle().Subject;
        ((string?)brief["text"]).Should().Be("Blue.\n\nDark blue.");
    }

    private async Task<string> InstallAsync(string template, JObject inputs)
    {
        var (status, body) = await server.PostAsync($"/api/templates/{template}/install", new JObject
        {
            ["connections"] = template == "creative-brief" ? new JObject { ["flocksy"] = "sandbox-flocksy" } : new JObject { ["ghl"] = "sandbox-ghl", ["flocksy"] = "sandbox-flocksy" },
            ["inputs"] = inputs,
            ["publish"] = true,
        });
        status.Should().Be(201, body.ToString());
        body["problems"].Should().BeEmpty();
        return (string)body["definitionId"]!;
    }

    private async Task<string> BaselinedAsync(string flow)
    {
        JToken? trigger = null;
        await Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(20), async () =>
        {
            trigger = (await server.GetAsync($"/api/triggers?definitionId={flow}")).Body["items"]!.Single();
            return trigger["baselinedAt"] is { Type: not JTokenType.Null };
        }, () => trigger!.ToString());
        return (string)trigger!["id"]!;
    }

    private async Task PollAsync(string trigger)
    {
        var (status, body) = await server.PostAsync($"/api/triggers/{trigger}/poll", new JObject());
        status.Should().Be(200, body.ToString());
    }

    private async Task FinishedAsync(string flow, int runs)
    {
        JToken? list = null;
        await Eventually.HoldsAsync($"run {runs} has finished", TimeSpan.FromSeconds(20), async () =>
        {
            list = (await server.GetAsync($"/api/runs?definitionId={flow}")).Body;
            return (int)list["total"]! == runs && list["items"]!.All(run => (string?)run["status"] == "Finished");
        }, () => list!.ToString());
        if (list!["items"]!.FirstOrDefault(run => (string?)run["subStatus"] != "Finished") is { } failed)
        {
            var (_, detail) = await server.GetAsync($"/api/runs/{failed["id"]}");
            Assert.Fail(detail["incidents"]!.ToString());
        }
    }

    private async Task ControlAsync(string collection, string record)
    {
        var (status, body) = await server.PostAsync($"/sandbox/control/{collection}", JArray.Parse($"[{record}]"));
        status.Should().Be(200, body.ToString());
    }

    private async Task<List<JToken>> AllAsync(string collection) => [.. (await server.GetAsync($"/sandbox/control/{collection}")).Body["items"]!];

    private async Task<JToken> OneAsync(string collection, string id) => (await AllAsync(collection)).Single(record => (string?)record["id"] == id);
}
