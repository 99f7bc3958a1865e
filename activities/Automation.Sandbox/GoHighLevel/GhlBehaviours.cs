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
        table["GET /contacts/{contactId}/appointments"] = List(Appointments, "events", "contactId");

        table["GET /contacts/{contactId}/tasks"] = List(ContactTasks, "tasks", "contactId");
        table["GET /contacts/{contactId}/tasks/{taskId}"] = Read(ContactTasks, "taskId", "task", "contactId");
        table["POST /contacts/{contactId}/tasks"] = Create(ContactTasks, "task", "contactId", Contacts);
        table["PUT /contacts/{contactId}/tasks/{taskId}"] = Update(ContactTasks, "taskId", "task", "contactId");
        table["PUT /contacts/{contactId}/tasks/{taskId}/completed"] = Update(ContactTasks, "taskId", "task", "contactId");
        table["DELETE /contacts/{contactId}/tasks/{taskId}"] = Delete(ContactTasks, "taskId", Succeeded, "contactId");

        table["GET /contacts/{contactId}/notes"] = List(ContactNotes, "notes", "contactId");
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
}
