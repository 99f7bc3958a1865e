using System.Net.Http.Headers;
using System.Text;
using Automation.Activities.GoHighLevel;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// Emits a webhook as the API does: a flat body with the record's fields, signed. <c>fault</c> spoils it: <c>signature</c>, <c>unsigned</c>, <c>stale</c>, or <c>duplicate</c>, which sends it twice.
/// </summary>
internal sealed class WebhookSender(IHttpClientFactory clients, WebhookKeys keys)
{
    public const string ClientName = "sandbox-webhooks";
    private static readonly string[] Faults = ["signature", "unsigned", "stale", "duplicate"];

    private static readonly (string Prefix, string Collection)[] Kinds =
    [
        ("Contact", "contacts"), ("Appointment", "appointments"), ("Opportunity", "opportunities"), ("User", "users"), ("Location", "locations"), ("Campaign", "campaigns"),
        ("Task", "contact-tasks"), ("Note", "contact-notes"), ("Business", "businesses"), ("Conversation", "conversations"), ("InboundMessage", "messages"), ("OutboundMessage", "messages"),
        ("Association", "associations"), ("Relation", "relations"),
    ];

    public string PublicKey => keys.PublicKey;

    public async ValueTask<(int Status, JObject Body)> SendAsync(SandboxStore store, SandboxApi api, JToken body, CancellationToken cancellationToken)
    {
        if (body is not JObject given || given["type"]?.ToString() is not { Length: > 0 } type || !Uri.TryCreate(given["url"]?.ToString(), UriKind.Absolute, out var url))
        {
            return (400, new JObject { ["status"] = 400, ["title"] = "A webhook needs a type and an absolute url." });
        }

        var fault = given["fault"]?.ToString();
        if (fault is not null && !Faults.Contains(fault))
        {
            return (400, new JObject { ["status"] = 400, ["title"] = $"'{fault}' is no fault of a webhook: {string.Join(", ", Faults)}." });
        }

        var hook = Compose(store, api, given, type);
        var now = store.Clock.GetUtcNow();
        hook["timestamp"] ??= Timestamps.Iso((fault == "stale" ? now - TimeSpan.FromMinutes(10) : now).ToUnixTimeMilliseconds());
        hook["webhookId"] ??= Ids.New(store.Clock);
        var bytes = Encoding.UTF8.GetBytes(Json.Write(hook));
        var signature = fault == "signature" ? keys.Sign([.. bytes, 0]) : keys.Sign(bytes);
        try
        {
            using var client = clients.CreateClient(ClientName);
            var status = 0;
            for (var times = fault == "duplicate" ? 2 : 1; times > 0; times--)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(bytes) };
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                if (fault != "unsigned")
                {
                    request.Headers.Add(GhlWebhooks.SignatureHeader, signature);
                }

                using var answer = await client.SendAsync(request, cancellationToken);
                status = (int)answer.StatusCode;
            }

            return (200, new JObject { ["status"] = status, ["webhook"] = hook, ["signature"] = fault == "unsigned" ? null : signature });
        }
        catch (HttpRequestException unreachable)
        {
            return (502, new JObject { ["status"] = 502, ["title"] = "The webhook did not arrive.", ["detail"] = unreachable.Message });
        }
    }

    private static JObject Compose(SandboxStore store, SandboxApi api, JObject given, string type)
    {
        var hook = new JObject { ["type"] = type };
        if (given["id"]?.ToString() is { } id && Kinds.FirstOrDefault(kind => type.StartsWith(kind.Prefix, StringComparison.Ordinal)).Collection is { } collection)
        {
            using var session = store.BeginRead(api.Profile.Name);
            var record = session.Find(api.Profile.CollectionOf(collection), id)?.Json ?? new JObject { ["id"] = id };
            if (type.StartsWith("Appointment", StringComparison.Ordinal))
            {
                hook["appointment"] = record;
            }
            else
            {
                hook.Merge(record);
            }

            if (record["locationId"] is { } location)
            {
                hook["locationId"] = location.DeepClone();
            }

            if (collection == "messages")
            {
                hook["messageId"] ??= record["id"]?.DeepClone();
            }

            hook["type"] = type;
        }

        foreach (var property in given.Properties().Where(p => p.Name is not ("url" or "fault")))
        {
            hook[property.Name] = property.Value.DeepClone();
        }

        // A record that is gone no longer says where it was.
        hook["locationId"] ??= "loc-1";
        return hook;
    }
}
