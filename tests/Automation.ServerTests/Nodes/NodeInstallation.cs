using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using Newtonsoft.Json.Linq;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>Servers on one PostgreSQL, each with a data folder of its own, and one process beside them that stands in for the outside.</summary>
internal sealed class NodeInstallation : IDisposable
{
    public const string Flow = "nodes-flow";

    private readonly string _folder = Directory.CreateTempSubdirectory("automation-nodes-").FullName;
    private readonly List<ServerProcess> _nodes = [];

    public NodeInstallation(string database, int nodes, params (string Name, string Value)[] settings)
    {
        Schema = new Npgsql.NpgsqlConnectionStringBuilder(database).SearchPath!;
        for (var i = 0; i < nodes; i++)
        {
            _nodes.Add(new ServerProcess(SettingsOf(database, settings)));
        }
    }

    public string Schema { get; }

    /// <summary>The key file that all share.</summary>
    public string KeyFile => Path.Combine(_folder, "installation.key");

    public ServerProcess Outside { get; } = new();

    public ServerProcess this[int index] => _nodes[index];

    public string Logs => string.Join('\n', _nodes.Select((node, index) => $"--- node {index}\n" + string.Join('\n', node.Log.Split('\n').Where(line => !line.Contains("TaskCanceled", StringComparison.Ordinal)).TakeLast(60))));

    /// <summary>Settings of a server of this installation.</summary>
    public Dictionary<string, string> SettingsOf(string database, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["Automation__Storage__Provider"] = "PostgreSql",
            ["ConnectionStrings__Automation"] = database,
            ["Automation__Security__KeyFile"] = KeyFile,
            ["Automation__Sandbox__Enabled"] = "false",
            ["Automation__Polling__MinimumInterval"] = "00:00:05",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        return all;
    }

    /// <summary>The outside, connections to it, and a flow from contacts to tag mappings, baselined.</summary>
    public async Task PrepareAsync()
    {
        await Outside.PostAsync("/sandbox/control/flocksy/limits", JObject.Parse("""{"calls":100000,"windowMs":1000}"""));
        await ConnectAsync("ghl", "gohighlevel", new Uri(Outside.Url, "/sandbox/ghl"), "sandbox-ghl-token");
        await ConnectAsync("flocksy", "flocksy", new Uri(Outside.Url, "/sandbox/flocksy"), "sandbox-flocksy-token");
        await this[0].PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(
            Flow,
            FlowsOf.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "ghl"), ("locationId", "loc-2"), ("interval", "5s"), ("mode", "new")).AsTrigger(),
            FlowsOf.Activity("note", "Elsa.SetName", ("value", "='contact ' + event.item.id")),
            FlowsOf.Activity("map", "Flocksy.TagMappings.UpsertTagMapping", ("connectionId", "flocksy"), ("locationId", "loc-2"), ("ghlTag", "=event.item.id"), ("flocksyTag", "=event.item.firstName"))));
        await this[0].PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());
        await Eventually.HoldsAsync("the source is baselined", TimeSpan.FromSeconds(60), async () =>
            (await this[0].GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].baselinedAt") is { Type: not JTokenType.Null });
    }

    public async Task AddContactsAsync(int count)
    {
        foreach (var portion in Enumerable.Range(0, count).Chunk(500))
        {
            await Outside.PostAsync("/sandbox/control/ghl/contacts", new JArray(portion.Select(i => (object)new JObject
            {
                ["id"] = $"node-{i:0000}",
                ["locationId"] = "loc-2",
                ["firstName"] = $"Ada {i:0000}",
                ["lastName"] = "Node",
                ["email"] = $"node-{i:0000}@example.com",
            }).ToArray()));
        }
    }

    public async Task<long> CountAsync(ServerProcess server, string? status) =>
        (long)(await server.GetAsync($"/api/runs?definitionId={Flow}&pageSize=1{(status is null ? "" : "&status=" + status)}"))["total"]!;

    /// <summary>Runs by the server that worked on them last.</summary>
    public async Task<Dictionary<string, int>> RunsByNodeAsync(ServerProcess server)
    {
        var nodes = new Dictionary<string, int>();
        for (var page = 1; ; page++)
        {
            var runs = (JArray)(await server.GetAsync($"/api/runs?definitionId={Flow}&pageSize=100&page={page}"))["items"]!;
            foreach (var run in runs)
            {
                var node = (string?)run["node"] ?? "none";
                nodes[node] = nodes.GetValueOrDefault(node) + 1;
            }

            if (runs.Count < 100)
            {
                return nodes;
            }
        }
    }

    /// <summary>Mappings that the runs made, by their contact.</summary>
    public async Task<IReadOnlyList<string>> MappingsAsync() =>
        [.. (await Outside.GetAsync("/sandbox/control/flocksy/tag-mappings?locationId=loc-2"))["items"]!.Select(mapping => (string)mapping["ghlTag"]!).Where(tag => tag.StartsWith("node-", StringComparison.Ordinal))];

    public Task<JToken> ConnectAsync(string name, string connector, Uri url, string token) => this[0].PostAsync("/api/connections", new JObject
    {
        ["name"] = name,
        ["connector"] = connector,
        ["baseUrl"] = url.ToString(),
        ["locationId"] = "loc-2",
        ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = token },
    });

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        Outside.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
