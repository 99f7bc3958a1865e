using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Where a scan is: its bounds and the token of its next page.</summary>
/// <param name="From">Lower bound (watermark less overlap); null: from the beginning, or the operation has no window.</param>
/// <param name="To">Upper bound, fixed when the scan began.</param>
/// <param name="PageToken">Token of the page to read; null: the first.</param>
public sealed record ScanPosition(DateTimeOffset? From, DateTimeOffset To, string? PageToken)
{
    /// <summary>When the scan before this one began; null: there was none.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>A page of a scan.</summary>
/// <param name="Items">Good items.</param>
/// <param name="Bad">Items without an id, or that are no objects, with the reason.</param>
/// <param name="NextPageToken">Null: the scan is at its end.</param>
public sealed record PollPage(IReadOnlyList<PolledItem> Items, IReadOnlyList<BadItem> Bad, string? NextPageToken)
{
    /// <summary>Good items that are in the list only because its window moved on: to be known, not to fire.</summary>
    public IReadOnlyList<PolledItem> RolledIn { get; init; } = [];
}

/// <summary>An item that a source lists.</summary>
/// <param name="Id">Its id in the source.</param>
/// <param name="Hash">Hash of its content, volatile properties left out; 32 hex characters.</param>
/// <param name="UpdatedAt">When the API says it was changed; null: it does not say.</param>
/// <param name="Payload">The item.</param>
/// <param name="Subjects">Keys by which runs about it are found.</param>
public sealed record PolledItem(string Id, string Hash, DateTimeOffset? UpdatedAt, JObject Payload, IReadOnlyList<string> Subjects);

/// <summary>An item that could not be taken.</summary>
public sealed record BadItem(string Reason, string Excerpt);

/// <summary>Reads pages of a poll source. Writes nothing.</summary>
public interface IPollReader
{
    /// <summary>Reads one page.</summary>
    /// <param name="operation">A list, or a read of one record (which gives one item).</param>
    /// <param name="connection">The account.</param>
    /// <param name="inputs">Inputs by API name.</param>
    /// <param name="position">Where the scan is.</param>
    /// <param name="priority">Poll or backfill.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="ConnectorException">The call failed, the answer is not JSON or has no list where the operation says.</exception>
    ValueTask<PollPage> ReadPageAsync(Operation operation, Connection connection, JObject inputs, ScanPosition position, CallPriority priority, CancellationToken cancellationToken);

    /// <summary>Reads one item of a list as a page would show it, by inputs that find it among those of the source; none: it is not in the list.</summary>
    /// <exception cref="ConnectorException">As of a page.</exception>
    ValueTask<PollPage> ReadItemAsync(Operation operation, Connection connection, JObject inputs, JObject find, CancellationToken cancellationToken);
}
