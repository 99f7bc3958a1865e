using Automation.Connectors;

namespace Automation.Activities.GoHighLevel;

/// <summary>The types of webhooks, as the vendor's documents name them, and what each is about.</summary>
internal static class WebhookTypes
{
    /// <summary>By type: kind of webhook, kind of record, path of the record's id.</summary>
    public static readonly IReadOnlyDictionary<string, (WebhookKind Kind, string? Entity, string IdPath)> All = Build();

    private static Dictionary<string, (WebhookKind, string?, string)> Build()
    {
        var types = new Dictionary<string, (WebhookKind, string?, string)>(StringComparer.Ordinal);
        void Add(string entity, string idPath, params string[] names)
        {
            foreach (var name in names)
            {
                types[name] = (name.EndsWith("Delete", StringComparison.Ordinal) ? WebhookKind.Deletion : WebhookKind.Change, entity, idPath);
            }
        }

        Add("Contact", "id", "ContactCreate", "ContactUpdate", "ContactDelete", "ContactDndUpdate", "ContactTagUpdate");
        Add("Note", "id", "NoteCreate", "NoteUpdate", "NoteDelete");
        Add("Task", "id", "TaskCreate", "TaskComplete", "TaskDelete");
        Add("Appointment", "appointment.id", "AppointmentCreate", "AppointmentUpdate", "AppointmentDelete");
        Add(
            "Opportunity", "id", "OpportunityCreate", "OpportunityUpdate", "OpportunityDelete", "OpportunityStageUpdate", "OpportunityStatusUpdate", "OpportunityMonetaryValueUpdate",
            "OpportunityAssignedToUpdate");
        Add("User", "id", "UserCreate", "UserUpdate", "UserDelete");
        Add("Location", "id", "LocationCreate", "LocationUpdate");
        Add("Message", "messageId", "InboundMessage", "OutboundMessage", "ProviderOutboundMessage");
        Add("Conversation", "id", "ConversationUnreadUpdate", "ConversationUnreadWebhook");
        Add("Association", "id", "AssociationCreate", "AssociationUpdate", "AssociationDelete");
        Add("Relation", "id", "RelationCreate", "RelationDelete");
        Add("Record", "id", "RecordCreate", "RecordUpdate", "RecordDelete");
        Add("ObjectSchema", "id", "ObjectSchemaCreate", "ObjectSchemaUpdate");
        Add("Campaign", "id", "CampaignStatusUpdate");
        Add("Invoice", "_id", "InvoiceCreate", "InvoiceUpdate", "InvoiceDelete", "InvoiceVoid", "InvoiceSent", "InvoicePaid", "InvoicePartiallyPaid");
        Add("Order", "_id", "OrderCreate", "OrderStatusUpdate");
        Add("Product", "_id", "ProductCreate", "ProductUpdate", "ProductDelete");
        Add("Price", "_id", "PriceCreate", "PriceUpdate", "PriceDelete");
        Add("EmailStatistics", "webhookPayload.id", "LCEmailStats");
        types["INSTALL"] = (WebhookKind.Installation, null, "");
        types["UNINSTALL"] = (WebhookKind.Removal, null, "");
        types["PLAN_CHANGE"] = (WebhookKind.Change, null, "");
        return types;
    }
}
