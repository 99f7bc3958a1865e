using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>The triggers in a user's words: each fires for what it is named after and for nothing else, and shares the calls of its list.</summary>
public sealed class MeaningTests(GhlPollingWorld ghl) : IClassFixture<GhlPollingWorld>
{
    public static TheoryData<string, string, string, string, string> Meanings() => new()
    {
        { "Contacts.ContactCreated", "{}", "contacts", """{"id":"m-new","locationId":"loc-1","email":"m-new@x.io"}""", """{"id":"contact-1-01","city":"Kiel"}""" },
        { "Contacts.ContactTagAdded", "{}", "contacts", """{"id":"contact-1-02","tags":["m-tag"]}""", """{"id":"contact-1-03","city":"Kiel"}""" },
        { "Contacts.ContactTagRemoved", "{}", "contacts", """{"id":"contact-1-04","tags":[]}""", """{"id":"contact-1-05","tags":["m-tag"]}""" },
        { "Contacts.ContactAssigned", "{}", "contacts", """{"id":"contact-1-06","assignedTo":"user-1a"}""", """{"id":"contact-1-07","assignedTo":null}""" },
        { "Contacts.ContactTaskCompleted", """{"contactId":"contact-1-01"}""", "contact-tasks", """{"id":"task-1-1","completed":true}""", """{"id":"task-1-1","title":"Other"}""" },
        { "Opportunities.OpportunityCreated", "{}", "opportunities", """{"id":"m-o1","name":"New","pipelineId":"pipeline-1","contactId":"contact-1-02"}""", """{"id":"opportunity-1-1","name":"Shop"}""" },
        { "Opportunities.OpportunityStageChanged", "{}", "opportunities", """{"id":"opportunity-1-1","pipelineStageId":"stage-1-quote"}""", """{"id":"opportunity-1-1","status":"lost"}""" },
        { "Opportunities.OpportunityStatusChanged", "{}", "opportunities", """{"id":"opportunity-1-1","status":"open"}""", """{"id":"opportunity-1-1","monetaryValue":1}""" },
        { "Opportunities.OpportunityWon", "{}", "opportunities", """{"id":"opportunity-1-1","status":"won"}""", """{"id":"opportunity-1-1","status":"abandoned"}""" },
        { "Calendars.AppointmentBooked", """{"calendarId":"calendar-1"}""", "appointments", """{"id":"m-a1","calendarId":"calendar-1","contactId":"contact-1-03"}""", """{"id":"appointment-1-1","notes":"Third floor"}""" },
        { "Calendars.AppointmentStatusChanged", """{"calendarId":"calendar-1"}""", "appointments", """{"id":"appointment-1-1","appointmentStatus":"showed"}""", """{"id":"appointment-1-1","title":"Moved"}""" },
        { "Conversations.MessageReceived", "{}", "conversations", """{"id":"conversation-1","lastMessageDirection":"inbound","lastMessageBody":"Hello?"}""", """{"id":"conversation-1","lastMessageDirection":"outbound","lastMessageBody":"Yes."}""" },
    };

    [Fact]
    public void Catalogue_HasACaseForEachMeaning() =>
        ghl.World.Get<OperationCatalog>().All.Where(operation => operation.Poll?.Source is not null).Select(operation => operation.ActivityType["GoHighLevel.".Length..])
            .Should().BeEquivalentTo(Meanings().Select(row => (string)row[0]));

    [Theory]
    [MemberData(nameof(Meanings))]
    public async Task Meaning_FiresForWhatItIsNamedAfter(string type, string inputs, string collection, string meant, string other)
    {
        await ghl.PublishAsync(type, type, JObject.Parse(inputs));
        await ghl.PollAsync(type);

        await ghl.PutAsync(collection, new JArray(JObject.Parse(other)));
        await ghl.PollAsync(type);
        (await ghl.World.CountRunsAsync(type)).Should().Be(0, other);

        await ghl.PutAsync(collection, new JArray(JObject.Parse(meant)));
        await ghl.PollAsync(type);
        await ghl.PollAsync(type);
        (await ghl.World.CountRunsAsync(type)).Should().Be(1, meant);
    }

    [Fact]
    public async Task Meaning_AndItsList_ShareOneSource()
    {
        await ghl.PublishAsync("list", "Contacts.SearchContacts", new JObject { ["query"] = "shared" });
        await ghl.PublishAsync("tag", "Contacts.ContactTagAdded", new JObject { ["query"] = "shared" });

        (await ghl.World.TriggerAsync("tag")).SourceId.Should().Be((await ghl.World.TriggerAsync("list")).SourceId);
    }

    [Fact]
    public async Task CronWithoutAZone_TakesThatOfTheLocation()
    {
        var zone = (string)(await ghl.FindAsync("locations", "loc-1"))!["timezone"]!;

        await ghl.PublishAsync("nightly", "Contacts.SearchContacts", [], interval: "0 3 * * *");
        await ghl.PublishAsync("london", "Contacts.SearchContacts", [], interval: "0 3 * * *", more: new JObject { ["timeZone"] = Runtime.Polling.PollingWorld.Literal("Europe/London") });

        (await ghl.World.TriggerAsync("nightly")).TimeZone.Should().Be(zone);
        (await ghl.World.TriggerAsync("london")).TimeZone.Should().Be("Europe/London");
    }
}
