using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Emits a webhook as the API does: a flat body with the record's fields. It is not signed: the platform has no Ed25519.</summary>
internal sealed class WebhookSender(IHttpClientFactory clients)
{
    public const string ClientName = "sandbox-webhooks";

    private static readonly (string Prefix, string Collection)[] Kinds =
    [
        ("Contact", "contacts"), ("Appointment", "appointments"), ("Opportunity", "opportunities"), ("User", "users"), ("Location", "locations"), ("Campaign", "campaigns"),
        ("Task", "contact-tasks"), ("Note", "contact-notes"), ("Business", "businesses"), ("Conversation", "conversations"), ("InboundMessage", "messages"), ("OutboundMessage", "messages"),
    ];

    public async ValueTask<(int Status, JObject Body)> SendAsync(SandboxStore store, SandboxApi api, JToken body, CancellationToken cancellationToken)
    {
        if (body is not JObject given || given["type"]?.ToString() is not { Length: > 0 } type || !Uri.TryCreate(given["url"]?.ToString(), UriKind.Absolute, out var url))
        {
            return (400, new JObject { ["status"] = 400, ["title"] = "A webhook needs a type and an absolute url." });
        }

        var hook = new JObject { ["type"] = type };
        if (given["id"]?.ToString() is { } id && Kinds.FirstOrDefault(kind => type.StartsWith(kind.Prefix, StringComparison.Ordinal)).Collection is { } collection)
        {
            using var session = store.BeginRead(api.Profile.Name);
            hook.Merge(session.Find(api.Profile.CollectionOf(collection), id)?.Json ?? new JObject { ["id"] = id });
            hook["type"] = type;
        }

        foreach (var property in given.Properties().Where(p => p.Name is not "url"))
        {
            hook[property.Name] = property.Value.DeepClone();
        }

        hook["timestamp"] ??= Timestamps.Iso(store.Clock.GetUtcNow().ToUnixTimeMilliseconds());
        hook["webhookId"] ??= Ids.New(store.Clock);
        using var content = new StringContent(Json.Write(hook), Encoding.UTF8, "application/json");
        try
        {
            using var client = clients.CreateClient(ClientName);
            using var answer = await client.PostAsync(url, content, cancellationToken);
            return (200, new JObject { ["status"] = (int)answer.StatusCode, ["webhook"] = hook });
        }
        catch (HttpRequestException unreachable)
        {
            return (502, new JObject { ["status"] = 502, ["title"] = "The webhook did not arrive.", ["detail"] = unreachable.Message });
        }
    }
}
