using System.Globalization;
using Newtonsoft.Json.Linq;
using static Automation.Sandbox.Behaviours;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about calendars: events between two times, free slots, notifications sent as a list.</summary>
internal static class CalendarBehaviours
{
    private const long Day = 24 * 3600 * 1000;
    private const long Slot = 30 * 60 * 1000;

    public static Behaviour ListEvents(Collection collection) => call =>
    {
        if (Timestamps.Read(call.Text("startTime")) is not { } from || Timestamps.Read(call.Text("endTime")) is not { } to)
        {
            return Answer.Refuse(422, "invalid", "startTime and endTime must be milliseconds", "startTime");
        }

        if (call.Text("userId") is null && call.Text("calendarId") is null && call.Text("groupId") is null)
        {
            return Answer.Refuse(422, "invalid", "Either of calendarId, userId or groupId is required", "calendarId");
        }

        var query = new RecordQuery().In(call.Location).Equal("assignedUserId", call.Text("userId")).Equal("calendarId", call.Text("calendarId"));
        if (call.Text("groupId") is { } group)
        {
            query.Where(
                "json_extract(json, '$.calendarId') in (select key from records c where c.api = records.api and c.collection = 'calendars' and json_extract(c.json, '$.groupId') = ?)", group);
        }

        var events = call.Session.List(collection, query).Select(SandboxSession.Parse).Where(e => Starts(e) is { } start && start >= from && start <= to).Select(e => e.Json);
        return new Answer(200, new JObject { ["events"] = new JArray(events) });
    };

    public static Answer CreateAppointment(Call call)
    {
        if (call.Session.Find(Contacts, call.Text("contactId")) is null)
        {
            return Answer.NotFound("Contact", call.Text("contactId"));
        }

        return CreateEvent(call, Appointments, new JObject { ["appointmentStatus"] = "confirmed", ["isRecurring"] = false, ["users"] = new JArray() });
    }

    /// <summary>Its answer always has a title and both times; the request may leave them out.</summary>
    public static Answer CreateBlockedSlot(Call call) => CreateEvent(call, BlockedSlots, new JObject { ["title"] = "Blocked", ["startTime"] = Timestamps.Iso(call.Now) });

    public static Answer DeleteEvent(Call call)
    {
        var id = call.Path["eventId"];
        return call.Session.Delete(Appointments, id) || call.Session.Delete(BlockedSlots, id)
            ? new Answer(call.Operation.Response.Status, new JObject { ["succeeded"] = true })
            : Answer.NotFound("Event", id);
    }

    /// <summary>Half hours from nine to five, Monday to Friday in UTC, that no appointment begins in that stands.</summary>
    public static Answer FreeSlots(Call call)
    {
        if (call.Session.Find(Calendars, call.Path["calendarId"]) is not { } calendar)
        {
            return Missing(call, Calendars, "calendarId");
        }

        var from = Timestamps.Read(call.Text("startDate")) ?? 0;
        var to = Timestamps.Read(call.Text("endDate")) ?? 0;
        if (to < from || to - from > 31 * Day)
        {
            return Answer.Refuse(400, "invalid", "The date range must not be more than 31 days", "endDate");
        }

        var taken = call.Session.List(Appointments, new RecordQuery().Equal("calendarId", calendar.Key))
            .Select(SandboxSession.Parse).Where(a => a.Json["appointmentStatus"]?.ToString() is not ("cancelled" or "noshow" or "invalid")).Select(Starts).OfType<long>().Select(start => start / Slot).ToHashSet();
        var days = new JObject();
        for (var start = (from + Slot - 1) / Slot * Slot; start <= to; start += Slot)
        {
            var time = DateTimeOffset.FromUnixTimeMilliseconds(start);
            if (time.Hour is >= 9 and < 17 && time.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && !taken.Contains(start / Slot))
            {
                var date = time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
                days[date] ??= new JObject { ["slots"] = new JArray() };
                ((JArray)days[date]!["slots"]!).Add(time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            }
        }

        return new Answer(200, days);
    }

    public static Answer ListNotes(Call call)
    {
        var take = call.Number("limit", 10, 100);
        var query = new RecordQuery { Skip = call.Number("offset", 0), Take = take + 1 }.Of(call.Path["appointmentId"]);
        var found = call.Session.List(AppointmentNotes, query);
        return new Answer(200, new JObject { ["notes"] = Raw.Array(found.Take(take)), ["hasMore"] = found.Count > take });
    }

    public static Answer ValidateSlug(Call call) => new(call.Operation.Response.Status, new JObject
    {
        ["available"] = call.Session.First(CalendarGroups, new RecordQuery().In(call.Location).Equal("slug", call.Text("slug"))) is null,
    });

    public static Answer CreateNotifications(Call call)
    {
        if (call.Session.Find(Calendars, call.Path["calendarId"]) is null)
        {
            return Missing(call, Calendars, "calendarId");
        }

        var made = new JArray();
        foreach (var item in ((JArray)call.Body!).Cast<JObject>())
        {
            var notification = (JObject)item.DeepClone();
            notification["calendarId"] = call.Path["calendarId"];
            notification["isActive"] ??= true;
            notification["deleted"] ??= false;
            made.Add(call.Session.Insert(CalendarNotifications, notification).Json);
        }

        return new Answer(call.Operation.Response.Status, made);
    }

    private static Answer CreateEvent(Call call, Collection collection, JObject defaults)
    {
        if (call.Session.Find(Calendars, call.Text("calendarId")) is null)
        {
            return Answer.NotFound("Calendar", call.Text("calendarId"));
        }

        var record = (JObject)call.Fields.DeepClone();
        record.Merge(new JObject(defaults.Properties().Where(p => record[p.Name] is null)));
        if (record["startTime"] is { } start)
        {
            if (Timestamps.Read(start) is not { } begins)
            {
                return Answer.Refuse(422, "invalid", "startTime must be a valid ISO 8601 date string", "startTime");
            }

            record["endTime"] ??= Timestamps.Iso(begins + Slot);
        }

        return new Answer(call.Operation.Response.Status, call.Session.Insert(collection, record).Json);
    }

    private static long? Starts(StoredRecord record) => Timestamps.Read(record.Json["startTime"]);
}
