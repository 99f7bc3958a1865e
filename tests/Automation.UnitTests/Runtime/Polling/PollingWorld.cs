using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Runtime;
using Automation.Runtime.Connections;
using Automation.Runtime.Definitions;
using Automation.Runtime.Polling;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>Polling as it is composed in a server, over a SQLite file, with one connector whose list is an in-process server.</summary>
internal sealed class PollingWorld : IAsyncDisposable
{
    public const string Connection = "shop-1";
    private readonly ServiceProvider services;

    private PollingWorld(ServiceProvider services, ListServer server, string folder)
    {
        this.services = services;
        Server = server;
        Folder = folder;
    }

    public ListServer Server { get; }
    public string Folder { get; }
    public Bell Doorbell => (Bell)Get<IDoorbell>();
    public ShiftedClock Clock => (ShiftedClock)Get<TimeProvider>();
    public DefinitionService Definitions => Get<DefinitionService>();
    public Poller Poller => Get<Poller>();
    public TriggerService Triggers => Get<TriggerService>();
    public IPollStore Store => Get<IPollStore>();
    public IRunStore Runs => Get<IRunStore>();

    /// <param name="folder">Folder of another world whose file is taken over; null: a new one.</param>
    /// <param name="server">The other world's list.</param>
    /// <param name="callsPerDay">What the list's API allows.</param>
    /// <param name="add">More connectors, and services.</param>
    /// <param name="isSandbox">The connection is the sandbox's: short intervals, lenient budget.</param>
    /// <param name="callTimeout">How long one call may take; null: longer than any test.</param>
    public static async Task<PollingWorld> StartAsync(string? folder = null, ListServer? server = null, int? callsPerDay = null, TimeSpan? callTimeout = null, bool isSandbox = true, Action<AutomationBuilder, IServiceCollection>? add = null)
    {
        server ??= await ListServer.StartAsync();
        folder ??= Path.Combine(Path.GetTempPath(), "automation-tests", Path.GetRandomFileName());
        Directory.CreateDirectory(Path.Combine(folder, "definitions"));

        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<TimeProvider>(new ShiftedClock());
        collection.AddSingleton(new Node("test-" + Path.GetRandomFileName()));
        collection.Configure<AutomationOptions>(options => options.Definitions.Directory = Path.Combine(folder, "definitions"));
        collection.Configure<ConnectorOptions>(options =>
        {
            options.Attempts = 1;
            options.Timeout = callTimeout ?? TimeSpan.FromSeconds(30);
        });
        collection.Configure<OutboundOptions>(options => options.AllowPrivateNetworks = true);
        collection.AddSingleton(new EngineOptions());
        collection.AddSingleton<WorkflowEngine>();
        collection.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider());

        var builder = new AutomationBuilder(collection);
        builder.AddConnector(Shop(server.Url, callsPerDay));
        builder.AddActivitiesFrom<Automation.Activities.Cron>();
        add?.Invoke(builder, collection);
        collection.AddSingleton(builder.Activities);
        collection.AddSingleton(builder.Operations);
        collection.AddAutomationConnectors();
        collection.AddSqliteStores(Path.Combine(folder, "automation.db"), fullDurability: false);
        collection.AddPolling();
        collection.AddSingleton<IDoorbell, Bell>();

        var world = new PollingWorld(collection.BuildServiceProvider(), server, folder);
        await world.Get<IDatabase>().MigrateAsync(default);
        await world.Get<ConnectionVault>().SaveAsync(
            new Connection
            {
                Id = Connection,
                Name = "The shop",
                Connector = "shop",
                BaseUrl = server.Url,
                LocationId = "loc-1",
                Credential = new Credential { Kind = "apiKey", ApiKey = "secret-key" },
                IsSandbox = isSandbox,
            },
            default);
        return world;
    }

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Saves and publishes a flow with one poll trigger.</summary>
    public Task<SavedDefinition> PublishAsync(string definitionId, string mode = "updated", string interval = "30s", JObject? more = null, string name = "flow") =>
        Definitions.SaveAsync(Flow(definitionId, mode, interval, more, name), publish: true, default);

    public static JObject Flow(string definitionId, string mode = "updated", string interval = "30s", JObject? more = null, string name = "flow")
    {
        var trigger = new JObject
        {
            ["id"] = "watch",
            ["type"] = "Shop.Things.ListThings",
            ["version"] = 1,
            ["customProperties"] = new JObject { ["canStartWorkflow"] = true },
            ["connectionId"] = Literal(Connection),
            ["interval"] = Literal(interval),
            ["mode"] = Literal(mode),
        };
        trigger.Merge(more ?? []);
        return new JObject
        {
            ["definitionId"] = definitionId,
            ["name"] = name,
            ["root"] = new JObject { ["id"] = "chart", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = new JArray(trigger), ["connections"] = new JArray() },
        };
    }

    public static JObject Literal(JToken value) => new() { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } };

    /// <summary>Polls every source once, due or not.</summary>
    public async Task<IReadOnlyList<string>> PollAsync() => await Poller.PollAsync([.. (await Store.ListSourcesAsync(default)).Select(source => source.Id)], evenIfNotDue: true, default);

    public async Task<TriggerRecord> TriggerAsync(string definitionId) => (await Store.ListTriggersAsync(new TriggerQuery { DefinitionId = definitionId }, default)).Items.Single();

    public async Task<SourceRecord> SourceAsync() => (await Store.ListSourcesAsync(default)).Single();

    /// <summary>Event keys of the runs of a definition, oldest first.</summary>
    public async Task<IReadOnlyList<string>> FiredAsync(string definitionId)
    {
        var runs = await Runs.ListAsync(new RunFilter { DefinitionIds = [definitionId], PageSize = 100, Descending = false }, default);
        var keys = new List<string>();
        foreach (var run in runs.Items)
        {
            keys.Add((string)(await Runs.GetStartAsync(run.Id, default))!.TriggerPayload!["key"]!);
        }

        return keys;
    }

    public async Task<long> CountRunsAsync(string definitionId) => (await Runs.ListAsync(new RunFilter { DefinitionIds = [definitionId], PageSize = 1 }, default)).Total;

    public async Task<IReadOnlyList<IncidentRecord>> IncidentsAsync() => (await Get<IIncidentStore>().ListAsync(null, null, null, 0, 100, default)).Items;

    /// <summary>A statement on the file, past the store; gives its first value.</summary>
    public async Task<long> SqlAsync(string sql)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(Folder, "automation.db")}");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync() ?? 0L);
    }

    /// <summary>Lets go of the file as a killed process would; the list stays.</summary>
    public async Task CrashAsync() => await services.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        await Server.DisposeAsync();
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private static Connector Shop(Uri url, int? callsPerDay) => new()
    {
        Name = "shop",
        DisplayName = "Shop",
        DefaultBaseUrl = url,
        Limit = new RateLimit(1_000_000, TimeSpan.FromSeconds(1), callsPerDay),
        TestOperation = "Shop.Things.ListThings",
        Operations =
        [
            new Operation
            {
                Connector = "shop",
                Category = "Things",
                Kind = OperationKind.Trigger,
                Name = "List Things",
                ActivityType = "Shop.Things.ListThings",
                Method = "GET",
                Path = "/things",
                Inputs =
                [
                    new OperationInput { Name = "skip", Place = InputPlace.Query, Type = "integer" },
                    new OperationInput { Name = "limit", Place = InputPlace.Query, Type = "integer" },
                    new OperationInput { Name = "colour", Place = InputPlace.Query, Enum = ["red", "blue"] },
                    new OperationInput { Name = "shelf", Place = InputPlace.Query },
                ],
                Response = new ResponseShape { CollectionPath = "things", IdPath = "id", UpdatedAtPath = "updatedAt" },
                Pagination = new Pagination { Style = "skipLimit", Params = ["skip", "limit"], PageSize = 100 },
                Poll = new PollShape { Modes = ["updated", "new", "changed", "edge"], MaxPages = 60, EdgePath = "name" },
                SubjectPaths = ["email"],
            },
        ],
    };

    /// <summary>Keeps what was rung.</summary>
    internal sealed class Bell : IDoorbell
    {
        public List<string> Runs { get; } = [];
        public int Clocks { get; private set; }

        public void RingRuns(IReadOnlyList<string> instanceIds)
        {
            lock (Runs)
            {
                Runs.AddRange(instanceIds);
            }
        }

        public void RingSources(IReadOnlyList<string> sourceIds)
        {
        }

        public void RingClock() => Clocks++;
    }

    /// <summary>The machine's clock, moved on by hand.</summary>
    internal sealed class ShiftedClock : TimeProvider
    {
        private TimeSpan shift;

        public void Advance(TimeSpan by) => shift += by;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + shift;
    }
}
