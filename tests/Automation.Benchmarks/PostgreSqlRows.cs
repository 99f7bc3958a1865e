using System.Diagnostics;
using Automation.Persistence;
using Npgsql;

namespace Automation.Benchmarks;

/// <summary>The durable rows on the PostgreSQL of <c>AUTOMATION_TEST_POSTGRES</c> (<c>tests/tools/postgres.sh start DIR durable</c> makes one), beside batched writes of the same bytes to it.</summary>
internal static class PostgreSqlRows
{
    private const int Runs = 8_000;
    private const int Rounds = 3;

    /// <summary>Rows of the raw loop a round: it is quicker, and should not be over before the machine has turned to something else.</summary>
    private const int RawRows = 4 * Runs;

    /// <summary>Callers at once, and runs of the runner: a commit is waited for, and the more wait the more share one.</summary>
    private const int Callers = 256;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        if (Environment.GetEnvironmentVariable("AUTOMATION_TEST_POSTGRES") is not { Length: > 0 } server)
        {
            yield return new BenchmarkRow("durable runs on PostgreSQL", "not measured: AUTOMATION_TEST_POSTGRES is not set", "", "", ">= 25 %");
            yield break;
        }

        var schema = $"bench_{Environment.ProcessId}";
        Execute(server, $"CREATE SCHEMA {schema}");
        var database = new NpgsqlConnectionStringBuilder(server) { SearchPath = schema }.ConnectionString;
        await using var house = await DurableRows.House.OpenAsync(services => services.AddPostgreSqlStores(database), () => Execute(server, $"DROP SCHEMA {schema} CASCADE"), Callers);

        // The runtime compiles hot code again in the background: until that is done it takes a good part of the processors.
        await DurableRows.EachAsync(12 * Runs, _ => house.ExecuteAsync("ten"), Callers);

        // In turns, so that what else the machine does meets both.
        var (ours, raw) = (new Tally(database), new Tally(database));
        var bytes = 0L;
        for (var round = 0; round < Rounds; round++)
        {
            var before = Bytes(database, schema);
            await ours.AddAsync(Runs, () => DurableRows.EachAsync(Runs, _ => house.ExecuteAsync("ten"), Callers));
            bytes = (Bytes(database, schema) - before) / Runs;
            await raw.AddAsync(RawRows, () => Task.FromResult(Raw(database, (int)bytes)));
        }

        yield return new BenchmarkRow("durable run of ten activities, PostgreSQL", $"{ours}, {bytes / 1024.0:0.0} KB", raw.ToString(), $"{ours.Rate / raw.Rate:P0}", ">= 25 %");
        await house.DispatchAllAsync("ten", Runs / 2);
        yield return DurableRows.Row("the same, dispatched to the runner, PostgreSQL", await house.DispatchAllAsync("ten", Runs), raw.Rate, ">= 25 %");

        var bookmarks = new string[Runs];
        await DurableRows.EachAsync(Runs / 2, async i => await house.Runs.ResumeAsync((await house.ExecuteAsync("waits")).Bookmarks.Single().Id, null, null, CancellationToken.None), Callers);
        yield return DurableRows.Row("suspend, PostgreSQL", await DurableRows.EachAsync(Runs, async i => bookmarks[i] = (await house.ExecuteAsync("waits")).Bookmarks.Single().Id, Callers), raw.Rate, "");
        yield return DurableRows.Row("resume by id, PostgreSQL", await DurableRows.EachAsync(Runs, i => house.Runs.ResumeAsync(bookmarks[i], null, null, CancellationToken.None), Callers), raw.Rate, "");

        var (rate, stuck) = await house.ResumeAtOnceAsync(1_000);
        yield return new BenchmarkRow("1,000 resumes at once, PostgreSQL", $"{rate:N0}/s, {stuck} stuck", "", "", "0 stuck");
        yield return new BenchmarkRow("two events at once, 500 runs, PostgreSQL", $"{await house.TwoEventsAtOnceAsync(500)} stuck", "", "", "0 stuck");
        await foreach (var row in NodeRows.RunAsync(database))
        {
            yield return row;
        }
    }

    /// <summary>One prepared insert of as many bytes as a run takes, a hundred in one round trip and transaction.</summary>
    private static double Raw(string database, int bytes)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using (var create = new NpgsqlCommand("DROP TABLE IF EXISTS raw_runs; CREATE TABLE raw_runs (no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data BYTEA NOT NULL); ALTER TABLE raw_runs ALTER data SET STORAGE EXTERNAL", connection))
        {
            create.ExecuteNonQuery();
        }

        using var batch = new NpgsqlBatch(connection);
        for (var i = 0; i < 100; i++)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO raw_runs (data) VALUES ($1)") { Parameters = { new NpgsqlParameter<byte[]> { TypedValue = new byte[Math.Max(bytes, 100)] } } });
        }

        batch.Prepare();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < RawRows; i += 100)
        {
            batch.ExecuteNonQuery();
        }

        return RawRows / clock.Elapsed.TotalSeconds;
    }

    private static long Bytes(string database, string schema)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using var command = new NpgsqlCommand("SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
        return (long)command.ExecuteScalar()!;
    }

    public static void Execute(string database, string sql)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    /// <summary>Rounds of the same work: their rate, and the processor time of each run, here and in the database.</summary>
    private sealed class Tally(string database)
    {
        private double _runs;
        private double _seconds;
        private double _here;
        private double _there;

        public double Rate => _runs / _seconds;

        public async Task AddAsync(int runs, Func<Task<double>> work)
        {
            var (here, there) = (Processors.OfThis(), Processors.OfDatabase(database));
            _seconds += runs / await work();
            _runs += runs;
            _here += Processors.OfThis() - here;
            _there += Processors.OfDatabase(database) - there;
        }

        public override string ToString() => $"{Rate:N0}/s, {1e6 * _here / _runs:0} + {1e6 * _there / _runs:0} us CPU";
    }
}
