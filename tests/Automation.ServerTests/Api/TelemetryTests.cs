using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>What leaves a server by OpenTelemetry's protocol, as a collector gets it.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task Export_TracesAndMetrics_ComeByName_AndHoldNoSecret()
    {
        await using var collector = await Collector.StartAsync();
        using var server = new ServerProcess(new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        });
        await server.StartAsync();
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject
        {
            ["publish"] = true,
            ["model"] = Models.Sequence("traced", Models.Activity("get", "GoHighLevel.Contacts.GetContact", ("connectionId", "Literal", "sandbox-ghl"), ("contactId", "Literal", "nobody-of-that-name"))),
        });
        using var fault = await server.Client.PostAsync(new Uri("/elsa/api/workflow-definitions/traced/execute?token=query-secret", UriKind.Relative), new StringContent("{\"input\":{\"a\":\"body-secret\"}}", Encoding.UTF8, "application/json"));
        using var hook = await server.Client.PostAsync(new Uri("/hooks/path-secret", UriKind.Relative), new StringContent("{}", Encoding.UTF8, "application/json"));

        await Eventually.HoldsAsync("spans and metrics have come", TimeSpan.FromSeconds(30), () => Task.FromResult(
            new[] { "call GoHighLevel.Contacts.GetContact", "automation.run.id", "traced", "/elsa/api/workflow-definitions/{definitionId}/execute" }.All(collector.Traces.Contains)
            && new[] { "automation.run.burst.duration", "automation.call.duration", "http.server.request.duration" }.All(collector.Metrics.Contains)));

        new[] { "query-secret", "path-secret", "body-secret", ServerProcess.ApiKey, "nobody-of-that-name" }.Where((collector.Traces + collector.Metrics).Contains).Should().BeEmpty();
    }

    /// <summary>Takes what is sent to <c>/v1/traces</c> and <c>/v1/metrics</c>; texts stand in it as they are.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, string Text)> received = new();
        private readonly WebApplication app;

        private Collector(WebApplication app) => this.app = app;

        public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        public string Traces => string.Concat(received.Where(entry => entry.Path == "/v1/traces").Select(entry => entry.Text));
        public string Metrics => string.Concat(received.Where(entry => entry.Path == "/v1/metrics").Select(entry => entry.Text));

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
            var collector = new Collector(builder.Build());
            collector.app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                collector.received.Enqueue((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
                context.Response.StatusCode = StatusCodes.Status200OK;
            });
            await collector.app.StartAsync();
            return collector;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
