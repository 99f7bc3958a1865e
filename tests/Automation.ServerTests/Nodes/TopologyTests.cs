using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Nodes;

/// <summary>The topology of docker-compose.yml, started by its script as plain processes.</summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class TopologyTests(PostgreSqlCluster cluster)
{
    [SkippableFact]
    public async Task Topology_OfTheComposeFile_ServesOnBothServersAndOutlivesOne()
    {
        await cluster.NewSchemaAsync();
        var folder = Path.Combine(Path.GetTempPath(), "automation-topology-" + Environment.ProcessId);
        try
        {
            var (exitCode, output, errors) = await ScriptAsync("start", folder);
            exitCode.Should().Be(0, errors);
            var servers = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Select(parts => (Url: new Uri(parts[1]), Pid: int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture))).ToList();
            servers.Should().HaveCount(2);
            var password = (await File.ReadAllTextAsync(Path.Combine(folder, "secrets", "admin_password"))).Trim();

            using var client = new HttpClient();
            using var login = await client.PostAsync(new Uri(servers[0].Url, "/elsa/api/identity/login"), new StringContent(new JObject { ["username"] = "admin", ["password"] = password }.ToString(), Encoding.UTF8, "application/json"));
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)JObject.Parse(await login.Content.ReadAsStringAsync())["accessToken"]!);
            foreach (var server in servers)
            {
                ((int)JObject.Parse(await client.GetStringAsync(new Uri(server.Url, "/api/templates")))["total"]!).Should().BePositive();
            }

            Process.GetProcessById(servers[0].Pid).Kill();
            await Eventually.HoldsAsync("the other server goes on", TimeSpan.FromSeconds(10), async () => (await client.GetAsync(new Uri(servers[1].Url, "/health/ready"))).IsSuccessStatusCode);
        }
        finally
        {
            await ScriptAsync("stop", folder);
        }
    }

    private static async Task<(int ExitCode, string Output, string Errors)> ScriptAsync(string action, string folder)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "docker-compose.yml")))
        {
            root = root.Parent ?? throw new InvalidOperationException("docker-compose.yml was not found above the test assembly.");
        }

        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(root.FullName, "tests", "tools", "topology.sh"));
        start.ArgumentList.Add(action);
        start.ArgumentList.Add(folder);
        start.Environment["AUTOMATION_SERVER"] = Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
