using System.CommandLine;
using System.Text.RegularExpressions;

namespace Automation.Server.Commands;

/// <summary><c>health</c>: asks a running server whether it can work. For containers, whose images have nothing else to ask with.</summary>
internal static partial class HealthCommand
{
    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "Address of the server.", DefaultValueFactory = _ => OwnAddress(Environment.GetEnvironmentVariable("ASPNETCORE_URLS"), Environment.GetEnvironmentVariable("ASPNETCORE_HTTP_PORTS")) };
        var command = new Command("health", "Asks a running server whether it is ready. Exit code 0: it is.") { url };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(4) };
            try
            {
                using var response = await client.GetAsync(new Uri(new Uri(parsed.GetValue(url)!), "/health/ready"), cancellationToken);
                Console.WriteLine(await response.Content.ReadAsStringAsync(cancellationToken));
                return response.IsSuccessStatusCode ? CommandLine.Done : CommandLine.Failed;
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException or UriFormatException)
            {
                return CommandLine.Fail(error.Message);
            }
        });
        return command;
    }

    /// <summary>Where a server with this environment listens, seen from its own machine: addresses go before ports.</summary>
    internal static string OwnAddress(string? urls, string? ports)
    {
        var url = urls?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? $"http://127.0.0.1:{ports?.Split(';')[0] ?? "5000"}";
        return AnyHost().Replace(url, "://127.0.0.1");
    }

    [GeneratedRegex(@"://(\*|\+|0\.0\.0\.0|\[::\])")]
    private static partial Regex AnyHost();
}
