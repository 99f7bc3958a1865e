using System.Diagnostics;
using Automation.Activities.GoHighLevel;

namespace Automation.Benchmarks;

/// <summary>Reading the operations of GoHighLevel from their data, as each start does.</summary>
internal static class CatalogueRows
{
    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        await Task.CompletedTask;
        var process = Process.GetCurrentProcess();
        var (clock, before) = (Stopwatch.StartNew(), process.TotalProcessorTime);
        var count = GoHighLevelConnector.Create().Operations.Count;
        var cold = clock.Elapsed;
        process.Refresh();
        var cpu = process.TotalProcessorTime - before;
        clock.Restart();
        GoHighLevelConnector.Create();
        yield return new BenchmarkRow($"reading {count} operations, first time / again", $"{cold.TotalMilliseconds:0} ms ({cpu.TotalMilliseconds:0} ms CPU) / {clock.Elapsed.TotalMilliseconds:0} ms", "", "", "<= 100 ms");
    }
}
