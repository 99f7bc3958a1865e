namespace Automation.Engine;

/// <summary>A connection of a flowchart, between children by their place.</summary>
internal sealed record FlowEdge(int Source, string Port, int Target);

/// <summary>
/// The connections of a flowchart as seen from one start: which are forward, which close a cycle (backward). Connections of activities that the start does not
/// reach are in neither, so no join waits for them.
/// </summary>
internal sealed class FlowGraph
{
    private static readonly int[] None = [];
    private readonly byte[] validity;

    public FlowGraph(int nodes, IReadOnlyList<FlowEdge> edges, int start)
    {
        Start = start;
        Edges = edges;
        IsBackward = new bool[edges.Count];
        validity = new byte[edges.Count];
        Outbound = Group(nodes, edges, static e => e.Source, static (_, _) => true);
        IsReached = new bool[nodes];

        // Breadth first from the start. An edge to an activity whose own edges were not yet accepted cannot close a cycle, so only the few edges to
        // earlier activities need a search: linear for real flows.
        var expanded = new bool[nodes];
        var searched = new int[nodes];
        var search = 0;
        var accepted = new bool[edges.Count];
        var queue = new Queue<int>([start]);
        IsReached[start] = true;
        while (queue.TryDequeue(out var node))
        {
            expanded[node] = true;
            foreach (var index in Outbound[node])
            {
                var target = edges[index].Target;
                if (target == node || (expanded[target] && Reaches(target, node, ++search)))
                {
                    IsBackward[index] = true;
                    continue;
                }

                accepted[index] = true;
                if (!IsReached[target])
                {
                    IsReached[target] = true;
                    queue.Enqueue(target);
                }
            }
        }

        ForwardInbound = Group(nodes, edges, static e => e.Target, (edge, index) => IsReached[edge.Source] && !IsBackward[index]);
        Inbound = Group(nodes, edges, static e => e.Target, (edge, _) => IsReached[edge.Source]);

        bool Reaches(int from, int to, int mark)
        {
            var open = new Stack<int>([from]);
            while (open.TryPop(out var node))
            {
                if (node == to)
                {
                    return true;
                }

                if (searched[node] == mark)
                {
                    continue;
                }

                searched[node] = mark;
                foreach (var index in Outbound[node])
                {
                    if (accepted[index])
                    {
                        open.Push(edges[index].Target);
                    }
                }
            }

            return false;
        }
    }

    public int Start { get; }
    public IReadOnlyList<FlowEdge> Edges { get; }
    public bool[] IsBackward { get; }
    public bool[] IsReached { get; }

    /// <summary>Indexes of edges by source, in the order of the definition.</summary>
    public int[][] Outbound { get; }

    public int[][] ForwardInbound { get; }
    public int[][] Inbound { get; }

    /// <summary>Every way from the start to the backward edge's source goes through its target.</summary>
    public bool IsValidBackward(int edge)
    {
        if (validity[edge] == 0)
        {
            // Two threads may find the same out at once; they find the same.
            validity[edge] = (byte)(Dominates(Edges[edge].Target, Edges[edge].Source) ? 1 : 2);
        }

        return validity[edge] == 1;
    }

    /// <summary>Activities before one, along forward edges.</summary>
    public HashSet<int> AncestorsOf(int node)
    {
        var ancestors = new HashSet<int>();
        var open = new Stack<int>([node]);
        while (open.TryPop(out var current))
        {
            foreach (var index in ForwardInbound[current])
            {
                if (Edges[index].Source != node && ancestors.Add(Edges[index].Source))
                {
                    open.Push(Edges[index].Source);
                }
            }
        }

        return ancestors;
    }

    private bool Dominates(int dominator, int node)
    {
        if (dominator == node || dominator == Start)
        {
            return true;
        }

        var seen = new HashSet<int> { Start };
        var open = new Stack<int>([Start]);
        while (open.TryPop(out var current))
        {
            foreach (var index in Outbound[current])
            {
                var target = Edges[index].Target;
                if (IsBackward[index] || target == dominator || !seen.Add(target))
                {
                    continue;
                }

                if (target == node)
                {
                    return false;
                }

                open.Push(target);
            }
        }

        return true;
    }

    private static int[][] Group(int nodes, IReadOnlyList<FlowEdge> edges, Func<FlowEdge, int> key, Func<FlowEdge, int, bool> isIn)
    {
        var lists = new List<int>?[nodes];
        for (var i = 0; i < edges.Count; i++)
        {
            if (isIn(edges[i], i))
            {
                (lists[key(edges[i])] ??= []).Add(i);
            }
        }

        return [.. lists.Select(l => l?.ToArray() ?? None)];
    }
}
