using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Automation.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Benchmarks;

/// <summary>An HTTP endpoint that answers at once, through the whole server on SQLite with the journal, beside a bare Kestrel in the same process; and the time from start to the first answer.</summary>
internal static class HttpRows
{
    private const int Connections = 16;
    private const int Requests = 20_000;
    private const string ApiKey = "benchmark-key";

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("automation-http-").FullName;
        try
        {
            var clock = Stopwatch.StartNew();
            await using var bare = Bare();
            await bare.StartAsync();
            var bareUrl = new Uri(AddressOf(bare), "hello");
            await GetAsync(bareUrl);
            var bareStart = clock.Elapsed;

            await using (var first = await StartAsync(folder))
            {
                await PublishAsync(first);
                await first.StopAsync();
            }

            clock.Restart();
            await using var server = await StartAsync(folder);
            var url = new Uri(AddressOf(server), "workflows/hello");
            await GetAsync(url);
            var start = clock.Elapsed;
            yield return new BenchmarkRow("start to first 200, existing database, warm code", $"{start.TotalSeconds:0.00} s", $"{bareStart.TotalSeconds:0.00} s bare Kestrel", "", "<= 1.5x + 1 s");

            // The runtime compiles hot code again in the background: until that is done it takes a good part of the processors.
            await LoadAsync(bareUrl, Requests);
            await LoadAsync(url, 2 * Requests);
            var (raw, rawLatency) = await LoadAsync(bareUrl, Requests);
            var (ours, latency) = await LoadAsync(url, Requests);
            yield return new BenchmarkRow("HTTP endpoint -> response, SQLite, journal", $"{ours:N0}/s, p50 {latency:0.0} ms", $"{raw:N0}/s, p50 {rawLatency:0.0} ms", $"{ours / raw:P0}", ">= 20 % of bare Kestrel");
            await server.StopAsync();
            await bare.StopAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static WebApplication Bare()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/hello", () => "hello");
        return app;
    }

    private static async Task<WebApplication> StartAsync(string folder)
    {
        var app = ServerComposition.Build(
        [
            $"--contentRoot={folder}", "--environment=Production", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error", "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Error",
            $"--Automation:Security:BootstrapApiKey={ApiKey}", "--Automation:Storage:Durability=Normal",
        ]);
        await app.StartAsync();
        return app;
    }

    private static async Task PublishAsync(WebApplication app)
    {
        JObject Literal(string type, string value) => new() { ["typeName"] = type, ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } };
        var model = new JObject
        {
            ["definitionId"] = "hello",
            ["name"] = "hello",
            ["root"] = new JObject
            {
                ["id"] = "flow",
                ["type"] = "Elsa.Flowchart",
                ["activities"] = new JArray(
                    new JObject { ["id"] = "in", ["type"] = "Elsa.HttpEndpoint", ["customProperties"] = new JObject { ["canStartWorkflow"] = true }, ["path"] = Literal("String", "hello") },
                    new JObject { ["id"] = "out", ["type"] = "Elsa.WriteHttpResponse", ["content"] = Literal("Object", "hello") }),
                ["connections"] = new JArray(new JObject { ["source"] = new JObject { ["activity"] = "in", ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = "out", ["port"] = "In" } }),
            },
        };
        using var client = new HttpClient { BaseAddress = AddressOf(app) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
        using var content = new StringContent(new JObject { ["model"] = model, ["publish"] = true }.ToString(), Encoding.UTF8, "application/json");
        (await client.PostAsync(new Uri("elsa/api/workflow-definitions", UriKind.Relative), content)).EnsureSuccessStatusCode();
    }

    private static Uri AddressOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/");

    private static async Task GetAsync(Uri url)
    {
        using var client = new HttpClient();
        (await client.GetAsync(url)).EnsureSuccessStatusCode();
    }

    private static async Task<(double PerSecond, double MedianMilliseconds)> LoadAsync(Uri url, int count)
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Connections });
        var latencies = new double[count];
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (i, token) =>
        {
            var sent = Stopwatch.GetTimestamp();
            using var response = await client.GetAsync(url, token);
            response.EnsureSuccessStatusCode();
            latencies[i] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
        });
        var rate = count / clock.Elapsed.TotalSeconds;
        Array.Sort(latencies);
        return (rate, latencies[count / 2]);
    }
}
