namespace Automation.Engine;

/// <summary>A definition compiled for running: activities by index, expressions prepared, connections resolved. Immutable; shared by all runs of the version.</summary>
public sealed class WorkflowPlan
{
    public WorkflowDefinition Definition => throw new NotImplementedException();

    /// <summary>Warnings and publish errors found while compiling.</summary>
    public IReadOnlyList<DefinitionProblem> Problems => throw new NotImplementedException();

    /// <summary>All activities of the plan, root first.</summary>
    public IReadOnlyList<PlannedActivity> Activities => throw new NotImplementedException();

    /// <summary>Activities that can start the workflow (kind Trigger and <c>canStartWorkflow</c>).</summary>
    public IReadOnlyList<PlannedActivity> Triggers => throw new NotImplementedException();
}

/// <summary>An activity of a plan.</summary>
public sealed class PlannedActivity
{
    public string Id => throw new NotImplementedException();
    public string NodeId => throw new NotImplementedException();
    public string? Name => throw new NotImplementedException();
    public ActivityDescriptor Descriptor => throw new NotImplementedException();

    /// <summary>The activity's own JSON object.</summary>
    public Newtonsoft.Json.Linq.JObject Json => throw new NotImplementedException();

    /// <summary>
    /// Values of the inputs that can be known without a run: literals, objects, and scripts that use no variable, for the triggers' configuration
    /// (path, interval, cron, connection). Keys are camelCase. An input that fails is a problem of the plan.
    /// </summary>
    public ValueTask<Newtonsoft.Json.Linq.JObject> EvaluateTriggerInputsAsync(WorkflowEngine engine, IServiceProvider services, CancellationToken cancellationToken) => throw new NotImplementedException();
}
