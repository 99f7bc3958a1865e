using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Runtime;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Runtime.Running;

/// <summary>A SQLite file, the outside, and any number of nodes on them. A node that is abandoned stays as a killed process would: holding its leases, saying nothing.</summary>
public sealed class TestDatabase : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("automation-").FullName;
    private readonly List<TestNode> nodes = [];

    public Outside Outside { get; } = new();

    /// <summary>Port of a mail server on this machine; null: nodes have none.</summary>
    public int? MailPort { get; set; }

    /// <summary>Who signs in there; null: nobody.</summary>
    public string? MailUser { get; set; }
    public string Path => System.IO.Path.Combine(folder, "test.db");

    public async Task<TestNode> StartNodeAsync(TimeProvider? clock = null, Action<RunnerOptions>? configure = null)
    {
        var node = new TestNode(this, $"node-{nodes.Count}", clock ?? TimeProvider.System, configure);
        nodes.Add(node);
        await node.Get<IDatabase>().MigrateAsync(CancellationToken.None);
        return node;
    }

    /// <summary>Lets all leases run out, as fifteen seconds would.</summary>
    public void ExpireLeases()
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA busy_timeout = 5000; UPDATE instances SET lease_until = 0";
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        foreach (var node in nodes)
        {
            node.Dispose();
        }

        Directory.Delete(folder, true);
    }
}

/// <summary>A node with the real runtime and the real stores. Nothing runs by itself: a test drives it, or starts its hosted services.</summary>
public sealed class TestNode : IDisposable
{
    private readonly ServiceProvider services;

    internal TestNode(TestDatabase database, string id, TimeProvider clock, Action<RunnerOptions>? configure)
    {
        var collection = new ServiceCollection();
        collection.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        collection.AddSingleton(clock);
        collection.AddSingleton(new Node(id));
        collection.AddOptions<AutomationOptions>().Configure(options => configure?.Invoke(options.Runner));
        collection.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider());
        var builder = new AutomationBuilder(collection);
        collection.AddSingleton(builder.Activities);
        collection.AddSingleton(builder.Operations);
        collection.AddSingleton(new EngineOptions());
        collection.AddSingleton(provider => new WorkflowEngine(provider.GetRequiredService<ActivityRegistry>(), provider.GetRequiredService<EngineOptions>(), clock, provider));
        collection.AddSingleton(database.Outside);
        collection.AddSingleton<IDoorbell>(provider => new LocalDoorbell(provider.GetRequiredService<RunQueue>(), provider.GetRequiredService<DueClock>()));
        collection.AddSqliteStores(database.Path, fullDurability: false);
        collection.AddAutomationConnectors();
        collection.AddSingleton<ITaskLinks, TestLinks>();
        collection.Configure<SmtpOptions>(smtp =>
        {
            (smtp.Host, smtp.Port, smtp.From) = (database.MailPort is null ? null : "127.0.0.1", database.MailPort ?? 25, "Flows <flows@automation.test>");
            (smtp.UserName, smtp.Password, smtp.Security) = (database.MailUser, "a mail password", database.MailUser is null ? "None" : "Auto");
        });
        collection.AddAutomationRuntime();
        builder.Activities.Add(typeof(Send));
        builder.Activities.Add(typeof(Note));
        builder.Activities.Add(typeof(Wait));
        builder.Activities.Add(typeof(Faulty));
        builder.Activities.Add(typeof(Call));
        builder.Activities.Add(typeof(Publish));
        builder.Activities.Add(typeof(Automation.Activities.PersonTask));
        builder.Activities.Add(typeof(Automation.Activities.Approval));
        builder.Activities.Add(typeof(Automation.Activities.SendEmail));
        builder.Activities.Add(typeof(Automation.Activities.OnlyOnce));
        builder.Activities.Add(typeof(Automation.Activities.Throttle));
        builder.Activities.Add(typeof(Automation.Activities.Digest));
        services = collection.BuildServiceProvider();
    }

    public RunService Runs => Get<RunService>();
    public IRunStore Store => Get<IRunStore>();
    public LocalDoorbell Doorbell => (LocalDoorbell)Get<IDoorbell>();

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>Starts one hosted service; disposing stops it.</summary>
    public async Task<IAsyncDisposable> StartAsync<T>()
        where T : class, IHostedService
    {
        var service = Get<T>();
        await service.StartAsync(CancellationToken.None);
        return new Started(service);
    }

    /// <summary>Saves and publishes a sequence of activities; ids are a1, a2….</summary>
    public Task<string> PublishAsync(string definitionId, params JObject[] activities) => PublishAsync(definitionId, [], activities);

    public async Task<string> PublishAsync(string definitionId, IReadOnlyList<TriggerRecord> triggers, params JObject[] activities)
    {
        for (var i = 0; i < activities.Length; i++)
        {
            activities[i]["id"] ??= $"a{i + 1}";
        }

        return await PublishRootAsync(definitionId, triggers, new JObject { ["type"] = "Elsa.Sequence", ["id"] = "root", ["activities"] = new JArray(activities) });
    }

    public async Task<string> PublishRootAsync(string definitionId, IReadOnlyList<TriggerRecord> triggers, JObject root)
    {
        var versionId = definitionId + "-v1";
        var json = new JObject { ["id"] = versionId, ["definitionId"] = definitionId, ["name"] = definitionId, ["version"] = 1, ["isLatest"] = true, ["root"] = root };
        var definitions = Get<IDefinitionStore>();
        await definitions.SaveAsync(
            [new DefinitionVersion { Id = versionId, DefinitionId = definitionId, Version = 1, Name = definitionId, IsLatest = true, IsPublished = false, CreatedAt = Get<TimeProvider>().GetUtcNow(), Json = json.ToString() }],
            CancellationToken.None);
        await definitions.PublishAsync(new Publication { VersionId = versionId, DefinitionId = definitionId, Triggers = triggers, Sources = [] }, CancellationToken.None);
        return versionId;
    }

    public static JObject Activity(string type, params (string Name, object Value)[] inputs)
    {
        var activity = new JObject { ["type"] = type };
        foreach (var (name, value) in inputs)
        {
            activity[name] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = JToken.FromObject(value) } };
        }

        return activity;
    }

    /// <summary>Waits for something that must come; ten seconds without it fail the test.</summary>
    public static Task Soon(Task task) => task.WaitAsync(TimeSpan.FromSeconds(10));

    public static JObject Sending(string url, EffectClass effectClass = EffectClass.Safe, string method = "POST") => Activity("Test.Send", ("url", url), ("class", effectClass.ToString()), ("method", method));

    public Task<string> DispatchAsync(string definitionId) => Runs.DispatchAsync(new StartRequest { DefinitionId = definitionId }, CancellationToken.None);

    /// <summary>Works on instances until they rest.</summary>
    public Task WorkAsync(params IReadOnlyList<string> instanceIds) => Get<Runner>().RunNowAsync(instanceIds, CancellationToken.None);

    public async Task<InstanceRecord> FindAsync(string instanceId) => await Store.FindAsync(instanceId, CancellationToken.None) ?? throw new InvalidOperationException($"No instance {instanceId}.");

    public Task<IReadOnlyList<EffectRecord>> EffectsAsync(string instanceId) => Get<IEffectStore>().ListAsync(instanceId, CancellationToken.None);

    public async Task<IReadOnlyList<IncidentRecord>> IncidentsAsync(string? instanceId = null) =>
        (await Get<IIncidentStore>().ListAsync(null, instanceId, null, 0, 100, CancellationToken.None)).Items;

    /// <summary>Waits until an instance is as wanted, looking again after every burst; fails after ten seconds.</summary>
    public async Task<InstanceRecord> UntilAsync(string instanceId, Func<InstanceRecord, bool> isThere)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            var instance = await FindAsync(instanceId);
            if (isThere(instance))
            {
                return instance;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, timeout.Token);
        }
    }

    public void Dispose() => services.Dispose();

    private sealed class Started(IHostedService service) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await service.StopAsync(CancellationToken.None);
    }
}

/// <summary>Links that only say what they are for.</summary>
internal sealed class TestLinks : ITaskLinks
{
    public Uri PageOf(string taskId) => new("https://automation.test/tasks/" + taskId);

    public Uri DecisionOf(string taskId, DateTimeOffset expiresAt) => new("https://automation.test/decide/" + taskId);
}

/// <summary>Rings on this node only, and remembers what rang.</summary>
public sealed class LocalDoorbell(RunQueue queue, DueClock dues) : IDoorbell
{
    private readonly Lock gate = new();
    private readonly List<string> sources = [];
    private readonly List<string> runs = [];

    public IReadOnlyList<string> Sources
    {
        get
        {
            lock (gate)
            {
                return [.. sources];
            }
        }
    }

    public IReadOnlyList<string> Runs
    {
        get
        {
            lock (gate)
            {
                return [.. runs];
            }
        }
    }

    public void RingRuns(IReadOnlyList<string> instanceIds)
    {
        lock (gate)
        {
            runs.AddRange(instanceIds);
        }

        queue.Add(instanceIds);
    }

    public void RingSources(IReadOnlyList<string> sourceIds)
    {
        lock (gate)
        {
            sources.AddRange(sourceIds);
        }
    }

    public void RingClock() => dues.Wake();
}
