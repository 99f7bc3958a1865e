using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>An event that no run waited for and that started none: kept for a run that comes to wait for it.</summary>
/// <param name="Hash">Of the bookmarks that it resumes.</param>
/// <param name="InstanceId">Only this instance.</param>
/// <param name="CorrelationId">Only runs of this correlation id.</param>
/// <param name="ActivityInstanceId">Only this execution of an activity.</param>
/// <param name="Payload">What it brings.</param>
/// <param name="Until">When it is given up.</param>
public sealed record HeldEvent(string Hash, string? InstanceId, string? CorrelationId, string? ActivityInstanceId, JToken? Payload, DateTimeOffset Until);

/// <summary>Events that nobody took.</summary>
public interface IHeldEventStore
{
    /// <summary>Keeps an event.</summary>
    Task HoldAsync(HeldEvent held, CancellationToken cancellationToken);

    /// <summary>Hands kept events to the runs that wait for them now: in one transaction their stimuli are queued and the event is gone, so that it resumes once.</summary>
    /// <param name="hashes">Only these; null: any, and those whose time is over are deleted.</param>
    /// <param name="now">The present time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Ids of the instances that have work.</returns>
    Task<IReadOnlyList<string>> DeliverAsync(IReadOnlyList<string>? hashes, DateTimeOffset now, CancellationToken cancellationToken);
}
