using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The triggers that webhooks themselves start: any webhook of a type, and the deletion of a record, which no list can show.</summary>
public static class WebhookActivities
{
    private const string ReceivedName = "WebhookReceived";
    private const string DeletedName = "RecordDeleted";

    /// <summary>Adds the format and its triggers.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="format">The format.</param>
    /// <param name="brand">First part of the activity types: <c>GoHighLevel</c>.</param>
    public static AutomationBuilder AddWebhooks(this AutomationBuilder builder, IWebhookFormat format, string brand)
    {
        builder.Services.AddSingleton(format);
        builder.Activities.Add(Describe(format, brand, ReceivedName, "Webhook Received", "A webhook came in: fires once for each, with what stands in it.", "Types", "Types", "Types of webhooks that start the flow; none: all.", format.Types, isList: true));
        builder.Activities.Add(Describe(format, brand, DeletedName, "Record Deleted", "A record was deleted. Only a webhook can tell: a list shows what is there.", "Entity", "Kind of record", "What was deleted.", [.. format.Deletions.Keys], isList: false));
        return builder;
    }

    /// <summary>The types of webhooks that a trigger listens to, <c>*</c> for all; null: it is no trigger of this format.</summary>
    public static IReadOnlyList<string>? TypesOf(IWebhookFormat format, ActivityDescriptor descriptor, JObject inputs) =>
        (string?)descriptor.CustomProperties["webhooks"] != format.Name ? null
            : descriptor.Name == DeletedName ? (string?)inputs["entity"] is { } entity && format.Deletions.TryGetValue(entity, out var type) ? [type] : []
            : inputs["types"] switch
            {
                JArray { Count: > 0 } list => [.. list.Values<string>().OfType<string>().Distinct(StringComparer.Ordinal)],
                JValue { Value: string { Length: > 0 } text } => text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries),
                _ => ["*"],
            };

    private static ActivityDescriptor Describe(IWebhookFormat format, string brand, string name, string title, string description, string input, string inputTitle, string inputDescription, IReadOnlyList<string> choices, bool isList) => new()
    {
        TypeName = $"{brand}.Webhooks.{name}",
        Category = $"{brand}: Webhooks",
        DisplayName = title,
        Description = description,
        Kind = ActivityKind.Trigger,
        Inputs =
        [
            OperationDescriptors.ConnectionInput(format.Connector),
            new InputDescriptor
            {
                Name = input,
                TypeName = isList ? "Object" : "String",
                ValueType = isList ? typeof(object) : typeof(string),
                DisplayName = inputTitle,
                Description = inputDescription,
                Required = !isList,
                Order = 1,
                UIHint = isList ? "checklist" : "dropdown",
                UISpecifications = isList ? OperationDescriptors.CheckList(choices) : OperationDescriptors.Options(choices),
            },
            new InputDescriptor { Name = "LocationId", TypeName = "String", ValueType = typeof(string), DisplayName = "Location id", Order = 2, Description = "Only webhooks of this location; the connection's own when left empty, and of an agency all." },
        ],
        Outputs =
        [
            new OutputDescriptor { Name = "Result", DisplayName = "Result", Description = "What stands in the webhook." },
            new OutputDescriptor { Name = "Event", DisplayName = "Event", Description = "The event: key, item, previous, revision, sourceId, observedAt, sample, type." },
        ],
        Ports = [new PortDescriptor(Outcome.Done, Outcome.Done, IsEmbedded: false)],
        CustomProperties = new JObject { ["webhooks"] = format.Name, ["connector"] = format.Connector },
        Create = _ => new WebhookTrigger(),
        CheckAsync = context => CheckAsync(format, context),
    };

    private static async ValueTask CheckAsync(IWebhookFormat format, PublishCheckContext context)
    {
        await OperationChecks.CheckConnectionAsync(format.Connector, context.Activity.Descriptor.DisplayName, context);
        if (context.Activity.Descriptor.Name == DeletedName && context.Literals["entity"] is JValue { Value: string entity } && !format.Deletions.ContainsKey(entity))
        {
            OperationChecks.Add(context, "wrong-enum", "entity", $"'{entity}' is not one of {string.Join(", ", format.Deletions.Keys)}. Choose one of these.");
        }

        if (context.Literals["types"] is JArray types && types.Values<string>().FirstOrDefault(type => !format.Types.Contains(type)) is { } unknown)
        {
            OperationChecks.Add(context, "wrong-enum", "types", $"'{unknown}' is no type of webhook that is known here. Choose among {string.Join(", ", format.Types)}.");
        }
    }

    /// <summary>Hands out what the webhook brought.</summary>
    private sealed class WebhookTrigger : Activity
    {
        public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
        {
            if (context.TriggerPayload is not JObject payload)
            {
                return ValueTask.FromResult(ActivityResult.Faulted(new Fault("A webhook starts a flow; it cannot be waited for in the middle of one.") { Code = "not-a-trigger", Action = "Put it at the start of the flow, and mark it as a trigger." }));
            }

            context.SetOutput("Event", payload);
            context.SetOutput("Result", payload["item"]);
            return ValueTask.FromResult(ActivityResult.Done);
        }
    }
}
