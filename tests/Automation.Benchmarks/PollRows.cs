using System.Collections.Concurrent;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Runtime.Connections;
using Automation.Runtime.Polling;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Npgsql;

namespace Automation.Benchmarks;

/// <summary>Ten thousand sources due within a minute, their pages empty: from when a source is due to when its page is asked for.</summary>
internal static class PollRows
{
    private const int Sources = 10_000;
    private const string Operation = "GoHighLevel.Contacts.SearchContacts";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("automation-bench-").FullName, "bench.db");
        yield return await MeasureAsync("SQLite", services => services.AddSqliteStores(file, fullDurability: false), () => Directory.Delete(Path.GetDirectoryName(file)!, true));
        if (Environment.GetEnvironmentVariable("AUTOMATION_TEST_POSTGRES") is { Length: > 0 } server)
        {
            var schema = $"bench_{Environment.ProcessId}";
            PostgreSqlRows.Execute(server, $"CREATE SCHEMA {schema}");
            var database = new NpgsqlConnectionStringBuilder(server) { SearchPath = schema }.ConnectionString;
            yield return await MeasureAsync("PostgreSQL", services => services.AddPostgreSqlStores(database), () => PostgreSqlRows.Execute(server, $"DROP SCHEMA {schema} CASCADE"));
        }
    }

    private static async Task<BenchmarkRow> MeasureAsync(string database, Action<IServiceCollection> addStores, Action cleanUp)
    {
        var reader = new EmptyPages();
        await using var house = await DurableRows.House.OpenAsync(
            services =>
            {
                addStores(services);
                services.AddSingleton<IPollReader>(reader);
                services.AddSingleton<IDoorbell, Bell>();
            },
            cleanUp,
            add: builder => builder.AddGoHighLevel());
        await house.Get<ConnectionVault>().SaveAsync(
            new Connection { Id = "c1", Name = "c1", Connector = "gohighlevel", BaseUrl = new Uri("http://localhost"), LocationId = "loc-1", Credential = new Credential { Kind = "apiKey", ApiKey = "none" } },
            CancellationToken.None);

        var start = TimeProvider.System.GetUtcNow().AddSeconds(20);
        var sources = new List<SourceRecord>();
        var triggers = new List<TriggerRecord>();
        for (var i = 0; i < Sources; i++)
        {
            var due = start + (i * (Minute / Sources));
            reader.Due[i] = due;
            sources.Add(new SourceRecord { Id = $"s{i}", ConnectionId = "c1", LocationId = "loc-1", Operation = Operation, Inputs = new JObject { ["n"] = i }, Interval = TimeSpan.FromHours(1), DueAt = due });
            triggers.Add(new TriggerRecord
            {
                Id = $"t{i}",
                DefinitionId = "ten",
                VersionId = "ten-v1",
                ActivityId = $"a{i}",
                ActivityType = Operation,
                Kind = "poll",
                ConnectionId = "c1",
                SourceId = $"s{i}",
                Mode = "new",
                Configured = "1h",
                EffectiveInterval = TimeSpan.FromHours(1),
                CreatedAt = start,
            });
        }

        await house.Get<IDefinitionStore>().PublishAsync(new Publication { VersionId = "ten-v1", DefinitionId = "ten", Triggers = triggers, Sources = sources }, CancellationToken.None);
        var dues = house.Get<DueTimeService>();
        await dues.StartAsync(CancellationToken.None);
        while (reader.Lags.Count < Sources && TimeProvider.System.GetUtcNow() < start + (3 * Minute))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }

        await dues.StopAsync(CancellationToken.None);
        var lags = reader.Lags.Order().ToList();
        return new BenchmarkRow($"{Sources:N0} sources due within a minute, {database}", $"lag p50 {lags[lags.Count / 2]:0.00} s, p99 {lags[lags.Count * 99 / 100]:0.00} s, {lags.Count:N0} polled", "", "", "p99 < 5 s");
    }

    /// <summary>Lists without items; notes when each source was read.</summary>
    private sealed class EmptyPages : IPollReader
    {
        public DateTimeOffset[] Due { get; } = new DateTimeOffset[Sources];

        public ConcurrentBag<double> Lags { get; } = [];

        public ValueTask<PollPage> ReadPageAsync(Operation operation, Connection connection, JObject inputs, ScanPosition position, CallPriority priority, CancellationToken cancellationToken)
        {
            Lags.Add((TimeProvider.System.GetUtcNow() - Due[(int)inputs["n"]!]).TotalSeconds);
            return ValueTask.FromResult(new PollPage([], [], null));
        }

        public ValueTask<PollPage> ReadItemAsync(Operation operation, Connection connection, JObject inputs, JObject find, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    /// <summary>As Hangfire would ring: a few workers, each with a batch of ids.</summary>
    private sealed class Bell(IServiceProvider services, DueClock dues) : IDoorbell, IDisposable
    {
        private readonly SemaphoreSlim workers = new(4, 4);

        public void RingRuns(IReadOnlyList<string> instanceIds)
        {
        }

        public void RingSources(IReadOnlyList<string> sourceIds)
        {
            foreach (var ids in sourceIds.Chunk(100))
            {
                _ = Task.Run(async () =>
                {
                    await workers.WaitAsync();
                    try
                    {
                        await services.GetRequiredService<Poller>().PollAsync(ids, false, CancellationToken.None);
                    }
                    finally
                    {
                        workers.Release();
                    }
                });
            }
        }

        public void RingClock() => dues.Wake();

        public void Dispose() => workers.Dispose();
    }
}
