using System.Collections.Concurrent;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>
/// What a real Elsa 3 server made of some hundred small workflows, as data in <c>Elsa/Cases</c>; ours must make the same of them. A case that has a flowchart in it is run
/// in both flowchart modes.
/// </summary>
public sealed class ElsaCaseTests
{
    private const int AtOnce = 6;

    [Fact]
    public async Task Cases_AsElsaRanThem_HaveTheSameOutcome()
    {
        var cases = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Elsa", "Cases"), "*.json")
            .SelectMany(file => JArray.Parse(File.ReadAllText(file)).Cast<JObject>())
            .SelectMany(InModes)
            .ToList();
        cases.Should().HaveCountGreaterThan(500);
        using var server = new ServerProcess();
        await server.StartAsync();

        var failures = new ConcurrentBag<string>();
        var number = 0;
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (entry, cancellationToken) =>
        {
            try
            {
                await new ElsaCase(server, entry.Case, entry.Mode, "t" + Interlocked.Increment(ref number)).RunAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is ElsaCaseException or HttpRequestException)
            {
                failures.Add($"{entry.Case["name"]} ({entry.Mode}): {exception.Message}");
            }
        });

        string.Join('\n', failures.Order(StringComparer.Ordinal)).Should().BeEmpty("these cases are what Elsa does");
    }

    private static IEnumerable<(JObject Case, string Mode)> InModes(JObject definition)
    {
        var modes = definition["modes"]?.ToObject<string[]>() ?? ["token", "counter"];
        return modes.Take(definition["definitions"]!.ToString().Contains("Elsa.Flowchart", StringComparison.Ordinal) ? 2 : 1).Select(mode => (definition, mode));
    }
}
