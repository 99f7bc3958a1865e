using Newtonsoft.Json.Linq;

namespace Automation.Tests;

/// <summary>A polling trigger, inputs that fit the sandbox's seed, and changes made from outside of which each starts one run.</summary>
/// <param name="Type">Activity type, without its connector.</param>
/// <param name="Inputs">Inputs, by their names in a definition; the connection knows location and company.</param>
/// <param name="Changes">Collection and record, as the sandbox's control endpoint takes them; <c>-collection/id</c> deletes.</param>
internal sealed record PollCase(string Type, string Inputs, params (string Collection, string Record)[] Changes)
{
    public string ActivityType => "GoHighLevel." + Type;

    public static readonly IReadOnlyList<PollCase> All =
    [
        new("Contacts.GetContact", """{"contactId":"contact-1-05"}""", ("contacts", """{"id":"contact-1-05","firstName":"Edda"}""")),
        new("Contacts.SearchContacts", "{}", ("contacts", """{"id":"c-new","email":"c-new@example.com"}"""), ("contacts", """{"id":"contact-1-06","phone":"+15559990006"}""")),
        new("Contacts.GetContactsByBusiness", """{"businessId":"business-1"}""", ("contacts", """{"id":"contact-1-07","businessId":"business-1"}"""), ("contacts", """{"id":"contact-1-01","city":"Kiel"}""")),
        new("Contacts.GetDuplicateContact", """{"email":"twice@example.com"}""", ("contacts", """{"id":"c-twice","email":"twice@example.com"}"""), ("contacts", """{"id":"c-twice","lastName":"Twice"}""")),
        new("Contacts.GetContactAppointments", """{"contactId":"contact-1-02"}""", ("appointments", """{"id":"a-2","contactId":"contact-1-02"}"""), ("events", """{"id":"appointment-1-1","title":"Moved"}""")),
        new("Contacts.GetContactTasks", """{"contactId":"contact-1-01"}""", ("tasks", """{"id":"t-2","contactId":"contact-1-01","title":"Write"}"""), ("contact-tasks", """{"id":"task-1-1","completed":true}""")),
        new("Contacts.GetContactTaskByID", """{"contactId":"contact-1-01","taskId":"task-1-1"}""", ("contactTasks", """{"id":"task-1-1","title":"Call again"}""")),
        new("Contacts.GetContactNotes", """{"contactId":"contact-1-01"}""", ("notes", """{"id":"n-2","contactId":"contact-1-01","body":"Likes tea"}"""), ("contact-notes", """{"id":"note-1-1","body":"Prefers the evening"}""")),
        new("Contacts.GetContactNoteByID", """{"contactId":"contact-1-01","inputId":"note-1-1"}""", ("notes", """{"id":"note-1-1","body":"Prefers noon"}""")),
        new("Contacts.ListContacts", "{}", ("contacts", """{"id":"c-listed","email":"c-listed@example.com"}"""), ("contacts", """{"id":"contact-1-08","source":"fair"}""")),
        new("Calendars.ListCalendarGroups", "{}", ("groups", """{"id":"g-2","name":"Support","slug":"support"}"""), ("calendar-groups", """{"id":"group-1","name":"Advice"}""")),
        new("Calendars.ListCalendars", "{}", ("calendars", """{"id":"cal-2","name":"Second call"}"""), ("calendars", """{"id":"calendar-1","name":"Very first call"}""")),
        new("Calendars.GetCalendarByID", """{"calendarId":"calendar-1"}""", ("calendars", """{"id":"calendar-1","slotDuration":45}""")),
        new("Calendars.GetFreeSlots", """{"calendarId":"calendar-1"}""", ("appointments", """{"id":"appointment-1-1","appointmentStatus":"cancelled"}""")),
        new("Calendars.ListCalendarEvents", """{"calendarId":"calendar-1"}""", ("events", """{"id":"e-2","calendarId":"calendar-1","contactId":"contact-1-03"}"""), ("appointments", """{"id":"appointment-1-1","notes":"Third floor"}""")),
        new("Calendars.ListBlockedSlots", """{"userId":"user-1b"}""", ("blocked-slots", """{"id":"b-2","assignedUserId":"user-1b"}"""), ("block-slots", """{"id":"blocked-1-1","title":"Ill"}""")),
        new("Calendars.GetAppointment", """{"eventId":"appointment-1-1"}""", ("appointments", """{"id":"appointment-1-1","address":"Kiel"}""")),
        new("Calendars.ListAppointmentNotes", """{"appointmentId":"appointment-1-1"}""", ("appointment-notes", """{"id":"an-2","appointmentId":"appointment-1-1","body":"Late"}"""), ("appointmentNotes", """{"id":"appointment-note-1-1","body":"Bring two"}""")),
        new("Calendars.ListCalendarNotifications", """{"calendarId":"calendar-1"}""", ("notifications", """{"id":"cn-2","calendarId":"calendar-1","channel":"sms"}"""), ("calendar-notifications", """{"_id":"notification-1-1","channel":"sms"}""")),
        new("Calendars.GetCalendarNotification", """{"calendarId":"calendar-1","notificationId":"notification-1-1"}""", ("calendar-notifications", """{"id":"notification-1-1","isActive":false}""")),
        new("Calendars.ListCalendarResources", """{"resourceType":"rooms"}""", ("rooms", """{"id":"r-2","name":"Red room"}"""), ("calendar-resources", """{"id":"room-1-1","name":"Sky room"}""")),
        new("Calendars.GetCalendarResource", """{"resourceType":"equipments","inputId":"equipment-1-1"}""", ("resources", """{"id":"equipment-1-1","quantity":3}""")),
        new("Opportunities.SearchOpportunities", "{}", ("opportunities", """{"id":"o-2","name":"Shop","pipelineId":"pipeline-1","contactId":"contact-1-02"}"""), ("opportunities", """{"id":"opportunity-1-1","status":"won"}""")),
        new("Opportunities.GetOpportunity", """{"inputId":"opportunity-1-1"}""", ("opportunities", """{"id":"opportunity-1-1","monetaryValue":1500}""")),
        new("Opportunities.ListPipelines", "{}", ("pipelines", """{"id":"p-2","name":"Support","stages":[]}"""), ("pipelines", """{"id":"pipeline-1","name":"Selling"}""")),
        new("Users.SearchUsers", "{}", ("users", """{"id":"u-2","firstName":"Ute","email":"ute@sandbox.example","locationId":"loc-1"}"""), ("users", """{"id":"user-1b","firstName":"Ulf"}""")),
        new("Users.FilterUsersByEmail", """{"emails":"user1@sandbox.example,later@sandbox.example"}""", ("users", """{"id":"u-3","email":"later@sandbox.example"}"""), ("users", """{"id":"user-1b","lastName":"Filtered"}""")),
        new("Users.GetUser", """{"userId":"user-1a"}""", ("users", """{"id":"user-1a","lastName":"Owns"}""")),
        new("Users.ListUsersByLocation", "{}", ("users", """{"id":"u-4","email":"u4@sandbox.example"}"""), ("user", """{"id":"user-1b","phone":"+15551000199"}""")),
        new("Conversations.SearchConversations", "{}", ("conversations", """{"id":"cv-2","contactId":"contact-1-02","lastMessageBody":"Hi"}"""), ("conversations", """{"id":"conversation-1","lastMessageBody":"Bye"}""")),
        new("Conversations.GetConversation", """{"conversationId":"conversation-1"}""", ("conversations", """{"id":"conversation-1","unreadCount":7}""")),
        new("Conversations.GetEmailByID", """{"inputId":"message-1-3"}""", ("emails", """{"id":"message-1-3","status":"opened"}""")),
        new("Conversations.GetMessageByID", """{"inputId":"message-1-1"}""", ("messages", """{"id":"message-1-1","status":"read"}""")),
        new("Conversations.GetMessagesByConversation", """{"conversationId":"conversation-1"}""", ("messages", """{"id":"m-9","conversationId":"conversation-1","body":"New"}"""), ("messages", """{"id":"message-1-1","body":"Hello!"}""")),
        new("Conversations.GetMessageRecording", """{"messageId":"message-1-2"}""", ("recordings", """{"messageId":"message-1-2","recording":"longer"}""")),
        new("Conversations.GetMessageTranscription", """{"messageId":"message-1-2"}""", ("transcriptions", """{"messageId":"message-1-2","transcription":"Hello, this is Ada speaking."}""")),
        new("Conversations.DownloadTranscription", """{"messageId":"message-1-2"}""", ("messages", """{"id":"message-1-2","transcription":"Hello, it is Ada."}""")),
        new("Businesses.GetBusiness", """{"businessId":"business-1"}""", ("businesses", """{"id":"business-1","city":"Kiel"}""")),
        new("Businesses.ListBusinessesByLocation", "{}", ("businesses", """{"id":"bu-2","name":"Globex"}"""), ("business", """{"id":"business-1","name":"Acme GmbH"}""")),
        new("Workflows.ListWorkflows", "{}", ("workflows", """{"id":"w-2","name":"Birthday","status":"draft"}"""), ("workflows", """{"id":"workflow-1","status":"draft"}""")),
        new("Snapshots.ListSnapshots", "{}", ("snapshots", """{"id":"s-2","name":"Gym","type":"own"}"""), ("snapshots", """{"id":"snapshot-1","name":"Agency starter 2"}""")),
        new("Campaigns.ListCampaigns", "{}", ("campaigns", """{"id":"gc-2","name":"Spring","status":"draft"}"""), ("campaigns", """{"id":"ghl-campaign-1","status":"draft"}""")),
        new("Locations.ListLocations", "{}", ("locations", """{"id":"loc-9","name":"Island Studio"}"""), ("locations", """{"id":"loc-3","name":"Port Studio"}""")),
        new("Locations.ListCustomFields", "{}", ("custom-fields", """{"id":"cf-2","name":"Shoe size","model":"contact"}"""), ("customFields", """{"id":"field-1-size","name":"Staff"}""")),
        new("Company.GetCompany", "{}", ("companies", """{"id":"co-1","name":"Sandbox Agency 2"}""")),
        new("Associations.FindAssociations", "{}", ("associations", """{"id":"as-2","key":"pet","firstObjectKey":"contact","secondObjectKey":"custom_objects.pet"}"""), ("associations", """{"id":"association-1","firstObjectLabel":"Boss"}""")),
        new("Associations.GetAssociation", """{"associationId":"association-1"}""", ("associations", """{"id":"association-1","secondObjectLabel":"Firm"}""")),
        new("Associations.GetAssociationKey", """{"key_name":"later_key"}""", ("associations", """{"id":"as-3","key":"later_key","firstObjectKey":"contact","secondObjectKey":"contact"}"""), ("associations", """{"id":"as-3","firstObjectLabel":"Friend"}""")),
        new("Associations.GetAssociationByKeys", """{"objectKey":"business"}""", ("associations", """{"id":"as-4","key":"supplier","firstObjectKey":"business","secondObjectKey":"business"}"""), ("association", """{"id":"association-1","firstObjectLabel":"Head"}""")),
        new("Associations.GetRelationsByRecord", """{"recordId":"contact-1-01"}""", ("relations", """{"id":"re-2","associationId":"association-1","firstRecordId":"contact-1-01","secondRecordId":"bu-2"}"""), ("relations", """{"id":"relation-1-1","secondRecordId":"bu-3"}""")),
        new("Blogs.CheckBlogURLSlug", """{"urlSlug":"soon-there"}""", ("blog-posts", """{"id":"po-2","blogId":"blog-1","title":"Soon","urlSlug":"soon-there"}"""), ("posts", """{"id":"po-2","urlSlug":"gone"}""")),
        new("Blogs.GetBlogAuthors", "{}", ("blog-authors", """{"id":"au-2","name":"Umar"}"""), ("authors", """{"id":"author-1","name":"Olga"}""")),
        new("Blogs.GetBlogCategories", "{}", ("blog-categories", """{"id":"ca-2","label":"Events"}"""), ("categories", """{"id":"category-1","label":"News"}""")),
        new("Blogs.GetBlogPosts", """{"blogId":"blog-1"}""", ("blogPosts", """{"id":"po-3","blogId":"blog-1","title":"Third"}"""), ("blog-posts", """{"_id":"post-1-1","title":"Hello again"}""")),
        new("Blogs.GetBlogsByLocation", "{}", ("blogs", """{"id":"bl-2","name":"Tips"}"""), ("blog-sites", """{"id":"blog-1","name":"All news"}""")),
    ];
}
