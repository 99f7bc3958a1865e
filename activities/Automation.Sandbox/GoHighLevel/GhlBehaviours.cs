using Newtonsoft.Json.Linq;
using static Automation.Sandbox.Behaviours;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What each GoHighLevel operation does, by method and path.</summary>
internal static class GhlBehaviours
{
    private static readonly JObject Succeeded = new() { ["succeded"] = true };
    private static readonly JObject Success = new() { ["success"] = true };

    public static Dictionary<string, Behaviour> Table()
    {
        var table = new Dictionary<string, Behaviour>(StringComparer.Ordinal);
        AddContacts(table);
        AddAccount(table);
        AddSocialPlanner(table);
        AddCalendars(table);
        AddOpportunities(table);
        AddConversations(table);
        AddAssociations(table);
        AddBlogs(table);
        return table;
    }

    private static void AddContacts(Dictionary<string, Behaviour> table)
    {
        table["GET /contacts/"] = ContactBehaviours.List;
        table["POST /contacts/"] = ContactBehaviours.Create;
        table["POST /contacts/search"] = ContactSearch.Search;
        table["POST /contacts/upsert"] = ContactBehaviours.Upsert;
        table["GET /contacts/search/duplicate"] = ContactBehaviours.Duplicate;
        table["GET /contacts/business/{businessId}"] = List(Contacts, "contacts", equal: [("businessId", "businessId")], page: 25, total: "count");
        table["GET /contacts/{contactId}"] = Read(Contacts, "contactId", "contact");
        table["PUT /contacts/{contactId}"] = ContactBehaviours.Update;
        table["DELETE /contacts/{contactId}"] = Delete(Contacts, "contactId", Succeeded);
        table["POST /contacts/{contactId}/tags"] = ContactBehaviours.AddTags;
        table["DELETE /contacts/{contactId}/tags"] = ContactBehaviours.RemoveTags;
        table["POST /contacts/bulk/tags/update/{type}"] = ContactBehaviours.BulkTags;
        table["POST /contacts/bulk/business"] = ContactBehaviours.BulkBusiness;
        table["GET /contacts/{contactId}/appointments"] = List(Appointments, "events", "contactId", Contacts);

        table["GET /contacts/{contactId}/tasks"] = List(ContactTasks, "tasks", "contactId", Contacts);
        table["GET /contacts/{contactId}/tasks/{taskId}"] = Read(ContactTasks, "taskId", "task", "contactId");
        table["POST /contacts/{contactId}/tasks"] = Create(ContactTasks, "task", "contactId", Contacts);
        table["PUT /contacts/{contactId}/tasks/{taskId}"] = Update(ContactTasks, "taskId", "task", "contactId");
        table["PUT /contacts/{contactId}/tasks/{taskId}/completed"] = Update(ContactTasks, "taskId", "task", "contactId");
        table["DELETE /contacts/{contactId}/tasks/{taskId}"] = Delete(ContactTasks, "taskId", Succeeded, "contactId");

        table["GET /contacts/{contactId}/notes"] = List(ContactNotes, "notes", "contactId", Contacts);
        table["GET /contacts/{contactId}/notes/{id}"] = Read(ContactNotes, "id", "note", "contactId");
        table["POST /contacts/{contactId}/notes"] = Create(ContactNotes, "note", "contactId", Contacts);
        table["PUT /contacts/{contactId}/notes/{id}"] = Update(ContactNotes, "id", "note", "contactId");
        table["DELETE /contacts/{contactId}/notes/{id}"] = Delete(ContactNotes, "id", Succeeded, "contactId");

        table["POST /contacts/{contactId}/followers"] = ContactBehaviours.Followers(Contacts, "contactId", adds: true);
        table["DELETE /contacts/{contactId}/followers"] = ContactBehaviours.Followers(Contacts, "contactId", adds: false);
        table["POST /contacts/{contactId}/campaigns/{campaignId}"] = ContactBehaviours.Enrol(ContactCampaigns, Campaigns, "campaignId");
        table["DELETE /contacts/{contactId}/campaigns/{campaignId}"] = ContactBehaviours.Withdraw(ContactCampaigns, "campaignId");
        table["DELETE /contacts/{contactId}/campaigns/removeAll"] = ContactBehaviours.Withdraw(ContactCampaigns, null);
        table["POST /contacts/{contactId}/workflow/{workflowId}"] = ContactBehaviours.Enrol(ContactWorkflows, Workflows, "workflowId");
        table["DELETE /contacts/{contactId}/workflow/{workflowId}"] = ContactBehaviours.Withdraw(ContactWorkflows, "workflowId");
    }

    private static void AddAccount(Dictionary<string, Behaviour> table)
    {
        table["GET /locations/{locationId}"] = Read(Locations, "locationId", "location");
        table["GET /locations/search"] = AccountBehaviours.SearchLocations;
        table["POST /locations/"] = Create(Locations);
        table["GET /locations/{locationId}/customFields"] = AccountBehaviours.ListCustomFields;
        table["GET /locations/{locationId}/customFields/{id}"] = Read(CustomFields, "id", "customField");
        table["PUT /locations/{locationId}"] = Update(Locations, "locationId");
        table["GET /locations/{locationId}/tags"] = List(LocationTags, "tags");
        table["GET /locations/{locationId}/tags/{tagId}"] = Read(LocationTags, "tagId", "tag");
        table["POST /locations/{locationId}/tags"] = Create(LocationTags, "tag", "locationId", Locations);
        table["PUT /locations/{locationId}/tags/{tagId}"] = Update(LocationTags, "tagId", "tag");
        table["DELETE /locations/{locationId}/tags/{tagId}"] = Delete(LocationTags, "tagId", Succeeded);
        table["GET /locations/{locationId}/customValues"] = List(CustomValues, "customValues");
        table["GET /locations/{locationId}/customValues/{id}"] = Read(CustomValues, "id", "customValue");
        table["POST /locations/{locationId}/customValues"] = Create(CustomValues, "customValue", "locationId", Locations);
        table["PUT /locations/{locationId}/customValues/{id}"] = Update(CustomValues, "id", "customValue");
        table["DELETE /locations/{locationId}/customValues/{id}"] = Delete(CustomValues, "id", Succeeded);
        table["GET /forms/"] = List(Forms, "forms", total: "total", page: 10);
        table["GET /forms/submissions"] = AccountBehaviours.ListSubmissions(FormSubmissions, "formId");
        table["GET /surveys/"] = List(Surveys, "surveys", total: "total", page: 10);
        table["GET /surveys/submissions"] = AccountBehaviours.ListSubmissions(SurveySubmissions, "surveyId");
        table["POST /medias/upload-file"] = AccountBehaviours.UploadFile;
        table["POST /oauth/token"] = OAuthBehaviours.Token;
        table["POST /oauth/locationToken"] = OAuthBehaviours.LocationToken;
        table["GET /oauth/installedLocations"] = OAuthBehaviours.InstalledLocations;
        table["GET /companies/{companyId}"] = Read(Companies, "companyId", "company");
        table["GET /workflows/"] = List(Workflows, "workflows");
        table["GET /snapshots/"] = List(Snapshots, "snapshots", equal: [("companyId", "companyId")]);
        table["GET /campaigns/"] = List(Campaigns, "campaigns", equal: [("status", "status")]);
        table["GET /users/"] = AccountBehaviours.ListUsers;
        table["GET /users/search"] = AccountBehaviours.SearchUsers;
        table["POST /users/search/filter-by-email"] = AccountBehaviours.FilterUsersByEmail;
        table["GET /users/{userId}"] = Read(Users, "userId");
        table["POST /users/"] = Create(Users, defaults: new JObject { ["deleted"] = false });
        table["PUT /users/{userId}"] = Update(Users, "userId");
        table["DELETE /users/{userId}"] = Delete(Users, "userId", new JObject { ["succeded"] = true, ["message"] = "Queued deleting user with e-mail and name. Will take effect in a few minutes." });
        table["GET /businesses/"] = List(Businesses, "businesses", page: 20);
        table["GET /businesses/{businessId}"] = Read(Businesses, "businessId", "business");

        // The misspelling is the API's.
        table["POST /businesses/"] = Create(Businesses, "buiseness", extra: Success);
        table["PUT /businesses/{businessId}"] = Update(Businesses, "businessId", "buiseness", extra: Success);
        table["DELETE /businesses/{businessId}"] = Delete(Businesses, "businessId", Success);
    }

    private static void AddSocialPlanner(Dictionary<string, Behaviour> table)
    {
        table["GET /social-media-posting/{locationId}/tags"] = SocialBehaviours.ListTags;
        table["POST /social-media-posting/{locationId}/tags/details"] = SocialBehaviours.TagDetails;
        table["POST /social-media-posting/statistics"] = SocialBehaviours.Statistics;
    }

    private static void AddCalendars(Dictionary<string, Behaviour> table)
    {
        table["GET /calendars/"] = List(Calendars, "calendars", equal: [("groupId", "groupId")]);
        table["GET /calendars/{calendarId}"] = Read(Calendars, "calendarId", "calendar");
        table["POST /calendars/"] = Create(Calendars, "calendar", defaults: new JObject { ["isActive"] = true });
        table["PUT /calendars/{calendarId}"] = Update(Calendars, "calendarId", "calendar");
        table["DELETE /calendars/{calendarId}"] = Delete(Calendars, "calendarId", Success);
        table["GET /calendars/{calendarId}/free-slots"] = CalendarBehaviours.FreeSlots;

        table["GET /calendars/groups"] = List(CalendarGroups, "groups");
        table["POST /calendars/groups"] = Create(CalendarGroups, "group", defaults: new JObject { ["isActive"] = true });
        table["POST /calendars/groups/validate-slug"] = CalendarBehaviours.ValidateSlug;
        table["PUT /calendars/groups/{groupId}"] = Update(CalendarGroups, "groupId", "group");
        table["PUT /calendars/groups/{groupId}/status"] = Update(CalendarGroups, "groupId", answer: Success);
        table["DELETE /calendars/groups/{groupId}"] = Delete(CalendarGroups, "groupId", Success);

        table["GET /calendars/events"] = CalendarBehaviours.ListEvents(Appointments);
        table["GET /calendars/blocked-slots"] = CalendarBehaviours.ListEvents(BlockedSlots);
        table["GET /calendars/events/appointments/{eventId}"] = Read(Appointments, "eventId", "event");
        table["POST /calendars/events/appointments"] = CalendarBehaviours.CreateAppointment;
        table["PUT /calendars/events/appointments/{eventId}"] = Update(Appointments, "eventId");
        table["POST /calendars/events/block-slots"] = CalendarBehaviours.CreateBlockedSlot;
        table["PUT /calendars/events/block-slots/{eventId}"] = Update(BlockedSlots, "eventId");
        table["DELETE /calendars/events/{eventId}"] = CalendarBehaviours.DeleteEvent;

        table["GET /calendars/appointments/{appointmentId}/notes"] = CalendarBehaviours.ListNotes;
        table["POST /calendars/appointments/{appointmentId}/notes"] = Create(AppointmentNotes, "note", "appointmentId", Appointments);
        table["PUT /calendars/appointments/{appointmentId}/notes/{noteId}"] = Update(AppointmentNotes, "noteId", "note", "appointmentId");
        table["DELETE /calendars/appointments/{appointmentId}/notes/{noteId}"] = Delete(AppointmentNotes, "noteId", Success, "appointmentId");

        table["GET /calendars/{calendarId}/notifications"] = List(CalendarNotifications, null, "calendarId", Calendars, [("isActive", "isActive"), ("deleted", "deleted")], page: 100);
        table["GET /calendars/{calendarId}/notifications/{notificationId}"] = Read(CalendarNotifications, "notificationId", parent: "calendarId");
        table["POST /calendars/{calendarId}/notifications"] = CalendarBehaviours.CreateNotifications;
        table["PUT /calendars/{calendarId}/notifications/{notificationId}"] =
            Update(CalendarNotifications, "notificationId", parent: "calendarId", answer: new JObject { ["message"] = "Notification updated successfully" });
        table["DELETE /calendars/{calendarId}/notifications/{notificationId}"] =
            Delete(CalendarNotifications, "notificationId", new JObject { ["message"] = "Notification deleted successfully" }, "calendarId");

        table["GET /calendars/resources/{resourceType}"] = List(CalendarResources, null, "resourceType");
        table["GET /calendars/resources/{resourceType}/{id}"] = Read(CalendarResources, "id", parent: "resourceType");
        table["POST /calendars/resources/{resourceType}"] = Create(CalendarResources, null, "resourceType", defaults: new JObject { ["isActive"] = true });
        table["PUT /calendars/resources/{resourceType}/{id}"] = Update(CalendarResources, "id", parent: "resourceType");
        table["DELETE /calendars/resources/{resourceType}/{id}"] = Delete(CalendarResources, "id", Success, "resourceType");
    }

    private static void AddOpportunities(Dictionary<string, Behaviour> table)
    {
        table["GET /opportunities/search"] = OpportunityBehaviours.Search;
        table["GET /opportunities/{id}"] = OpportunityBehaviours.Read;
        table["GET /opportunities/pipelines"] = List(Pipelines, "pipelines");
        table["POST /opportunities/"] = OpportunityBehaviours.Create;
        table["POST /opportunities/upsert"] = OpportunityBehaviours.Upsert;
        table["PUT /opportunities/{id}"] = OpportunityBehaviours.Update;
        table["PUT /opportunities/{id}/status"] = OpportunityBehaviours.UpdateStatus;
        table["DELETE /opportunities/{id}"] = Delete(Opportunities, "id", Succeeded);
        table["POST /opportunities/{id}/followers"] = ContactBehaviours.Followers(Opportunities, "id", adds: true);
        table["DELETE /opportunities/{id}/followers"] = ContactBehaviours.Followers(Opportunities, "id", adds: false);
    }

    private static void AddConversations(Dictionary<string, Behaviour> table)
    {
        table["GET /conversations/search"] = ConversationBehaviours.Search;
        table["GET /conversations/{conversationId}"] = ConversationBehaviours.Read;
        table["GET /conversations/{conversationId}/messages"] = ConversationBehaviours.ListMessages;
        table["GET /conversations/messages/{id}"] = Read(Messages, "id");
        table["GET /conversations/messages/email/{id}"] = Read(Messages, "id");
        table["GET /conversations/messages/{messageId}/locations/{locationId}/recording"] = ConversationBehaviours.Recording;
        table["GET /conversations/locations/{locationId}/messages/{messageId}/transcription"] = ConversationBehaviours.Transcription;
        table["GET /conversations/locations/{locationId}/messages/{messageId}/transcription/download"] = ConversationBehaviours.DownloadTranscription;
        table["POST /conversations/messages"] = ConversationBehaviours.Send;
        table["PUT /conversations/messages/{messageId}/status"] = ConversationBehaviours.UpdateStatus;
        table["POST /conversations/providers/live-chat/typing"] = call => new Answer(call.Operation.Response.Status, Success.DeepClone());
    }

    private static void AddAssociations(Dictionary<string, Behaviour> table)
    {
        table["GET /associations/"] = ContentBehaviours.ListAssociations;
        table["GET /associations/{associationId}"] = Read(Associations, "associationId");
        table["GET /associations/key/{key_name}"] = ContentBehaviours.AssociationByKey;
        table["GET /associations/objectKey/{objectKey}"] = ContentBehaviours.AssociationsOfObject;
        table["GET /associations/relations/{recordId}"] = ContentBehaviours.RelationsOfRecord;
        table["POST /associations/"] = Create(Associations, defaults: new JObject { ["associationType"] = "USER_DEFINED" });
        table["PUT /associations/{associationId}"] = Update(Associations, "associationId");
        table["DELETE /associations/{associationId}"] = call => Delete(
            Associations, "associationId", new JObject { ["deleted"] = true, ["id"] = call.Path["associationId"], ["message"] = "Association deleted successfully" })(call);
        table["POST /associations/relations"] = ContentBehaviours.CreateRelation;
        table["DELETE /associations/relations/{relationId}"] = ContentBehaviours.DeleteRelation;
    }

    private static void AddBlogs(Dictionary<string, Behaviour> table)
    {
        table["GET /blogs/site/all"] = List(BlogSites, "data", text: "searchTerm");
        table["GET /blogs/authors"] = List(BlogAuthors, "authors", skip: "offset");
        table["GET /blogs/categories"] = List(BlogCategories, "categories", skip: "offset");
        table["GET /blogs/posts/all"] = List(BlogPosts, "blogs", "blogId", equal: [("status", "status")], text: "searchTerm", skip: "offset");
        table["GET /blogs/posts/url-slug-exists"] = ContentBehaviours.SlugExists;
        table["POST /blogs/posts"] = Create(BlogPosts, "data", defaults: new JObject { ["archived"] = false });
        table["PUT /blogs/posts/{postId}"] = Update(BlogPosts, "postId", "updatedBlogPost");
    }
}
