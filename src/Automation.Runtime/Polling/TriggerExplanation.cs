using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>The answer to "why did it not fire?", from what the ledger knows.</summary>
internal static class TriggerExplanation
{
    /// <param name="Record">The item.</param>
    /// <param name="Deliveries">Its deliveries to the trigger, newest first.</param>
    /// <param name="IsAhead">The ledger has an event of it that the trigger has not come to.</param>
    public sealed record Item(ItemRecord Record, IReadOnlyList<DeliveryRecord> Deliveries, bool IsAhead);

    public static JObject Of(TriggerView view, string key, IReadOnlyList<Item> items)
    {
        var (answer, message) = items.Count > 0 ? Explain(view, items[0]) : WithoutItem(view, key);
        return new JObject
        {
            ["triggerId"] = view.Trigger.Id,
            ["key"] = key,
            ["answer"] = answer,
            ["message"] = message,
            ["notes"] = new JArray(Notes(view, answer, items)),
            ["items"] = new JArray(items.Select(item => Describe(view, item))),
        };
    }

    private static (string Answer, string Message) WithoutItem(TriggerView view, string key)
    {
        if (view.Source is not { } source)
        {
            if (view.Trigger.Kind is "hook" or "webhook" && (view.Trigger.IsPaused || view.Waiting > 0))
            {
                return view.Trigger.IsPaused
                    ? ("paused", $"The trigger is paused. What comes meanwhile waits, {view.Waiting} so far, and starts its runs when it is resumed.")
                    : ("waiting", $"{view.Waiting} of what came while the trigger was paused still wait, and start their runs one after another.");
            }

            return ("not-polled", $"This trigger is of kind '{view.Trigger.Kind}' and watches no list; it fires {(view.Trigger.Kind == "schedule" ? "by time" : "when it is called")}.");
        }

        if (source.BaselinedAt is null)
        {
            return source.LastError is null
                ? ("not-baselined", "The first poll of this list has not ended yet. It takes a baseline and fires nothing; changes after it fire.")
                : ("source-failing", $"The first poll of this list has not succeeded yet, so nothing fires. {source.LastError}");
        }

        return source.LastError is { } error && source.Failures > 0
            ? ("source-failing", $"'{key}' was not in the list when it was last read ({At(source.LastSuccessAt)}), and polling fails since: {error}")
            : ("never-seen", $"'{key}' has never been in this list; it was last read at {At(source.LastSuccessAt)}. Check that the item is in the account and location that the trigger watches, and that it fits the trigger's inputs.");
    }

    private static (string Answer, string Message) Explain(TriggerView view, Item item)
    {
        var record = item.Record;
        var current = $"{record.ItemId}@{record.Revision}";
        var last = item.Deliveries.OrderByDescending(delivery => delivery.Generation).ThenByDescending(delivery => delivery.At).FirstOrDefault(delivery => delivery.EventKey == current);
        if (item.IsAhead)
        {
            return view.Trigger.IsPaused
                ? ("paused", $"Its latest change ({current}) is in the ledger; the trigger is paused, and comes to it when it is resumed.")
                : ("waiting", $"Its latest change ({current}) is in the ledger and is being delivered.");
        }

        if (last is { InstanceId: { } instance })
        {
            return ("fired", $"Its latest change ({current}) fired at {At(last.At)} as run {instance}.");
        }

        if (last is { Reason: { } reason })
        {
            return ("filtered", $"Its latest change ({current}) was seen, and did not fire. {reason}");
        }

        if (record is { FromBaseline: true, Revision: 1 })
        {
            return ("baseline", $"It was there when the first poll took its baseline, which fires nothing, and has not changed since (last read at {At(view.Source?.LastSuccessAt)}).");
        }

        return item.Deliveries.Count > 0
            ? ("unchanged", $"It has fired before ({item.Deliveries[0].EventKey}) and has not changed for this trigger since.")
            : ("before-trigger", $"Its latest change ({current}, {At(record.SeenAt)}) was seen before this trigger joined the list; a trigger starts at the end. Rewind it to fire what came before.");
    }

    private static IEnumerable<string> Notes(TriggerView view, string answer, IReadOnlyList<Item> items)
    {
        if (view.Source is { IsActive: false } idle)
        {
            yield return $"The trigger is paused, and nobody else watches its list: what has changed there since {At(idle.LastSuccessAt)} shows when it is resumed.";
        }
        else if (view.Trigger.IsPaused && answer != "paused")
        {
            yield return "The trigger is paused now.";
        }

        if (items is [{ Record: { IsGone: true } gone }, ..])
        {
            yield return $"'{gone.ItemId}' is not in the list any more; when it comes back it is new.";
        }

        if (view.Source is { Failures: > 0, LastError: { } error } && answer != "source-failing")
        {
            yield return $"The last poll failed: {error}";
        }
    }

    private static JObject Describe(TriggerView view, Item item)
    {
        var (answer, message) = Explain(view, item);
        return new JObject
        {
            ["id"] = item.Record.ItemId,
            ["revision"] = item.Record.Revision,
            ["updatedAt"] = item.Record.UpdatedAt is { } updated ? At(updated) : null,
            ["seenAt"] = At(item.Record.SeenAt),
            ["fromBaseline"] = item.Record.FromBaseline,
            ["answer"] = answer,
            ["message"] = message,
            ["deliveries"] = new JArray(item.Deliveries.Select(delivery => new JObject
            {
                ["event"] = delivery.EventKey,
                ["generation"] = delivery.Generation,
                ["at"] = At(delivery.At),
                ["instanceId"] = delivery.InstanceId,
                ["reason"] = delivery.Reason,
            })),
        };
    }

    private static string At(DateTimeOffset? time) => time is { } value ? value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") : "never";
}
