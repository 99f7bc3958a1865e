using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>
/// Gathers what several runs bring into one list. The run that brings the first item waits and goes on with the whole list, when there are enough or the time has
/// come; the others end here by the outcome Collected.
/// </summary>
[Activity("Automation.Digest", "Timing", "Collects what several runs bring, by count or time, and lets one run go on with the list (Released). The others end by Collected.")]
public sealed class Digest(IGates gates) : Activity
{
    /// <summary>More make a list that no run should carry.</summary>
    private const int MostItems = 10_000;

    /// <summary>Characters of JSON of one item.</summary>
    private const int LargestItem = 64 * 1024;

    [Input(Required = true, Description = "What this run brings: text, a number, an object.")]
    public Input<object> Item { get; init; } = default!;

    [Input(Description = "What is collected apart, as a location's id. Empty: all runs together.")]
    public Input<string> Key { get; init; } = default!;

    [Input(Description = "How many make a digest. Empty: as many as come in the time.")]
    public Input<int> Count { get; init; } = default!;

    [Input(Description = "When a digest ends: a span from its first item (1h, 1d), or a time of day (09:00). Empty: when there are enough.")]
    public Input<object> Release { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone of the time of day, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    [Input(Description = "Activities of one name, in any flow, collect together. Empty: this activity of this flow.")]
    public Input<string> Name { get; init; } = default!;

    [Output(Description = "The items, in the order in which they came.")]
    public Output<JToken> Result { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Released", "Collected"];

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var count = context.Get(Count);
        var release = context.Get(Release);
        var now = context.Clock.GetUtcNow();
        var due = Moments.TimeOfDay(release) is { } clock ? Moments.Next(clock, now, Moments.Zone(context.Get(TimeZone)))
            : Moments.Span(release, "release") is { } span ? now + span
            : (DateTimeOffset?)null;
        if (count < 1 && due is null)
        {
            return Fault("missing-input", "count", "Nothing says when the digest ends.", "Give a count, a time, or both.");
        }

        var item = ValueConverter.ToJson(context.Get(Item));
        if (Json.Write(item).Length > LargestItem)
        {
            return Fault("too-large", "item", $"The item has more than {LargestItem / 1024} KB.", "Collect ids, and read the rest where the list is used.");
        }

        if (!Gate.Applies(context))
        {
            context.Set(Result, new JArray(item));
            return ActivityResult.Completed("Released");
        }

        // Others look whether their collector is there: its row must be, before it can be one.
        await context.CheckpointAsync(cancellationToken);
        var bookmark = context.NewBookmarkId();
        var pass = GatePass.Of(context, context.Get(Name), context.Get(Key));
        var place = await gates.CollectAsync(pass, item, count is >= 1 and <= MostItems ? count : MostItems, due, bookmark, cancellationToken);
        if (!place.Collects)
        {
            return ActivityResult.Completed("Collected");
        }

        if (place.IsReady || place.DueAt <= now)
        {
            return await ReleaseAsync(context, pass, place.DigestId, cancellationToken);
        }

        // What its inputs come to then may be something else.
        context.SetState("digest", new JObject { ["id"] = place.DigestId, ["scope"] = pass.Scope, ["key"] = pass.Key });
        return ActivityResult.Suspended(new BookmarkRequest("Automation.Digest", place.DigestId, place.DueAt) { Id = bookmark });
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        var digest = (JObject)context.GetState("digest")!;
        var pass = new GatePass((string)digest["scope"]!, (string)digest["key"]!, context.EffectKey, context.Run.Lineage, context.Run.InstanceId);
        return ReleaseAsync(context, pass, (string)digest["id"]!, cancellationToken);
    }

    private async ValueTask<ActivityResult> ReleaseAsync(ActivityContext context, GatePass pass, string digest, CancellationToken cancellationToken)
    {
        if (await gates.ReleaseAsync(pass, digest, cancellationToken) is not { } items)
        {
            return ActivityResult.Completed("Collected");
        }

        context.Set(Result, new JArray(items));
        return ActivityResult.Completed("Released");
    }

    private static ActivityResult Fault(string code, string property, string message, string action) =>
        ActivityResult.Faulted(new Fault(message) { Code = code, Property = property, Action = action });
}
