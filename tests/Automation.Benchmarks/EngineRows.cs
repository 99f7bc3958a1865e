using System.Diagnostics;
using Automation.Engine;
using Jint;
using Newtonsoft.Json.Linq;
using Activity = Automation.Engine.Activity;
using ActivityContext = Automation.Engine.ActivityContext;

namespace Automation.Benchmarks;

/// <summary>Runs in memory, journal on: CPU time and allocation of a whole run, from its creation to its drained changes.</summary>
internal static class EngineRows
{
    private const int Rounds = 10;
    private const int RunsPerRound = 3_000;

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync()
    {
        var registry = new ActivityRegistry().AddControlFlow();
        registry.Add(typeof(Nothing));
        var engine = new WorkflowEngine(registry, new EngineOptions(), TimeProvider.System);
        foreach (var (name, root) in new[] { ("ten activities, sequence", Sequence(i => "item")), ("ten activities, flowchart (token)", Flowchart()), ("ten activities, flowchart (counter)", Flowchart()) })
        {
            var plan = Compile(engine, root, name.Contains("counter", StringComparison.Ordinal) ? "Counter" : "Token");
            var run = await MeasureAsync(() => OnceAsync(engine, plan));
            yield return new BenchmarkRow(name, run.ToString(), "", "", "<= 40 µs CPU, <= 20 KB");
        }

        // Texts as flows have them: a list turned into a line. The one-liners below them show what a run costs beside scripts that cost next to nothing.
        foreach (var (name, script, target) in new[]
        {
            ("ten JavaScript inputs", "['vip','new','gold'].map((tag, i) => `${tag.toUpperCase()} ${i + #}`).join(', ')", "<= 1.5x raw"),
            ("ten JavaScript inputs, one-liners", "'item ' + (# * 2 + 1)", ""),
        })
        {
            var scripts = Enumerable.Range(0, 10).Select(i => script.Replace("#", i.ToString(), StringComparison.Ordinal)).ToArray();
            var plan = Compile(engine, Sequence(i => new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = scripts[i] } }), "Token");
            var prepared = scripts.Select(s => Jint.Engine.PrepareScript(s)).ToArray();
            var ours = await MeasureAsync(() => OnceAsync(engine, plan));
            var raw = await MeasureAsync(() => Raw(engine.Options, prepared));
            yield return new BenchmarkRow(name, ours.ToString(), raw.ToString(), $"{ours.Microseconds / raw.Microseconds:0.00}x", target);
        }
    }

    private static async ValueTask OnceAsync(WorkflowEngine engine, WorkflowPlan plan)
    {
        var run = engine.Create(plan, new RunStart { InstanceId = Ids.New(TimeProvider.System) });
        await engine.RunAsync(run, [], Services.None, CancellationToken.None);
        if (run.DrainChanges().Journal.Count < 20 || run.SubStatus != WorkflowSubStatus.Finished)
        {
            throw new InvalidOperationException("The run did not do what is measured.");
        }
    }

    /// <summary>The same scripts in one fresh engine with the same limits, and no globals of ours.</summary>
    private static ValueTask Raw(EngineOptions limits, Prepared<Acornima.Ast.Script>[] scripts)
    {
        var engine = new Jint.Engine(options =>
        {
            options.TimeoutInterval(limits.ScriptTimeout);
            options.MaxStatements(limits.ScriptStatements);
            options.LimitMemory(limits.ScriptMemory);
            options.LimitRecursion(limits.ScriptRecursion);
            options.Constraints.RegexTimeout = limits.ScriptRegexTimeout;
            options.Constraints.MaxArraySize = (uint)limits.ScriptArrayLength;
        });
        foreach (var script in scripts)
        {
            if (engine.Evaluate(in script).AsString().Length == 0)
            {
                throw new InvalidOperationException("The script gave nothing.");
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>The best of some rounds: what disturbs a round only makes it slower.</summary>
    private static async Task<Cost> MeasureAsync(Func<ValueTask> once)
    {
        // Long enough for the compiler's second tier.
        for (var i = 0; i < 5 * RunsPerRound; i++)
        {
            await once();
        }

        var best = new Cost(double.MaxValue, double.MaxValue);
        using var process = Process.GetCurrentProcess();
        for (var round = 0; round < Rounds; round++)
        {
            var allocated = GC.GetTotalAllocatedBytes(precise: true);
            process.Refresh();
            var cpu = process.TotalProcessorTime;
            for (var i = 0; i < RunsPerRound; i++)
            {
                await once();
            }

            process.Refresh();
            best = new Cost(
                Math.Min(best.Microseconds, (process.TotalProcessorTime - cpu).TotalMicroseconds / RunsPerRound),
                Math.Min(best.Kilobytes, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / 1024.0 / RunsPerRound));
        }

        return best;
    }

    private static WorkflowPlan Compile(WorkflowEngine engine, JObject root, string mode) => engine.Compile(new WorkflowDefinition
    {
        Json = new JObject { ["id"] = "v", ["definitionId"] = "d", ["root"] = root, ["customProperties"] = new JObject { ["flowchartMode"] = mode } },
    });

    private static JObject Sequence(Func<int, JToken> text) => new() { ["id"] = "s", ["type"] = "Elsa.Sequence", ["activities"] = Activities(text) };

    private static JObject Flowchart() => new()
    {
        ["id"] = "f",
        ["type"] = "Elsa.Flowchart",
        ["activities"] = Activities(_ => "item"),
        ["connections"] = new JArray(Enumerable.Range(0, 9).Select(i => new JObject { ["source"] = new JObject { ["activity"] = $"a{i}", ["port"] = "Done" }, ["target"] = new JObject { ["activity"] = $"a{i + 1}" } })),
    };

    private static JArray Activities(Func<int, JToken> text) => new(Enumerable.Range(0, 10).Select(i => new JObject { ["id"] = $"a{i}", ["type"] = "Bench.Nothing", ["version"] = 1, ["text"] = text(i) }));

    private sealed record Cost(double Microseconds, double Kilobytes)
    {
        public override string ToString() => $"{Microseconds,7:0.0} µs CPU {Kilobytes,7:0.0} KB";
    }

    internal sealed class Services : IServiceProvider
    {
        public static Services None { get; } = new();
        public object? GetService(Type serviceType) => null;
    }
}

/// <summary>A trivial activity: reads its input.</summary>
[Activity("Bench.Nothing", "Bench")]
internal sealed class Nothing : Activity
{
    public Input<string> Text { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(context.Get(Text) is null ? ActivityResult.Faulted("no text") : ActivityResult.Done);
}
