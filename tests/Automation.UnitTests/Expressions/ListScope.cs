using Automation.Engine.Expressions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Expressions;

/// <summary>A run's scope held in lists.</summary>
internal sealed class ListScope : IExpressionScope
{
    public Dictionary<string, object?> Variables { get; } = [];
    public Dictionary<string, object?> Inputs { get; } = [];
    public List<(string Activity, string Output, object? Value)> Outputs { get; } = [];

    /// <summary>Names of variables in the order in which they were written.</summary>
    public List<string> Written { get; } = [];

    public IReadOnlyList<string> VariableNames => [.. Variables.Keys];
    public IReadOnlyList<string> InputNames => [.. Inputs.Keys];
    public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => [.. Outputs.Select(output => (output.Activity, output.Output))];
    public object? LastResult { get; set; }
    public JToken? TriggerEvent { get; set; }
    public string InstanceId => "instance-1";
    public string DefinitionId => "definition-1";
    public string DefinitionVersionId => "version-1";
    public int DefinitionVersion => 3;
    public string? CorrelationId { get; set; }
    public string? InstanceName { get; set; }
    public TimeProvider Clock { get; } = new FakeTimeProvider(new DateTimeOffset(2030, 1, 31, 8, 0, 0, TimeSpan.Zero));

    public object? GetVariable(string name) => Variables.GetValueOrDefault(name);

    public void SetVariable(string name, object? value)
    {
        Variables[name] = value;
        Written.Add(name);
    }

    public object? GetInput(string name) => Inputs.GetValueOrDefault(name);

    public object? GetOutputFrom(string activityIdOrName, string? output) =>
        Outputs.LastOrDefault(candidate => candidate.Activity == activityIdOrName && (output is null || candidate.Output == output)).Value;
}
