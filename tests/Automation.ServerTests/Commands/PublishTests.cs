using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Xunit;

namespace Automation.ServerTests.Commands;

/// <summary>What <c>dotnet publish</c> makes of the server, started in a folder of its own as an operator does it.</summary>
public sealed partial class PublishTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("automation-publish-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Published_StartedElsewhere_HasItsPagesStylesTemplatesAndDesigner()
    {
        await PublishAsync();
        using var server = new ServerProcess(new Dictionary<string, string>
        {
            ["Automation__Definitions__Directory"] = "",
            ["Automation__Sandbox__Enabled"] = "",
            ["Automation__Security__BootstrapPassword"] = "",
        })
        { Program = Path.Combine(folder, "Automation.Server.dll") };
        await server.StartAsync();

        var page = await server.Client.GetStringAsync(new Uri("/", UriKind.Relative));
        var styles = StyleSheet().Matches(page).Select(match => match.Groups[1].Value).ToList();
        styles.Should().HaveCountGreaterThan(1);
        foreach (var style in styles.Concat(["designer/_framework/blazor.webassembly.js"]))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/" + style);
            request.Headers.AcceptEncoding.ParseAdd("br");
            using var response = await server.Client.SendAsync(request);
            response.StatusCode.Should().Be(HttpStatusCode.OK, style);
            (await response.Content.ReadAsByteArrayAsync()).Should().NotBeEmpty(style);
            response.Content.Headers.ContentEncoding.Should().Equal(["br"], style);
            response.Headers.CacheControl!.ToString().Should().MatchRegex(style.Contains('/', StringComparison.Ordinal) ? "no-cache" : "max-age=31536000", style);
            response.Headers.ETag.Should().NotBeNull(style);
        }

        (await server.GetAsync("/api/templates"))["items"]!.Select(template => (string?)template["name"]).Should().Contain("tag-sync");
        (await server.GetAsync("/api/connections"))["items"]!.Should().BeEmpty("there is no sandbox in production");
        server.Log.Should().Contain("/setup?token=").And.NotContain("warn: Microsoft");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(server.DataDirectory).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, "people's data is in it");
        }

        (await RunAsync(folder, [server.Program, "health"], ("ASPNETCORE_URLS", server.Url.ToString().Replace("127.0.0.1", "*", StringComparison.Ordinal)))).Exit.Should().Be(0);
        await server.StopAsync();
        (await RunAsync(folder, [server.Program, "health", "--url", server.Url.ToString()])).Exit.Should().Be(1);
    }

    private async Task PublishAsync()
    {
        // The tests lie in bin/CONFIGURATION/FRAMEWORK: what was built so is published as it is.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Automation.sln")))
        {
            root = root.Parent!;
        }

        var (exit, output) = await RunAsync(root.FullName, ["publish", "src/Automation.Server", "--no-build", "-c", configuration, "-o", folder, "-v", "q", "--nologo"]);
        exit.Should().Be(0, output);
    }

    private static async Task<(int Exit, string Output)> RunAsync(string directory, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await error);
    }

    [GeneratedRegex("<link rel=\"stylesheet\" href=\"([^\"]+)\"")]
    private static partial Regex StyleSheet();
}
