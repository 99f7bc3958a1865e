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

/// <summary>Real servers on one PostgreSQL that lose each other and the database in the middle of their work. <c>AUTOMATION_TEST_CONTACTS</c> sets how many contacts they share (5,000 by hand).</summary>
public sealed class PostgreSqlNodesTests(ITestOutputHelper output)
{
    private readonly Stopwatch clock = Stopwatch.StartNew();

    private static readonly int Contacts = int.TryParse(Environment.GetEnvironmentVariable("AUTOMATION_TEST_CONTACTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90 + (Contacts / 10));

    [SkippableFact]
    public async Task Servers_OneJoinsOneIsKilledOneIsFrozenTheDatabaseCrashes_EveryContactHasOneRunAndEachWriteHappensOnce()
    {
        var cluster = await PostgreSqlCluster.StartDurableAsync();
        try
        {
            // Leases are short, so that the frozen server's have passed to others within the test's time.
            using var installation = new NodeInstallation(await cluster.NewSchemaAsync(), 4, ("Automation__Runner__LeaseDuration", "00:00:05"), ("Automation__Runner__LeaseRenewal", "00:00:01.5"), ("Automation__Runner__Concurrency", "8"));
            try
            {
                var left = await LoseServersAndDatabaseAsync(cluster, installation);
                await FreezeAsync(installation, left[0], left[1]);
            }
            catch
            {
                output.WriteLine(installation.Logs);
                throw;
            }
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    private void Note(string what) => output.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s: {what}");

    /// <returns>The servers that are left.</returns>
    private async Task<List<ServerProcess>> LoseServersAndDatabaseAsync(PostgreSqlCluster cluster, NodeInstallation installation)
    {
        var (first, second, third, fourth) = (installation[0], installation[1], installation[2], installation[3]);

        // Three at once on an empty database, without a key file: one makes the tables, one makes the key.
        await Task.WhenAll(installation.Outside.StartAsync(), first.StartAsync(), second.StartAsync(), third.StartAsync());
        Note("three servers are ready");
        await installation.PrepareAsync();
        await installation.SlowDownWritesAsync(150);
        var contacts = Enumerable.Range(0, Contacts).Select(i => $"node-{i:0000}").ToList();
        var servers = new Dictionary<string, ServerProcess> { [await first.NodeAsync()] = first, [await second.NodeAsync()] = second, [await third.NodeAsync()] = third };

        // A quarter comes before each blow, so that each falls on runs in progress, however slow or fast the machine is.
        await AddQuarterAsync(0);
        await EndedAsync(first, 1);

        // The doorbell forgets all that was rung: the sweep rings again.
        await cluster.ExecuteAsync($"TRUNCATE {installation.Schema}_hangfire.job, {installation.Schema}_hangfire.jobqueue, {installation.Schema}_hangfire.state, {installation.Schema}_hangfire.jobparameter CASCADE");
        var frozenNode = await SendingAsync(1);
        servers[frozenNode].Freeze();
        Note("Hangfire's tables were emptied; one server stands still");
        await AddQuarterAsync(2);
        await fourth.StartAsync();
        servers.Add(await fourth.NodeAsync(), fourth);
        Note("a fourth has joined");
        await EndedAsync(fourth, Contacts / 4);
        await cluster.RestartAsync();
        Note("the database crashed and is back");
        await Eventually.HoldsAsync("nothing is the frozen server's any more", Patience, async () =>
            await installation.QueryAsync<long>($"SELECT COUNT(*) FROM instances WHERE status = 0 AND lease_owner = '{frozenNode}'") == 0);
        servers[frozenNode].Thaw();
        Note("the frozen server goes on");
        var killedNode = await SendingAsync(3, except: frozenNode);
        await servers[killedNode].KillAsync();
        Note("a server is killed");
        var left = servers.Where(server => server.Key != killedNode).Select(server => server.Value).ToList();
        await Eventually.HoldsAsync("every contact has a run that ended", Patience, async () => await installation.EndedAsync(left[0]) >= Contacts);

        (await installation.CountAsync(left[0], null)).Should().Be(Contacts);
        var unsure = await installation.AssertEachEffectOnceAsync(left[0], contacts);
        var shares = await installation.RunsByNodeAsync(left[0]);
        Note($"{Contacts} runs, {unsure} incidents \"outcome unknown\", by server: {string.Join(", ", shares.Values)}");
        shares.Should().HaveCount(4);
        unsure.Should().BePositive("enrolments were in flight when servers ended");
        servers[frozenNode].Log.Should().Contain("stood still");
        return left;

        Task AddQuarterAsync(int quarter) => installation.AddContactsAsync(contacts.Skip(quarter * Contacts / 4).Take(Contacts / 4));

        Task EndedAsync(ServerProcess server, long count) => Eventually.HoldsAsync($"{count} runs have ended", Patience, async () => await installation.EndedAsync(server) >= count);

        // Whoever has sent an enrolment and has no answer yet. Which of them gets the runs is theirs to settle; where nobody has one in its hands, more contacts come.
        async Task<string> SendingAsync(int quarter, string except = "")
        {
            string? node = null;
            var ahead = Stopwatch.StartNew();
            var more = contacts.Skip(quarter * Contacts / 4).Take(Contacts / 4).Chunk(Math.Max(1, Contacts / 20)).ToList();
            await Eventually.HoldsAsync("a server is in the middle of enrolments", Patience, async () =>
            {
                if (more.Count > 0 && ahead.Elapsed > TimeSpan.FromSeconds(2))
                {
                    await installation.AddContactsAsync(more[0]);
                    more.RemoveAt(0);
                    ahead.Restart();
                }

                node = await installation.QueryAsync<string?>($"SELECT MAX(i.lease_owner) FROM effects e JOIN instances i ON i.id = e.instance_id WHERE e.status = 'intent' AND e.activity_id = 'enrol' AND i.lease_owner <> '{except}'");
                return node is not null;
            });
            await installation.AddContactsAsync(more.SelectMany(ids => ids));
            return node!;
        }
    }

    /// <summary>A server is frozen with runs in its hands: some wait for an answer, some are about to try a refused write again. The others end these runs. What the outside gets of them afterwards can only be the frozen server's.</summary>
    private async Task FreezeAsync(NodeInstallation installation, ServerProcess frozen, ServerProcess other)
    {
        const string flow = "held";
        var contacts = Enumerable.Range(0, 8).Select(i => $"{(i % 2 == 0 ? "waits" : "retries")}-{i}").ToList();
        await installation.ClearFaultsAsync();
        await installation.Outside.PostAsync("/sandbox/control/ghl/contacts", new JArray(contacts.Select(id => (object)new JObject { ["id"] = id, ["locationId"] = "loc-1", ["firstName"] = "Ada", ["email"] = id + "@example.com" }).ToArray()));
        await installation.Outside.PostAsync("/sandbox/control/ghl/faults", JObject.Parse("""{"match":"POST /contacts/waits-*/notes","times":-1,"delayMs":30000,"after":true}"""));
        await installation.Outside.PostAsync("/sandbox/control/ghl/faults", JObject.Parse("""{"match":"PUT /contacts/retries-*","times":-1,"status":503}"""));
        await frozen.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(flow, NodeInstallation.Writes("getInput('id')")));
        await frozen.PostAsync($"/elsa/api/workflow-definitions/{flow}/publish", new JObject());
        var node = await frozen.NodeAsync();
        foreach (var contact in contacts)
        {
            await frozen.PostAsync($"/elsa/api/workflow-definitions/{flow}/dispatch", new JObject { ["input"] = new JObject { ["id"] = contact } });
        }

        await Eventually.HoldsAsync("it waits for answers, and was refused", Patience, async () =>
        {
            var paths = (await installation.Outside.GetAsync("/sandbox/control/requests?limit=40"))["items"]!.Select(request => (string)request["path"]!).ToList();
            return contacts.TrueForAll(contact => paths.Any(path => path.Contains(contact, StringComparison.Ordinal) && (path.EndsWith("/notes", StringComparison.Ordinal) || contact.StartsWith("retries", StringComparison.Ordinal))));
        });
        frozen.Freeze();
        var since = clock.Elapsed;
        var held = await installation.QueryAsync<string[]>($"SELECT array_agg(id) FROM instances WHERE definition_id = '{flow}' AND lease_owner = '{node}'");
        held.Should().NotBeEmpty();
        await installation.ClearFaultsAsync();
        await Eventually.HoldsAsync("the others have ended what it held", Patience, async () => await installation.EndedAsync(other, flow) == contacts.Count);
        Note($"{held.Length} runs of a frozen server were ended by others {(clock.Elapsed - since).TotalSeconds:0.0} s later; leases last 5 s");

        // All that is stored of these runs, and all that the outside has received for them.
        const string stored = $"""
            SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
                SELECT i::text AS line FROM instances i WHERE definition_id = '{flow}'
                UNION ALL SELECT e::text FROM effects e WHERE instance_id IN (SELECT id FROM instances WHERE definition_id = '{flow}')
                UNION ALL SELECT s.instance_no::text || count(*)::text FROM journal_segments s JOIN instances i ON i.no = s.instance_no WHERE definition_id = '{flow}' GROUP BY s.instance_no
                UNION ALL SELECT n::text FROM incidents n WHERE instance_id IN (SELECT id FROM instances WHERE definition_id = '{flow}')) lines
            """;
        var before = (Stored: await installation.QueryAsync<string>(stored), Received: await ReceivedAsync());
        frozen.Thaw();
        await Eventually.HoldsAsync("it has said of each run that it does no more of it", Patience, () => Task.FromResult(held.All(id => frozen.Log.Contains($"Run {id}: the burst was stopped because its lease was lost", StringComparison.Ordinal))));
        frozen.Log.Should().Contain("stood still");

        // It works again, on new runs; by then whatever it still had in mind would have happened.
        await frozen.PostAsync($"/elsa/api/workflow-definitions/{NodeInstallation.Flow}/retract", new JObject());
        await frozen.GetAsync("/health/ready");
        (await ReceivedAsync()).Should().Equal(before.Received, "it sends nothing more");
        (await installation.QueryAsync<string>(stored)).Should().Be(before.Stored, "it commits nothing more");
        await installation.AssertEachEffectOnceAsync(other, contacts);
        Note("thawed, it sent and committed nothing more, and said so");

        async Task<List<string>> ReceivedAsync() =>
            [.. (await installation.Outside.GetAsync("/sandbox/control/requests?limit=400"))["items"]!.Where(request => contacts.Exists(contact => $"{request["path"]} {request["query"]} {request["body"]}".Contains(contact, StringComparison.Ordinal))).Select(request => $"{request["at"]} {request["method"]} {request["path"]}")];
    }
}
