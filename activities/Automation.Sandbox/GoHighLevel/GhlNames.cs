using Newtonsoft.Json.Linq;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What the control endpoint understands beside the collections' own names: the words of the API's paths, and records that do not say where they belong.</summary>
internal static class GhlNames
{
    private const long Day = 24 * 3600 * 1000;

    public static readonly IReadOnlyDictionary<string, string> Aliases = new Dictionary<string, string>
    {
        ["tasks"] = "contact-tasks",
        ["notes"] = "contact-notes",
        ["groups"] = "calendar-groups",
        ["events"] = "appointments",
        ["calendar-events"] = "appointments",
        ["calendar-appointments"] = "appointments",
        ["contact-appointments"] = "appointments",
        ["block-slots"] = "blocked-slots",
        ["calendar-blocked-slots"] = "blocked-slots",
        ["calendar-appointment-notes"] = "appointment-notes",
        ["notifications"] = "calendar-notifications",
        ["resources"] = "calendar-resources",
        ["rooms"] = "calendar-resources",
        ["equipments"] = "calendar-resources",
        ["opportunity-pipelines"] = "pipelines",
        ["conversation-messages"] = "messages",
        ["emails"] = "messages",
        ["email-messages"] = "messages",
        ["recordings"] = "messages",
        ["message-recordings"] = "messages",
        ["transcriptions"] = "messages",
        ["message-transcriptions"] = "messages",
        ["transcripts"] = "messages",
        ["location-custom-fields"] = "custom-fields",
        ["association-relations"] = "relations",
        ["blogs"] = "blog-sites",
        ["sites"] = "blog-sites",
        ["posts"] = "blog-posts",
        ["authors"] = "blog-authors",
        ["categories"] = "blog-categories",
        ["tags"] = "social-tags",
        ["social-planner-tags"] = "social-tags",
        ["social-media-posting-tags"] = "social-tags",
        ["social-statistics"] = "statistics",
        ["social-media-posting-statistics"] = "statistics",
    };

    private static readonly (string Property, Collection Owner)[] Owners =
    [
        ("contactId", Contacts), ("calendarId", Calendars), ("conversationId", Conversations), ("appointmentId", Appointments), ("blogId", BlogSites), ("businessId", Businesses),
        ("pipelineId", Pipelines), ("groupId", CalendarGroups), ("associationId", Associations),
    ];

    public static void Complete(SandboxSession session, string name, Collection collection, JObject record)
    {
        if (collection == Messages)
        {
            record["id"] ??= record["messageId"]?.DeepClone();
        }

        if (record["id"]?.ToString() is { } id && session.Find(collection, id) is not null)
        {
            return;
        }

        if (collection == Companies || !All.ContainsKey(collection.Name))
        {
            return;
        }

        if (collection == Snapshots || collection == Locations || collection == Users)
        {
            record["companyId"] ??= "co-1";
        }

        if (collection == Snapshots || collection == Locations)
        {
            return;
        }

        record["locationId"] ??= LocationOf(session, record) ?? "loc-1";
        var location = record["locationId"]!.ToString();
        if (collection == CalendarResources)
        {
            record["resourceType"] ??= name.StartsWith("equipment", StringComparison.OrdinalIgnoreCase) ? "equipments" : "rooms";
        }
        else if (collection == Appointments || collection == BlockedSlots)
        {
            record["calendarId"] ??= session.First(Calendars, new RecordQuery().In(location))?.Key;
            record["startTime"] ??= Timestamps.Iso((session.Now / Day * Day) + Day + (10 * 3600 * 1000));
        }
    }

    private static JToken? LocationOf(SandboxSession session, JObject record)
    {
        foreach (var (property, owner) in Owners)
        {
            if (record[property]?.ToString() is { } id && session.Find(owner, id)?.Json["locationId"] is { } location)
            {
                return location.DeepClone();
            }
        }

        return null;
    }
}
