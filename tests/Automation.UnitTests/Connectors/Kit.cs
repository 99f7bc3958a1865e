using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Connectors;

/// <summary>The connector kit as a host puts it together, with both connectors and quick retries.</summary>
internal sealed class Kit : IAsyncDisposable
{
    public const string Secret = "pit-0f0f0f0f-1111-2222-3333-444444444444";
    private readonly ServiceProvider services;

    public Kit(Action<ConnectorOptions>? configure = null, Action<IServiceCollection>? add = null)
    {
        var collection = new ServiceCollection();
        var builder = new AutomationBuilder(collection).AddGoHighLevel().AddFlocksy();
        collection.AddSingleton(builder.Operations);
        collection.AddSingleton(builder.Activities);
        collection.AddAutomationConnectors();
        collection.Configure<OutboundOptions>(outbound => outbound.AllowPrivateNetworks = true);
        collection.Configure<ConnectorOptions>(o => o.FirstPause = TimeSpan.FromMilliseconds(1));
        if (configure is not null)
        {
            collection.Configure(configure);
        }

        add?.Invoke(collection);
        services = collection.BuildServiceProvider();
    }

    public IServiceProvider Services => services;
    public OperationClient Client => services.GetRequiredService<OperationClient>();
    public IPollReader Reader => services.GetRequiredService<IPollReader>();
    public OperationCatalog Operations => services.GetRequiredService<OperationCatalog>();

    public Operation this[string activityType] => Operations.Find(activityType) ?? throw new KeyNotFoundException(activityType);

    public static Connection Ghl(Uri? url = null, string? locationId = "loc-1", string? companyId = null) => new()
    {
        Id = "c-ghl",
        Name = "My GHL",
        Connector = "gohighlevel",
        BaseUrl = url ?? new Uri("https://services.leadconnectorhq.com"),
        LocationId = locationId,
        CompanyId = companyId,
        Credential = new Credential { Kind = "apiKey", ApiKey = Secret },
    };

    public static Connection Flocksy(Uri? url = null) => new()
    {
        Id = "c-flo",
        Name = "My Flocksy",
        Connector = "flocksy",
        BaseUrl = url ?? new Uri("https://api.flocksy.example"),
        LocationId = "loc-1",
        Credential = new Credential { Kind = "oauth2", ClientId = "app", AccessToken = "access-token-1" },
    };

    public ConnectorRequest Build(string activityType, object inputs, Connection? connection = null)
    {
        var operation = this[activityType];
        return Client.Build(operation, connection ?? (operation.Connector == "flocksy" ? Flocksy() : Ghl()), inputs as JObject ?? JObject.FromObject(inputs));
    }

    public async Task<ConnectorResponse> SendAsync(string activityType, object inputs, Connection connection, string? key = null) =>
        await Client.SendAsync(this[activityType], connection, Build(activityType, inputs, connection), CallPriority.Action, key, CancellationToken.None);

    public async Task<ConnectorException> FailAsync(string activityType, object inputs, Connection connection) =>
        (await FluentActions.Awaiting(() => SendAsync(activityType, inputs, connection)).Should().ThrowAsync<ConnectorException>()).Which;

    public ValueTask DisposeAsync() => services.DisposeAsync();
}
