using System.Diagnostics;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Benchmarks;

/// <summary>Large flowcharts in memory: compiled, run, and their state written, by activity. What is linear costs the same by activity at every size.</summary>
internal static class FlowchartRows
{
    private static readonly int[] Sizes = [100, 500, 1_000];

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        var registry = new ActivityRegistry().AddControlFlow();
        registry.Add(typeof(Nothing));
        var engine = new WorkflowEngine(registry, new EngineOptions(), TimeProvider.System);
        foreach (var mode in new[] { "Token", "Counter" })
        {
            foreach (var (shape, edges) in new (string, Func<int, IEnumerable<(int, int)>>)[] { ("chain", Chain), ("fan out and in", Fan), ("ladder", Ladder), ("braid", Braid) })
            {
                var costs = new List<double>();
                foreach (var size in Sizes)
                {
                    costs.Add(await MeasureAsync(engine, Definition(size, edges(size), mode), size));
                }

                yield return new BenchmarkRow($"flowchart {shape}, {mode.ToLowerInvariant()}, 100/500/1,000", string.Join(" / ", costs.Select(c => $"{c:0.0}")) + " µs each", "", $"{costs[^1] / costs[0]:0.0}x", "the same at each size");
            }
        }
    }

    private static IEnumerable<(int, int)> Chain(int size) => Enumerable.Range(0, size - 1).Select(i => (i, i + 1));
    private static IEnumerable<(int, int)> Fan(int size) => Enumerable.Range(1, size - 2).SelectMany(i => new[] { (0, i), (i, size - 1) });

    /// <summary>Two ways side by side that meet after each pair.</summary>
    private static IEnumerable<(int, int)> Ladder(int size)
    {
        for (var i = 0; i + 3 < size; i += 3)
        {
            yield return (i, i + 1);
            yield return (i, i + 2);
            yield return (i + 1, i + 3);
            yield return (i + 2, i + 3);
        }
    }

    private static IEnumerable<(int, int)> Braid(int size) => Enumerable.Range(0, size - 3).SelectMany(i => new[] { (i, i + 1), (i, i + 2) });

    private static WorkflowDefinition Definition(int size, IEnumerable<(int From, int To)> edges, string mode) => new()
    {
        Json = new JObject
        {
            ["definitionId"] = "large",
            ["customProperties"] = new JObject { ["flowchartMode"] = mode },
            ["root"] = new JObject
            {
                ["id"] = "f",
                ["type"] = "Elsa.Flowchart",
                ["activities"] = new JArray(Enumerable.Range(0, size).Select(i => new JObject { ["id"] = "a" + i, ["type"] = "Bench.Nothing", ["text"] = "x" })),
                ["connections"] = new JArray(edges.Select(e => new JObject { ["source"] = new JObject { ["activity"] = "a" + e.From, ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = "a" + e.To } })),
            },
        },
    };

    private static async Task<double> MeasureAsync(WorkflowEngine engine, WorkflowDefinition definition, int size)
    {
        var best = double.MaxValue;
        for (var round = 0; round < 12; round++)
        {
            var started = Stopwatch.GetTimestamp();
            var plan = engine.Compile(definition);
            var run = engine.Create(plan, new RunStart { InstanceId = Ids.New(TimeProvider.System) });
            await engine.RunAsync(run, [], EngineRows.Services.None, CancellationToken.None);
            run.SaveState();
            if (run.SubStatus != WorkflowSubStatus.Finished || run.DrainChanges().Journal.Count < size)
            {
                throw new InvalidOperationException($"The run did not do what is measured: {run.SubStatus}, {run.ActivityCount} activities, {(run.Incidents.Count > 0 ? run.Incidents[0].Fault.Message : "")}");
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMicroseconds / size);
        }

        return best;
    }
}
