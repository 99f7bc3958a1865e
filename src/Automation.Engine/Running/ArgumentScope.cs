using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>A scope with arguments of one expression in front: scripts read them as <c>args.Name</c> and <c>getName()</c>.</summary>
internal sealed class ArgumentScope(IExpressionScope scope, JObject arguments) : IExpressionScope
{
    public JObject Arguments => arguments;
    public IReadOnlyList<string> VariableNames => scope.VariableNames;
    public object? GetVariable(string name) => scope.GetVariable(name);
    public bool HasVariable(string nameOrId) => scope.HasVariable(nameOrId);
    public void SetVariable(string name, object? value) => scope.SetVariable(name, value);
    public IReadOnlyList<string> InputNames => scope.InputNames;
    public object? GetInput(string name) => scope.GetInput(name);
    public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => scope.ActivityOutputs;
    public object? GetOutputFrom(string activityIdOrName, string? output) => scope.GetOutputFrom(activityIdOrName, output);
    public object? LastResult => scope.LastResult;
    public JToken? TriggerEvent => scope.TriggerEvent;
    public string InstanceId => scope.InstanceId;
    public string DefinitionId => scope.DefinitionId;
    public string DefinitionVersionId => scope.DefinitionVersionId;
    public int DefinitionVersion => scope.DefinitionVersion;

    public string? CorrelationId
    {
        get => scope.CorrelationId;
        set => scope.CorrelationId = value;
    }

    public string? InstanceName
    {
        get => scope.InstanceName;
        set => scope.InstanceName = value;
    }

    public TimeProvider Clock => scope.Clock;
}
