namespace Automation.Engine;

/// <summary>
/// Token mode: an activity that ends puts a token on each connection it takes, and eats those that led to it. Each target's merge mode says which tokens it
/// needs. The flowchart is done when no token is left.
/// </summary>
internal sealed class FlowTokens(Flowchart flowchart, FlowGraph graph) : FlowState(flowchart, graph)
{
    private readonly List<Token> tokens = [];

    /// <summary>Active tokens by the activity that they lead to: a join of many ways asks for each of them at each arrival.</summary>
    private readonly int[] awaited = new int[flowchart.Nodes.Length];

    /// <summary>Active tokens altogether: asked at each end, which a chart of hundreds of branches has hundreds of.</summary>
    private int active;

    public override void Start(ActivityContext context) => context.Schedule(Flowchart.Nodes[Graph.Start]);

    public override ActivityResult Completed(ActivityContext context, ChildCompletion child)
    {
        var node = child.Child.LocalIndex;
        var outbound = Graph.Outbound[node];
        var eats = awaited[node] > 0;
        for (var i = 0; awaited[node] > 0 && i < tokens.Count; i++)
        {
            if (tokens[i] is { IsActive: true } token && token.Edge.Target == node)
            {
                tokens[i] = token with { IsConsumed = true };
                awaited[node]--;
                active--;
            }
        }

        // All tokens first, then the decisions: each sees the tokens of its siblings.
        foreach (var index in outbound)
        {
            if (Has(child.Outcomes, Graph.Edges[index].Port))
            {
                tokens.Add(new Token(Graph.Edges[index], false, false));
                awaited[Graph.Edges[index].Target]++;
                active++;
            }
        }

        foreach (var index in outbound)
        {
            if (Has(child.Outcomes, Graph.Edges[index].Port))
            {
                Arrive(context, Graph.Edges[index]);
            }
        }

        if (eats)
        {
            tokens.RemoveAll(t => t.IsConsumed && t.Edge.Target == node);
        }

        return active == 0 && !HasPendingChildren(context) ? ActivityResult.Done : ActivityResult.Waiting;
    }

    protected override void Cancelled(ActivityContext context, int node) => tokens.RemoveAll(t =>
    {
        var goes = t.Edge.Target == node || t.Edge.Source == node;
        if (goes && t.IsActive)
        {
            awaited[t.Edge.Target]--;
            active--;
        }

        return goes;
    });

    public override void Write(StateWriter writer)
    {
        writer.Text(Flowchart.Nodes[Graph.Start].Id);
        writer.Number(tokens.Count);
        foreach (var token in tokens)
        {
            WriteEdge(writer, token.Edge);
            writer.Number((token.IsConsumed ? 1 : 0) + (token.IsBlocked ? 2 : 0));
        }
    }

    public static FlowTokens Read(Flowchart flowchart, StateReader reader)
    {
        var state = new FlowTokens(flowchart, flowchart.GraphFrom(Math.Max(0, flowchart.IndexOf(reader.Text()!))));
        for (var count = reader.Number(); count > 0; count--)
        {
            var edge = ReadEdge(flowchart, reader);
            var flags = reader.Number();
            var token = new Token(edge, (flags & 1) != 0, (flags & 2) != 0);
            state.tokens.Add(token);
            if (token.IsActive)
            {
                state.active++;
                if (edge.Target >= 0)
                {
                    state.awaited[edge.Target]++;
                }
            }
        }

        return state;
    }

    private void Arrive(ActivityContext context, FlowEdge edge)
    {
        var target = edge.Target;
        var inbound = Graph.ForwardInbound[target];
        switch (MergeModeOf(context, target))
        {
            case MergeMode.Cascade:
                ArriveFirst(context, edge, inbound);
                break;
            case MergeMode.Race:
                CancelAncestors(context, target);
                ArriveFirst(context, edge, inbound);
                break;
            case MergeMode.Merge:
                ScheduleIf(context, target, inbound.Length <= 1 || HasTokens(inbound));
                break;
            case MergeMode.Converge:
                ScheduleIf(context, target, Graph.Inbound[target].Length <= 1 || HasTokens(Graph.Inbound[target]));
                break;
            default:
                ScheduleIf(context, target, !IsExpected(inbound));
                break;
        }
    }

    /// <summary>The first arrival is taken; the other ways in get a blocked token, which a later arrival eats.</summary>
    private void ArriveFirst(ActivityContext context, FlowEdge edge, int[] inbound)
    {
        var block = tokens.FindIndex(t => t is { IsBlocked: true, IsConsumed: false } && t.Edge == edge);
        if (block >= 0)
        {
            tokens.RemoveAt(block);
            return;
        }

        context.Schedule(Flowchart.Nodes[edge.Target]);
        foreach (var index in inbound)
        {
            if (Graph.Edges[index].Source != edge.Source)
            {
                tokens.Add(new Token(Graph.Edges[index], false, true));
            }
        }
    }

    private void ScheduleIf(ActivityContext context, int target, bool isReady)
    {
        if (isReady)
        {
            context.Schedule(Flowchart.Nodes[target]);
        }
    }

    private bool HasTokens(int[] inbound)
    {
        if (inbound.Length > 0 && awaited[Graph.Edges[inbound[0]].Target] < inbound.Length)
        {
            return false;
        }

        var there = tokens.Where(t => t.IsActive).Select(t => t.Edge).ToHashSet();
        return Array.TrueForAll(inbound, index => there.Contains(Graph.Edges[index]));
    }

    /// <summary>One of the activities before the target is still to be executed.</summary>
    private bool IsExpected(int[] inbound)
    {
        foreach (var index in inbound)
        {
            if (awaited[Graph.Edges[index].Source] > 0)
            {
                return true;
            }
        }

        return false;
    }

    private MergeMode MergeModeOf(ActivityContext context, int node) =>
        JoinMode(context, node) is { } join
            ? join == FlowJoinMode.WaitAny ? MergeMode.Race : MergeMode.Merge
            : Flowchart.Nodes[node].MergeMode is { } name && Enum.TryParse<MergeMode>(name, true, out var mode) ? mode : MergeMode.Stream;

    private enum MergeMode
    {
        None,
        Stream,
        Merge,
        Converge,
        Cascade,
        Race,
    }

    private readonly record struct Token(FlowEdge Edge, bool IsConsumed, bool IsBlocked)
    {
        public bool IsActive => !IsConsumed && !IsBlocked;
    }
}
