using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Gates;

/// <summary>Gates over the database: each question is one transaction, which also keeps its answer.</summary>
internal sealed class GateService(IGateStore store, IDoorbell doorbell, TimeProvider clock) : IGates
{
    public async ValueTask<bool> IsFirstAsync(GatePass pass, TimeSpan? period, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return await store.ClaimAsync(pass, now, now + period, cancellationToken);
    }

    public async ValueTask<DateTimeOffset?> AdmitAsync(GatePass pass, int limit, TimeSpan period, TimeSpan? longestWait, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return await store.AdmitAsync(pass, limit, period, now, now + longestWait, cancellationToken);
    }

    public async ValueTask<DigestPlace> CollectAsync(GatePass pass, JToken item, int limit, DateTimeOffset? dueAt, string bookmarkId, CancellationToken cancellationToken)
    {
        // Checkpoint: the item, the stimulus of a collector whose digest it fills, and this execution's answer are one transaction. A crash after it
        // executes the activity again, which gets the same place; what would have been rung for below is found by the sweep.
        var (place, wakes) = await store.CollectAsync(pass, Ids.New(clock), item, limit, dueAt, bookmarkId, clock.GetUtcNow(), cancellationToken);
        if (wakes is not null)
        {
            doorbell.RingRuns([wakes]);
        }

        return place;
    }

    public async ValueTask<IReadOnlyList<JToken>?> ReleaseAsync(GatePass pass, string digestId, CancellationToken cancellationToken) =>
        await store.ReleaseAsync(pass, digestId, cancellationToken);
}
