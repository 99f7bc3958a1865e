using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>
/// Gates (<see cref="IGates"/>), each question one transaction. Questions of one key are answered one after the other, and the answer is kept under the
/// execution's effect key until the last run of its lineage is deleted.
/// </summary>
public interface IGateStore
{
    /// <summary>Claims a key until a time (null: for good). True: nobody holds it.</summary>
    Task<bool> ClaimAsync(GatePass pass, DateTimeOffset now, DateTimeOffset? until, CancellationToken cancellationToken);

    /// <summary>Grants the next free time; null: it would be after <paramref name="latest"/>.</summary>
    Task<DateTimeOffset?> AdmitAsync(GatePass pass, int limit, TimeSpan period, DateTimeOffset now, DateTimeOffset? latest, CancellationToken cancellationToken);

    /// <summary>Adds an item to the open digest of the key, or opens one of the given id; returns the run to ring for when it is full.</summary>
    Task<(DigestPlace Place, string? Wakes)> CollectAsync(GatePass pass, string newId, JToken item, int limit, DateTimeOffset? dueAt, string bookmarkId, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Closes a digest for its collector and reads its items; null: it has another collector.</summary>
    Task<IReadOnlyList<JToken>?> ReleaseAsync(GatePass pass, string digestId, CancellationToken cancellationToken);
}
