using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>The databases that the store suite runs against: every behaviour is an abstract class with one subclass per database.</summary>
public abstract class StoreCompliance : IAsyncLifetime
{
    protected static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    protected static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(1);

    private ServiceProvider? _provider;

    protected IDatabase Database => Get<IDatabase>();
    protected IDefinitionStore Definitions => Get<IDefinitionStore>();
    protected IConnectionStore Connections => Get<IConnectionStore>();
    protected IWebhookStore Webhooks => Get<IWebhookStore>();
    protected ITokenStore Tokens => Get<ITokenStore>();
    protected IDocumentStore Documents => Get<IDocumentStore>();
    protected IAccessStore Access => Get<IAccessStore>();
    protected IPollStore Polls => Get<IPollStore>();
    protected IRunStore Runs => Get<IRunStore>();
    protected IEffectStore Effects => Get<IEffectStore>();
    protected IIncidentStore Incidents => Get<IIncidentStore>();
    protected IChangeStore Changes => Get<IChangeStore>();
    protected IDueStore Due => Get<IDueStore>();
    protected ITaskStore Tasks => Get<ITaskStore>();
    protected IHeldEventStore HeldEvents => Get<IHeldEventStore>();
    protected IGateStore Gates => Get<IGateStore>();

    /// <summary>Registers the stores of a database of this test's own.</summary>
    protected abstract void AddStores(IServiceCollection services);

    /// <summary>Makes what the stores need before they are opened.</summary>
    protected virtual Task CreateAsync() => Task.CompletedTask;

    /// <summary>Takes away what the stores lived in, after they are closed.</summary>
    protected virtual Task DropAsync() => Task.CompletedTask;

    public async Task InitializeAsync()
    {
        await CreateAsync();
        await ReopenAsync();
    }

    /// <summary>Closes the stores and opens the same database again, as a restarted process does.</summary>
    protected async Task ReopenAsync()
    {
        if (_provider is not null)
        {
            await _provider.DisposeAsync();
        }

        var services = new ServiceCollection();
        AddStores(services);
        _provider = services.BuildServiceProvider();
        await Database.MigrateAsync(CancellationToken.None);
    }

    public virtual async Task DisposeAsync()
    {
        if (_provider is not null)
        {
            await _provider.DisposeAsync();
        }

        await DropAsync();
    }

    private T Get<T>()
        where T : notnull => _provider!.GetRequiredService<T>();

    protected static NewInstance Instance(string id, params string[] subjects) => new()
    {
        Id = id,
        DefinitionId = "def-1",
        VersionId = "def-1-v1",
        Version = 1,
        DefinitionName = "Tag sync",
        StartedBy = "manual",
        CreatedAt = T0,
        Subjects = subjects,
        Start = new RunStart { InstanceId = id, Input = new JObject { ["text"] = "2026-03-01T12:00:00Z" }, LocationId = "loc-1", CorrelationId = "corr-" + id },
    };

    protected static PendingStimulus Stimulus(string id, string instanceId, string bookmarkId = "b1") => new(instanceId, new Stimulus(id, bookmarkId, new JObject { ["n"] = 1 }));

    protected static Bookmark Bookmark(string id, string name = "Elsa.Event", string? key = "paid", DateTimeOffset? dueAt = null) => new()
    {
        Id = id,
        Name = name,
        Key = key,
        Hash = Automation.Engine.Bookmark.HashOf(name, key),
        ActivityId = "a1",
        NodeId = "root:a1",
        ActivityInstanceId = "ai1",
        DueAt = dueAt,
        Payload = new JObject { ["p"] = true },
        CreatedAt = T0,
    };

    protected static JournalRecord Journal(long sequence, string eventName = "Completed", JObject? outputs = null) => new()
    {
        Sequence = sequence,
        At = T0.AddSeconds(sequence),
        EventName = eventName,
        ActivityInstanceId = "ai" + sequence,
        ActivityId = "a1",
        NodeId = "root:a1",
        ActivityType = "Elsa.SetVariable",
        Outputs = outputs,
        Outcomes = ["Done"],
    };

    protected static IncidentRecord Incident(string id, string? instanceId = null, string? sourceId = null) => new()
    {
        Id = id,
        Kind = "run",
        InstanceId = instanceId,
        SourceId = sourceId,
        Code = "fault",
        Message = "It failed: " + id,
        CreatedAt = T0,
    };

    protected static EffectRecord Intent(string key, string instanceId, int attempts = 1) => new()
    {
        Key = key,
        InstanceId = instanceId,
        ActivityId = "a1",
        NodeId = "root:a1",
        Iteration = 0,
        Operation = "Flocksy.Tags.CreateTag",
        Class = EffectClass.Unsafe,
        LocationId = "loc-1",
        Request = new ConnectorRequest { Method = "POST", Url = "https://flocksy.test/tags", Headers = new Dictionary<string, string> { ["Version"] = "1" }, Body = new JObject { ["name"] = "vip" } },
        Status = "intent",
        IntentAt = T0,
        Attempts = attempts,
    };

    /// <summary>A commit that suspends and releases.</summary>
    protected static RunCommit Commit(string instanceId, Lease lease, RunChanges? changes = null) => new()
    {
        InstanceId = instanceId,
        Lease = lease,
        Status = WorkflowStatus.Running,
        SubStatus = WorkflowSubStatus.Suspended,
        State = "{\"state\":1}"u8.ToArray(),
        Changes = changes ?? new RunChanges(),
        Release = true,
        At = T0.AddMinutes(1),
    };

    protected static RunCommit Finish(string instanceId, Lease lease) =>
        Commit(instanceId, lease) with { Status = WorkflowStatus.Finished, SubStatus = WorkflowSubStatus.Finished };

    protected Task EnqueueAsync(params NewInstance[] instances) => Runs.EnqueueAsync(instances, [], CancellationToken.None);

    protected async Task<ClaimedInstance> ClaimAsync(string id, TimeSpan? duration = null) =>
        (await Runs.ClaimAsync([id], "node-1", duration ?? LeaseTime, 1, CancellationToken.None)).Single();
}
