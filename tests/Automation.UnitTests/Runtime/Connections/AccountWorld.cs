using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Runtime;
using Automation.Runtime.Connections;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Polling;
using Automation.UnitTests.Sandbox;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Runtime.Connections;

/// <summary>Vault and tokens as they are composed in a server, over a SQLite file, with the sandbox as the provider; one clock for both.</summary>
internal sealed class AccountWorld : IAsyncDisposable
{
    public const string Connection = "account";
    private readonly ServiceProvider services;
    private readonly IDataProtectionProvider keys;
    private readonly bool owns;

    private AccountWorld(ServiceProvider services, SandboxHost sandbox, FakeTimeProvider clock, string folder, IDataProtectionProvider keys, bool owns)
    {
        this.services = services;
        this.keys = keys;
        this.owns = owns;
        (Sandbox, Clock, Folder) = (sandbox, clock, folder);
    }

    public SandboxHost Sandbox { get; }
    public FakeTimeProvider Clock { get; }
    public string Folder { get; }
    public ConnectionVault Vault => Get<ConnectionVault>();
    public ITokenStore Tokens => Get<ITokenStore>();
    public OperationClient Client => Get<OperationClient>();
    public Uri Url => new(Sandbox.Client.BaseAddress!, "/sandbox/ghl");

    public static async Task<AccountWorld> StartAsync(Func<Automation.Sandbox.SandboxSettings, Automation.Sandbox.SandboxSettings>? change = null)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var world = Compose(await SandboxHost.StartAsync(change, clock: clock), clock, Directory.CreateTempSubdirectory("accounts-").FullName, new EphemeralDataProtectionProvider(), owns: true);
        await world.Get<IDatabase>().MigrateAsync(default);
        return world;
    }

    /// <summary>Another node on the same database.</summary>
    public AccountWorld AnotherNode() => Compose(Sandbox, Clock, Folder, keys, owns: false);

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Adds a connection to the sandbox and connects it as a person would.</summary>
    /// <param name="choice">Location or company chosen on the provider's page.</param>
    /// <param name="expiresIn">Life of the tokens, in seconds.</param>
    /// <param name="scopes">Scopes beside those needed.</param>
    public async Task<Connection> ConnectAsync(string choice = "loc-1", int expiresIn = 86399, string scopes = "contacts.readonly contacts.write locations.readonly users.readonly")
    {
        await Sandbox.ControlAsync("POST", "/ghl/oauth-settings", new JObject { ["id"] = "settings", ["expiresIn"] = expiresIn });
        await Vault.SaveAsync(New(), default);
        var back = await ChooseAsync(choice, scopes);
        await Get<Authorizations>().CompleteAsync("gohighlevel", back, default);
        return (await Vault.FindAsync(Connection, default))!;
    }

    /// <summary>Begins, and chooses on the provider's page.</summary>
    public async Task<AuthorizationReturn> ChooseAsync(string choice, string scopes = "contacts.readonly")
    {
        var page = await Get<Authorizations>().BeginAsync("gohighlevel", Connection, "http://localhost/oauth/gohighlevel/callback", "browser", "admin", scopes.Split(' '), default);
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var answer = await browser.GetAsync(new Uri(page + "&choice=" + choice));
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(answer.Headers.Location!.Query);
        string? Of(string name) => query.TryGetValue(name, out var value) ? value.ToString() : null;
        return new AuthorizationReturn(Of("state"), "browser", "admin", Of("code"), Of("error"), Of("error_description"));
    }

    public Connection New() => new()
    {
        Id = Connection,
        Name = "The account",
        Connector = "gohighlevel",
        BaseUrl = Url,
        Credential = new Credential { Kind = "oauth2", ClientId = "app-1", ClientSecret = "a-client-secret" },
    };

    public async Task<ConnectorResponse> CallAsync(string operation = "GoHighLevel.Contacts.GetContact", JObject? inputs = null)
    {
        var connection = (await Vault.FindAsync(Connection, default))!;
        var found = Get<OperationCatalog>().Find(operation)!;
        return await Client.SendAsync(found, connection, Client.Build(found, connection, inputs ?? new JObject { ["contactId"] = "contact-1-01" }), CallPriority.Action, null, default);
    }

    /// <summary>Requests that the provider's token endpoint got.</summary>
    public async Task<int> RefreshesAsync() =>
        (await Sandbox.ControlAsync("GET", "/requests?api=ghl")).Json["items"]!.Count(r => (string?)r["path"] == "/oauth/token" && (string?)r["body"]?["grant_type"] == "refresh_token");

    public async Task<IReadOnlyList<IncidentRecord>> IncidentsAsync(bool open = true) => (await Get<IIncidentStore>().ListAsync(open, null, null, 0, 100, default)).Items;

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (owns)
        {
            await Sandbox.DisposeAsync();
            Directory.Delete(Folder, recursive: true);
        }
    }

    private static AccountWorld Compose(SandboxHost sandbox, FakeTimeProvider clock, string folder, IDataProtectionProvider keys, bool owns)
    {
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<TimeProvider>(clock);
        collection.AddSingleton(new Node("test-" + Path.GetRandomFileName()));
        collection.Configure<AutomationOptions>(options => options.Definitions.Directory = Path.Combine(folder, "definitions"));
        collection.Configure<ConnectorOptions>(options => options.Attempts = 1);
        collection.Configure<OutboundOptions>(options => options.AllowPrivateNetworks = true);
        collection.AddSingleton(new EngineOptions());
        collection.AddSingleton<WorkflowEngine>();
        collection.AddSingleton(keys);
        var builder = new AutomationBuilder(collection).AddGoHighLevel();
        collection.AddSingleton(builder.Activities);
        collection.AddSingleton(builder.Operations);
        collection.AddAutomationConnectors();
        collection.AddSqliteStores(Path.Combine(folder, "automation.db"), fullDurability: false);
        collection.AddPolling();
        collection.AddSingleton<IDoorbell, PollingWorld.Bell>();
        return new AccountWorld(collection.BuildServiceProvider(), sandbox, clock, folder, keys, owns);
    }
}
