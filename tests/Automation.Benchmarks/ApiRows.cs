using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Automation.Engine;
using Automation.Runtime.Storage;
using Automation.Server;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Npgsql;

namespace Automation.Benchmarks;

/// <summary>
/// Elsa's API on 2,000 definitions with 20 versions each, and saving a flowchart of 500 activities: a server as a process of its own, asked over HTTP. On SQLite, and on the PostgreSQL of
/// <c>AUTOMATION_TEST_POSTGRES</c> where there is one. The largest of several calls counts.
/// </summary>
internal static class ApiRows
{
    private const int Definitions = 2_000;
    private const int Versions = 20;
    private const int Times = 7;
    private const string ApiKey = "benchmark-key";
    private const string List = "elsa/api/workflow-definitions";

    private static readonly (string Work, string Path)[] Reads =
    [
        ("list, a page of 10", List + "?versionOptions=Latest&Page=0&PageSize=10&OrderBy=Name"),
        ("list, the last page of 100", List + "?versionOptions=Latest&Page=19&PageSize=100"),
        ("list, latest or published, no page", List + "?versionOptions=LatestOrPublished"),
        ("list, every version, a page of 100", List + "?versionOptions=AllVersions&Page=3&PageSize=100&OrderBy=Created&OrderDirection=Descending"),
        ("list, every version, no page", List + "?versionOptions=AllVersions"),
        ("versions of one", List + "?versionOptions=AllVersions&DefinitionIds=flow-1234&OrderBy=Version&OrderDirection=Descending&Page=0&PageSize=10"),
        ("search by name", List + "?versionOptions=Latest&SearchTerm=invoice%201999&Page=0&PageSize=10"),
        ("search that finds nothing, every version", List + "?versionOptions=AllVersions&SearchTerm=no%20such%20text"),
        ("is the name unique", List + "/validation/is-name-unique?name=Invoice%20999"),
        ("open the latest", List + "/by-definition-id/flow-1500?versionOptions=Latest"),
        ("open a version", List + "/by-id/flow-700-v7"),
    ];

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        await foreach (var row in OnAsync("SQLite", []))
        {
            yield return row;
        }

        if (Environment.GetEnvironmentVariable("AUTOMATION_TEST_POSTGRES") is { Length: > 0 } server)
        {
            var schema = $"bench_api_{Environment.ProcessId}";
            await ExecuteAsync(server, $"CREATE SCHEMA {schema}");
            var database = new NpgsqlConnectionStringBuilder(server) { SearchPath = schema }.ConnectionString;
            await foreach (var row in OnAsync("PostgreSQL", [("Automation__Storage__Provider", "PostgreSql"), ("ConnectionStrings__Automation", database)]))
            {
                yield return row;
            }

            await ExecuteAsync(server, $"DROP SCHEMA {schema} CASCADE");
        }
    }

    private static async IAsyncEnumerable<BenchmarkRow> OnAsync(string database, (string Name, string Value)[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("automation-api-").FullName;
        try
        {
            await SeedAsync(folder, settings);
            using var process = Launch(folder, settings, out var url);
            using var client = new HttpClient { BaseAddress = url };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
            try
            {
                await ReadyAsync(client, process);
                var first = Stopwatch.StartNew();
                await client.GetByteArrayAsync(new Uri("elsa/api/descriptors/activities?Refresh=True", UriKind.Relative));
                yield return new BenchmarkRow($"{database}: all descriptors, the first time", $"{first.Elapsed.TotalMilliseconds:0} ms", "", "", "<= 200 ms");
                foreach (var (work, path) in Reads)
                {
                    yield return await MeasureAsync($"{database}: {work}", process, "<= 200 ms", () => client.GetByteArrayAsync(new Uri(path, UriKind.Relative)));
                }

                var number = 0;
                yield return await MeasureAsync($"{database}: save 500 activities", process, "<= 300 ms", () => SaveAsync(client, number++, publish: false));
                yield return await MeasureAsync($"{database}: publish 500 activities", process, "", () => SaveAsync(client, number++, publish: true));
                yield return await MeasureAsync($"{database}: descriptors after a save", process, "<= 200 ms", () => client.GetByteArrayAsync(new Uri("elsa/api/descriptors/activities?Refresh=True", UriKind.Relative)));
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The first call is the code's warming up and does not count. On a machine that others use, too, the server's processor time says more than the clock.</summary>
    private static async Task<BenchmarkRow> MeasureAsync(string work, Process server, string target, Func<Task> call)
    {
        await call();
        server.Refresh();
        var (spent, times) = (server.TotalProcessorTime, new double[Times]);
        for (var i = 0; i < Times; i++)
        {
            var clock = Stopwatch.GetTimestamp();
            await call();
            times[i] = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        }

        server.Refresh();
        var cpu = (server.TotalProcessorTime - spent).TotalMilliseconds / Times;
        return new BenchmarkRow(work, $"{times.Order().ElementAt(Times / 2):0} ms, at most {times.Max():0} ms", $"{cpu:0.0} ms CPU", "", target);
    }

    private static async Task SaveAsync(HttpClient client, int number, bool publish)
    {
        using var content = new StringContent(Json.Write(new JObject { ["model"] = Flowchart($"number {number}"), ["publish"] = publish }), Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri(List, UriKind.Relative), content);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(await response.Content.ReadAsStringAsync());
        }

        await response.Content.ReadAsByteArrayAsync();
    }

    private static JObject Flowchart(string description)
    {
        var activities = Enumerable.Range(0, 500).Select(i => new JObject
        {
            ["id"] = $"activity{i}",
            ["name"] = $"SetName{i}",
            ["type"] = "Elsa.SetName",
            ["version"] = 1,
            ["customProperties"] = new JObject { ["canStartWorkflow"] = false, ["runAsynchronously"] = false },
            ["metadata"] = new JObject { ["designer"] = new JObject { ["position"] = new JObject { ["x"] = 40 * i, ["y"] = 120 }, ["size"] = new JObject { ["width"] = 144.5, ["height"] = 50 } } },
            ["value"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = $"'name ' + getVariable('Count') + {i}" } },
        });
        return new JObject
        {
            ["definitionId"] = "five-hundred",
            ["name"] = "Five hundred",
            ["description"] = description,
            ["variables"] = new JArray(new JObject { ["id"] = "v", ["name"] = "Count", ["typeName"] = "Int32", ["isArray"] = false, ["value"] = "1" }),
            ["root"] = new JObject
            {
                ["id"] = "chart",
                ["type"] = "Elsa.Flowchart",
                ["version"] = 1,
                ["activities"] = new JArray(activities),
                ["connections"] = new JArray(Enumerable.Range(0, 499).Select(i => new JObject
                {
                    ["source"] = new JObject { ["activity"] = $"activity{i}", ["port"] = "Done" },
                    ["target"] = new JObject { ["activity"] = $"activity{i + 1}", ["port"] = "In" },
                    ["vertices"] = new JArray(),
                })),
            },
        };
    }

    /// <summary>Every definition has ten activities; one in twenty is usable as an activity; of half the latest version is published, of the others the one before.</summary>
    private static async Task SeedAsync(string folder, (string Name, string Value)[] settings)
    {
        string[] args =
        [
            $"--contentRoot={folder}", "--environment=Production", "--Logging:LogLevel:Default=Error",
            .. settings.Select(setting => $"--{setting.Name.Replace("__", ":", StringComparison.Ordinal)}={setting.Value}"),
        ];
        await using var app = ServerComposition.Build(args);
        await app.Services.GetRequiredService<IDatabase>().MigrateAsync(CancellationToken.None);
        var store = app.Services.GetRequiredService<IDefinitionStore>();
        for (var version = 1; version <= Versions; version++)
        {
            await store.SaveAsync([.. Enumerable.Range(0, Definitions).Select(i => Version(i, version))], CancellationToken.None);
        }
    }

    private static DefinitionVersion Version(int i, int version)
    {
        var definition = Flowchart($"What happens with invoice {i}, in version {version}");
        var chart = (JObject)definition["root"]!;
        chart["activities"] = new JArray(((JArray)chart["activities"]!).Take(10));
        chart["connections"] = new JArray(((JArray)chart["connections"]!).Take(9));
        definition["definitionId"] = $"flow-{i}";
        definition["id"] = $"flow-{i}-v{version}";
        definition["name"] = $"Invoice {i}";
        definition["version"] = version;
        definition["options"] = new JObject { ["usableAsActivity"] = i % 20 == 0 };
        return new DefinitionVersion
        {
            Id = $"flow-{i}-v{version}",
            DefinitionId = $"flow-{i}",
            Version = version,
            Name = $"Invoice {i}",
            Description = (string?)definition["description"],
            IsLatest = version == Versions,
            IsPublished = version == Versions - (i % 2),
            CreatedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes((version * Definitions) + i),
            Json = Json.Write(definition),
        };
    }

    private static Process Launch(string folder, (string Name, string Value)[] settings, out Uri url)
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        url = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll")]) { WorkingDirectory = folder, UseShellExecute = false };
        foreach (var (name, value) in settings.Concat(
        [
            ("ASPNETCORE_URLS", url.ToString()), ("ASPNETCORE_ENVIRONMENT", "Production"), ("Automation__Security__BootstrapApiKey", ApiKey),
            ("Automation__Storage__Durability", "Full"), ("Logging__LogLevel__Default", "Error"), ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Error"),
        ]))
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static async Task ReadyAsync(HttpClient client, Process process)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(60) && !process.HasExited)
        {
            try
            {
                using var response = await client.GetAsync(new Uri("health/ready", UriKind.Relative));
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        throw new InvalidOperationException("The server did not become ready.");
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
