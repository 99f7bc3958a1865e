using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// What a new or reset sandbox holds: locations <c>loc-1</c>, <c>loc-2</c>, <c>loc-3</c> of company <c>co-1</c>, the same in every installation; only appointments lie
/// some days after it was made. There is a record for each operation that reads one.
/// </summary>
internal static class SeedData
{
    private static readonly string[] FirstNames = ["Ada", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam"];
    private static readonly string[] LastNames = ["Archer", "Bauer", "Costa", "Diaz", "Evans", "Fischer", "Grant", "Hoffman", "Ito", "Jansen", "Kaya", "Lopez"];
    private static readonly (string Id, string Name, string Zone)[] Locations =
        [("loc-1", "North Studio", "Europe/Berlin"), ("loc-2", "South Studio", "America/New_York"), ("loc-3", "Harbour Studio", "Australia/Sydney")];

    public static void Ghl(SandboxSession session)
    {
        Put(session, GhlCollections.Companies, new { id = "co-1", name = "Sandbox Agency", email = "agency@sandbox.example", phone = "+15550000000", timezone = "Europe/Berlin", currency = "EUR" });
        Put(session, GhlCollections.Snapshots, new { id = "snapshot-1", companyId = "co-1", name = "Agency starter", type = "own" });
        for (var i = 0; i < Locations.Length; i++)
        {
            SeedLocation(session, i + 1, Locations[i]);
        }
    }

    public static void Flocksy(SandboxSession session)
    {
        for (var i = 1; i <= Locations.Length; i++)
        {
            var locationId = Locations[i - 1].Id;
            Put(session, FlocksyApi.Campaigns, new { id = $"campaign-{i}a", locationId, name = "Welcome series", status = "active", tags = new[] { "VIP client" } });
            Put(session, FlocksyApi.Campaigns, new { id = $"campaign-{i}b", locationId, name = "Monthly newsletter", status = "active", tags = new[] { "newsletter" } });
            Put(session, FlocksyApi.Campaigns, new { id = $"campaign-{i}c", locationId, name = "Spring offer", status = "draft" });
            Put(session, FlocksyApi.Dashboards, new { id = $"dashboard-{i}", locationId, name = "Social media" });
            Put(session, FlocksyApi.Projects, new { id = $"project-{i}", locationId, name = "Brand refresh", status = "open" });
            Put(session, FlocksyApi.Files, new { id = $"file-{i}", locationId, projectId = $"project-{i}", name = "logo.png", contentType = "image/png", size = 20480, url = $"https://files.flocksy.example/logo-{i}.png" });
            Put(session, FlocksyApi.Segments, new { id = $"segment-{i}-leads", locationId, name = "Leads" });
            Put(session, FlocksyApi.Segments, new { id = $"segment-{i}-vip", locationId, name = "VIP clients" });
            Put(session, FlocksyApi.Segments, new { id = $"segment-{i}-admins", locationId, name = "Administrators" });
            Put(session, FlocksyApi.Profiles, new { id = $"user-{i}a", locationId, email = $"owner{i}@sandbox.example", name = $"Olga Owner {i}", role = "admin", segmentIds = new[] { $"segment-{i}-admins" } });
        }

        Put(session, FlocksyApi.TagMappings, new
        {
            id = "mapping-vip",
            locationId = "loc-1",
            ghlTag = "vip",
            flocksyTag = "VIP client",
            contactIds = new[] { "contact-1-01", "contact-1-02", "contact-1-03" },
            campaignIds = new[] { "campaign-1a", "campaign-1b" },
        });
    }

    private static void SeedLocation(SandboxSession session, int number, (string Id, string Name, string Zone) location)
    {
        var locationId = location.Id;
        Put(session, GhlCollections.Locations, new
        {
            id = locationId,
            companyId = "co-1",
            name = location.Name,
            email = $"{locationId}@sandbox.example",
            phone = $"+1555{number}000000",
            timezone = location.Zone,
            country = "DE",
            settings = new { allowDuplicateContact = false, allowDuplicateOpportunity = false, allowFacebookNameMerge = false, disableContactTimezone = false },
        });
        foreach (var (suffix, first, role) in (IEnumerable<(string, string, string)>)[("a", "Olga", "admin"), ("b", "Umar", "user")])
        {
            Put(session, GhlCollections.Users, new
            {
                id = $"user-{number}{suffix}",
                companyId = "co-1",
                locationId,
                firstName = first,
                lastName = $"{(role == "admin" ? "Owner" : "User")} {number}",
                email = $"{(role == "admin" ? "owner" : "user")}{number}@sandbox.example",
                phone = $"+1555{number}0001{(suffix == "a" ? "01" : "02")}",
                deleted = false,
                roles = new { type = "account", role, locationIds = new[] { locationId } },
            });
        }

        for (var i = 0; i < FirstNames.Length; i++)
        {
            var (first, last) = (FirstNames[i], LastNames[(i + number) % LastNames.Length]);
            Put(session, GhlCollections.Contacts, new
            {
                id = $"contact-{number}-{i + 1:00}",
                locationId,
                firstName = first,
                lastName = last,
                email = $"{first}.{last}.{number}@example.com".ToLowerInvariant(),
                phone = $"+1555{number}1000{i + 1:00}",
                type = "lead",
                source = "sandbox",
                dnd = false,
                deleted = false,
                timezone = location.Zone,
                assignedTo = $"user-{number}b",
                tags = i % 3 == 0 ? new[] { "newsletter" } : [],
                customFields = i > 2 ? [] : new[]
                {
                    new { id = $"field-{number}-role", value = (object)"Owner" },
                    new { id = $"field-{number}-size", value = (object)(4 * (i + 1)) },
                    new { id = $"field-{number}-wanted", value = (object)new[] { "Logo", "Website" } },
                },
                businessId = i < 2 ? $"business-{number}" : null,
            });
        }

        foreach (var tag in (string[])["vip", "newsletter", "launch", "webinar"])
        {
            Put(session, GhlCollections.SocialTags, new { _id = $"tag-{number}-{tag}", tag, locationId, createdBy = $"user-{number}a", deleted = false });
        }

        Put(session, GhlCollections.Pipelines, new
        {
            id = $"pipeline-{number}",
            locationId,
            name = "Sales",
            stages = new[] { new { id = $"stage-{number}-new", name = "New", position = 0 }, new { id = $"stage-{number}-quote", name = "Quote", position = 1 }, new { id = $"stage-{number}-won", name = "Won", position = 2 } },
        });
        Put(session, GhlCollections.Opportunities, new { id = $"opportunity-{number}-1", locationId, name = "Website", pipelineId = $"pipeline-{number}", pipelineStageId = $"stage-{number}-new", status = "open", contactId = $"contact-{number}-01", monetaryValue = 1200 });
        Put(session, GhlCollections.CalendarGroups, new { id = $"group-{number}", locationId, name = "Consulting", description = "Calls with clients", slug = $"consulting-{number}", isActive = true });
        Put(session, GhlCollections.Calendars, new { id = $"calendar-{number}", locationId, groupId = $"group-{number}", name = "First call", description = "Thirty minutes", slug = $"first-call-{number}", calendarType = "round_robin", isActive = true, slotDuration = 30, slotDurationUnit = "mins" });
        Put(session, GhlCollections.Campaigns, new { id = $"ghl-campaign-{number}", locationId, name = "Nurture", status = "published" });
        Put(session, GhlCollections.Workflows, new { id = $"workflow-{number}", locationId, name = "Follow up", status = "published", version = 1 });
        Put(session, GhlCollections.Businesses, new { id = $"business-{number}", locationId, name = "Acme Ltd.", email = $"office{number}@acme.example" });
        Put(session, GhlCollections.CustomFields, new { id = $"field-{number}-size", locationId, name = "Company size", fieldKey = "contact.company_size", dataType = "NUMERICAL", model = "contact", position = 0 });
        Put(session, GhlCollections.CustomFields, new { id = $"field-{number}-budget", locationId, name = "Budget", fieldKey = "opportunity.budget", dataType = "MONETORY", model = "opportunity", position = 1 });
        SeedFields(session, number, locationId);
        Put(session, GhlCollections.LocationTags, new { id = $"location-tag-{number}-newsletter", locationId, name = "newsletter" });
        Put(session, GhlCollections.CustomValues, new { id = $"custom-value-{number}-1", locationId, name = "Support phone", value = $"+1555{number}000000" });
        Put(session, GhlCollections.Forms, new { id = $"form-{number}", locationId, name = "Contact us" });
        Put(session, GhlCollections.Surveys, new { id = $"survey-{number}", locationId, name = "How did we do?" });
        Put(session, GhlCollections.FormSubmissions, new { id = $"form-submission-{number}-1", locationId, formId = $"form-{number}", contactId = $"contact-{number}-01", name = "Ada", email = $"ada.{number}@example.com", others = new { message = "Please call me" } });
        Put(session, GhlCollections.SurveySubmissions, new { id = $"survey-submission-{number}-1", locationId, surveyId = $"survey-{number}", contactId = $"contact-{number}-01", name = "Ada", email = $"ada.{number}@example.com", others = new { rating = 5 } });
        Put(session, GhlCollections.Associations, new { id = $"association-{number}", locationId, key = "business_owner", firstObjectLabel = "Owner", firstObjectKey = "contact", secondObjectLabel = "Business", secondObjectKey = "business", associationType = "USER_DEFINED" });
        Put(session, GhlCollections.BlogSites, new { _id = $"blog-{number}", locationId, name = "News" });
        Put(session, GhlCollections.BlogAuthors, new { _id = $"author-{number}", locationId, name = $"Olga Owner {number}", canonicalLink = "" });
        Put(session, GhlCollections.BlogCategories, new { _id = $"category-{number}", locationId, label = "Updates", canonicalLink = "", urlSlug = "updates" });
        Put(session, GhlCollections.Conversations, new { id = $"conversation-{number}", locationId, contactId = $"contact-{number}-01", type = "TYPE_PHONE", unreadCount = 1, inbox = true, starred = false, deleted = false, fullName = "Ada", contactName = "Ada", email = $"ada.{number}@example.com", phone = $"+1555{number}100001", lastMessageBody = "Hello", lastMessageType = "TYPE_SMS" });
        Put(session, GhlCollections.Messages, new { id = $"message-{number}-1", locationId, contactId = $"contact-{number}-01", conversationId = $"conversation-{number}", type = 2, messageType = "TYPE_SMS", body = "Hello", direction = "inbound", status = "delivered", contentType = "text/plain" });
        SeedChildren(session, number, locationId);
    }

    /// <summary>The location's own fields: one of each kind.</summary>
    private static void SeedFields(SandboxSession session, int number, string locationId)
    {
        var position = 2;
        foreach (var (id, name, dataType, model, options) in (IEnumerable<(string, string, string, string, string[]?)>)
        [
            ("role", "Job role", "TEXT", "contact", null),
            ("about", "About the company", "LARGE_TEXT", "contact", null),
            ("revenue", "Yearly revenue", "MONETORY", "contact", null),
            ("renewal", "Renewal date", "DATE", "contact", null),
            ("industry", "Industry", "SINGLE_OPTIONS", "contact", ["Design", "Food", "Retail", "Software"]),
            ("wanted", "Services wanted", "MULTIPLE_OPTIONS", "contact", ["Logo", "Print", "Video", "Website"]),
            ("contact_by", "Contact by", "RADIO", "contact", ["E-mail", "Phone"]),
            ("topics", "Newsletter topics", "CHECKBOX", "contact", ["Offers", "Studio news", "Tips"]),
            ("offer", "Signed offer", "FILE_UPLOAD", "contact", null),
            ("assistant", "Assistant's phone", "PHONE", "contact", null),
            ("start", "Start of work", "DATE", "opportunity", null),
            ("deliverables", "Deliverables", "MULTIPLE_OPTIONS", "opportunity", ["Files", "Prints", "Source files"]),
        ])
        {
            Put(session, GhlCollections.CustomFields, new { id = $"field-{number}-{id}", locationId, name, fieldKey = $"{model}.{name.ToLowerInvariant().Replace(' ', '_').Replace("'", "")}", dataType, model, position = position++, picklistOptions = options ?? [] });
        }
    }

    /// <summary>Records that belong to others, one of each.</summary>
    private static void SeedChildren(SandboxSession session, int number, string locationId)
    {
        var (contactId, calendarId, conversationId) = ($"contact-{number}-01", $"calendar-{number}", $"conversation-{number}");
        var weekday = NextWeekday(session.Now);
        Put(session, GhlCollections.ContactTasks, new { id = $"task-{number}-1", locationId, contactId, title = "Call back", body = "About the offer", dueDate = Timestamps.Iso(weekday), completed = false, assignedTo = $"user-{number}b" });
        Put(session, GhlCollections.ContactNotes, new { id = $"note-{number}-1", locationId, contactId, body = "Prefers the morning", userId = $"user-{number}b" });
        Put(session, GhlCollections.Appointments, new
        {
            id = $"appointment-{number}-1",
            locationId,
            contactId = $"contact-{number}-02",
            calendarId,
            groupId = $"group-{number}",
            title = "First call",
            appointmentStatus = "confirmed",
            assignedUserId = $"user-{number}b",
            users = new[] { $"user-{number}b" },
            startTime = Timestamps.Iso(weekday),
            endTime = Timestamps.Iso(weekday + (30 * 60 * 1000)),
            isRecurring = false,
        });
        Put(session, GhlCollections.BlockedSlots, new
        {
            id = $"blocked-{number}-1",
            locationId,
            calendarId,
            title = "Away",
            assignedUserId = $"user-{number}b",
            startTime = Timestamps.Iso(weekday + (4 * 3600 * 1000)),
            endTime = Timestamps.Iso(weekday + (5 * 3600 * 1000)),
        });
        Put(session, GhlCollections.AppointmentNotes, new { id = $"appointment-note-{number}-1", locationId, appointmentId = $"appointment-{number}-1", body = "Bring the brochure", userId = $"user-{number}b" });
        Put(session, GhlCollections.CalendarNotifications, new { _id = $"notification-{number}-1", locationId, calendarId, receiverType = "contact", channel = "email", notificationType = "booked", isActive = true, deleted = false });
        Put(session, GhlCollections.CalendarResources, new { _id = $"room-{number}-1", locationId, resourceType = "rooms", name = "Blue room", description = "For six", quantity = 1, outOfService = 0, capacity = 6, calendarIds = new[] { calendarId }, isActive = true });
        Put(session, GhlCollections.CalendarResources, new { _id = $"equipment-{number}-1", locationId, resourceType = "equipments", name = "Projector", description = "", quantity = 2, outOfService = 0, capacity = 1, calendarIds = new[] { calendarId }, isActive = true });
        Put(session, GhlCollections.Relations, new { id = $"relation-{number}-1", locationId, associationId = $"association-{number}", firstRecordId = contactId, secondRecordId = $"business-{number}" });
        Put(session, GhlCollections.BlogPosts, new { _id = $"post-{number}-1", locationId, blogId = $"blog-{number}", title = "Hello", description = "First words", imageUrl = "https://files.sandbox.example/hello.png", imageAltText = "A wave", categories = new[] { $"category-{number}" }, author = $"author-{number}", urlSlug = $"hello-{number}", status = "PUBLISHED", publishedAt = Timestamps.Iso(weekday - (7 * 24 * 3600 * 1000)), archived = false });
        Put(session, GhlCollections.Messages, new
        {
            id = $"message-{number}-2",
            locationId,
            contactId,
            conversationId,
            type = 1,
            messageType = "TYPE_CALL",
            body = "Hello, this is Ada.",
            direction = "inbound",
            status = "completed",
            contentType = "text/plain",
            meta = new { call = new { duration = 42, status = "completed" } },
        });
        Put(session, GhlCollections.Messages, new
        {
            id = $"message-{number}-3",
            locationId,
            contactId,
            conversationId,
            type = 3,
            messageType = "TYPE_EMAIL",
            subject = "Offer",
            threadId = $"message-{number}-3",
            from = $"owner{number}@sandbox.example",
            to = new[] { $"ada.{number}@example.com" },
            body = "<p>Our offer</p>",
            direction = "outbound",
            status = "sent",
            contentType = "text/html",
        });
    }

    /// <summary>Ten o'clock UTC of the first weekday at least two days away.</summary>
    private static long NextWeekday(long now)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(now).UtcDateTime.Date.AddDays(2);
        while (day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday)
        {
            day = day.AddDays(1);
        }

        return new DateTimeOffset(day, TimeSpan.Zero).AddHours(10).ToUnixTimeMilliseconds();
    }

    private static void Put(SandboxSession session, Collection collection, object record) => session.Insert(collection, JObject.FromObject(record));
}
