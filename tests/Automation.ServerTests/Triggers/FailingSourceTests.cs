using System.Text;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Triggers;

/// <summary>A source that goes bad fires nothing, does not spin, says why, is an alarm after three tries, and goes on by itself.</summary>
public sealed class FailingSourceTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("unauthorized", "401", 3)]
    [InlineData("limited", "429", 6)]
    [InlineData("broken", "500", 12)]
    [InlineData("html", "JSON", 12)]
    [InlineData("endless", "no end", 60)]
    public async Task Source_ThatGoesBad_FiresNothing_SaysWhy_AndComesBack(string mode, string reason, int atMost)
    {
        await using var provider = await ContactProvider.StartAsync();
        var (status, connection) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = $"Failing {mode}",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = provider.Url,
            ["locationId"] = "loc-1",
            ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = "key-of-the-provider" },
        });
        status.Should().BeInRange(200, 201, connection.ToString());
        var flow = $"failing-{mode}";
        var watch = Models.Activity("watch", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "Literal", connection["id"]!), ("interval", "Literal", "15m"));
        watch["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        await server.PublishAsync(Models.Sequence(flow, watch, Models.Activity("say", "Elsa.WriteLine", ("text", "Literal", "seen"))));
        JToken trigger = new JObject();
        await Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(30), async () =>
            (trigger = await TriggerAsync(flow))["baselinedAt"] is { Type: not JTokenType.Null }, () => trigger.ToString());

        provider.Mode = mode;
        provider.Calls = 0;
        for (var i = 0; i < 3; i++)
        {
            trigger = (await server.PostAsync($"/api/triggers/{trigger["id"]}/poll", new JObject())).Body;
        }

        ((string?)trigger["source"]!["lastError"]).Should().Contain(reason).And.NotContain("key-of-the-provider");
        ((int)trigger["source"]!["failures"]!).Should().Be(3);
        DateTimeOffset.Parse((string)trigger["dueAt"]!, null).Should().BeAfter(TimeProvider.System.GetUtcNow().AddMinutes(10), "it backs off");
        provider.Calls.Should().BeInRange(3, atMost);
        (await RunsAsync(flow)).Should().Be(0);
        var sourceId = (string)trigger["source"]!["id"]!;
        var alarm = (await server.GetAsync($"/api/incidents?sourceId={sourceId}&status=open")).Body["items"]!.Should().ContainSingle().Subject;
        ((string?)alarm["message"]).Should().Contain(reason);
        var (ready, health) = await server.GetAsync("/health/ready");
        ready.Should().Be(200);
        ((string?)health["status"]).Should().Be("Degraded");
        health["degradedSources"]!.Select(s => (string?)s["id"]).Should().Contain(sourceId);

        provider.Mode = "well";
        provider.Add("late");
        trigger = (await server.PostAsync($"/api/triggers/{trigger["id"]}/poll", new JObject())).Body;
        ((string?)trigger["source"]!["lastError"]).Should().BeNull();
        (await RunsAsync(flow)).Should().Be(1);
        (await server.GetAsync($"/api/incidents?sourceId={sourceId}&status=open")).Body["items"]!.Should().BeEmpty();
        (await server.GetAsync("/health/ready")).Body["degradedSources"]!.Select(s => (string?)s["id"]).Should().NotContain(sourceId);
    }

    private async Task<JToken> TriggerAsync(string flow) => (await server.GetAsync($"/api/triggers?definitionId={flow}")).Body["items"]!.Single();

    private async Task<int> RunsAsync(string flow) => (int)(await server.GetAsync($"/api/runs?definitionId={flow}")).Body["total"]!;

    /// <summary>A provider of contacts that can be made to misbehave.</summary>
    private sealed class ContactProvider(WebApplication app) : IAsyncDisposable
    {
        private readonly List<string> contacts = [.. Enumerable.Range(0, 1200).Select(i => $"c{i:0000}")];
        private int calls;

        public string Mode { get; set; } = "well";

        public int Calls
        {
            get => calls;
            set => calls = value;
        }

        public string Url => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

        public void Add(string id) => contacts.Add(id);

        public static async Task<ContactProvider> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
            builder.Logging.ClearProviders();
            var provider = new ContactProvider(builder.Build());
            provider.Start();
            await provider.StartedAsync();
            return provider;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private void Start() => app.MapFallback(AnswerAsync);

        private Task StartedAsync() => app.StartAsync();

        private async Task AnswerAsync(HttpContext context)
        {
            Interlocked.Increment(ref calls);
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var asked = JObject.Parse(await reader.ReadToEndAsync());
            var (status, type, body) = Mode switch
            {
                "unauthorized" => (401, "application/json", """{"message":"Invalid JWT"}"""),
                "limited" => (429, "application/json", """{"message":"Too many requests"}"""),
                "broken" => (500, "application/json", """{"message":"Internal error"}"""),
                "html" => (200, "text/html", "<!doctype html><title>Sign in</title>"),
                _ => (200, "application/json", Page((int?)asked["searchAfter"]?[0] ?? 0).ToString()),
            };
            context.Response.StatusCode = status;
            if (status == 429)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            context.Response.ContentType = type;
            await context.Response.WriteAsync(body);
        }

        /// <summary>Pages of 500; of an endless list, the first comes again after the last full one.</summary>
        private JObject Page(int from)
        {
            var start = Mode == "endless" ? from % 1000 : from;
            return new JObject
            {
                ["contacts"] = new JArray(contacts.Skip(start).Take(500).Select((id, i) => new JObject { ["id"] = id, ["dateUpdated"] = "2026-01-01T00:00:00Z", ["searchAfter"] = new JArray(from + i + 1, id) })),
            };
        }
    }
}
