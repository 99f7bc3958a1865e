namespace Automation.Engine;

/// <summary>The engine: compiles definitions, makes and loads runs, runs bursts. Stateless but for its caches; safe for many threads.</summary>
public sealed class WorkflowEngine(ActivityRegistry activities, EngineOptions options, TimeProvider clock)
{
    /// <summary>Newest format of the state blob that this engine writes and reads.</summary>
    public const int StateFormat = 1;

    public ActivityRegistry Activities { get; } = activities;
    public EngineOptions Options { get; } = options;
    public TimeProvider Clock { get; } = clock;

    /// <summary>Compiles a definition. Never throws for what Elsa only warns of: problems are on the plan, an unknown type becomes a placeholder that faults when run.</summary>
    public WorkflowPlan Compile(WorkflowDefinition definition) => throw new NotImplementedException();

    /// <summary>A new run that has not started.</summary>
    public WorkflowRun Create(WorkflowPlan plan, RunStart start) => throw new NotImplementedException();

    /// <summary>A run from its state blob.</summary>
    /// <exception cref="StateFormatException">The blob is of a newer format.</exception>
    public WorkflowRun Load(WorkflowPlan plan, byte[] state) => throw new NotImplementedException();

    /// <summary>
    /// Runs until nothing is left to do now: starts a new run, else applies the stimuli (those whose bookmark is gone are skipped) and goes on.
    /// Faults of activities end in incidents, never in an exception. Cancelling the token stops between activities, with the run as it was before the one in progress.
    /// </summary>
    public ValueTask RunAsync(WorkflowRun run, IReadOnlyList<Stimulus> stimuli, IServiceProvider services, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>
    /// A new run from the state of a faulted one (a replay from the failed activity): what ran before is kept, with its outputs and variables; activities that faulted are
    /// to be executed again, with the iteration they had, so that their effect keys are the same. Incidents, journal and counts of the old run are not taken over.
    /// The run goes on with <see cref="RunAsync"/> without stimuli.
    /// </summary>
    /// <exception cref="StateFormatException">The blob is of a newer format.</exception>
    public WorkflowRun Replay(WorkflowPlan plan, byte[] state, string instanceId) => throw new NotImplementedException();

    /// <summary>Cancels a run: bookmarks go, it is Finished / Cancelled.</summary>
    public void Cancel(WorkflowRun run) => throw new NotImplementedException();
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
