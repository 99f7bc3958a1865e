using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>
/// A workflow within a plan: the plan's own, or one that an activity is. Names of its activities, inputs and outputs mean its own; two workflows of a plan may
/// use the same.
/// </summary>
internal sealed class PlannedWorkflow
{
    private readonly Dictionary<string, Type> outputs;
    private readonly Dictionary<string, PlannedActivity> byId = new(StringComparer.Ordinal);

    public PlannedWorkflow(WorkflowDefinition definition, PlannedWorkflow? outer)
    {
        Definition = definition;
        Outer = outer;
        Inputs = Arguments(definition.Json["inputs"]);
        Outputs = Arguments(definition.Json["outputs"]);
        InputNames = [.. Inputs.Select(i => i.Name)];
        outputs = Outputs.ToDictionary(o => o.Name, o => o.Type, StringComparer.Ordinal);
    }

    public WorkflowDefinition Definition { get; }

    /// <summary>The workflow that uses this one as an activity; null: this is the plan's own.</summary>
    public PlannedWorkflow? Outer { get; }

    public IReadOnlyList<WorkflowArgument> Inputs { get; }
    public IReadOnlyList<WorkflowArgument> Outputs { get; }
    public IReadOnlyList<string> InputNames { get; }

    /// <summary>Its activities that have outputs, with the outputs' names, as scripts may ask for them.</summary>
    public IReadOnlyList<(string Activity, string Output)> ActivityOutputs { get; private set; } = [];

    /// <summary>An activity of this workflow by id or name, else one of the workflow around it.</summary>
    public PlannedActivity? Find(string idOrName) => byId.GetValueOrDefault(idOrName) ?? Outer?.Find(idOrName);

    public bool DeclaresOutput(string name) => outputs.ContainsKey(name);

    public object? ConvertOutput(string name, object? value) =>
        value is not null && outputs.TryGetValue(name, out var type) && type != typeof(object) ? ValueConverter.Convert(value, type) : value;

    /// <summary>Takes its activities, when all of the plan are there.</summary>
    public void Seal(IReadOnlyList<PlannedActivity> activities)
    {
        foreach (var activity in activities)
        {
            byId.TryAdd(activity.Id, activity);
        }

        foreach (var activity in activities)
        {
            if (!string.IsNullOrEmpty(activity.Name))
            {
                byId.TryAdd(activity.Name, activity);
            }
        }

        ActivityOutputs =
        [
            .. from activity in activities
               from output in activity.Descriptor.Outputs
               select (string.IsNullOrEmpty(activity.Name) ? activity.Id : activity.Name, output.Name),
        ];
    }

    private static IReadOnlyList<WorkflowArgument> Arguments(JToken? list) =>
    [
        .. DefinitionReader.Items(list).OfType<JObject>().Where(i => i["name"].AsText() is { Length: > 0 }).DistinctBy(i => (string)i["name"]!).Select(i => new WorkflowArgument(
            (string)i["name"]!,
            ValueConverter.TypeOf(i["typeName"].AsText() ?? i["type"].AsText(), i["isArray"] is JValue { Value: true }),
            i)),
    ];
}

/// <summary>A declared input or output of a workflow.</summary>
internal sealed record WorkflowArgument(string Name, Type Type, JObject Json);
