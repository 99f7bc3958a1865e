using System.Collections.Concurrent;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Activities and connections between them. How branches merge depends on the mode: see <see cref="FlowTokens"/> and <see cref="FlowCounters"/>.</summary>
[Activity("Elsa.Flowchart", "Flow", "Activities and the connections between them.", IsContainer = true, IsBrowsable = false)]
internal sealed class Flowchart : Activity
{
    private readonly ConcurrentDictionary<int, FlowGraph> graphs = new();
    private PlannedActivity[] nodes = [];
    private FlowEdge[] edges = [];
    private int start;
    private bool isCounterMode;

    public PlannedActivity[] Nodes => nodes;

    public override void Compile(ActivityCompilation compilation)
    {
        isCounterMode = compilation.IsCounterMode;
        nodes = [.. compilation.Children("activities")];
        var byId = new Dictionary<string, int>(nodes.Length, StringComparer.Ordinal);
        for (var i = 0; i < nodes.Length; i++)
        {
            nodes[i].LocalIndex = i;
            byId.TryAdd(nodes[i].Id, i);
        }

        if (nodes.Length == 0)
        {
            return;
        }

        edges = [.. Connections(compilation, byId).Distinct()];
        start = Start();
        if ((Text(compilation.Json["start"]) ?? Text((compilation.Json["start"] as JObject)?["id"])) is { } named && named != nodes[start].Id)
        {
            compilation.Report(ProblemSeverity.Warning, "start-ignored", $"The flowchart's 'start' names '{named}', but the flow starts at '{nodes[start].Id}': Elsa does not read 'start' either. Mark where to start with a Start activity, or with 'canStartWorkflow'.", "start");
        }

        var graph = GraphFrom(start);
        var starts = nodes.Where(n => n.CanStartWorkflow && n.LocalIndex != start).Select(n => GraphFrom(n.LocalIndex)).Append(graph).ToList();
        foreach (var node in nodes)
        {
            if (!starts.Any(g => g.IsReached[node.LocalIndex]))
            {
                compilation.Report(ProblemSeverity.Warning, "unreachable-activity", $"The activity '{node.Id}' is not reached from the start '{nodes[start].Id}' and never runs. Connect it, or remove it.", "connections");
            }
        }
    }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (nodes.Length == 0)
        {
            return ValueTask.FromResult(ActivityResult.Done);
        }

        var from = start;
        if (context.Run.TriggerActivityId is { } trigger && context.Iteration == 0 && context.Planned.Workflow.Outer is null)
        {
            var index = Array.FindIndex(nodes, n => n.Id == trigger || n.NodeId == trigger || trigger.StartsWith(n.NodeId + ":", StringComparison.Ordinal));
            from = index >= 0 ? index : start;
        }

        FlowState state = isCounterMode ? new FlowCounters(this, GraphFrom(from)) : new FlowTokens(this, GraphFrom(from));
        context.ContainerState = state;
        state.Start(context);
        return ValueTask.FromResult(ActivityResult.Waiting);
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken) =>
        ValueTask.FromResult(child.Child.Descriptor.IsTerminal ? ActivityResult.Done : ((FlowState)context.ContainerState!).Completed(context, child));

    public FlowGraph GraphFrom(int node) => graphs.TryGetValue(node, out var graph) ? graph : graphs.GetOrAdd(node, new FlowGraph(nodes.Length, edges, node));

    public IContainerState ReadState(StateReader reader) => isCounterMode ? FlowCounters.Read(this, reader) : FlowTokens.Read(this, reader);

    public int IndexOf(string activityId) => Array.FindIndex(nodes, n => n.Id == activityId);

    private static IEnumerable<FlowEdge> Connections(ActivityCompilation compilation, Dictionary<string, int> byId)
    {
        foreach (var connection in DefinitionReader.Items(compilation.Json["connections"]).OfType<JObject>())
        {
            var (source, port) = End(connection, "source", "sourcePort");
            var (target, _) = End(connection, "target", "targetPort");
            if (source is not null && target is not null && byId.TryGetValue(source, out var from) && byId.TryGetValue(target, out var to))
            {
                yield return new FlowEdge(from, port ?? Outcome.Done, to);
                continue;
            }

            var missing = source is null || !byId.ContainsKey(source) ? source : target;
            compilation.Report(ProblemSeverity.Warning, "missing-activity", $"A connection from '{source}' to '{target}' names the activity '{missing}', which is not in the flowchart. It is ignored: remove it, or add the activity.", "connections");
        }
    }

    /// <summary>An end of a connection, in the shape of today or the flat one of older files.</summary>
    private static (string? Id, string? Port) End(JObject connection, string name, string flatPort) => connection[name] switch
    {
        JObject end => (Text(end["activity"]) ?? Text((end["activity"] as JObject)?["id"]), Text(end["port"])),
        JValue { Value: string id } => (id, Text(connection[flatPort])),
        _ => (null, null),
    };

    private static string? Text(JToken? token) => token.AsText() is { Length: > 0 } text ? text : null;

    private int Start()
    {
        var start = Array.FindIndex(nodes, n => n.Descriptor.IsStart);
        start = start >= 0 ? start : Array.FindIndex(nodes, n => n.CanStartWorkflow);
        if (start < 0)
        {
            var hasInbound = new bool[nodes.Length];
            foreach (var edge in edges)
            {
                hasInbound[edge.Target] = true;
            }

            start = Array.IndexOf(hasInbound, false);
        }

        return Math.Max(0, start);
    }
}

/// <summary>Where a run of a flowchart stands.</summary>
internal abstract class FlowState(Flowchart flowchart, FlowGraph graph) : IContainerState
{
    private static readonly FlowJoinMode WaitAny = FlowJoinMode.WaitAny;

    protected Flowchart Flowchart { get; } = flowchart;
    protected FlowGraph Graph { get; } = graph;

    public abstract void Start(ActivityContext context);
    public abstract ActivityResult Completed(ActivityContext context, ChildCompletion child);
    public abstract void Write(StateWriter writer);

    /// <summary>How a join waits; null: the activity is no join.</summary>
    protected FlowJoinMode? JoinMode(ActivityContext context, int node)
    {
        if (Flowchart.Nodes[node] is not { Activity: FlowJoin } join)
        {
            return null;
        }

        // Evaluated here because it decides whether the join is executed at all.
        return join.Inputs[0].Evaluate(context, CancellationToken.None) is FlowJoinMode mode ? mode : WaitAny;
    }

    /// <summary>A join is executed: nothing before it is waited for any more.</summary>
    public void JoinEntered(ActivityContext context, int node) => CancelAncestors(context, node);

    /// <summary>Cancels the executions of activities before one, faulted ones too: the flow went on without them.</summary>
    protected void CancelAncestors(ActivityContext context, int node)
    {
        if (context.RunningChildren == 0)
        {
            return;
        }

        var ancestors = Graph.AncestorsOf(node);
        foreach (var execution in context.Run.Contexts.Where(c => c.Parent == context && c.Status is ContextStatus.Running or ContextStatus.Faulted && ancestors.Contains(c.Planned.LocalIndex)).ToList())
        {
            context.Run.Cancel(execution, context.Run.Burst.Journal);
            Cancelled(context, execution.Planned.LocalIndex);
        }
    }

    /// <summary>An activity was cancelled for another way that was faster.</summary>
    protected abstract void Cancelled(ActivityContext context, int node);

    protected static bool Has(IReadOnlyList<string> outcomes, string port)
    {
        for (var i = 0; i < outcomes.Count; i++)
        {
            if (outcomes[i] == port)
            {
                return true;
            }
        }

        return false;
    }

    protected static bool HasPendingChildren(ActivityContext context) => context.RunningChildren + context.QueuedChildren > 0;

    protected void WriteEdge(StateWriter writer, FlowEdge edge)
    {
        writer.Text(Flowchart.Nodes[edge.Source].Id);
        writer.Text(edge.Port);
        writer.Text(Flowchart.Nodes[edge.Target].Id);
    }

    protected static FlowEdge ReadEdge(Flowchart flowchart, StateReader reader)
    {
        var source = flowchart.IndexOf(reader.Text()!);
        var port = reader.Text()!;
        return new FlowEdge(source, port, flowchart.IndexOf(reader.Text()!));
    }
}
