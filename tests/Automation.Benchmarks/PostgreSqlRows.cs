using System.Diagnostics;
using Automation.Persistence;
using Npgsql;

namespace Automation.Benchmarks;

/// <summary>The durable rows on the PostgreSQL of <c>AUTOMATION_TEST_POSTGRES</c> (<c>tests/tools/postgres.sh start DIR durable</c> makes one), beside batched writes of the same bytes to it.</summary>
internal static class PostgreSqlRows
{
    private const int Runs = 8_000;

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
        await DurableRows.EachAsync(3 * Runs, _ => house.ExecuteAsync("ten"), Callers);
        var before = Bytes(database, schema);
        var executed = await DurableRows.EachAsync(Runs, _ => house.ExecuteAsync("ten"), Callers);
        var bytes = (Bytes(database, schema) - before) / Runs;
        var raw = Raw(database, (int)bytes);
        yield return DurableRows.Row("durable run of ten activities, PostgreSQL", executed, raw, ">= 25 %", $"{bytes / 1024.0:0.0} KB");
        await using (var second = await DurableRows.House.OpenAsync(services => services.AddPostgreSqlStores(database), () => { }, Callers))
        {
            yield return DurableRows.Row("the same by two nodes, PostgreSQL", await DurableRows.EachAsync(2 * Runs, i => (i % 2 == 0 ? house : second).ExecuteAsync("ten"), 2 * Callers), raw, ">= 25 %");
        }

        yield return DurableRows.Row("the same, dispatched to the runner, PostgreSQL", await house.DispatchAllAsync("ten", Runs), raw, ">= 25 %");

        var bookmarks = new string[Runs];
        yield return DurableRows.Row("suspend, PostgreSQL", await DurableRows.EachAsync(Runs, async i => bookmarks[i] = (await house.ExecuteAsync("waits")).Bookmarks.Single().Id, Callers), raw, "");
        yield return DurableRows.Row("resume by id, PostgreSQL", await DurableRows.EachAsync(Runs, i => house.Runs.ResumeAsync(bookmarks[i], null, null, CancellationToken.None), Callers), raw, "");

        var (rate, stuck) = await house.ResumeAtOnceAsync(1_000);
        yield return new BenchmarkRow("1,000 resumes at once, PostgreSQL", $"{rate:N0}/s, {stuck} stuck", "", "", "0 stuck");
        yield return new BenchmarkRow("two events at once, 500 runs, PostgreSQL", $"{await house.TwoEventsAtOnceAsync(500)} stuck", "", "", "0 stuck");
    }

    /// <summary>One prepared insert of as many bytes as a run takes, a hundred in one round trip and transaction.</summary>
    private static double Raw(string database, int bytes)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using (var create = new NpgsqlCommand("CREATE TABLE raw_runs (no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data BYTEA NOT NULL); ALTER TABLE raw_runs ALTER data SET STORAGE EXTERNAL", connection))
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
        for (var i = 0; i < Runs; i += 100)
        {
            batch.ExecuteNonQuery();
        }

        return Runs / clock.Elapsed.TotalSeconds;
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
}
