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

    public override void Start(ActivityContext context) => context.Schedule(Flowchart.Nodes[Graph.Start]);

    public override ActivityResult Completed(ActivityContext context, ChildCompletion child)
    {
        if (!Graph.IsReached[child.Child.LocalIndex])
        {
            return ActivityResult.Faulted(new Fault($"Activity {child.Child.Id} is not reachable from the flowchart graph. Unable to schedule it's outbound activities.") { Code = "invalid-connection", Action = "Connect the activity to the flow that starts it." });
        }

        var invalid = Follow(context, child.Child.LocalIndex, child.Outcomes, isVisit: !child.Context!.IsBackward);
        return invalid is not null ? ActivityResult.Faulted(invalid)
            : HasPendingChildren(context) ? ActivityResult.Waiting : ActivityResult.Done;
    }

    protected override void Cancelled(ActivityContext context, int node) => Follow(context, node, NoOutcomes, isVisit: true);

    /// <summary>
    /// Visits the connections of an activity that has ended, and those of all that are skipped after it. Skipped ones are followed at once, before the next
    /// connection; on a stack of our own, for a dead path may be as long as the flowchart.
    /// </summary>
    private Fault? Follow(ActivityContext context, int node, IReadOnlyList<string> outcomes, bool isVisit)
    {
        var open = new Stack<(int Node, IReadOnlyList<string> Outcomes, int Next)>();
        activityVisits[node] += isVisit ? 1 : 0;
        open.Push((node, outcomes, 0));
        while (open.TryPop(out var entry))
        {
            var outbound = Graph.Outbound[entry.Node];
            for (var next = entry.Next; next < outbound.Length; next++)
            {
                var index = outbound[next];
                var edge = Graph.Edges[index];
                var isFollowed = Has(entry.Outcomes, edge.Port);
                edgeVisits[index]++;
                edgeFollowed[index] = isFollowed;
                if (Graph.IsBackward[index])
                {
                    if (!isFollowed)
                    {
                        continue;
                    }

                    if (!Graph.IsValidBackward(index))
                    {
                        return new Fault($"Invalid backward connection: Every path from the source ('{Flowchart.Nodes[edge.Source].Id}') must go through the target ('{Flowchart.Nodes[edge.Target].Id}') when tracing back to the start.")
                        {
                            Code = "invalid-connection",
                            Action = "Let the connection lead back to an activity that every way to its source passes.",
                        };
                    }

                    context.Schedule(Flowchart.Nodes[edge.Target], null, null, true);
                }
                else if (IsSkipped(context, index))
                {
                    activityVisits[edge.Target]++;
                    open.Push((entry.Node, entry.Outcomes, next + 1));
                    open.Push((edge.Target, NoOutcomes, 0));
                    break;
                }
            }
        }

        return null;
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

        // Executions by a backward connection were once counted as visits. An activity is never visited more often than the busiest way to it; a join that
        // were would be passed by, and the flow would end without what comes after it.
        for (var node = 0; node < state.activityVisits.Length; node++)
        {
            if (state.Graph.ForwardInbound[node] is { Length: > 0 } inbound)
            {
                state.activityVisits[node] = Math.Min(state.activityVisits[node], inbound.Max(index => state.edgeVisits[index]));
            }
        }

        return state;
    }

    /// <summary>Schedules the target of a connection when its time has come; true: all ways to it are decided, and it is skipped.</summary>
    private bool IsSkipped(ActivityContext context, int index)
    {
        var target = Graph.Edges[index].Target;
        var mode = JoinMode(context, target) ?? FlowJoinMode.WaitAllActive;
        if (mode == FlowJoinMode.WaitAny && (edgeVisits[index] <= activityVisits[target] || context.IsQueued(Flowchart.Nodes[target])))
        {
            // Another way was first in this round.
            return false;
        }

        var least = int.MaxValue;
        var most = 0;
        foreach (var inbound in Graph.ForwardInbound[target])
        {
            least = Math.Min(least, edgeVisits[inbound]);
            most = Math.Max(most, edgeVisits[inbound]);
        }

        // Only ways of the newest round count as followed.
        var isAnyFollowed = false;
        var isEveryFollowed = true;
        foreach (var inbound in Graph.ForwardInbound[target])
        {
            var isTaken = edgeVisits[inbound] == most && edgeFollowed[inbound] && most > activityVisits[target];
            isAnyFollowed |= isTaken;
            isEveryFollowed &= isTaken;
        }

        if (mode == FlowJoinMode.WaitAny && isAnyFollowed)
        {
            context.Schedule(Flowchart.Nodes[target]);
            CancelAncestors(context, target);
            return false;
        }

        if (least <= activityVisits[target])
        {
            // Some way is still open.
            return false;
        }

        if (mode == FlowJoinMode.WaitAll ? isEveryFollowed : isAnyFollowed)
        {
            context.Schedule(Flowchart.Nodes[target]);
            return false;
        }

        return true;
    }
}
