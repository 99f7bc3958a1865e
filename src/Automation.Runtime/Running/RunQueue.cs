using System.Threading.Channels;

namespace Automation.Runtime.Running;

/// <summary>Ids of instances that wait for a burst on this node. Holds no truth: what it drops, the sweep finds again.</summary>
public sealed class RunQueue
{
    /// <summary>Ids kept at most; more than the rows of an hour's burst would only be a copy of the table.</summary>
    private const int Capacity = 50_000;

    private readonly Lock gate = new();
    private readonly Queue<string> order = [];
    private readonly Queue<string> first = [];
    private readonly HashSet<string> waiting = new(StringComparer.Ordinal);
    private readonly Channel<bool> signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool lookForAny;

    /// <summary>Adds ids that are not there yet. None: the runner looks for any runnable instance.</summary>
    public void Add(IReadOnlyList<string> instanceIds) => Add(instanceIds, order);

    /// <summary>Adds ids before those that are there.</summary>
    internal void AddFirst(IReadOnlyList<string> instanceIds) => Add(instanceIds, first);

    private void Add(IReadOnlyList<string> instanceIds, Queue<string> target)
    {
        lock (gate)
        {
            lookForAny |= instanceIds.Count == 0;
            foreach (var id in instanceIds)
            {
                if (waiting.Count >= Capacity)
                {
                    break;
                }

                if (waiting.Add(id))
                {
                    target.Enqueue(id);
                }
            }
        }

        signal.Writer.TryWrite(true);
    }

    /// <summary>Takes up to a number of ids, oldest first.</summary>
    internal IReadOnlyList<string> Take(int limit)
    {
        lock (gate)
        {
            var taken = new List<string>(Math.Min(limit, first.Count + order.Count));
            while (taken.Count < limit && (first.TryDequeue(out var id) || order.TryDequeue(out id)))
            {
                waiting.Remove(id);
                taken.Add(id);
            }

            return taken;
        }
    }

    /// <summary>Those of the ids that no burst has taken yet.</summary>
    internal IReadOnlyList<string> StillWaiting(IReadOnlyList<string> instanceIds)
    {
        lock (gate)
        {
            return instanceIds.Where(waiting.Contains).ToList();
        }
    }

    /// <summary>True once after a ring without ids.</summary>
    internal bool TakeLookForAny()
    {
        lock (gate)
        {
            var wanted = lookForAny;
            lookForAny = false;
            return wanted;
        }
    }

    /// <summary>Ids are waiting. A ring without ids is not among them.</summary>
    internal bool HasIds
    {
        get
        {
            lock (gate)
            {
                return first.Count > 0 || order.Count > 0;
            }
        }
    }

    /// <summary>Waits until something was added since the last wait.</summary>
    internal async Task WaitAsync(CancellationToken cancellationToken) => await signal.Reader.ReadAsync(cancellationToken);
}
