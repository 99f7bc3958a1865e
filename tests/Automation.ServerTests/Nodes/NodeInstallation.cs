using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>Servers on one PostgreSQL, each with a data folder of its own, and one process beside them that stands in for the outside.</summary>
internal sealed class NodeInstallation : IDisposable
{
    public const string Flow = "nodes-flow";

    private readonly string _folder = Directory.CreateTempSubdirectory("automation-nodes-").FullName;
    private readonly List<ServerProcess> _nodes = [];
    private readonly string _database;

    public NodeInstallation(string database, int nodes, params (string Name, string Value)[] settings)
    {
        _database = database;
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

    /// <summary>The outside, connections to it, and a flow from contacts, baselined. A contact is renamed (harmless to repeat), noted (a read finds it again), and enrolled (nothing can tell).</summary>
    public async Task PrepareAsync()
    {
        await Outside.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":100000,"windowMs":1000}"""));
        await ConnectAsync("ghl", "gohighlevel", new Uri(Outside.Url, "/sandbox/ghl"), "sandbox-ghl-token");
        await this[0].PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(
            Flow,
            [FlowsOf.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "ghl"), ("locationId", "loc-2"), ("interval", "5s"), ("mode", "new")).AsTrigger(), .. Writes("event.item.id")]));
        await this[0].PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());
        await Eventually.HoldsAsync("the source is baselined", TimeSpan.FromSeconds(60), async () =>
            (await this[0].GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].baselinedAt") is { Type: not JTokenType.Null });
    }

    /// <summary>One write of each effect class, for a contact whose id a script gives.</summary>
    public static JObject[] Writes(string id) =>
    [
        FlowsOf.Activity("rename", "GoHighLevel.Contacts.UpdateContact", ("connectionId", "ghl"), ("contactId", "=" + id), ("firstName", "='Client ' + " + id)),
        FlowsOf.Activity("note", "GoHighLevel.Contacts.CreateContactNote", ("connectionId", "ghl"), ("contactId", "=" + id), ("body", "='seen ' + " + id)),
        FlowsOf.Activity("enrol", "GoHighLevel.Contacts.AddContactToCampaign", ("connectionId", "ghl"), ("contactId", "=" + id), ("campaignId", "ghl-campaign-2")),
    ];

    /// <summary>Each write waits a while for its answer: whoever is stopped is stopped in the middle of some.</summary>
    public async Task SlowDownWritesAsync(int milliseconds)
    {
        foreach (var match in new[] { "PUT /contacts/*", "POST /contacts/*/notes", "POST /contacts/*/campaigns/*" })
        {
            await Outside.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = match, ["times"] = -1, ["delayMs"] = milliseconds, ["after"] = true });
        }
    }

    public async Task ClearFaultsAsync()
    {
        using var response = await Outside.Client.DeleteAsync(new Uri("/sandbox/control/ghl/faults", UriKind.Relative));
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The first value of a statement on the database that the servers share.</summary>
    public async Task<T> QueryAsync<T>(string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(new Npgsql.NpgsqlConnectionStringBuilder(_database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is { } value and not DBNull ? (T)value : default!;
    }

    /// <summary>Every contact is renamed, noted and enrolled once in the outside's own state, or an incident "outcome unknown" names the run that knows no better. How many such incidents there are.</summary>
    public async Task<int> AssertEachEffectOnceAsync(ServerProcess server, IReadOnlyCollection<string> contacts)
    {
        var unsure = new HashSet<string>(StringComparer.Ordinal);
        for (var (page, isLast) = (1, false); !isLast; page++)
        {
            var incidents = (JArray)(await server.GetAsync($"/api/incidents?pageSize=100&page={page}"))["items"]!;
            isLast = incidents.Count < 100;
            foreach (var incident in incidents)
            {
                ((string?)incident["code"]).Should().Be("outcome-unknown", $"nothing else goes wrong in these flows: {incident}");
                unsure.Add(((string)incident["message"]!).Split("/contacts/")[1].Split('/')[0]);
            }
        }

        var requests = (await Outside.GetAsync("/sandbox/control/requests"))["items"]!.Where(request => (int)request["status"]! < 300).ToLookup(request => $"{request["method"]} {request["path"]}");
        var names = (await Outside.GetAsync("/sandbox/control/ghl/contacts"))["items"]!.ToDictionary(contact => (string)contact["id"]!, contact => (string?)contact["firstName"]);
        foreach (var contact in contacts)
        {
            names[contact].Should().Be("Client " + contact);
            var (noted, enrolled) = (requests[$"POST /contacts/{contact}/notes"].Count(), requests[$"POST /contacts/{contact}/campaigns/ghl-campaign-2"].Count());
            noted.Should().Be(1, $"{contact} is noted once");
            enrolled.Should().BeInRange(unsure.Contains(contact) ? 0 : 1, 1, $"{contact} is enrolled once, or an incident says that nobody knows");
        }

        return unsure.Count;
    }

    public async Task AddContactsAsync(IEnumerable<string> ids)
    {
        foreach (var portion in ids.Chunk(500))
        {
            await Outside.PostAsync("/sandbox/control/ghl/contacts", new JArray(portion.Select(id => (object)new JObject
            {
                ["id"] = id,
                ["locationId"] = "loc-2",
                ["firstName"] = "Ada",
                ["lastName"] = id,
                ["email"] = id + "@example.com",
            }).ToArray()));
        }
    }

    public async Task<long> CountAsync(ServerProcess server, string? status, string flow = Flow) =>
        (long)(await server.GetAsync($"/api/runs?definitionId={flow}&pageSize=1{(status is null ? "" : "&status=" + status)}"))["total"]!;

    /// <summary>Runs that have come to their end, good or bad.</summary>
    public async Task<long> EndedAsync(ServerProcess server, string flow = Flow) => await CountAsync(server, "Finished", flow) + await CountAsync(server, "Faulted", flow);

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
