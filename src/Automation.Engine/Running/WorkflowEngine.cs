using System.Runtime.CompilerServices;
using Automation.Engine.Expressions;

namespace Automation.Engine;

/// <summary>The engine: compiles definitions, makes and loads runs, runs bursts. Stateless but for its caches; safe for many threads.</summary>
/// <param name="activities">Activity types.</param>
/// <param name="options">Limits and defaults.</param>
/// <param name="clock">The clock.</param>
/// <param name="services">Singletons that activities take by constructor; null: there are none.</param>
public sealed class WorkflowEngine(ActivityRegistry activities, EngineOptions options, TimeProvider clock, IServiceProvider? services = null)
{
    /// <summary>Newest format of the state blob that this engine writes and reads.</summary>
    public const int StateFormat = 1;

    /// <summary>Descriptors of workflows and placeholders live as long as the plan that has them.</summary>
    private readonly ConditionalWeakTable<ActivityDescriptor, ActivityShape> shapes = [];

    public ActivityRegistry Activities { get; } = activities;
    public EngineOptions Options { get; } = options;
    public TimeProvider Clock { get; } = clock;

    /// <summary>Prepares expressions with this engine's limits.</summary>
    public ExpressionFactory Expressions { get; } = new(options, () => services?.GetService(typeof(Functions.ILookupTables)) as Functions.ILookupTables);

    internal IServiceProvider Services { get; } = services ?? NoServices.Instance;

    /// <summary>Compiles a definition. Never throws for what Elsa only warns of: problems are on the plan, an unknown type becomes a placeholder that faults when run.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="workflows">Finds workflows used as activities; null: there are none.</param>
    public WorkflowPlan Compile(WorkflowDefinition definition, WorkflowLookup? workflows = null) => new PlanCompiler(this, definition, workflows).Compile();

    /// <summary>A new run that has not started.</summary>
    public WorkflowRun Create(WorkflowPlan plan, RunStart start)
    {
        var now = Clock.GetUtcNow();
        var run = new WorkflowRun(plan, start.InstanceId, start.Lineage ?? start.InstanceId)
        {
            CorrelationId = start.CorrelationId,
            Name = start.Name,
            ParentInstanceId = start.ParentInstanceId,
            LocationId = start.LocationId,
            Input = start.Input ?? [],
            TriggerActivityId = start.TriggerActivityId,
            TriggerPayload = start.TriggerPayload,
            IsDryRun = start.IsDryRun,
            VariableOverrides = start.Variables,
            Iterations = new int[plan.Activities.Count],
            SubStatus = WorkflowSubStatus.Pending,
            CreatedAt = now,
            UpdatedAt = now,
        };
        if (start.OnlyNodeId is { } nodeId)
        {
            run.QueueOnly(plan.FindNode(nodeId) ?? throw new ArgumentException($"The workflow '{plan.Definition.DefinitionId}', version {plan.Definition.Version}, has no activity '{nodeId}'.", nameof(start)));
        }

        return run;
    }

    /// <summary>A run from its state blob.</summary>
    /// <exception cref="StateFormatException">The blob is of a newer format.</exception>
    /// <exception cref="InvalidDataException">The blob is damaged, or of another definition.</exception>
    public WorkflowRun Load(WorkflowPlan plan, byte[] state) => StateBlob.Read(plan, state);

    /// <summary>
    /// Runs until nothing is left to do now: starts a new run, else applies the stimuli (those whose bookmark is gone are skipped) and goes on.
    /// Faults of activities end in incidents, never in an exception. Cancelling the token stops between activities, with the run as it was before the one in progress.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the next burst goes on where this one stopped.</exception>
    /// <exception cref="LeaseLostException">Another owner has taken the run over.</exception>
    public ValueTask RunAsync(WorkflowRun run, IReadOnlyList<Stimulus> stimuli, IServiceProvider services, CancellationToken cancellationToken) =>
        new RunLoop(this, run, services).RunAsync(stimuli, cancellationToken);

    /// <summary>
    /// A new run from the state of a faulted one (a replay from the failed activity): what ran before is kept, with its outputs and variables; activities that faulted are
    /// to be executed again, with the iteration they had, so that their effect keys are the same. Incidents, journal and counts of the old run are not taken over.
    /// The run goes on with <see cref="RunAsync"/> without stimuli.
    /// </summary>
    /// <exception cref="StateFormatException">The blob is of a newer format.</exception>
    public WorkflowRun Replay(WorkflowPlan plan, byte[] state, string instanceId)
    {
        var run = StateBlob.Read(plan, state, instanceId);
        run.CreatedAt = run.UpdatedAt = Clock.GetUtcNow();
        RunRetry.Reopen(run);
        return run;
    }

    /// <summary>
    /// Opens a faulted run again, in place: activities that faulted are to be executed again with the iteration they had, after an incident was settled.
    /// False: nothing of it is faulted. The run goes on with <see cref="RunAsync"/>.
    /// </summary>
    public bool Retry(WorkflowRun run) => RunRetry.Reopen(run);

    /// <summary>Cancels a run: bookmarks go, it is Finished / Cancelled.</summary>
    public void Cancel(WorkflowRun run) => new RunLoop(this, run, NoServices.Instance).Cancel();

    internal ActivityShape ShapeOf(ActivityDescriptor descriptor, Type activity) => shapes.GetValue(descriptor, d => new ActivityShape(d, activity));

    /// <summary>A context in which a trigger's inputs are evaluated without a run: variables have their defaults.</summary>
    internal ActivityContext ContextForTrigger(PlannedActivity activity, IServiceProvider services)
    {
        var run = Create(activity.Plan, new RunStart { InstanceId = "" });
        new RunLoop(this, run, services).Open();
        return RunLoop.Detached(run, activity);
    }
}

/// <summary>Services where there are none.</summary>
internal sealed class NoServices : IServiceProvider
{
    public static NoServices Instance { get; } = new();
    public object? GetService(Type serviceType) => null;
}

/// <summary>The state blob was written by newer code.</summary>
public sealed class StateFormatException(int format) : Exception($"The state has format {format}; this program reads formats up to {WorkflowEngine.StateFormat}. Run the version that wrote it, or a newer one.");

/// <summary>Limits and defaults of the engine.</summary>
public sealed class EngineOptions
{
    /// <summary>Flowchart mode where a definition does not choose: Token or Counter.</summary>
    public string FlowchartMode { get; set; } = "Token";

    /// <summary>Activities one run may execute.</summary>
    public int RunActivityBudget { get; set; } = 100_000;

    /// <summary>Running time one run may take in all, suspension not counted.</summary>
    public TimeSpan RunTimeBudget { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Time one script may take.</summary>
    public TimeSpan ScriptTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes one script may allocate.</summary>
    public long ScriptMemory { get; set; } = 64 * 1024 * 1024;

    public int ScriptStatements { get; set; } = 1_000_000;
    public int ScriptRecursion { get; set; } = 256;
    public TimeSpan ScriptRegexTimeout { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Characters of a string that a capped native may make.</summary>
    public int ScriptStringLength { get; set; } = 8 * 1024 * 1024;

    /// <summary>Elements of an array that a capped native may make.</summary>
    public int ScriptArrayLength { get; set; } = 1_000_000;

    /// <summary>Bytes a journal value may have before it is cut and marked.</summary>
    public int JournalValueLimit { get; set; } = 8 * 1024 * 1024;

    /// <summary>Keeps evaluated inputs and outputs in the journal.</summary>
    public bool JournalValues { get; set; } = true;
}
