using System.ComponentModel;
using System.Diagnostics;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>The vendor's own client works with the sandbox of a real server, operation by operation and by outcome: <c>tests/tools/vendor-sdk</c>, restored from npm.</summary>
public sealed class VendorSdkTests
{
    [SkippableFact]
    public async Task VendorsClient_WorksWithTheSandbox()
    {
        var folder = Restored();
        using var server = new ServerProcess();
        await server.StartAsync();

        // One operation after the other, then what takes longer: limits, pages, tokens that end, webhooks.
        foreach (var (script, checks) in (IEnumerable<(string, int)>)[("check.mjs", 141), ("life.mjs", 17)])
        {
            var (exit, output) = Run("node", folder, [script, new Uri(server.Url, "/sandbox/ghl").ToString(), "sandbox-ghl-token", ServerProcess.ApiKey]);

            exit.Should().Be(0, "{0}", output);
            var operations = output.Split('\n').Where(line => line.StartsWith('{')).Select(JObject.Parse).ToList();
            string.Join("\n", operations.Where(o => !(bool)o["ok"]!).Select(o => $"{o["operation"]}: {o["problem"]}")).Should().BeEmpty();
            operations.Select(o => (string?)o["operation"]).Should().OnlyHaveUniqueItems().And.HaveCount(checks);
        }
    }

    /// <summary>The script's folder with its packages; the test is skipped with the reason where they cannot be had.</summary>
    private static string Restored()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Automation.sln")))
        {
            root = root.Parent ?? throw new InvalidOperationException("The tests do not run from within the repository.");
        }

        var folder = Path.Combine(root.FullName, "tests", "tools", "vendor-sdk");
        var restored = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
        if (!restored.Exists || restored.LastWriteTimeUtc < File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
        {
            var (exit, output) = Run(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", folder, ["ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
            Skip.If(exit != 0, $"npm could not restore the vendor's client: {output}");
            File.SetLastWriteTimeUtc(restored.FullName, TimeProvider.System.GetUtcNow().UtcDateTime);
        }

        return folder;
    }

    private static (int Exit, string Output) Run(string program, string folder, IEnumerable<string> arguments)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true } };
        try
        {
            process.Start();
        }
        catch (Win32Exception missing)
        {
            Skip.If(true, $"There is no {program} here: {missing.Message}");
        }

        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
