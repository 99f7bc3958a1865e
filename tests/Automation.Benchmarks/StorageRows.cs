using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Benchmarks;

/// <summary>The stores beside raw SQLite: each row's limit is the tightest loop one would write for the same bytes, batched, in the same process and durability.</summary>
internal static class StorageRows
{
    private const int Items = 100_000;
    private const int PageSize = 500;
    private const int Runs = 5_000;
    private const int Callers = 64;
    private const int RawBatch = 100;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        foreach (var full in new[] { false, true })
        {
            var mode = full ? "Full" : "Normal";
            yield return new BenchmarkRow($"raw batched SQLite writes, {mode}", "", $"{RawRows(full, 200):N0} rows/s", "", "");

            var (commits, bytes) = await CommitsAsync(full);
            var raw = RawRows(full, bytes, rowsPerBatch: Callers, rows: 20_000);
            yield return new BenchmarkRow($"claimed run committed once, {mode} ({bytes:N0} B)", $"{commits:N0} runs/s", $"{raw:N0} rows/s", $"{commits / raw:P0}", ">= 1,000/s, then >= 25 %");
        }

        await foreach (var row in IntakeAsync())
        {
            yield return row;
        }
    }

    /// <summary>Pending runs claimed in batches and committed once each by many callers, with a state and the journal of ten activities: what the store adds to a durable run.</summary>
    private static async Task<(double PerSecond, int Bytes)> CommitsAsync(bool full)
    {
        await using var stores = await Stores.OpenAsync(full);
        var runs = stores.Get<IRunStore>();
        var clock = TimeProvider.System;
        var ids = Enumerable.Range(0, Runs).Select(_ => Ids.New(clock)).ToArray();
        var now = clock.GetUtcNow();
        var state = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"nodeId\":\"root:a{i}\",\"outputs\":{{\"value\":\"item {i * 2 + 1}\"}},\"iteration\":0}},")));

        RunCommit Commit(ClaimedInstance claimed) => new()
        {
            InstanceId = claimed.Instance.Id,
            Lease = claimed.Lease,
            Status = WorkflowStatus.Finished,
            SubStatus = WorkflowSubStatus.Finished,
            State = state,
            Changes = new RunChanges { Journal = Journal(now) },
            Release = true,
            At = now,
        };

        var bytes = Payload.Pack(state).Length + JournalSegment.Pack(Journal(now), "", []).Length + Payload.PackRecord(Instance(ids[0], now).Start).Length;
        var watch = Stopwatch.StartNew();
        foreach (var batch in ids.Chunk(250))
        {
            await runs.EnqueueAsync(batch.Select(id => Instance(id, now)).ToList(), [], CancellationToken.None);
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (await runs.ClaimAsync(null, "benchmark", TimeSpan.FromMinutes(1), Callers / 4, CancellationToken.None) is { Count: > 0 } claimed)
            {
                await Task.WhenAll(claimed.Select(c => runs.CommitAsync(Commit(c), CancellationToken.None)));
            }
        })));
        watch.Stop();
        var finished = await runs.ListAsync(new RunFilter { Statuses = [WorkflowStatus.Finished], PageSize = 1 }, CancellationToken.None);
        return finished.Total == Runs ? (Runs / watch.Elapsed.TotalSeconds, bytes) : throw new InvalidOperationException($"{finished.Total} of {Runs} runs finished.");
    }

    private static async IAsyncEnumerable<BenchmarkRow> IntakeAsync()
    {
        await using var stores = await Stores.OpenAsync(full: false);
        var polls = stores.Get<IPollStore>();
        await PublishAsync(stores.Get<IDefinitionStore>());
        var clock = TimeProvider.System;

        // Warm: one scan of a few items, so that what is measured is not the first call of everything. They are part of the list and unchanged afterwards.
        await ScanAsync(polls, Enumerable.Range(0, PageSize), 0);
        var idle = Settled();
        var peak = idle;
        void Sample() => peak = Math.Max(peak, Environment.WorkingSet);

        var raw = RawRows(full: false, payload: 250, rows: 2 * Items) / 2;
        var watch = Stopwatch.StartNew();
        await ScanAsync(polls, Enumerable.Range(0, Items), 0, Sample);
        var rate = (Items - PageSize) / watch.Elapsed.TotalSeconds;
        yield return new BenchmarkRow("intake of 100,000 new items (rows and events)", $"{rate:N0} items/s", $"{raw:N0} items/s", $"{rate / raw:P0}", ">= 20,000/s");

        watch.Restart();
        await ScanAsync(polls, Enumerable.Range(0, Items), 0, Sample);
        rate = Items / watch.Elapsed.TotalSeconds;
        yield return new BenchmarkRow("the same 100,000 again, nothing changed", $"{rate:N0} items/s", "", "", "");

        watch.Restart();
        await DeliverAsync(polls, clock, Sample);
        rate = Items / watch.Elapsed.TotalSeconds;
        yield return new BenchmarkRow("one delivery and pending run per item", $"{rate:N0} items/s", "", "", "");
        yield return new BenchmarkRow("memory of intake and delivery above idle", $"{(peak - idle) / 1e6:N0} MB", "", "", "<= 200 MB");
    }

    private static async Task ScanAsync(IPollStore polls, IEnumerable<int> numbers, int revision, Action? sample = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var (_, lease) = (await polls.ClaimSourcesAsync(["source"], "benchmark", TimeSpan.FromMinutes(10), 1, true, CancellationToken.None))[0];
        var pages = numbers.Chunk(PageSize).Select(page => page.Select(number => Item(number, revision)).ToList());
        foreach (var page in pages)
        {
            await polls.IntakeAsync(
                new IntakePage { SourceId = "source", Lease = lease, Items = page, IsBaseline = false, ObservedAt = now, ScanUpper = now, EndsScan = true, DueAt = now },
                CancellationToken.None);
            sample?.Invoke();
        }

        await polls.ReleaseSourceAsync("source", lease, CancellationToken.None);
    }

    private static async Task DeliverAsync(IPollStore polls, TimeProvider clock, Action sample)
    {
        for (var position = 0L; ;)
        {
            var events = await polls.ReadEventsAsync("source", position, 200, CancellationToken.None);
            if (events.Count == 0)
            {
                return;
            }

            var now = clock.GetUtcNow();
            await polls.DeliverAsync(
                new DeliveryBatch
                {
                    TriggerId = "trigger",
                    VersionId = "v1",
                    SourceId = "source",
                    FromPosition = position,
                    Generation = 1,
                    ToPosition = events[^1].Sequence,
                    Instances = events.Select(e => (e.Key, Delivered(Instance(Ids.New(clock), now), e))).ToList(),
                    At = now,
                },
                CancellationToken.None);
            position = events[^1].Sequence;
            sample();
        }
    }

    private static NewInstance Delivered(NewInstance instance, EventRecord e) =>
        instance with { Subjects = e.Subjects, TriggerId = "trigger", Start = instance.Start with { TriggerActivityId = "poll", TriggerPayload = new JObject { ["key"] = e.Key, ["item"] = e.Item } } };

    private static async Task PublishAsync(IDefinitionStore definitions)
    {
        var now = TimeProvider.System.GetUtcNow();
        await definitions.SaveAsync([new DefinitionVersion { Id = "v1", DefinitionId = "d1", Version = 1, IsLatest = true, IsPublished = false, CreatedAt = now, Json = "{}" }], CancellationToken.None);
        await definitions.PublishAsync(
            new Publication
            {
                VersionId = "v1",
                DefinitionId = "d1",
                Sources = [new SourceRecord { Id = "source", ConnectionId = "c", Operation = "GoHighLevel.Contacts.ContactChanged", Inputs = [], Interval = TimeSpan.FromMinutes(5), DueAt = now }],
                Triggers = [new TriggerRecord { Id = "trigger", DefinitionId = "d1", VersionId = "v1", ActivityId = "poll", ActivityType = "GoHighLevel.Contacts.ContactChanged", Kind = "poll", SourceId = "source", EffectiveInterval = TimeSpan.FromMinutes(5), CreatedAt = now }],
            },
            CancellationToken.None);
    }

    /// <summary>A contact as a search lists it, about half a kilobyte.</summary>
    private static PolledItem Item(int number, int revision)
    {
        var email = $"person{number}@example.test";
        var payload = new JObject
        {
            ["id"] = $"ct{number:x8}",
            ["locationId"] = "loc-1",
            ["firstName"] = "Person " + number,
            ["lastName"] = "Family " + number % 977,
            ["email"] = email,
            ["phone"] = "+1555" + number.ToString("0000000", CultureInfo.InvariantCulture),
            ["tags"] = new JArray("vip", "customer", "tag-" + number % 50),
            ["source"] = "form",
            ["dateAdded"] = "2026-03-01T12:00:00.000Z",
            ["dateUpdated"] = "2026-03-01T12:00:00.000Z",
            ["revision"] = revision,
            ["customFields"] = new JArray(new JObject { ["id"] = "cf1", ["value"] = "value " + number }, new JObject { ["id"] = "cf2", ["value"] = number % 13 }),
            ["dnd"] = false,
            ["country"] = "US",
        };
        var hash = Convert.ToHexStringLower(HashOf(number, revision));
        return new PolledItem((string)payload["id"]!, hash, TimeProvider.System.GetUtcNow(), payload, [(string)payload["id"]!, email]);
    }

    private static byte[] HashOf(int number, int revision) => SHA256.HashData(Encoding.UTF8.GetBytes($"{number}:{revision}"))[..16];

    private static NewInstance Instance(string id, DateTimeOffset now) => new()
    {
        Id = id,
        DefinitionId = "d1",
        VersionId = "v1",
        Version = 1,
        DefinitionName = "Benchmark",
        StartedBy = "poll",
        CreatedAt = now,
        Start = new RunStart { InstanceId = id, LocationId = "loc-1", Input = new JObject { ["text"] = "hello" } },
    };

    private static JournalRecord[] Journal(DateTimeOffset now) => Enumerable.Range(0, 20).Select(i => new JournalRecord
    {
        Sequence = i,
        At = now.AddMilliseconds(i),
        EventName = i % 2 == 0 ? "Started" : "Completed",
        ActivityInstanceId = $"0193abc{i / 2 * 104729:x}",
        ActivityId = "a" + i / 2,
        NodeId = "root:a" + i / 2,
        ActivityType = "Elsa.SetVariable",
        State = i % 2 == 0 ? null : new JObject { ["value"] = "item " + (i * 2 + 1) },
        Outcomes = i % 2 == 0 ? null : ["Done"],
    }).ToArray();

    /// <summary>Prepared inserts of a row with an id and a blob, in transactions of a hundred, by one thread.</summary>
    private static double RawRows(bool full, int payload, int rowsPerBatch = RawBatch, int rows = 100_000)
    {
        var folder = Directory.CreateTempSubdirectory("automation-benchmark-");
        try
        {
            using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.FullName, "raw.db")};Pooling=False");
            connection.Open();
            Execute(connection, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = {(full ? "FULL" : "NORMAL")}; CREATE TABLE rows (id TEXT PRIMARY KEY, at INTEGER, data BLOB)");
            using var insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO rows (id, at, data) VALUES (@id, @at, @data)";
            var (id, at, data) = (insert.Parameters.Add("@id", SqliteType.Text), insert.Parameters.Add("@at", SqliteType.Integer), insert.Parameters.Add("@data", SqliteType.Blob));
            data.Value = RandomNumberGenerator.GetBytes(payload);
            at.Value = 0L;
            var watch = Stopwatch.StartNew();
            for (var row = 0; row < rows; row += rowsPerBatch)
            {
                using var transaction = connection.BeginTransaction();
                insert.Transaction = transaction;
                for (var i = row; i < Math.Min(rows, row + rowsPerBatch); i++)
                {
                    id.Value = "0193abcdef0123456789" + i.ToString("x12", CultureInfo.InvariantCulture);
                    insert.ExecuteNonQuery();
                }

                transaction.Commit();
            }

            return rows / watch.Elapsed.TotalSeconds;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return Environment.WorkingSet;
    }

    /// <summary>The stores on a file of their own.</summary>
    private sealed class Stores(DirectoryInfo folder, ServiceProvider provider) : IAsyncDisposable
    {
        public static async Task<Stores> OpenAsync(bool full)
        {
            var folder = Directory.CreateTempSubdirectory("automation-benchmark-");
            var provider = new ServiceCollection().AddSqliteStores(Path.Combine(folder.FullName, "automation.db"), full).BuildServiceProvider();
            await provider.GetRequiredService<IDatabase>().MigrateAsync(CancellationToken.None);
            return new Stores(folder, provider);
        }

        public T Get<T>()
            where T : notnull => provider.GetRequiredService<T>();

        public async ValueTask DisposeAsync()
        {
            await provider.DisposeAsync();
            folder.Delete(recursive: true);
        }
    }
}
