using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Runtime.Connections;
using Automation.Runtime.Definitions;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Automation.UnitTests.Runtime.Connections;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Webhooks;

/// <summary>Hints read against the sandbox, by a clock of the test's own.</summary>
public sealed class HintReaderTests
{
    [Fact]
    public async Task Pass_ChangedContact_IsReadByItsIdAndFires()
    {
        await using var world = await WatchingAsync();
        await ChangeAsync(world, "contact-1-03", "Told");

        await TakeAsync(world, "ContactUpdate", "contact-1-03");
        await PassAsync(world, TimeSpan.FromSeconds(1));

        (await EventsAsync(world)).Should().ContainSingle().Which.Should().Be("contact-1-03@2");
        (await SearchesAsync(world, "contact-1-03")).Should().Be(1);
        (await DueAsync(world)).Should().BeFalse();
    }

    [Fact]
    public async Task Pass_SameAsAPollHasSeen_FiresNothingMore()
    {
        await using var world = await WatchingAsync();
        await ChangeAsync(world, "contact-1-03", "Polled");
        await PollAsync(world);

        await TakeAsync(world, "ContactUpdate", "contact-1-03");
        await PassAsync(world, TimeSpan.FromSeconds(1));
        await PollAsync(world);

        (await EventsAsync(world)).Should().Equal("contact-1-03@2");
    }

    [Fact]
    public async Task Pass_WebhookOlderThanWhatIsStored_IsNotEvenRead()
    {
        await using var world = await WatchingAsync();
        var before = world.Clock.GetUtcNow();
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        await ChangeAsync(world, "contact-1-03", "Newer");
        await PollAsync(world);

        await TakeAsync(world, "ContactUpdate", "contact-1-03", sentAt: before);
        await PassAsync(world, TimeSpan.FromSeconds(1));

        (await SearchesAsync(world, "contact-1-03")).Should().Be(0);
        (await EventsAsync(world)).Should().ContainSingle();
        (await DueAsync(world)).Should().BeFalse();
    }

    [Fact]
    public async Task Pass_SearchIndexThatLags_IsAskedAgainUntilTheChangeShows()
    {
        await using var world = await WatchingAsync(TimeSpan.FromSeconds(4));
        await ChangeAsync(world, "contact-1-03", "Late");

        await TakeAsync(world, "ContactUpdate", "contact-1-03");
        await PassAsync(world, TimeSpan.FromSeconds(1));
        var first = await EventsAsync(world);
        await PassAsync(world, TimeSpan.FromSeconds(2));
        await PassAsync(world, TimeSpan.FromSeconds(5));

        first.Should().BeEmpty("the index does not show it yet");
        (await EventsAsync(world)).Should().Equal("contact-1-03@2");
        (await DueAsync(world)).Should().BeFalse();
    }

    [Fact]
    public async Task Pass_ItemThatNeverShows_IsLeftToThePollAfterAFewTries()
    {
        await using var world = await WatchingAsync();

        await TakeAsync(world, "ContactUpdate", "nobody");
        for (var i = 0; i < 6; i++)
        {
            await PassAsync(world, TimeSpan.FromSeconds(20));
        }

        (await SearchesAsync(world, "nobody")).Should().Be(4);
        (await DueAsync(world)).Should().BeFalse();
    }

    [Fact]
    public async Task Pass_ManyItems_AreFoundByOneScan()
    {
        await using var world = await WatchingAsync();
        var ids = Enumerable.Range(1, 12).Select(i => $"contact-1-{i:00}").ToList();
        foreach (var id in ids)
        {
            await ChangeAsync(world, id, "Many");
            await TakeAsync(world, "ContactUpdate", id);
        }

        await PassAsync(world, TimeSpan.FromMinutes(1));

        (await EventsAsync(world)).Should().HaveCount(ids.Count);
        (await SearchesAsync(world, "contact-1-05")).Should().Be(0, "nobody asked for one of them");
    }

    [Fact]
    public async Task Take_OtherLocationOrNothingThatWatches_LeavesNoHint()
    {
        await using var world = await WatchingAsync();

        (await TakeAsync(world, "ContactUpdate", "contact-2-01", location: "loc-2"))!.Outcome.Should().Be("other-account");
        (await TakeAsync(world, "OpportunityUpdate", "opportunity-1"))!.Outcome.Should().Be("no-source");
        (await TakeAsync(world, "ContactDelete", "contact-1-01"))!.Outcome.Should().Be("taken");
        (await TakeAsync(world, "Whatever", "x"))!.Outcome.Should().Be("unknown-type");

        (await DueAsync(world)).Should().BeFalse();
    }

    [Fact]
    public async Task Take_Deletion_OfAContactThatComesBackAsItWas_FiresItAsNew()
    {
        await using var world = await WatchingAsync();
        await ChangeAsync(world, "contact-1-03", "Restored");
        await PollAsync(world);
        world.Clock.Advance(TimeSpan.FromSeconds(5));

        await TakeAsync(world, "ContactDelete", "contact-1-03");
        world.Clock.Advance(TimeSpan.FromSeconds(70));
        await PollAsync(world);
        await PollAsync(world);

        (await EventsAsync(world)).Should().Equal("contact-1-03@2", "contact-1-03@3");
    }

    [Fact]
    public async Task Take_AgencyThatDoesNotKnowItsCompany_BelievesOnlyItsOwnApp()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New() with { Credential = new Credential { Kind = "oauth2", ClientId = "app1-x", ClientSecret = "s", AccessToken = "a" } }, default);
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;
        async Task<string> OutcomeAsync(Connection to, string? app, string company)
        {
            var body = new JObject { ["type"] = "ContactCreate", ["id"] = "c", ["locationId"] = "loc-9", ["companyId"] = company, ["appId"] = app, ["timestamp"] = world.Clock.GetUtcNow().UtcDateTime.ToString("O"), ["webhookId"] = Path.GetRandomFileName() };
            return (await world.Get<WebhookIntake>().TakeAsync(to, new GhlWebhooks().Read(body), body, default, default))!.Outcome;
        }

        (await OutcomeAsync(connection, null, "a-stranger")).Should().Be("other-account");
        (await OutcomeAsync(connection, "app2", "a-stranger")).Should().Be("other-account");
        (await OutcomeAsync(connection, "app1", "co-1")).Should().Be("no-source");
        (await OutcomeAsync(connection with { CompanyId = "co-1" }, null, "co-1")).Should().Be("no-source");
        (await OutcomeAsync(connection with { CompanyId = "co-1" }, "app1", "co-2")).Should().Be("other-account");
    }

    [Fact]
    public async Task Take_SameWebhookAgain_IsNull()
    {
        await using var world = await WatchingAsync();

        (await TakeAsync(world, "ContactUpdate", "contact-1-01", id: "once")).Should().NotBeNull();
        (await TakeAsync(world, "ContactUpdate", "contact-1-01", id: "once")).Should().BeNull();
    }

    /// <summary>A published flow that watches the contacts of loc-1, with its baseline taken.</summary>
    private static async Task<AccountWorld> WatchingAsync(TimeSpan lag = default)
    {
        var world = await AccountWorld.StartAsync(settings => settings with { SearchLag = lag });
        await world.Vault.SaveAsync(world.New() with { LocationId = "loc-1", Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" } }, default);
        var model = JObject.Parse("""
            {"definitionId":"watch","name":"watch","root":{"type":"Elsa.Sequence","id":"s","activities":[
              {"type":"GoHighLevel.Contacts.SearchContacts","id":"t","customProperties":{"canStartWorkflow":true},
               "connectionId":{"typeName":"String","expression":{"type":"Literal","value":"account"}},"interval":{"typeName":"String","expression":{"type":"Literal","value":"1h"}}}]}}
            """);
        await world.Get<DefinitionService>().SaveAsync(model, publish: true, default);
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        await PollAsync(world);
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        return world;
    }

    private static async Task PollAsync(AccountWorld world) => await world.Get<Poller>().PollAsync(null, evenIfNotDue: true, default);

    private static async Task ChangeAsync(AccountWorld world, string id, string name) =>
        await world.Sandbox.ControlAsync("POST", "/ghl/contacts", new JArray(new JObject { ["id"] = id, ["firstName"] = name }));

    private static async Task<WebhookRecord?> TakeAsync(AccountWorld world, string type, string item, DateTimeOffset? sentAt = null, string? id = null, string location = "loc-1")
    {
        var body = new JObject { ["type"] = type, ["id"] = item, ["locationId"] = location, ["timestamp"] = (sentAt ?? world.Clock.GetUtcNow()).UtcDateTime.ToString("O"), ["webhookId"] = id ?? Path.GetRandomFileName() };
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;
        return await world.Get<WebhookIntake>().TakeAsync(connection, new GhlWebhooks().Read(body), body, default, default);
    }

    private static async Task PassAsync(AccountWorld world, TimeSpan after)
    {
        world.Clock.Advance(after);
        while (await world.Get<HintReader>().PassAsync(default) == TimeSpan.Zero)
        {
            // All that is due now.
        }
    }

    private static async Task<List<string>> EventsAsync(AccountWorld world)
    {
        var source = (await world.Get<IPollStore>().ListSourcesAsync(default)).Single();
        return [.. (await world.Get<IPollStore>().ReadEventsAsync(source.Id, 0, 100, default)).Select(item => item.Key)];
    }

    /// <summary>Searches for one contact by its id.</summary>
    private static async Task<int> SearchesAsync(AccountWorld world, string id) =>
        (await world.Sandbox.ControlAsync("GET", "/requests?api=ghl")).Json["items"]!.Count(r => (string?)r["path"] == "/contacts/search" && r["body"]!.ToString().Contains($"\"{id}\"", StringComparison.Ordinal));

    private static async Task<bool> DueAsync(AccountWorld world) => await world.Get<IWebhookStore>().DueAsync(world.Clock.GetUtcNow(), 10, default) is not ({ Count: 0 }, null);
}
