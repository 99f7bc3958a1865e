using System.ComponentModel;
using System.Diagnostics;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>The cases that a real Elsa 3 server passes, against the real server, by their own runner.</summary>
public sealed class ConformanceTests
{
    [SkippableTheory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Conformance_AllCases_Pass(string mode)
    {
        var suite = Suite();
        Skip.If(suite is null, "The conformance cases (shared/elsa/conformance, beside the repository) are not here.");
        Skip.IfNot(await HasPythonAsync(), "The conformance runner needs python3, which is not installed.");
        using var server = new ServerProcess(new Dictionary<string, string> { ["Automation__Flowchart__Mode"] = mode });
        await server.StartAsync();

        var (exitCode, output) = await RunAsync(
            [
                Path.Combine(suite, "run_conformance.py"),
                "--cases", Path.Combine(suite, "cases"),
                "--base", new Uri(server.Url, "/elsa/api").ToString(),
                "--api-key", ServerProcess.ApiKey,
                "--flowchart", mode.ToLowerInvariant(),
            ]);

        var failures = string.Join('\n', output.Split('\n').Where(line => !line.StartsWith("PASS", StringComparison.Ordinal)));
        exitCode.Should().Be(0, "all cases pass, but:\n{0}", failures);
        output.Should().Contain("0 failed");
    }

    private static string? Suite()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var suite = Path.Combine(folder.FullName, "shared", "elsa", "conformance");
            if (File.Exists(Path.Combine(suite, "run_conformance.py")))
            {
                return suite;
            }
        }

        return null;
    }

    private static async Task<bool> HasPythonAsync()
    {
        try
        {
            return (await RunAsync(["--version"])).ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
