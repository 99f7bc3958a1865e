using System.Diagnostics;
using System.Text;
using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>The disk of PostgreSQL runs full under load: that of its data (it refuses writes), and that of its log (it ends itself). By hand, since it needs root, to mount small disks: <c>AUTOMATION_TEST_FULL_DISK=1 dotnet test tests/Automation.ServerTests --filter FullDisk</c>.</summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private const string Flow = "keep";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [SkippableTheory]
    [InlineData("data")]
    [InlineData("wal")]
    public async Task Disk_ThatIsFullUnderLoad_IsTold_AndNothingIsLostWhenThereIsRoom(string what)
    {
        Skip.If(Environment.GetEnvironmentVariable("AUTOMATION_TEST_FULL_DISK") != "1", "Set AUTOMATION_TEST_FULL_DISK=1, as root: it mounts small disks.");
        var root = Directory.CreateTempSubdirectory("automation-full-").FullName;
        var (data, wal) = (Path.Combine(root, "database"), Path.Combine(root, "wal"));
        Directory.CreateDirectory(data);
        Directory.CreateDirectory(wal);
        await ShellAsync($"chmod 755 {root}");
        var small = what == "data" ? data : wal;
        await ShellAsync($"mount -t tmpfs -o size={(what == "data" ? 110 : 60)}m automation {small}");
        await ShellAsync($"chown postgres {wal}");
        PostgreSqlCluster? cluster = null;
        try
        {
            cluster = await PostgreSqlCluster.StartInAsync(data, wal + "/log");
            var database = await cluster.NewSchemaAsync();
            using var installation = new NodeInstallation(database, 2);
            try
            {
                await LoadAsync(installation, cluster, what, small);
            }
            catch
            {
                output.WriteLine(installation.Logs);
                throw;
            }
        }
        finally
        {
            await (cluster?.DisposeAsync() ?? Task.CompletedTask);
            await ShellAsync($"umount {small}; rm -rf {root}");
        }
    }

    private async Task LoadAsync(NodeInstallation installation, PostgreSqlCluster cluster, string what, string small)
    {
        var clock = Stopwatch.StartNew();
        void Note(string text) => output.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s: {text}");
        var (first, second) = (installation[0], installation[1]);
        await Task.WhenAll(first.StartAsync(), second.StartAsync());
        var pids = (first.Pid, second.Pid);
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(Flow, FlowsOf.Activity("name", "Elsa.SetName", ("value", "=getInput('id')")), FlowsOf.Activity("wait", "Elsa.Delay", ("timeSpan", "00:00:03")), FlowsOf.Activity("after", "Elsa.SetName", ("value", "=getInput('id')"))));
        await first.PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());

        // Each run brings 40 KB that do not get smaller.
        var accepted = new List<string>();
        var random = new Random(1);
        var isFull = false;
        string? told = null;
        for (var i = 0; clock.Elapsed < TimeSpan.FromMinutes(4) && told is null; i++)
        {
            var noise = new byte[30_000];
            random.NextBytes(noise);
            using var content = new StringContent(new JObject { ["input"] = new JObject { ["id"] = $"r{i}", ["noise"] = Convert.ToBase64String(noise) } }.ToString(), Encoding.UTF8, "application/json");
            try
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
                using var response = await (i % 2 == 0 ? first : second).Client.PostAsync(new Uri($"/elsa/api/workflow-definitions/{Flow}/dispatch", UriKind.Relative), content, patience.Token);
                var text = await response.Content.ReadAsStringAsync();
                if (response.IsSuccessStatusCode)
                {
                    accepted.Add((string)JObject.Parse(text)["workflowInstanceId"]!);
                }
                else
                {
                    if (!isFull)
                    {
                        Note($"after {accepted.Count} runs: {(int)response.StatusCode} {text}");
                    }

                    isFull = true;
                    text.Should().NotContain("   at ");
                }
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
                Note("a request had no answer: " + error.Message);
                isFull = true;
            }

            if (what == "data" && i == 50)
            {
                await ShellAsync($"dd if=/dev/zero of={small}/balloon bs=1M 2>/dev/null || true");
            }

            told = isFull && await ReadyAsync(first) is { IsReady: false } state ? state.Text : null;
        }

        told.Should().NotBeNull("the disk became full");
        Note("/health/ready: " + told);
        told.Should().Contain(what == "data" ? "full" : "does not answer");
        (first.Pid, second.Pid).Should().Be(pids, "they go on running");

        await ShellAsync(what == "data" ? $"rm {small}/balloon" : $"mount -o remount,size=400m {small}");
        await cluster.EnsureRunningAsync();
        Note("there is room again");
        await Eventually.HoldsAsync("both are ready", Patience, async () => (await ReadyAsync(first)).IsReady && (await ReadyAsync(second)).IsReady);
        Note("both are ready");
        await Eventually.HoldsAsync("every accepted run has ended", Patience, async () =>
            await installation.QueryAsync<long>($"SELECT COUNT(*) FROM instances WHERE status = 1 AND sub_status = 3 AND id IN ('{string.Join("','", accepted)}')") == accepted.Count);
        Note($"all {accepted.Count} accepted runs have ended; {await installation.QueryAsync<long>("SELECT COUNT(*) FROM instances WHERE status = 0")} others are open");
        (first.Log + second.Log).Should().NotContain("Unhandled exception");
        Note($"log lines that say full: {(first.Log + second.Log).Split('\n').Count(line => line.Contains("is full", StringComparison.Ordinal))}, lines in all: {(first.Log + second.Log).Split('\n').Length}");
    }

    private static async Task<(bool IsReady, string Text)> ReadyAsync(ServerProcess server)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        using var response = await server.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), patience.Token);
        return (response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(patience.Token));
    }

    private static async Task ShellAsync(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash") { ArgumentList = { "-c", command } })!;
        await shell.WaitForExitAsync();
        shell.ExitCode.Should().Be(0, command);
    }
}
