using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>One execution of one activity in one run: its inputs, outputs, variables and state.</summary>
public sealed class ActivityContext
{
    internal ActivityContext()
    {
    }

    public WorkflowRun Run => throw new NotImplementedException();

    /// <summary>Id of this execution, unique in the run.</summary>
    public string ActivityInstanceId => throw new NotImplementedException();

    public string ActivityId => throw new NotImplementedException();
    public string ActivityType => throw new NotImplementedException();
    public string? ActivityName => throw new NotImplementedException();

    /// <summary>Path of ids from the root, as <c>Workflow1:Flowchart1:a1</c>.</summary>
    public string NodeId => throw new NotImplementedException();

    /// <summary>How often this activity had been executed in this run before: with the node id, the key of an effect.</summary>
    public int Iteration => throw new NotImplementedException();

    /// <summary>Key of a write to the outside: run lineage, node id, iteration. The same after a crash and in a replay.</summary>
    public string EffectKey => throw new NotImplementedException();

    /// <summary>This activity triggered the run.</summary>
    public bool IsTriggerOfRun => throw new NotImplementedException();

    /// <summary>What the trigger brought, when this activity triggered the run.</summary>
    public JToken? TriggerPayload => throw new NotImplementedException();

    public IServiceProvider Services => throw new NotImplementedException();
    public TimeProvider Clock => throw new NotImplementedException();

    /// <summary>Value of an input, converted to its type.</summary>
    public T? Get<T>(Input<T> input) => throw new NotImplementedException();

    /// <summary>Value of an input by its descriptor name (any case); null when unset. For activities described by data.</summary>
    public object? GetInput(string name) => throw new NotImplementedException();

    /// <summary>Evaluates an input now, again: for conditions of loops.</summary>
    public ValueTask<T?> EvaluateAsync<T>(Input<T> input, CancellationToken cancellationToken) => throw new NotImplementedException();

    public void Set<T>(Output<T> output, T? value) => throw new NotImplementedException();

    /// <summary>Sets an output by its descriptor name. For activities described by data.</summary>
    public void SetOutput(string name, object? value) => throw new NotImplementedException();

    public object? GetVariable(string name) => throw new NotImplementedException();
    public void SetVariable(string name, object? value) => throw new NotImplementedException();

    /// <summary>A value of this execution that survives suspension.</summary>
    public JToken? GetState(string key) => throw new NotImplementedException();
    public void SetState(string key, JToken? value) => throw new NotImplementedException();

    /// <summary>The run can be found by this key (contact id, e-mail, phone, record id).</summary>
    public void AddSubject(string key) => throw new NotImplementedException();

    /// <summary>Writes a line of the activity's own into the journal.</summary>
    public void Journal(string eventName, string? message = null, JObject? state = null) => throw new NotImplementedException();

    /// <summary>Commits the run so far, when it has a durable host.</summary>
    public ValueTask CheckpointAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
