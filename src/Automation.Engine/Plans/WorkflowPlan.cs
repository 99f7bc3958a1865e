using Automation.Engine.Expressions;

namespace Automation.Engine;

/// <summary>A definition compiled for running: activities by index, expressions prepared, connections resolved. Immutable; shared by all runs of the version.</summary>
public sealed class WorkflowPlan
{
    private readonly Dictionary<string, PlannedActivity> byId;
    private readonly Dictionary<string, PlannedActivity> byNodeId;
    private readonly Dictionary<string, Type> outputTypes;

    internal WorkflowPlan(
        WorkflowDefinition definition,
        IReadOnlyList<DefinitionProblem> problems,
        IReadOnlyList<PlannedActivity> activities,
        IReadOnlyList<string> inputNames,
        Dictionary<string, Type> outputTypes,
        bool isCounterMode,
        bool tracksOutputs)
    {
        Definition = definition;
        Problems = problems;
        Activities = activities;
        InputNames = inputNames;
        IsCounterMode = isCounterMode;
        TracksOutputs = tracksOutputs;
        this.outputTypes = outputTypes;
        Triggers = [.. activities.Where(a => a.CanStartWorkflow && a.Descriptor.Kind == ActivityKind.Trigger)];
        ContinuesWithIncidents = definition.Options["incidentStrategyType"].AsText()?.Contains("ContinueWithIncidents", StringComparison.Ordinal) == true;
        byId = new(activities.Count, StringComparer.Ordinal);
        byNodeId = new(activities.Count, StringComparer.Ordinal);
        foreach (var activity in activities)
        {
            activity.Plan = this;
            byId.TryAdd(activity.Id, activity);
            byNodeId.TryAdd(activity.NodeId, activity);
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

    public WorkflowDefinition Definition { get; }

    /// <summary>Warnings and publish errors found while compiling.</summary>
    public IReadOnlyList<DefinitionProblem> Problems { get; }

    /// <summary>All activities of the plan, root first: the implicit workflow (<c>Workflow1</c>), whose child is the definition's root.</summary>
    public IReadOnlyList<PlannedActivity> Activities { get; }

    /// <summary>Activities that can start the workflow (kind Trigger and <c>canStartWorkflow</c>).</summary>
    public IReadOnlyList<PlannedActivity> Triggers { get; }

    internal IReadOnlyList<string> InputNames { get; }
    internal IReadOnlyList<(string Activity, string Output)> ActivityOutputs { get; }
    internal bool ContinuesWithIncidents { get; }
    internal bool IsCounterMode { get; }

    /// <summary>An expression may ask for outputs of activities, so they are kept.</summary>
    internal bool TracksOutputs { get; }

    /// <summary>An activity by its id or name.</summary>
    public PlannedActivity? Find(string idOrName) => byId.GetValueOrDefault(idOrName);

    /// <summary>An activity by its path of ids.</summary>
    public PlannedActivity? FindNode(string nodeId) => byNodeId.GetValueOrDefault(nodeId);

    internal bool DeclaresOutput(string name) => outputTypes.ContainsKey(name);

    internal object? ConvertOutput(string name, object? value) =>
        value is not null && outputTypes.TryGetValue(name, out var type) && type != typeof(object) ? ValueConverter.Convert(value, type) : value;
}
