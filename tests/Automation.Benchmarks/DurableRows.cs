using System.Diagnostics;
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
using Newtonsoft.Json.Linq;
using Activity = Automation.Engine.Activity;
using ActivityContext = Automation.Engine.ActivityContext;

namespace Automation.Benchmarks;

/// <summary>Runs with the real stores, journal on: rates with 64 callers at once, beside batched writes of the same bytes to the same kind of file.</summary>
internal static class DurableRows
{
    private const int Runs = 8_000;
    public const int Callers = 64;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        foreach (var durability in new[] { "Normal", "Full" })
        {
            var file = Path.Combine(Directory.CreateTempSubdirectory("automation-bench-").FullName, "bench.db");
            await using var house = await House.OpenAsync(services => services.AddSqliteStores(file, durability == "Full"), () => Directory.Delete(Path.GetDirectoryName(file)!, true));
            await EachAsync(Runs / 4, _ => house.ExecuteAsync("ten"));

            var before = Bytes(file);
            var executed = await EachAsync(Runs, _ => house.ExecuteAsync("ten"));
            var bytes = (Bytes(file) - before) / Runs;
            var raw = Raw(durability == "Full", (int)bytes);
            yield return Row($"durable run of ten activities, {durability}", executed, raw, ">= 1,000/s, >= 25 %", $"{bytes / 1024.0:0.0} KB");

            var dispatched = await house.DispatchAllAsync("ten", Runs);
            yield return Row($"the same, dispatched to the runner, {durability}", dispatched, raw, ">= 1,000/s, >= 25 %");

            var bookmarks = new string[Runs];
            var suspended = await EachAsync(Runs, async i => bookmarks[i] = (await house.ExecuteAsync("waits")).Bookmarks.Single().Id);
            yield return Row($"suspend, {durability}", suspended, raw, ">= 2,900/s (50x Elsa)");

            var resumed = await EachAsync(Runs, i => house.Runs.ResumeAsync(bookmarks[i], null, null, CancellationToken.None));
            yield return Row($"resume by id, {durability}", resumed, raw, ">= 2,900/s (50x Elsa)");

            var (rate, stuck) = await house.ResumeAtOnceAsync(1_000);
            yield return new BenchmarkRow($"1,000 resumes at once, {durability}", $"{rate:N0}/s, {stuck} stuck", "", "", "0 stuck");

            stuck = await house.TwoEventsAtOnceAsync(500);
            yield return new BenchmarkRow($"two events at once, 500 runs, {durability}", $"{stuck} stuck", "", "", "0 stuck");
        }
    }

    public static BenchmarkRow Row(string work, double rate, double raw, string target, string? note = null) =>
        new(work, $"{rate:N0}/s{(note is null ? "" : ", " + note)}", $"{raw:N0}/s", $"{rate / raw:P0}", target);

    public static async Task<double> EachAsync(int count, Func<int, Task> once, int callers = Callers)
    {
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = callers }, async (i, _) => await once(i));
        return count / clock.Elapsed.TotalSeconds;
    }

    /// <summary>The tightest loop: one prepared insert of as many bytes as a run takes in the file, in transactions of a hundred.</summary>
    private static double Raw(bool full, int bytes)
    {
        var folder = Directory.CreateTempSubdirectory("automation-raw-");
        try
        {
            using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.FullName, "raw.db")};Pooling=False");
            connection.Open();
            Run(connection, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = {(full ? "FULL" : "NORMAL")}; PRAGMA wal_autocheckpoint = 4000; CREATE TABLE runs (no INTEGER PRIMARY KEY, data BLOB NOT NULL)");
            using var insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO runs (data) VALUES (@data)";
            insert.Parameters.AddWithValue("@data", new byte[Math.Max(bytes, 100)]);
            insert.Prepare();
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < Runs; i += 100)
            {
                Run(connection, "BEGIN IMMEDIATE");
                for (var j = 0; j < 100; j++)
                {
                    insert.ExecuteNonQuery();
                }

                Run(connection, "COMMIT");
            }

            return Runs / clock.Elapsed.TotalSeconds;
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private static long Bytes(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
        return (long)command.ExecuteScalar()!;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>One node on a database of its own.</summary>
    public sealed class House(ServiceProvider services, Action cleanUp, int concurrency) : IAsyncDisposable
    {
        public T Get<T>()
            where T : notnull => services.GetRequiredService<T>();

        public RunService Runs => Get<RunService>();

        private IRunStore Store => Get<IRunStore>();

        public static async Task<House> OpenAsync(Action<IServiceCollection> addStores, Action cleanUp, int concurrency = Callers, Action<AutomationBuilder>? add = null)
        {
            var collection = new ServiceCollection();
            collection.AddLogging();
            collection.AddSingleton(TimeProvider.System);
            collection.AddSingleton(new Node("bench"));
            collection.AddOptions<AutomationOptions>().Configure(options => options.Runner.Concurrency = concurrency);
            collection.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider());
            var builder = new AutomationBuilder(collection);
            add?.Invoke(builder);
            builder.Activities.Add(typeof(Nothing));
            builder.Activities.Add(typeof(WaitForEvent));
            collection.AddSingleton(builder.Activities);
            collection.AddSingleton(builder.Operations);
            collection.AddSingleton(new EngineOptions());
            collection.AddSingleton(provider => new WorkflowEngine(builder.Activities, provider.GetRequiredService<EngineOptions>(), TimeProvider.System, provider));
            collection.AddSingleton<IDoorbell, QueueDoorbell>();
            addStores(collection);
            collection.AddAutomationConnectors();
            collection.AddAutomationRuntime();
            var house = new House(collection.BuildServiceProvider(), cleanUp, concurrency);
            await house.Get<IDatabase>().MigrateAsync(CancellationToken.None);
            await house.PublishAsync("ten", "Elsa.Sequence", Enumerable.Range(0, 10).Select(i => Activity("Bench.Nothing", "text", $"item {i}")));
            await house.PublishAsync("waits", "Elsa.Sequence", [Activity("Bench.Wait", "event", "go")]);
            await house.PublishAsync("waits-all", "Elsa.Sequence", [Activity("Bench.Wait", "event", "all")]);
            await house.PublishAsync("waits-both", "Elsa.Parallel", [Activity("Bench.Wait", "event", "left"), Activity("Bench.Wait", "event", "right")]);
            await house.Get<Runner>().StartAsync(CancellationToken.None);
            await house.Get<LeaseKeeper>().StartAsync(CancellationToken.None);
            return house;
        }

        public Task<WorkflowRun> ExecuteAsync(string definitionId) => Runs.ExecuteAsync(new StartRequest { DefinitionId = definitionId }, CancellationToken.None);

        /// <summary>From the first dispatch to the last run's end.</summary>
        public async Task<double> DispatchAllAsync(string definitionId, int count)
        {
            var clock = Stopwatch.StartNew();
            await EachAsync(count, _ => Runs.DispatchAsync(new StartRequest { DefinitionId = definitionId }, CancellationToken.None), concurrency);
            await DrainAsync();
            return count / clock.Elapsed.TotalSeconds;
        }

        public async Task<(double Rate, long Stuck)> ResumeAtOnceAsync(int count)
        {
            await EachAsync(count, _ => ExecuteAsync("waits-all"), concurrency);
            var clock = Stopwatch.StartNew();
            await Runs.PublishEventAsync("all", null, null, null, null, synchronously: false, CancellationToken.None);
            await DrainAsync();
            return (count / clock.Elapsed.TotalSeconds, await UnfinishedAsync("waits-all"));
        }

        public async Task<long> TwoEventsAtOnceAsync(int count)
        {
            await EachAsync(count, async _ =>
            {
                var run = await ExecuteAsync("waits-both");
                await Task.WhenAll(new[] { "left", "right" }.Select(name => Runs.PublishEventAsync(name, null, run.InstanceId, null, null, synchronously: true, CancellationToken.None)));
            });
            await DrainAsync();
            return await UnfinishedAsync("waits-both");
        }

        public async ValueTask DisposeAsync()
        {
            await Get<Runner>().StopAsync(CancellationToken.None);
            await Get<LeaseKeeper>().StopAsync(CancellationToken.None);
            await services.DisposeAsync();
            cleanUp();
        }

        private async Task<long> UnfinishedAsync(string definitionId) =>
            (await Store.ListAsync(new RunFilter { DefinitionIds = [definitionId], Statuses = [WorkflowStatus.Running], PageSize = 1 }, CancellationToken.None)).Total;

        /// <summary>Waits until nothing is pending or in progress.</summary>
        private async Task DrainAsync()
        {
            var busy = new RunFilter { SubStatuses = [WorkflowSubStatus.Pending, WorkflowSubStatus.Executing], PageSize = 1 };
            while ((await Store.ListAsync(busy, CancellationToken.None)).Total > 0 || (await Store.ListRunnableAsync(1, CancellationToken.None)).Count > 0 || Get<LeaseKeeper>().HasOpen)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            }
        }

        private async Task PublishAsync(string definitionId, string container, IEnumerable<JObject> activities)
        {
            var list = new JArray(activities);
            for (var i = 0; i < list.Count; i++)
            {
                list[i]["id"] = $"a{i}";
            }

            var json = new JObject { ["id"] = definitionId + "-v1", ["definitionId"] = definitionId, ["version"] = 1, ["root"] = new JObject { ["id"] = "root", ["type"] = container, ["activities"] = list } };
            var definitions = Get<IDefinitionStore>();
            await definitions.SaveAsync(
                [new DefinitionVersion { Id = definitionId + "-v1", DefinitionId = definitionId, Version = 1, IsLatest = true, IsPublished = false, CreatedAt = DateTimeOffset.UnixEpoch, Json = json.ToString() }],
                CancellationToken.None);
            await definitions.PublishAsync(new Publication { VersionId = definitionId + "-v1", DefinitionId = definitionId, Triggers = [], Sources = [] }, CancellationToken.None);
        }

        private static JObject Activity(string type, string input, string value) => new()
        {
            ["type"] = type,
            [input] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } },
        };
    }

    /// <summary>Rings on this node only.</summary>
    private sealed class QueueDoorbell(RunQueue queue, DueClock dues) : IDoorbell
    {
        public void RingRuns(IReadOnlyList<string> instanceIds) => queue.Add(instanceIds);

        public void RingSources(IReadOnlyList<string> sourceIds)
        {
        }

        public void RingClock() => dues.Wake();
    }
}

/// <summary>Waits for an event.</summary>
[Activity("Bench.Wait", "Bench")]
internal sealed class WaitForEvent : Activity
{
    public Input<string> Event { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Suspended(new BookmarkRequest("Elsa.Event", context.Get(Event))));
}
