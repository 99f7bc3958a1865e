using System.Globalization;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Automation.ServerTests.Nodes;

/// <summary>Real servers on one PostgreSQL that lose each other and the database in the middle of their work. <c>AUTOMATION_TEST_CONTACTS</c> sets how many contacts they share (5,000 by hand).</summary>
public sealed class PostgreSqlNodesTests(ITestOutputHelper output)
{
    private static readonly int Contacts = int.TryParse(Environment.GetEnvironmentVariable("AUTOMATION_TEST_CONTACTS"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 300;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60 + (Contacts / 20));

    [SkippableFact]
    public async Task ThreeServers_OneFrozenOneKilledTheDatabaseRestarted_StartOneRunPerContact()
    {
        var cluster = await PostgreSqlCluster.StartDurableAsync();
        try
        {
            // Leases are short, so that the frozen server's have passed to others within the test's time.
            using var installation = new NodeInstallation(await cluster.NewSchemaAsync(), 3, ("Automation__Runner__LeaseDuration", "00:00:05"), ("Automation__Runner__LeaseRenewal", "00:00:01.5"), ("Automation__Runner__Concurrency", "8"));
            try
            {
                await RunAsync(cluster, installation);
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

    private async Task RunAsync(PostgreSqlCluster cluster, NodeInstallation installation)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        void Note(string what) => output.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s: {what}");
        var (first, second, third) = (installation[0], installation[1], installation[2]);
        await Task.WhenAll(installation.Outside.StartAsync(), first.StartAsync(), second.StartAsync());
        Note("two servers are ready");
        await installation.PrepareAsync();
        Note("the flow is published and baselined");

        // Each write is in flight for a while, so that whoever is stopped is stopped in the middle of some.
        await installation.Outside.PostAsync("/sandbox/control/flocksy/faults", JObject.Parse("""{"match":"* /tag-mappings*","times":100000,"delayMs":60}"""));
        await installation.AddContactsAsync(Contacts);
        await FinishedAsync(first, 1, 40);
        Note("runs are under way");

        // The doorbell forgets all that was rung: the sweep rings again.
        await cluster.ExecuteAsync($"TRUNCATE {installation.Schema}_hangfire.job, {installation.Schema}_hangfire.jobqueue, {installation.Schema}_hangfire.state, {installation.Schema}_hangfire.jobparameter CASCADE");
        await FinishedAsync(first, 1, 20);

        second.Freeze();
        var frozen = clock.Elapsed;
        await third.StartAsync();
        Note("one server stands still, a third has joined");
        await FinishedAsync(first, 1, 3);
        await cluster.RestartAsync();
        Note("the database was restarted");
        await FinishedAsync(third, 2, 5);

        await Eventually.HoldsAsync("the frozen server's leases have run out", Patience, () => Task.FromResult(clock.Elapsed - frozen > TimeSpan.FromSeconds(7)));
        second.Thaw();
        Note("the frozen server goes on");
        await Eventually.HoldsAsync("the server that stood still says so", TimeSpan.FromSeconds(30), () => Task.FromResult(second.Log.Contains("nothing more of", StringComparison.Ordinal)));
        await FinishedAsync(third, 1, 2);
        await first.KillAsync();
        Note("a server is killed");
        await Eventually.HoldsAsync("every contact has a run that ended", Patience, async () => await installation.CountAsync(third, "Finished") + await installation.CountAsync(third, "Faulted") >= Contacts);

        Note("all runs have ended");
        (await installation.CountAsync(third, null)).Should().Be(Contacts);
        (await installation.CountAsync(third, "Faulted")).Should().Be(0);
        (await installation.MappingsAsync()).Should().HaveCount(Contacts).And.OnlyHaveUniqueItems();
        var shares = await installation.RunsByNodeAsync(third);
        output.WriteLine(string.Join(", ", shares.Select(share => $"{share.Key}: {share.Value}")));
        shares.Should().HaveCount(3);

        Task FinishedAsync(ServerProcess server, int numerator, int denominator) =>
            Eventually.HoldsAsync($"{numerator}/{denominator} of the runs have ended", Patience, async () => await installation.CountAsync(server, "Finished") >= Contacts * numerator / denominator);
    }
}
