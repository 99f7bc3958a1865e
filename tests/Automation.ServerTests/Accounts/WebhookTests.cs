using System.Net;
using System.Text;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Accounts;

/// <summary>Webhooks of the sandbox, signed by it, and secret addresses, against the whole server. Polls are an hour apart: what fires soon, a webhook made fire.</summary>
public sealed class WebhookTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task ContactChanged_WebhookThenPoll_FiresOnce()
    {
        var trigger = await PublishAsync("contact-flow", "GoHighLevel.Contacts.SearchContacts", new JObject { ["interval"] = Literal("1h") });
        await ChangeContactAsync("contact-1-02", "Webhooked");

        var sent = await EmitAsync("ContactUpdate", "contact-1-02");
        ((int)sent["status"]!).Should().Be(200);
        await RunsAsync("contact-flow", 1);
        await server.PostAsync($"/api/triggers/{trigger}/poll", new JObject());
        await EmitAsync("ContactUpdate", "contact-1-02");
        await SettledAsync();
        await server.PostAsync($"/api/triggers/{trigger}/poll", new JObject());

        var runs = await ListRunsAsync("contact-flow");
        runs.Should().ContainSingle("the webhook, the poll and the second webhook saw one change");
        var events = (await server.GetAsync($"/api/triggers/{trigger}/events")).Body["items"]!;
        ((string?)events[0]!["key"], (string?)events[0]!["item"]!["firstName"]).Should().Be(("contact-1-02@2", "Webhooked"));
        var reads = (await RequestsAsync()).Where(r => (string?)r["path"] == "/contacts/search" && r["body"]!.ToString().Contains("\"value\": \"contact-1-02\"", StringComparison.Ordinal));
        reads.Should().NotBeEmpty("the item was read by its id");
    }

    [Fact]
    public async Task ManyWebhooksAtOnce_AreCoalescedIntoFewReads_AndEachItemFiresOnce()
    {
        await PublishAsync("many-flow", "GoHighLevel.Contacts.SearchContacts", new JObject { ["interval"] = Literal("1h"), ["query"] = Literal("manyhooks") });
        await server.PostAsync("/sandbox/control/ghl/contacts", new JArray(Enumerable.Range(0, 20).Select(i => new JObject { ["id"] = $"many-{i}", ["locationId"] = "loc-1", ["firstName"] = "Manyhooks", ["email"] = $"manyhooks{i}@example.com" })));
        var before = (await RequestsAsync()).Count(r => (string?)r["path"] == "/contacts/search");

        // Fifty about each of twenty contacts.
        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => EmitAsync("ContactCreate", $"many-{i % 20}")));

        answers.Should().OnlyContain(answer => (int)answer["status"]! == 200);
        await RunsAsync("many-flow", 20);
        await SettledAsync();
        (await ListRunsAsync("many-flow")).Should().HaveCount(20);
        ((await RequestsAsync()).Count(r => (string?)r["path"] == "/contacts/search") - before).Should().BeLessThan(120, "a thousand webhooks are not a thousand reads");
        ((long)(await server.GetAsync("/api/webhooks?connectionId=sandbox-ghl&pageSize=1")).Body["total"]!).Should().BeGreaterThanOrEqualTo(1000, "each is in the journal");
    }

    [Fact]
    public async Task WrongWebhooks_AreRefused_AndNothingIsKept()
    {
        var path = await WebhookPathAsync();
        async Task<int> Fault(string fault) => (int)(await EmitAsync("ContactUpdate", "contact-1-01", new JObject { ["fault"] = fault, ["webhookId"] = "wrong-" + fault }))["status"]!;

        (await Fault("signature")).Should().Be(401);
        (await Fault("unsigned")).Should().Be(401);
        (await Fault("stale")).Should().Be(401);
        (await Fault("duplicate")).Should().Be(200);
        using var content = new StringContent("{\"type\":\"ContactUpdate\"}", Encoding.UTF8, "application/json");
        using var stranger = server.NewClient();
        using var unknown = await stranger.PostAsync(new Uri("/webhooks/ghl/nobody", UriKind.Relative), content);

        unknown.StatusCode.Should().Be(HttpStatusCode.NotFound);
        path.Should().Be("/webhooks/ghl/sandbox-ghl");
        var journal = (await server.GetAsync("/api/webhooks?pageSize=100")).Body["items"]!.Select(w => (string?)w["webhookId"]).Where(id => id?.StartsWith("wrong-", StringComparison.Ordinal) == true);
        journal.Should().Equal("wrong-duplicate");
    }

    [Fact]
    public async Task UnknownType_IsAcknowledgedAndCounted()
    {
        var sent = await EmitAsync("SomethingNew", "x-1");

        ((int)sent["status"]!).Should().Be(200);
        (await server.GetAsync("/api/webhooks/counts")).Body["items"]!.Should().Contain(count => (string?)count["type"] == "SomethingNew" && (string?)count["outcome"] == "unknown-type");
    }

    [Fact]
    public async Task ContactDeleted_StartsTheFlowThatAsksForDeletions_Once()
    {
        await PublishAsync("deleted-flow", "GoHighLevel.Webhooks.RecordDeleted", new JObject { ["entity"] = Literal("Contact") });

        await EmitAsync("ContactDelete", "contact-1-09", new JObject { ["fault"] = "duplicate" });
        await RunsAsync("deleted-flow", 1);
        await EmitAsync("ContactUpdate", "contact-1-08");
        await SettledAsync();

        var run = (await ListRunsAsync("deleted-flow")).Should().ContainSingle().Subject;
        run["subjects"]!.Values<string>().Should().Contain("contact-1-09");
        run["trigger"]!.ToString().Should().Contain("webhook");
    }

    [Fact]
    public async Task SecretWebhook_IsMadeAtPublish_TakesJsonAndForms_AndIsReplaced()
    {
        var trigger = await PublishAsync("hook-flow", "Automation.Hook", []);
        var (status, hook) = await server.GetAsync($"/api/triggers/{trigger}/hook");
        status.Should().Be(200, "{0}", hook);
        var path = (string)hook["path"]!;
        using var sender = server.NewClient();

        using var json = await PostAsync(sender, path, new StringContent("{\"contact_id\":\"c-json\"}", Encoding.UTF8, "application/json"), "key-1");
        using var again = await PostAsync(sender, path, new StringContent("{\"contact_id\":\"c-json\"}", Encoding.UTF8, "application/json"), "key-1");
        using var form = await PostAsync(sender, path, new FormUrlEncodedContent([KeyValuePair.Create("contact_id", "c-form")]), null);
        await RunsAsync("hook-flow", 2);

        ((int)json.StatusCode, (int)again.StatusCode, (int)form.StatusCode).Should().Be((202, 202, 202));
        var first = await RunningServer.ReadAsync(json);
        var second = await RunningServer.ReadAsync(again);
        (second["runId"], (bool)second["duplicate"]!).Should().Be((first["runId"], true));
        var run = await server.GetAsync($"/api/runs/{first["runId"]}");
        run.Body.ToString().Should().Contain("c-json").And.NotContain(path[7..]);

        // The definition and its export know no secret; publishing again keeps the address, replacing it ends it.
        (await server.GetAsync("/elsa/api/workflow-definitions/by-definition-id/hook-flow?versionOptions=Latest")).Body.ToString().Should().NotContain(path[7..]);
        await PublishAsync("hook-flow", "Automation.Hook", [], name: "renamed");
        ((string?)(await server.GetAsync($"/api/triggers/{trigger}/hook")).Body["path"]).Should().Be(path);
        var replaced = (string)(await server.PostAsync($"/api/triggers/{trigger}/hook/rotate", new JObject())).Body["path"]!;
        using var old = await PostAsync(sender, path, new StringContent("{}"), null);
        using var guessed = await PostAsync(sender, "/hooks/" + new string('0', 48), new StringContent("{}"), null);
        using var renewed = await PostAsync(sender, replaced, new StringContent("plain text"), null);

        (old.StatusCode, guessed.StatusCode).Should().Be((HttpStatusCode.NotFound, HttpStatusCode.NotFound));
        (await old.Content.ReadAsStringAsync()).Should().Be(await guessed.Content.ReadAsStringAsync(), "nobody learns which address there was");
        renewed.StatusCode.Should().Be(HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task SecretWebhook_TooLarge_IsTold_AndPaused_WaitsUntilItIsResumed()
    {
        var trigger = await PublishAsync("paused-hook-flow", "Automation.Hook", []);
        var path = (string)(await server.GetAsync($"/api/triggers/{trigger}/hook")).Body["path"]!;
        using var sender = server.NewClient();

        using var large = await PostAsync(sender, path, new ByteArrayContent(new byte[11 * 1024 * 1024]), null);
        await server.PostAsync($"/api/triggers/{trigger}/pause", new JObject());
        using var paused = await PostAsync(sender, path, new StringContent("{\"n\":1}", Encoding.UTF8, "application/json"), "key-1");
        using var again = await PostAsync(sender, path, new StringContent("{\"n\":1}", Encoding.UTF8, "application/json"), "key-1");
        var before = (await ListRunsAsync("paused-hook-flow")).Count;
        var explained = (await server.GetAsync($"/api/triggers/{trigger}/explain?key=x")).Body;
        var (_, resumed) = await server.PostAsync($"/api/triggers/{trigger}/resume", new JObject());
        await RunsAsync("paused-hook-flow", 1);

        large.StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        var taken = await RunningServer.ReadAsync(paused);
        (paused.StatusCode, (bool)taken["waiting"]!, (bool)(await RunningServer.ReadAsync(again))["duplicate"]!).Should().Be((HttpStatusCode.Accepted, true, true));
        (before, (string?)explained["answer"], (int)resumed["waiting"]!).Should().Be((0, "paused", 0));
        ((string?)explained["message"]).Should().Contain("1 ");
        ((string?)(await ListRunsAsync("paused-hook-flow")).Single()["id"]).Should().Be((string?)taken["runId"], "it is the run that the sender was told of");
    }

    [Fact]
    public async Task AppRemoved_MarksTheConnectionAndSaysWhatToDo()
    {
        var (_, connection) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = "removed account",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = new Uri(server.Url, "/sandbox/ghl").ToString(),
            ["locationId"] = "loc-3",
            ["webhookPublicKey"] = (await server.GetAsync("/sandbox/control/ghl/webhook-key")).Body["publicKey"],
            ["auth"] = new JObject { ["kind"] = "oauth2", ["clientId"] = "app9-x", ["clientSecret"] = "s", ["accessToken"] = "gone", ["refreshToken"] = "gone-too" },
        });
        var id = (string)connection["id"]!;

        var other = await EmitAsync("UNINSTALL", null, new JObject { ["appId"] = "another-app", ["locationId"] = "loc-3" }, id);
        var before = (string?)(await server.GetAsync($"/api/connections/{id}")).Body["auth"]!["state"];
        var sent = await EmitAsync("UNINSTALL", null, new JObject { ["appId"] = "app9", ["locationId"] = "loc-3" }, id);

        ((int)other["status"]!, before, (int)sent["status"]!).Should().Be((200, "connected", 200), "the signature is the same for all apps: another's is not ours");
        ((string?)(await server.GetAsync($"/api/connections/{id}")).Body["auth"]!["state"]).Should().Be("reconnect");
        (await server.GetAsync("/api/incidents?open=true&pageSize=100")).Body["items"]!.Should().Contain(incident => (string?)incident["code"] == "app-removed" && ((string?)incident["message"])!.Contains("removed account", StringComparison.Ordinal));
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient sender, string path, HttpContent content, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await sender.SendAsync(request);
    }

    private static JObject Literal(string value) => new() { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } };

    /// <summary>Publishes a flow with one trigger, and waits for its baseline.</summary>
    private async Task<string> PublishAsync(string definitionId, string type, JObject inputs, string? name = null)
    {
        var activity = new JObject { ["type"] = type, ["id"] = "start", ["canStartWorkflow"] = true, ["connectionId"] = Literal("sandbox-ghl") };
        if (type == "Automation.Hook")
        {
            activity.Remove("connectionId");
        }

        activity.Merge(inputs);
        await server.PublishAsync(new JObject { ["definitionId"] = definitionId, ["name"] = name ?? definitionId, ["root"] = new JObject { ["type"] = "Elsa.Sequence", ["id"] = "sequence", ["activities"] = new JArray(activity) } });
        JToken? trigger = null;
        await Eventually.HoldsAsync($"{definitionId} is ready", Patience, async () =>
        {
            trigger = (await server.GetAsync($"/api/triggers?definitionId={definitionId}")).Body["items"]!.FirstOrDefault();
            return trigger is not null && ((string?)trigger["kind"] != "poll" || trigger["baselinedAt"]!.Type != JTokenType.Null);
        });
        return (string)trigger!["id"]!;
    }

    private async Task ChangeContactAsync(string id, string name) =>
        (await server.PostAsync("/sandbox/control/ghl/contacts", new JArray(new JObject { ["id"] = id, ["firstName"] = name }))).Status.Should().Be(200);

    private async Task<JToken> EmitAsync(string type, string? id, JObject? more = null, string connection = "sandbox-ghl")
    {
        var body = new JObject { ["type"] = type, ["url"] = new Uri(server.Url, "/webhooks/ghl/" + connection).ToString() };
        if (id is not null)
        {
            body["id"] = id;
        }

        body.Merge(more ?? []);
        var (status, answer) = await server.PostAsync("/sandbox/control/ghl/webhooks", body);
        status.Should().Be(200, "{0}", answer);
        return answer;
    }

    private async Task<string?> WebhookPathAsync() => (string?)(await server.GetAsync("/api/connections/sandbox-ghl")).Body["webhookPath"];

    private async Task<List<JToken>> RequestsAsync() => [.. (await server.GetAsync("/sandbox/control/requests?api=ghl")).Body["items"]!];

    private async Task<List<JToken>> ListRunsAsync(string definitionId) => [.. (await server.GetAsync($"/api/runs?definitionId={definitionId}&pageSize=100")).Body["items"]!];

    private Task RunsAsync(string definitionId, int count) => Eventually.HoldsAsync($"{definitionId} has {count} runs", Patience, async () => (await ListRunsAsync(definitionId)).Count >= count);

    /// <summary>No hint is left: what webhooks told of has been read.</summary>
    private async Task SettledAsync()
    {
        var store = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Automation.Runtime.Storage.IWebhookStore>(server.Services);
        await Eventually.HoldsAsync("what webhooks told of is read", Patience, async () => await store.DueAsync(DateTimeOffset.MaxValue, 1, default) is ({ Count: 0 }, null));
    }
}
