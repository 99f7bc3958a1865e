namespace Automation.Engine;

/// <summary>
/// Counter mode: counts visits of activities and connections. A connection not taken is visited too, as a dead path, and dead paths go on through activities that
/// are skipped; so a join knows when all ways to it are decided.
/// </summary>
internal sealed class FlowCounters(Flowchart flowchart, FlowGraph graph) : FlowState(flowchart, graph)
{
    private static readonly string[] NoOutcomes = [];
    private readonly int[] activityVisits = new int[flowchart.Nodes.Length];
    private readonly int[] edgeVisits = new int[graph.Edges.Count];
    private readonly bool[] edgeFollowed = new bool[graph.Edges.Count];

    public override void Start(ActivityContext context)
    {
        activityVisits[Graph.Start]++;
        context.Schedule(Flowchart.Nodes[Graph.Start]);
    }

    public override ActivityResult Completed(ActivityContext context, ChildCompletion child)
    {
        // Dead paths are followed in a queue, not by recursion: they may be as long as the flowchart.
        var ended = new Queue<(int Node, IReadOnlyList<string> Outcomes)>();
        ended.Enqueue((child.Child.LocalIndex, child.Outcomes));
        while (ended.TryDequeue(out var entry))
        {
            foreach (var index in Graph.Outbound[entry.Node])
            {
                var isFollowed = Has(entry.Outcomes, Graph.Edges[index].Port);
                if (!Graph.IsBackward[index])
                {
                    edgeVisits[index]++;
                    edgeFollowed[index] = isFollowed;
                    Arrive(context, index, isFollowed, ended);
                }
                else if (isFollowed)
                {
                    if (!Graph.IsValidBackward(index))
                    {
                        var edge = Graph.Edges[index];
                        return ActivityResult.Faulted(new Fault(
                            $"Invalid backward connection: Every path from the source ('{Flowchart.Nodes[edge.Source].Id}') must go through the target ('{Flowchart.Nodes[edge.Target].Id}') when tracing back to the start.")
                        {
                            Code = "invalid-connection",
                            Action = "Let the connection lead back to an activity that every way to its source passes.",
                        });
                    }

                    context.Schedule(Flowchart.Nodes[Graph.Edges[index].Target], null, null, true);
                }
            }
        }

        return HasPendingChildren(context) ? ActivityResult.Waiting : ActivityResult.Done;
    }

    public override void Write(StateWriter writer)
    {
        writer.Text(Flowchart.Nodes[Graph.Start].Id);
        writer.Number(activityVisits.Count(v => v > 0));
        for (var i = 0; i < activityVisits.Length; i++)
        {
            if (activityVisits[i] > 0)
            {
                writer.Text(Flowchart.Nodes[i].Id);
                writer.Number(activityVisits[i]);
            }
        }

        writer.Number(edgeVisits.Count(v => v > 0));
        for (var i = 0; i < edgeVisits.Length; i++)
        {
            if (edgeVisits[i] > 0)
            {
                WriteEdge(writer, Graph.Edges[i]);
                writer.Number(edgeVisits[i]);
                writer.Number(edgeFollowed[i] ? 1 : 0);
            }
        }
    }

    public static FlowCounters Read(Flowchart flowchart, StateReader reader)
    {
        var state = new FlowCounters(flowchart, flowchart.GraphFrom(Math.Max(0, flowchart.IndexOf(reader.Text()!))));
        for (var count = reader.Number(); count > 0; count--)
        {
            var node = flowchart.IndexOf(reader.Text()!);
            var visits = (int)reader.Number();
            if (node >= 0)
            {
                state.activityVisits[node] = visits;
            }
        }

        var edges = state.Graph.Edges.Select((edge, index) => (edge, index)).ToDictionary(e => e.edge, e => e.index);
        for (var count = reader.Number(); count > 0; count--)
        {
            var edge = ReadEdge(flowchart, reader);
            var visits = (int)reader.Number();
            var isFollowed = reader.Number() == 1;
            if (edges.TryGetValue(edge, out var index))
            {
                state.edgeVisits[index] = visits;
                state.edgeFollowed[index] = isFollowed;
            }
        }

        return state;
    }

    private void Arrive(ActivityContext context, int index, bool isFollowed, Queue<(int Node, IReadOnlyList<string> Outcomes)> ended)
    {
        var target = Graph.Edges[index].Target;
        var mode = JoinMode(context, target) ?? FlowJoinMode.WaitAllActive;
        if (mode == FlowJoinMode.WaitAny)
        {
            if (edgeVisits[index] <= activityVisits[target])
            {
                // Another way was first in this round.
                return;
            }

            if (isFollowed)
            {
                activityVisits[target]++;
                foreach (var cancelled in CancelAncestors(context, target))
                {
                    ended.Enqueue((cancelled, NoOutcomes));
                }

                context.Schedule(Flowchart.Nodes[target]);
                return;
            }
        }

        var isAnyFollowed = false;
        var isEveryFollowed = true;
        foreach (var inbound in Graph.ForwardInbound[target])
        {
            if (edgeVisits[inbound] <= activityVisits[target])
            {
                return;
            }

            isAnyFollowed |= edgeFollowed[inbound];
            isEveryFollowed &= edgeFollowed[inbound];
        }

        activityVisits[target]++;
        if (mode == FlowJoinMode.WaitAll ? isEveryFollowed : isAnyFollowed)
        {
            context.Schedule(Flowchart.Nodes[target]);
        }
        else
        {
            ended.Enqueue((target, NoOutcomes));
        }
    }
}
