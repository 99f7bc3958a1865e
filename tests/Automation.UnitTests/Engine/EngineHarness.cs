using Automation.Engine;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Engine;

/// <summary>An engine with the control flow and the test activities, and what one needs to run definitions on it.</summary>
internal sealed class EngineHarness
{
    public EngineHarness(Action<EngineOptions>? configure = null)
    {
        Registry = new ActivityRegistry().AddControlFlow();
        foreach (var type in new[] { typeof(Say), typeof(WaitFor), typeof(Fail), typeof(Write), typeof(Act), typeof(Ask), typeof(Listen) })
        {
            Registry.Add(type);
        }

        Options = new EngineOptions();
        configure?.Invoke(Options);
        Engine = new WorkflowEngine(Registry, Options, Clock, new Services(this));
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    public ActivityRegistry Registry { get; }
    public EngineOptions Options { get; }
    public WorkflowEngine Engine { get; }

    /// <summary>What Say said, in order.</summary>
    public List<string> Said { get; } = [];

    /// <summary>What Act does.</summary>
    public Func<ActivityContext, CancellationToken, ValueTask<ActivityResult>> OnAct { get; set; } = (_, _) => ValueTask.FromResult(ActivityResult.Done);

    /// <summary>Journal records drained so far.</summary>
    public List<JournalRecord> Journal { get; } = [];

    public WorkflowPlan Compile(JObject definition)
    {
        var (read, problems) = DefinitionReader.Read(definition);
        return Engine.Compile(read ?? throw new InvalidOperationException(string.Join("; ", problems)));
    }

    public WorkflowRun Create(JObject definition, RunStart? start = null) => Engine.Create(Compile(definition), start ?? new RunStart { InstanceId = "run" });

    public async Task<WorkflowRun> RunAsync(JObject definition, RunStart? start = null)
    {
        var run = Create(definition, start);
        await BurstAsync(run);
        return run;
    }

    public async Task BurstAsync(WorkflowRun run, params Stimulus[] stimuli)
    {
        await Engine.RunAsync(run, stimuli, new Services(this), CancellationToken.None);
        Journal.AddRange(run.DrainChanges().Journal);
    }

    /// <summary>Resumes the bookmark of a key.</summary>
    public Task ResumeAsync(WorkflowRun run, params string[] keys) => BurstAsync(run, [.. keys.Select(k => new Stimulus("s-" + k, run.Bookmarks.First(b => b.Key == k).Id, "from " + k))]);

    public WorkflowRun Reload(WorkflowRun run) => Engine.Load(run.Plan, run.SaveState());

    private sealed class Services(EngineHarness harness) : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(EngineHarness) ? harness : null;
    }
}

[Activity("Test.Say", "Test")]
internal sealed class Say(EngineHarness harness) : Activity
{
    public Input<string> Text { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        harness.Said.Add(context.Get(Text) ?? "");
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

/// <summary>Waits for a stimulus of its key.</summary>
[Activity("Test.WaitFor", "Test", Kind = ActivityKind.Trigger)]
internal sealed class WaitFor : Activity
{
    public Input<string> Key { get; init; } = default!;
    public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.IsTriggerOfRun)
        {
            context.Set(Result, context.TriggerPayload);
            return ValueTask.FromResult(ActivityResult.Done);
        }

        return ValueTask.FromResult(ActivityResult.Suspended(new BookmarkRequest("Test.WaitFor", context.Get(Key)) { Tag = "t" }));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Set(Result, resumption.Input);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Test.Fail", "Test")]
internal sealed class Fail : Activity
{
    public Input<string> Message { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) =>
        throw new InvalidOperationException(context.Get(Message));
}

/// <summary>Hands its input out.</summary>
[Activity("Test.Write", "Test")]
internal sealed class Write : Activity
{
    [Input(IsSensitive = true)] public Input<string> Secret { get; init; } = default!;
    [Input(Default = 7)] public Input<int> Number { get; init; } = default!;
    public Input<object> Value { get; init; } = default!;
    public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.Set(Result, context.Get(Value) ?? context.Get(Number));
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

/// <summary>Does what the test says.</summary>
[Activity("Test.Act", "Test")]
internal sealed class Act(EngineHarness harness) : Activity
{
    public Input<string> Text { get; init; } = default!;
    [Input(IsSensitive = true)] public Input<string> Secret { get; init; } = default!;
    public Output<object> Result { get; init; } = default!;
    public override IReadOnlyList<string> Outcomes => ["Hot", "Cold"];
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => harness.OnAct(context, cancellationToken);
    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) => harness.OnAct(context, cancellationToken);
}

/// <summary>Runs its port, then ends with what the child ended with.</summary>
[Activity("Test.Ask", "Test")]
internal sealed class Ask : Activity
{
    [Port] public PlannedActivity? Body { get; init; }
    [Input] public bool Loud { get; init; }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.Schedule(Body!, Loud ? "loud" : "quiet");
        return ValueTask.FromResult(ActivityResult.Waiting);
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ActivityResult.Completed([child.Tag!, .. child.Outcomes]));
}

/// <summary>A trigger with settings.</summary>
[Activity("Test.Listen", "Test", Kind = ActivityKind.Trigger)]
internal sealed class Listen : Activity
{
    [Input(Required = true)] public Input<string> Path { get; init; } = default!;
    [Input(Default = "5m")] public Input<string> Interval { get; init; } = default!;
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken) => ValueTask.FromResult(ActivityResult.Done);
}

internal sealed class NoServices : IServiceProvider
{
    public static NoServices Instance { get; } = new();
    public object? GetService(Type serviceType) => null;
}
