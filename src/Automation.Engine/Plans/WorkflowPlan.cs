namespace Automation.Engine;

/// <summary>A definition compiled for running: activities by index, expressions prepared, connections resolved. Immutable; shared by all runs of the version.</summary>
public sealed class WorkflowPlan
{
    private readonly Dictionary<string, PlannedActivity> byNodeId;

    internal WorkflowPlan(
        PlannedWorkflow workflow,
        IReadOnlyList<DefinitionProblem> problems,
        IReadOnlyList<PlannedActivity> activities,
        bool isCounterMode,
        bool tracksOutputs)
    {
        Workflow = workflow;
        Definition = workflow.Definition;
        Problems = problems;
        Activities = activities;
        IsCounterMode = isCounterMode;
        TracksOutputs = tracksOutputs;
        Triggers = [.. activities.Where(a => a.CanStartWorkflow && a.Descriptor.Kind == ActivityKind.Trigger && a.Workflow == workflow)];
        ContinuesWithIncidents = Definition.Options["incidentStrategyType"].AsText()?.Contains("ContinueWithIncidents", StringComparison.Ordinal) == true;
        Commits = CommitStrategy.OfWorkflow(Definition.Options["commitStrategyName"].AsText());
        byNodeId = new(activities.Count, StringComparer.Ordinal);
        foreach (var activity in activities)
        {
            activity.Plan = this;
            byNodeId.TryAdd(activity.NodeId, activity);
        }

        foreach (var part in activities.GroupBy(a => a.Workflow))
        {
            part.Key.Seal([.. part]);
        }
    }

    public WorkflowDefinition Definition { get; }

    /// <summary>Warnings and publish errors found while compiling.</summary>
    public IReadOnlyList<DefinitionProblem> Problems { get; }

    /// <summary>All activities of the plan, root first: the implicit workflow (<c>Workflow1</c>), whose child is the definition's root.</summary>
    public IReadOnlyList<PlannedActivity> Activities { get; }

    /// <summary>Activities that can start the workflow (kind Trigger and <c>canStartWorkflow</c>).</summary>
    public IReadOnlyList<PlannedActivity> Triggers { get; }

    internal PlannedWorkflow Workflow { get; }
    internal bool ContinuesWithIncidents { get; }
    internal bool IsCounterMode { get; }

    /// <summary>When bursts commit beyond what they must.</summary>
    internal CommitStrategy Commits { get; }

    /// <summary>An expression may ask for outputs of activities, so they are kept.</summary>
    internal bool TracksOutputs { get; }

    /// <summary>An activity of the workflow itself by its id or name.</summary>
    public PlannedActivity? Find(string idOrName) => Workflow.Find(idOrName);

    /// <summary>An activity by its path of ids.</summary>
    public PlannedActivity? FindNode(string nodeId) => byNodeId.GetValueOrDefault(nodeId);
}
