using System.Diagnostics;
using System.Globalization;
using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>What three real servers on one PostgreSQL cost and reach. By hand, on a machine that does nothing else: <c>AUTOMATION_MEASURE_NODES=1 dotnet test tests/Automation.ServerTests --filter NodeMeasures --logger "console;verbosity=detailed"</c>.</summary>
public sealed class NodeMeasures(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly int Sources = int.TryParse(Environment.GetEnvironmentVariable("AUTOMATION_MEASURE_SOURCES"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 10_000;

    [SkippableFact]
    public async Task ThreeServers_IdleCost_ThousandResumes_TenThousandSources()
    {
        Skip.If(Environment.GetEnvironmentVariable("AUTOMATION_MEASURE_NODES") != "1", "Set AUTOMATION_MEASURE_NODES=1: it takes four minutes of a quiet machine.");
        var cluster = await PostgreSqlCluster.StartDurableAsync();
        try
        {
            using var installation = new NodeInstallation(await cluster.NewSchemaAsync(), 3);
            ServerProcess[] servers = [installation[0], installation[1], installation[2]];
            await Task.WhenAll(servers.Select(server => server.StartAsync()).Append(installation.Outside.StartAsync()));
            await IdleAsync(installation, servers);
            await ResumesAsync(installation, servers);
            await SourcesAsync(installation, servers);
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    private async Task IdleAsync(NodeInstallation installation, ServerProcess[] servers)
    {
        await WaitAsync(TimeSpan.FromSeconds(15));
        var before = (Transactions: await TransactionsAsync(installation), Ticks: servers.Select(Ticks).ToList());
        var clock = Stopwatch.StartNew();
        await WaitAsync(TimeSpan.FromSeconds(60));
        var seconds = clock.Elapsed.TotalSeconds;
        var each = (await TransactionsAsync(installation) - before.Transactions) / seconds / servers.Length;
        var processors = servers.Select((server, i) => (Ticks(server) - before.Ticks[i]) / seconds).ToList();
        output.WriteLine($"idle: {each:0.0} transactions/s of each server, {string.Join(", ", processors.Select(ticks => $"{ticks:0.00} %"))} of a core");
        each.Should().BeLessThan(20);
    }

    private async Task ResumesAsync(NodeInstallation installation, ServerProcess[] servers)
    {
        const int runs = 1_000;
        await servers[0].PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("resumed", FlowsOf.Activity("wait", "Elsa.Event", ("eventName", "go")), FlowsOf.Activity("after", "Elsa.SetName", ("value", "resumed"))));
        await servers[0].PostAsync("/elsa/api/workflow-definitions/resumed/publish", new JObject());
        await Parallel.ForEachAsync(Enumerable.Range(0, runs), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await servers[i % 3].PostAsync("/elsa/api/workflow-definitions/resumed/execute", new JObject()));
        var clock = Stopwatch.StartNew();
        await servers[1].PostAsync("/elsa/api/events/go/trigger", new JObject());
        await Eventually.HoldsAsync("all have ended", Patience, async () => await installation.QueryAsync<long>("SELECT COUNT(*) FROM instances WHERE definition_id = 'resumed' AND status = 1 AND sub_status = 3") == runs);
        var shares = await installation.QueryAsync<string>("SELECT string_agg(n::text, ' + ') FROM (SELECT COUNT(*) AS n FROM instances WHERE definition_id = 'resumed' GROUP BY node) shares");
        output.WriteLine($"{runs} runs resumed at once: all ended after {clock.Elapsed.TotalSeconds:0.0} s, by server {shares}");
    }

    /// <summary>Lists of one record, asked for at the outside by real calls: from when a source is due to when its poll has ended.</summary>
    private async Task SourcesAsync(NodeInstallation installation, ServerProcess[] servers)
    {
        await installation.Outside.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":1000000,"windowMs":1000}"""));
        await installation.ConnectAsync("ghl", "gohighlevel", new Uri(installation.Outside.Url, "/sandbox/ghl"), "sandbox-ghl-token");
        await servers[0].PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("polled", FlowsOf.Activity("found", "GoHighLevel.Workflows.ListWorkflows", ("connectionId", "ghl"), ("locationId", "loc-1"), ("interval", "1h")).AsTrigger()));
        await servers[0].PostAsync("/elsa/api/workflow-definitions/polled/publish", new JObject());
        await Eventually.HoldsAsync("the source is baselined", Patience, async () => await installation.QueryAsync<long>("SELECT COUNT(*) FROM sources WHERE baselined_at IS NOT NULL") == 1);
        var start = TimeProvider.System.GetUtcNow().AddSeconds(15).UtcTicks;
        await installation.QueryAsync<object>($"""
            CREATE TABLE measured AS SELECT 's' || i AS id, {start} + i * (600000000::bigint / {Sources}) AS due FROM generate_series(1, {Sources}) i;
            INSERT INTO sources OVERRIDING SYSTEM VALUE
                SELECT (jsonb_populate_record(s, jsonb_build_object('no', 1000000 + row_number() OVER (), 'id', m.id, 'due_at', m.due))).* FROM sources s, measured m WHERE s.id NOT IN (SELECT id FROM measured);
            INSERT INTO triggers SELECT (jsonb_populate_record(t, jsonb_build_object('id', m.id, 'source_id', m.id, 'activity_id', m.id))).* FROM triggers t, measured m WHERE t.kind = 'poll' AND t.definition_id = 'polled';
            ANALYZE sources; ANALYZE triggers; SELECT 1::bigint
            """);
        await Eventually.HoldsAsync("all are polled", Patience, async () => await installation.QueryAsync<long>("SELECT COUNT(*) FROM sources s JOIN measured m USING (id) WHERE s.due_at > m.due + 10000000") == Sources);
        var lags = await installation.QueryAsync<double[]>("SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY (s.last_poll_at - m.due) / 1e7) FROM sources s JOIN measured m USING (id)");
        var calls = await Task.WhenAll(servers.Select(async server => (Ticks(server), await server.NodeAsync())));
        output.WriteLine($"{Sources:N0} sources due within a minute: lag p50 {lags[0]:0.00} s, p99 {lags[1]:0.00} s, worst {lags[2]:0.00} s; processor time of the servers {string.Join(", ", calls.Select(call => $"{call.Item1 / 100:0} s"))}");
    }

    private static Task<long> TransactionsAsync(NodeInstallation installation) => installation.QueryAsync<long>("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()");

    /// <summary>Processor time so far, in hundredths of a second.</summary>
    private static double Ticks(ServerProcess server)
    {
        using var process = Process.GetProcessById(server.Pid);
        return process.TotalProcessorTime.TotalSeconds * 100;
    }

    private static async Task WaitAsync(TimeSpan time) => await Task.Delay(time, TimeProvider.System);
}
