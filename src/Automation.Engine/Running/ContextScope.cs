using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>What an expression of an activity sees of the run.</summary>
internal sealed class ContextScope(ActivityContext context) : IExpressionScope
{
    private WorkflowRun Run => context.Run;

    public IReadOnlyList<string> VariableNames =>
        Run.LooseVariables is { Count: > 0 } loose
            ? [.. context.Planned.VariableNames, .. loose.Keys.Except(context.Planned.VariableNames)]
            : context.Planned.VariableNames;

    public object? GetVariable(string name) => context.GetVariable(name);
    public bool HasVariable(string nameOrId) => context.Find(nameOrId, out _, out _) || Run.LooseVariables?.ContainsKey(nameOrId) == true;
    public void SetVariable(string name, object? value) => context.SetVariable(name, value);

    /// <summary>Inside of a workflow used as an activity its inputs are variables.</summary>
    public IReadOnlyList<string> InputNames => context.Planned.Workflow is { Outer: null } workflow ? workflow.InputNames : [];

    public object? GetInput(string name) => context.GetWorkflowInput(name);
    public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => context.Planned.Workflow.ActivityOutputs;
    public object? GetOutputFrom(string activityIdOrName, string? output) => Run.GetOutput(context.Planned.Workflow, activityIdOrName, output);
    public object? LastResult => Run.LastResult;
    public JToken? TriggerEvent => Run.TriggerPayload;
    public string InstanceId => Run.InstanceId;
    public string DefinitionId => Run.Plan.Definition.DefinitionId;
    public string DefinitionVersionId => Run.Plan.Definition.Id;
    public int DefinitionVersion => Run.Plan.Definition.Version;

    public string? CorrelationId
    {
        get => Run.CorrelationId;
        set => Run.CorrelationId = value;
    }

    public string? InstanceName
    {
        get => Run.Name;
        set => Run.Name = value;
    }

    public TimeProvider Clock => context.Clock;
}
