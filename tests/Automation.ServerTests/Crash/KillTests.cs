using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Automation.ServerTests.Crash;

/// <summary>
/// The real server is killed with SIGKILL again and again while contacts arrive, runs write, and requests are in flight: some have taken effect and were
/// not answered yet, some have not reached their effect. Afterwards every contact has exactly one run, and each of its writes happened once or is named by an incident.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Kills = 20;
    private const int ContactsPerRound = 8;
    private const string Flow = "kill-flow";

    [Fact]
    public async Task Killed_TwentyTimesUnderLoad_LosesAndDoublesNothing()
    {
        using var server = new ServerProcess();
        try
        {
            await server.StartAsync();
            await PublishFlowAsync(server);

            var random = new Random(20);
            var contacts = new List<string>();
            for (var round = 0; round < Kills; round++)
            {
                await SlowDownWritesAsync(server);
                var batch = Enumerable.Range(0, ContactsPerRound).Select(i => $"kill-{round:00}-{i:00}").ToList();
                await server.PostAsync("/sandbox/control/ghl/contacts", new JArray(batch.Select(id => (object)Contact(id)).ToArray()));
                contacts.AddRange(batch);
                await WorkUntilAsync(server, writes: random.Next(0, ContactsPerRound * 3));
                await server.KillAsync();
                await server.StartAsync();
            }

            await SettleAsync(server, contacts.Count);
            var runs = await RunsAsync(server);
            await AssertOnceAsync(server, contacts, runs);
        }
        catch
        {
            output.WriteLine(string.Join('\n', server.Log.Split('\n').TakeLast(150)));
            throw;
        }
    }

    /// <summary>A contact is mapped in Flocksy (harmless to repeat), noted (a read finds it again), and enrolled (nothing can tell).</summary>
    private static async Task PublishFlowAsync(ServerProcess server)
    {
        await server.PostAsync("/elsa/api/workflow-definitions/import", Flows.Chain(
            Flow,
            Flows.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "sandbox-ghl"), ("locationId", "loc-2"), ("interval", "5s"), ("mode", "new")).AsTrigger(),
            Flows.Activity("map", "Flocksy.TagMappings.UpsertTagMapping", ("connectionId", "sandbox-flocksy"), ("locationId", "loc-2"), ("ghlTag", "=event.item.id"), ("flocksyTag", "=event.item.firstName")),
            Flows.Activity("note", "GoHighLevel.Contacts.CreateContactNote", ("connectionId", "sandbox-ghl"), ("contactId", "=event.item.id"), ("body", "='seen ' + event.item.id")),
            Flows.Activity("enrol", "GoHighLevel.Contacts.AddContactToCampaign", ("connectionId", "sandbox-ghl"), ("contactId", "=event.item.id"), ("campaignId", "ghl-campaign-2"))));
        await server.PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());
        await Eventually.HoldsAsync("the source is baselined", TimeSpan.FromSeconds(60), async () =>
            (await server.GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].baselinedAt") is { Type: not JTokenType.Null });
    }

    private static async Task SlowDownWritesAsync(ServerProcess server)
    {
        await server.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST /contacts/*/notes", ["times"] = -1, ["delayMs"] = 80, ["after"] = true });

        // The runs of a round go in step. Some enrolments wait for their answer after their effect and some before it, so that a kill finds either kind in flight.
        await server.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST /contacts/*/campaigns/*", ["times"] = 4, ["delayMs"] = 120, ["after"] = true });
        await server.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST /contacts/*/campaigns/*", ["times"] = -1, ["delayMs"] = 80 });
        await server.PostAsync("/sandbox/control/flocksy/faults", new JObject { ["match"] = "PUT /tag-mappings/*", ["times"] = -1, ["delayMs"] = 40, ["after"] = true });
    }

    private static JObject Contact(string id) => new()
    {
        ["id"] = id,
        ["locationId"] = "loc-2",
        ["firstName"] = "Ada " + id,
        ["lastName"] = "Kill",
        ["email"] = id + "@example.com",
    };

    /// <summary>Lets the server poll and work until the sandbox has received so many writes of this round.</summary>
    private static async Task WorkUntilAsync(ServerProcess server, int writes)
    {
        var since = (string?)(await server.GetAsync("/sandbox/control/requests?limit=1")).SelectToken("items[-1:].at") ?? "";
        await Eventually.HoldsAsync($"{writes} writes arrive", TimeSpan.FromSeconds(40), async () =>
        {
            var received = (await server.GetAsync("/sandbox/control/requests?since=" + Uri.EscapeDataString(since)))["items"]!;
            return received.Count(IsWrite) >= writes;
        });
    }

    private static bool IsWrite(JToken request) => (string?)request["method"] != "GET" && !((string)request["path"]!).EndsWith("/search", StringComparison.Ordinal);

    private static Task SettleAsync(ServerProcess server, int contacts)
    {
        long finished = 0;
        return Eventually.HoldsAsync(
            "every contact has a run that ended",
            TimeSpan.FromSeconds(150),
            async () =>
            {
                finished = 0;
                foreach (var status in new[] { "Finished", "Faulted" })
                {
                    finished += (long)(await server.GetAsync($"/api/runs?definitionId={Flow}&status={status}&pageSize=1"))["total"]!;
                }

                return finished >= contacts;
            },
            () => $"{finished} of {contacts} have ended.");
    }

    private static async Task<List<JToken>> RunsAsync(ServerProcess server)
    {
        var runs = new List<JToken>();
        for (var page = 1; ; page++)
        {
            var found = await server.GetAsync($"/api/runs?definitionId={Flow}&pageSize=100&page={page}");
            runs.AddRange(found["items"]!);
            if (runs.Count >= (int)found["total"]! || !found["items"]!.Any())
            {
                return runs;
            }
        }
    }

    private async Task AssertOnceAsync(ServerProcess server, List<string> contacts, List<JToken> runs)
    {
        var runOf = contacts.ToDictionary(contact => contact, contact => runs.Where(run => run["subjects"]!.Any(subject => (string?)subject == contact)).ToList());
        foreach (var (contact, own) in runOf)
        {
            own.Should().HaveCount(1, $"contact {contact} starts one run");
        }

        runs.Should().HaveCount(contacts.Count);
        var incidents = new Dictionary<string, string>();
        foreach (var (contact, own) in runOf)
        {
            if ((int)own[0]["incidentCount"]! > 0)
            {
                var run = await server.GetAsync($"/api/runs/{own[0]["id"]}");
                incidents[contact] = string.Join("; ", run["incidents"]!.Select(incident => (string?)incident["code"]));
            }
        }

        incidents.Values.Should().NotContain(codes => !codes.Contains("outcome-unknown"), "nothing else goes wrong in this flow");
        var requests = (await server.GetAsync("/sandbox/control/requests"))["items"]!.Where(request => (int)request["status"]! < 300).ToList();
        var mappings = (await server.GetAsync("/sandbox/control/flocksy/tag-mappings?locationId=loc-2"))["items"]!.ToList();
        foreach (var contact in contacts)
        {
            var mapped = mappings.Count(mapping => (string?)mapping["ghlTag"] == contact);
            var noted = requests.Count(request => (string?)request["method"] == "POST" && (string?)request["path"] == $"/contacts/{contact}/notes");
            var enrolled = requests.Count(request => (string?)request["method"] == "POST" && (string?)request["path"] == $"/contacts/{contact}/campaigns/ghl-campaign-2");
            mapped.Should().Be(1, $"{contact} is mapped once");
            noted.Should().BeLessThanOrEqualTo(1, $"{contact} is noted once");
            enrolled.Should().BeLessThanOrEqualTo(1, $"{contact} is enrolled once");
            if (!incidents.ContainsKey(contact))
            {
                (noted, enrolled).Should().Be((1, 1), $"{contact} has no incident, so nothing of it is missing");
            }
        }

        output.WriteLine($"{Kills} kills, {contacts.Count} contacts, {runs.Count} runs, {incidents.Count} incidents \"outcome unknown\".");
    }
}
