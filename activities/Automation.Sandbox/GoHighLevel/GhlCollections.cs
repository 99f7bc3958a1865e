using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>The kinds of records of the GoHighLevel stand-in, with the ids and times as that API writes them.</summary>
internal static class GhlCollections
{
    public static readonly Collection Contacts = new("contacts")
    {
        CreatedProperty = "dateAdded",
        UpdatedProperty = "dateUpdated",
        SearchFields = ["firstName", "lastName", "email", "phone", "companyName"],
        Normalise = NormaliseContact,
    };

    public static readonly Collection ContactTasks = Child("contact-tasks", "contactId") with { CreatedProperty = null, SearchFields = ["title"] };
    public static readonly Collection ContactNotes = Child("contact-notes", "contactId") with { CreatedProperty = "dateAdded", SearchFields = ["body"] };
    public static readonly Collection ContactCampaigns = Child("contact-campaigns", "contactId") with { CreatedProperty = "dateAdded" };
    public static readonly Collection ContactWorkflows = Child("contact-workflows", "contactId") with { CreatedProperty = "dateAdded" };

    public static readonly Collection Calendars = new("calendars") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection CalendarGroups = new("calendar-groups") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection CalendarNotifications = Child("calendar-notifications", "calendarId") with { IdProperty = "_id", CreatedProperty = null };
    public static readonly Collection CalendarResources = Child("calendar-resources", "resourceType") with { IdProperty = "_id", CreatedProperty = null };
    public static readonly Collection Appointments = Child("appointments", "contactId") with { CreatedProperty = "dateAdded", UpdatedProperty = "dateUpdated" };
    public static readonly Collection BlockedSlots = new("blocked-slots") { CreatedProperty = "dateAdded", UpdatedProperty = "dateUpdated" };
    public static readonly Collection AppointmentNotes = Child("appointment-notes", "appointmentId") with { CreatedProperty = "dateAdded" };

    public static readonly Collection Pipelines = new("pipelines") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection Opportunities = new("opportunities") { ParentProperty = "contactId", Normalise = opportunity => CustomFieldValues.Normalise(opportunity, "fieldValue") };

    public static readonly Collection Users = new("users")
    {
        CreatedProperty = null,
        UpdatedProperty = null,
        SearchFields = ["name", "email", "phone"],
        Normalise = NormaliseUser,
    };

    public static readonly Collection Conversations = new("conversations")
    {
        ParentProperty = "contactId",
        CreatedProperty = "dateAdded",
        UpdatedProperty = "dateUpdated",
        SearchFields = ["fullName", "contactName", "email", "phone", "lastMessageBody"],
    };

    public static readonly Collection Messages = Child("messages", "conversationId") with { CreatedProperty = "dateAdded", SearchFields = ["body"] };
    public static readonly Collection Businesses = new("businesses");
    public static readonly Collection Workflows = new("workflows");
    public static readonly Collection Snapshots = new("snapshots") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection Campaigns = new("campaigns") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection Locations = new("locations") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection Companies = new("companies") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection CustomFields = new("custom-fields") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection LocationTags = new("location-tags") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection CustomValues = new("custom-values") { CreatedProperty = null, UpdatedProperty = null, Normalise = NormaliseCustomValue };
    public static readonly Collection Forms = new("forms") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection FormSubmissions = Child("form-submissions", "formId") with { SearchFields = ["contactId", "name", "email"] };
    public static readonly Collection Surveys = new("surveys") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection SurveySubmissions = Child("survey-submissions", "surveyId") with { SearchFields = ["contactId", "name", "email"] };
    public static readonly Collection MediaFiles = new("media-files") { IdProperty = "_id" };
    public static readonly Collection Associations = new("associations") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection Relations = new("relations") { CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection BlogSites = new("blog-sites") { IdProperty = "_id", CreatedProperty = null, UpdatedProperty = null };
    public static readonly Collection BlogPosts = Child("blog-posts", "blogId") with { IdProperty = "_id", CreatedProperty = null, UpdatedProperty = "updatedAt", SearchFields = ["title"] };
    public static readonly Collection BlogAuthors = new("blog-authors") { IdProperty = "_id", CreatedProperty = null };
    public static readonly Collection BlogCategories = new("blog-categories") { IdProperty = "_id", CreatedProperty = null, SearchFields = ["label"] };
    public static readonly Collection SocialTags = new("social-tags") { IdProperty = "_id", SearchFields = ["tag"], Normalise = tag => tag["deleted"] ??= false };

    /// <summary>Numbers that the statistics are made of: one record per location.</summary>
    public static readonly Collection Statistics = new("statistics") { KeyOf = record => record["locationId"]?.ToString() ?? "" };

    public static readonly IReadOnlyDictionary<string, Collection> All = new Collection[]
    {
        Contacts, ContactTasks, ContactNotes, ContactCampaigns, ContactWorkflows, Calendars, CalendarGroups, CalendarNotifications, CalendarResources, Appointments,
        BlockedSlots, AppointmentNotes, Pipelines, Opportunities, Users, Conversations, Messages, Businesses, Workflows, Snapshots, Campaigns, Locations, Companies,
        CustomFields, Associations, Relations, BlogSites, BlogPosts, BlogAuthors, BlogCategories, SocialTags, Statistics,
        LocationTags, CustomValues, Forms, FormSubmissions, Surveys, SurveySubmissions, MediaFiles,
    }.ToDictionary(collection => collection.Name, StringComparer.Ordinal);

    private static Collection Child(string name, string parent) => new(name) { ParentProperty = parent, UpdatedProperty = null };

    private static void NormaliseContact(JObject contact)
    {
        if (contact["email"] is { Type: JTokenType.String } email)
        {
            contact["email"] = email.ToString().Trim().ToLowerInvariant();
        }

        if (contact["name"] is { Type: JTokenType.String } name)
        {
            var parts = name.ToString().Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            contact.Remove("name");
            contact["firstName"] = parts.ElementAtOrDefault(0);
            contact["lastName"] = parts.ElementAtOrDefault(1);
        }

        contact["firstNameLowerCase"] = contact["firstName"]?.ToString().ToLowerInvariant();
        contact["lastNameLowerCase"] = contact["lastName"]?.ToString().ToLowerInvariant();
        contact["fullNameLowerCase"] = $"{contact["firstNameLowerCase"]} {contact["lastNameLowerCase"]}".Trim();
        contact["tags"] = new JArray((contact["tags"] as JArray ?? []).Select(tag => tag.ToString().Trim()).Distinct(StringComparer.Ordinal));

        CustomFieldValues.Normalise(contact, "value");
    }

    /// <summary>The key is made of the name when the value is made, and stays.</summary>
    private static void NormaliseCustomValue(JObject value) =>
        value["fieldKey"] ??= $"{{{{ custom_values.{value["name"]?.ToString().Trim().ToLowerInvariant().Replace(' ', '_')} }}}}";

    private static void NormaliseUser(JObject user)
    {
        user.Remove("password");
        if (user["firstName"] is not null)
        {
            user["name"] = $"{user["firstName"]} {user["lastName"]}".Trim();
        }

        // Written as three properties, read as one object.
        if (user["roles"] is not JObject roles)
        {
            user["roles"] = roles = [];
        }

        foreach (var property in (string[])["type", "role", "locationIds"])
        {
            if (user[property] is { } value)
            {
                user.Remove(property);
                roles[property] = value;
            }
        }

        roles["locationIds"] ??= user["locationId"] is { } location ? new JArray(location) : new JArray();
    }
}
