using System.Net;
using System.Net.Http;
using System.Text;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Polling;
using Automation.UnitTests.Sandbox;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>Polling as in a server, over the GoHighLevel stand-in, with a door between them at which answers can be changed.</summary>
public sealed class GhlPollingWorld : IAsyncLifetime
{
    public const string Connection = "ghl";

    internal PollingWorld World { get; private set; } = null!;
    internal SandboxHost Sandbox { get; private set; } = null!;
    internal Door Between { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Sandbox = await SandboxHost.StartAsync();
        await OpenAsync(null);
    }

    public async Task DisposeAsync()
    {
        await World.DisposeAsync();
        await Sandbox.DisposeAsync();
    }

    /// <summary>Ends the process as a crash would, and starts another on the same files.</summary>
    internal async Task RestartAsync()
    {
        await World.CrashAsync();
        await OpenAsync(World);
    }

    internal Task PublishAsync(string definitionId, string type, JObject inputs, string interval = "1h", JObject? more = null)
    {
        var trigger = new JObject
        {
            ["id"] = "watch",
            ["type"] = "GoHighLevel." + type,
            ["version"] = 1,
            ["customProperties"] = new JObject { ["canStartWorkflow"] = true },
            ["connectionId"] = PollingWorld.Literal(Connection),
            ["interval"] = PollingWorld.Literal(interval),
        };
        foreach (var (name, value) in inputs)
        {
            trigger[name] = PollingWorld.Literal(value!);
        }

        trigger.Merge(more ?? []);
        return World.Definitions.SaveAsync(
            new JObject
            {
                ["definitionId"] = definitionId,
                ["name"] = definitionId,
                ["root"] = new JObject { ["id"] = "chart", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = new JArray(trigger), ["connections"] = new JArray() },
            },
            publish: true,
            default);
    }

    /// <summary>Polls the source of a flow's trigger, which answers.</summary>
    internal async Task<SourceRecord> PollAsync(string definitionId)
    {
        var source = await TryPollAsync(definitionId);
        source.LastError.Should().BeNull();
        return source;
    }

    internal async Task<SourceRecord> TryPollAsync(string definitionId)
    {
        var trigger = await World.TriggerAsync(definitionId);
        (await World.Triggers.PollNowAsync(trigger.Id, default)).Should().BeTrue();
        return (await World.Store.FindSourceAsync(trigger.SourceId!, default))!;
    }

    internal async Task PutAsync(string collection, JToken records)
    {
        var reply = await Sandbox.ControlAsync("POST", "/ghl/" + collection, records);
        reply.Status.Should().Be(200, reply.Text);
    }

    internal async Task<JObject?> FindAsync(string collection, string id) =>
        (JObject?)(await Sandbox.ControlAsync("GET", "/ghl/" + collection)).Json["items"]!.FirstOrDefault(item => (string?)item["id"] == id);

    private async Task OpenAsync(PollingWorld? before)
    {
        Between = new Door();
        World = await PollingWorld.StartAsync(before?.Folder, before?.Server, add: (builder, services) =>
        {
            builder.AddGoHighLevel();
            services.AddHttpClient(ConnectorOptions.HttpClientName).AddHttpMessageHandler(() => new Guard(Between));
        });
        await World.Get<ConnectionVault>().SaveAsync(
            new Connection
            {
                Id = Connection,
                Name = "Sandbox",
                Connector = "gohighlevel",
                BaseUrl = new Uri(Sandbox.Client.BaseAddress!, "/sandbox/ghl"),
                LocationId = "loc-1",
                CompanyId = "co-1",
                Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" },
                IsSandbox = true,
            },
            default);
    }

    /// <summary>What happens to the answers on their way.</summary>
    internal sealed class Door
    {
        /// <summary>Gets an answer as it came and gives it as it shall be seen; null: unchanged.</summary>
        public Func<HttpRequestMessage, JToken, JToken>? Change { get; set; }

        /// <summary>Gets the body of a request and gives it as it shall be sent.</summary>
        public Func<JToken, JToken>? Ask { get; set; }

        /// <summary>Answers instead of the API; null where it does not.</summary>
        public Func<HttpRequestMessage, HttpResponseMessage?>? Instead { get; set; }

        public int Calls { get; set; }

        public JToken? Last { get; set; }
    }

    private sealed class Guard(Door door) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            door.Calls++;
            if (door.Instead?.Invoke(request) is { } instead)
            {
                return instead;
            }

            if (door.Ask is { } ask && request.Content is { } content)
            {
                request.Content = new StringContent(Json.Write(ask(Json.Parse(await content.ReadAsStringAsync(cancellationToken)))), Encoding.UTF8, "application/json");
            }

            var response = await base.SendAsync(request, cancellationToken);
            if (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentType?.MediaType == "application/json")
            {
                var body = Json.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
                door.Last = body.DeepClone();
                response.Content = new StringContent(Json.Write(door.Change?.Invoke(request, body) ?? body), Encoding.UTF8, "application/json");
            }

            return response;
        }
    }
}
