using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Polling;

/// <summary>The incident of a source that has not been polled with success for three of its intervals. One per outage: its id is made from the last success, so that whoever notices it again makes the same.</summary>
internal static class SourceAlarm
{
    /// <summary>Intervals without success, or failures in a row, after which it is an incident.</summary>
    public const int Missed = 3;

    public static string IdOf(SourceRecord source) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"source-silent\u001f{source.Id}\u001f{source.LastSuccessAt?.UtcTicks.ToString() ?? "never"}")))[..32];

    /// <summary>It was due three intervals ago, and nobody has polled it since.</summary>
    public static bool IsOverdue(SourceRecord source, DateTimeOffset now) => source.DueAt < now - (Missed * source.Interval);

    public static IncidentRecord OfFailure(SourceRecord source, ConnectorException? failure, string reason, int failures, DateTimeOffset now) =>
        Of(source, failure?.Code ?? "poll-failed", $"{failures} tries failed. {reason}", failure?.Action ?? "Test the connection; the flow goes on by itself when the source answers again.", now) with { Detail = failure?.ProviderMessage };

    /// <summary>Of a source that fails less often than it backs off, or that is not polled at all.</summary>
    public static IncidentRecord OfSilence(SourceRecord source, DateTimeOffset now) => source.Failures > 0
        ? Of(source, "poll-failed", $"{source.Failures} tries failed. {source.LastError}", "Test the connection; the flow goes on by itself when the source answers again.", now)
        : Of(source, "not-polled", $"It was due at {source.DueAt?.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, and its poll has not come to an end since.",
            "See whether the API budget of the connection is spent (/api/budget), and whether a server is running that polls; the flow goes on by itself.", now);

    private static IncidentRecord Of(SourceRecord source, string code, string what, string action, DateTimeOffset now) => new()
    {
        Id = IdOf(source),
        Kind = "source",
        SourceId = source.Id,
        LocationId = source.LocationId,
        ActivityType = source.Operation,
        Code = code,
        Message = $"The source has not been polled with success {(source.LastSuccessAt is { } last ? $"since {last.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC" : "yet")}; {what}",
        Action = action,
        CreatedAt = now,
    };
}

/// <summary>Looks for sources that are silent and that no failing poll has reported: a dead man's switch.</summary>
public sealed class SourceWatch(IPollStore store, IIncidentStore incidents, TimeProvider clock)
{
    private readonly DateTimeOffset startedAt = clock.GetUtcNow();

    /// <summary>Sources without success for three intervals. After a start nothing counts as silent that this process has not had three intervals for.</summary>
    public Task<IReadOnlyList<SourceRecord>> ListSilentAsync(CancellationToken cancellationToken) =>
        store.ListSilentAsync(clock.GetUtcNow(), startedAt, SourceAlarm.Missed, cancellationToken);

    /// <summary>Makes each an incident. The poll that succeeds again resolves it; what a crash kept it from, and what nobody wants polled any more, is resolved here.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        await incidents.ResolveSourcesAsync(clock.GetUtcNow(), cancellationToken);
        var silent = await ListSilentAsync(cancellationToken);
        if (silent.Count > 0)
        {
            var now = clock.GetUtcNow();
            await incidents.AddAsync([.. silent.Select(source => SourceAlarm.OfSilence(source, now))], cancellationToken);
        }
    }
}
