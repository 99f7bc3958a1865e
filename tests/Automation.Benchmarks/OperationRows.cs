using System.Diagnostics;
using System.Net.Http.Headers;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Benchmarks;

/// <summary>What an operation costs beside the bare HTTP call: inputs bound and checked, budget, headers, answer read and parsed. Both call the same server in this process, in turns.</summary>
internal static class OperationRows
{
    private const int Calls = 3_000;
    private const int Rounds = 6;
    private const string Answer = """{"contact":{"id":"seD4PfOuKoVMLkEZqohJ","locationId":"loc-1","firstName":"Ada","lastName":"Archer","email":"ada@example.com","phone":"+15551100001","tags":["vip","newsletter"],"customFields":[{"id":"f1","value":"12"},{"id":"f2","value":["a","b"]}],"dateAdded":"2026-01-01T00:00:00.000Z","dateUpdated":"2026-01-02T00:00:00.000Z"},"traceId":"t"}""";

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Answer);
        });
        await app.StartAsync();
        var url = new Uri(app.Urls.Single());

        var services = new ServiceCollection();
        var ghl = GoHighLevelConnector.Create();
        var automation = new AutomationBuilder(services).AddConnector(ghl with { Limit = new RateLimit(int.MaxValue, TimeSpan.FromMilliseconds(1), null) });
        services.AddSingleton(automation.Operations).AddSingleton(automation.Activities).AddAutomationConnectors();
        services.Configure<OutboundOptions>(o => o.AllowPrivateNetworks = true);
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<OperationClient>();
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        var connection = new Connection { Id = "c", Name = "c", Connector = ghl.Name, BaseUrl = url, LocationId = "loc-1", Credential = new Credential { Kind = "apiKey", ApiKey = "a-token-of-the-benchmark" } };
        var read = automation.Operations.Find("GoHighLevel.Contacts.GetContact")!;
        var write = automation.Operations.Find("GoHighLevel.Contacts.UpsertContact")!;
        var get = new JObject { ["contactId"] = "seD4PfOuKoVMLkEZqohJ" };
        var upsert = new JObject { ["email"] = "ada@example.com", ["firstName"] = "Ada", ["tags"] = new JArray("vip", "newsletter") };
        var body = Automation.Engine.Json.Write(client.Build(write, connection, upsert).Body);

        yield return await RowAsync("a read by the client (GetContact)", () => BareAsync(HttpMethod.Get, "contacts/seD4PfOuKoVMLkEZqohJ", null), () => OursAsync(read, get));
        yield return await RowAsync("a write by the client (UpsertContact)", () => BareAsync(HttpMethod.Post, "contacts/upsert", body), () => OursAsync(write, upsert));
        await app.StopAsync();

        async Task BareAsync(HttpMethod method, string path, string? json)
        {
            using var request = new HttpRequestMessage(method, new Uri(url, path));
            request.Headers.TryAddWithoutValidation("Version", "2021-07-28");
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "a-token-of-the-benchmark");
            request.Content = json is null ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");
            using var response = await http.SendAsync(request);
            await response.Content.ReadAsByteArrayAsync();
        }

        async Task OursAsync(Operation operation, JObject inputs) => await client.SendAsync(operation, connection, client.Build(operation, connection, inputs), CallPriority.Action, null, CancellationToken.None);
    }

    private static async Task<BenchmarkRow> RowAsync(string work, Func<Task> bare, Func<Task> ours)
    {
        // Long enough for the runtime to have compiled what is used most for good.
        for (var i = 0; i < 4; i++)
        {
            await CpuAsync(bare);
            await CpuAsync(ours);
        }

        var (raw, all) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            raw.Add(await CpuAsync(bare));
            all.Add(await CpuAsync(ours));
        }

        // Whatever else the machine does only adds to a round.
        return new BenchmarkRow(work, $"{all.Min():0} µs CPU: {all.Min() - raw.Min():0} µs own", $"{raw.Min():0} µs CPU HttpClient", $"{all.Min() / raw.Min():0.00}x", "<= 50 µs own");
    }

    /// <summary>Microseconds of processor time a call, both sides of it.</summary>
    private static async Task<double> CpuAsync(Func<Task> call)
    {
        var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        for (var i = 0; i < Calls; i++)
        {
            await call();
        }

        process.Refresh();
        return (process.TotalProcessorTime - before).TotalMicroseconds / Calls;
    }
}
