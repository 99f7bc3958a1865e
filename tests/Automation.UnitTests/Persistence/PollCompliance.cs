using Automation.Connectors;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Persistence;

/// <summary>What tests of sources and triggers share: one published definition with one source.</summary>
public abstract class PollCompliance : StoreCompliance
{
    protected static DefinitionVersion Version(int number, string definitionId = "def-1", bool latest = true) => new()
    {
        Id = $"{definitionId}-v{number}",
        DefinitionId = definitionId,
        Version = number,
        Name = "Tag sync",
        IsLatest = latest,
        IsPublished = false,
        CreatedAt = T0.AddMinutes(number),
        Json = $"{{\"version\":{number}}}",
    };

    protected static SourceRecord Source(string id = "src") => new()
    {
        Id = id,
        ConnectionId = "con-1",
        LocationId = "loc-1",
        Operation = "GoHighLevel.SocialPlanner.TagChanged",
        Inputs = new JObject { ["skip"] = 0 },
        Interval = TimeSpan.FromMinutes(5),
        DueAt = T0,
    };

    protected static TriggerRecord PollTrigger(string id, string source = "src", string definitionId = "def-1") => new()
    {
        Id = id,
        DefinitionId = definitionId,
        VersionId = definitionId + "-v1",
        ActivityId = "poll",
        ActivityType = "GoHighLevel.SocialPlanner.TagChanged",
        Kind = "poll",
        SourceId = source,
        ConnectionId = "con-1",
        LocationId = "loc-1",
        Configured = "5m",
        EffectiveInterval = TimeSpan.FromMinutes(5),
        Settings = new JObject { ["filter"] = "x" },
        CreatedAt = T0,
    };

    protected static TriggerRecord Schedule(string id, DateTimeOffset dueAt, string configured = "0 9 * * *") =>
        PollTrigger(id) with { Kind = "schedule", SourceId = null, ConnectionId = null, EffectiveInterval = null, Configured = configured, DueAt = dueAt };

    protected Task PublishAsync(params TriggerRecord[] triggers) => PublishAsync("def-1", 1, triggers);

    protected async Task PublishAsync(string definitionId, int version, params TriggerRecord[] triggers)
    {
        await Definitions.SaveAsync([Version(version, definitionId)], default);
        await Definitions.PublishAsync(
            new Publication
            {
                DefinitionId = definitionId,
                VersionId = $"{definitionId}-v{version}",
                Triggers = triggers,
                Sources = triggers.Select(t => t.SourceId).OfType<string>().Distinct(StringComparer.Ordinal).Select(Source).ToList(),
            },
            default);
    }

    protected static PolledItem Item(string id, string hash, int? updated) =>
        new(id, hash, updated is { } seconds ? T0.AddSeconds(seconds) : null, new JObject { ["id"] = id, ["hash"] = hash }, [id + "@x.test"]);

    protected static IntakePage Page(Lease lease, bool baseline, IReadOnlyList<PolledItem> items) => new()
    {
        SourceId = "src",
        Lease = lease,
        Items = items,
        IsBaseline = baseline,
        ObservedAt = T0,
        ScanUpper = T0.AddSeconds(-1),
        EndsScan = true,
        DueAt = T0,
    };

    /// <summary>Claims the source; one whose owner died is waited for by taking its lease away as time would.</summary>
    protected async Task<(SourceRecord Source, Lease Lease)> ClaimSourceAsync(Lease? afterExpiryOf = null)
    {
        if (afterExpiryOf is { } held)
        {
            await Polls.RenewSourceAsync("src", held, TimeSpan.FromSeconds(-1), default);
        }

        return (await Polls.ClaimSourcesAsync(["src"], "node-1", LeaseTime, 1, true, default)).Single();
    }

    protected async Task<IntakeResult> ScanAsync(bool baseline, params PolledItem[] items)
    {
        var (_, lease) = await ClaimSourceAsync();
        var result = await Polls.IntakeAsync(Page(lease, baseline, items), default);
        await Polls.ReleaseSourceAsync("src", lease, default);
        return result;
    }
}
