using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>Real server processes on one PostgreSQL, and one beside them, on SQLite, that stands in for the outside. The nodes share a data folder, where the keys are.</summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlNodesTests(PostgreSqlCluster cluster, ITestOutputHelper output) : IDisposable
{
    private const int Contacts = 500;
    private const string Flow = "nodes-flow";
    private readonly string _data = Directory.CreateTempSubdirectory("automation-nodes-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SkippableFact]
    public async Task TwoNodes_EachKilledInTheMiddle_StartOneRunPerContact()
    {
        var database = await cluster.NewSchemaAsync();
        using var outside = new ServerProcess();
        using var first = new ServerProcess(Settings(database));
        using var second = new ServerProcess(Settings(database));
        try
        {
            await Task.WhenAll(outside.StartAsync(), first.StartAsync(), second.StartAsync());
            await outside.PostAsync("/sandbox/control/flocksy/limits", JObject.Parse("""{"calls":100000,"windowMs":1000}"""));
            await ConnectAsync(first, "ghl", "gohighlevel", new Uri(outside.Url, "/sandbox/ghl"), "sandbox-ghl-token");
            await ConnectAsync(first, "flocksy", "flocksy", new Uri(outside.Url, "/sandbox/flocksy"), "sandbox-flocksy-token");
            await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(
                Flow,
                FlowsOf.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "ghl"), ("locationId", "loc-2"), ("interval", "5s"), ("mode", "new")).AsTrigger(),
                FlowsOf.Activity("note", "Elsa.SetName", ("value", "='contact ' + event.item.id")),
                FlowsOf.Activity("map", "Flocksy.TagMappings.UpsertTagMapping", ("connectionId", "flocksy"), ("locationId", "loc-2"), ("ghlTag", "=event.item.id"), ("flocksyTag", "=event.item.firstName"))));
            await first.PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());
            await Eventually.HoldsAsync("the source is baselined", TimeSpan.FromSeconds(60), async () =>
                (await second.GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].baselinedAt") is { Type: not JTokenType.Null });

            var contacts = Enumerable.Range(0, Contacts).Select(i => $"node-{i:000}").ToList();
            await outside.PostAsync("/sandbox/control/ghl/contacts", new JArray(contacts.Select(id => (object)new JObject
            {
                ["id"] = id,
                ["locationId"] = "loc-2",
                ["firstName"] = "Ada " + id,
                ["lastName"] = "Node",
                ["email"] = id + "@example.com",
            }).ToArray()));

            // In the middle of the work one of the two is gone and comes back, then the other: whichever of them was at work, it was killed at it.
            await Eventually.HoldsAsync("some runs have ended", TimeSpan.FromSeconds(90), async () => await CountAsync(first, "Finished") >= Contacts / 10);
            await second.KillAsync();
            await second.StartAsync();
            await Eventually.HoldsAsync("half of the runs have ended", TimeSpan.FromSeconds(90), async () => await CountAsync(second, "Finished") >= Contacts / 2);
            await first.KillAsync();
            await first.StartAsync();
            await Eventually.HoldsAsync("every contact has a run that ended", TimeSpan.FromSeconds(150), async () => await CountAsync(first, "Finished") + await CountAsync(first, "Faulted") >= Contacts);

            (await CountAsync(first, null)).Should().Be(Contacts);
            (await CountAsync(first, "Faulted")).Should().Be(0);
            var mapped = (await outside.GetAsync("/sandbox/control/flocksy/tag-mappings?locationId=loc-2"))["items"]!.Count(m => ((string?)m["ghlTag"])?.StartsWith("node-", StringComparison.Ordinal) == true);
            mapped.Should().Be(Contacts);
        }
        catch
        {
            output.WriteLine("first:\n" + string.Join('\n', first.Log.Split('\n').TakeLast(80)));
            output.WriteLine("second:\n" + string.Join('\n', second.Log.Split('\n').TakeLast(40)));
            throw;
        }
    }

    private static async Task<long> CountAsync(ServerProcess server, string? status) =>
        (long)(await server.GetAsync($"/api/runs?definitionId={Flow}&pageSize=1{(status is null ? "" : "&status=" + status)}"))["total"]!;

    private static Task<JToken> ConnectAsync(ServerProcess node, string name, string connector, Uri url, string token) => node.PostAsync("/api/connections", new JObject
    {
        ["name"] = name,
        ["connector"] = connector,
        ["baseUrl"] = url.ToString(),
        ["locationId"] = "loc-2",
        ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = token },
    });

    private Dictionary<string, string> Settings(string database) => new()
    {
        ["Automation__Storage__Provider"] = "PostgreSql",
        ["ConnectionStrings__Automation"] = database,
        ["Automation__DataDirectory"] = _data,
        ["Automation__Sandbox__Enabled"] = "false",
        ["Automation__Polling__MinimumInterval"] = "00:00:05",
    };
}
