using System.Globalization;
using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

public sealed class GhlStateTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private SandboxHost Host => fixture.Host;

    [Fact]
    public async Task NewRecords_HaveIdsAndTimesAsTheApiWritesThem()
    {
        var contact = (await Host.GhlAsync("POST", "/contacts/", new JObject { ["locationId"] = "loc-3", ["email"] = "ids@example.com" })).Json["contact"]!;
        var room = (await Host.GhlAsync("POST", "/calendars/resources/rooms", (JObject)Json.Parse("""{"locationId":"loc-3","name":"R","description":"d","quantity":1,"outOfService":0,"capacity":1,"calendarIds":["calendar-3"]}"""), "2021-04-15")).Json;

        ((string?)contact["id"]).Should().MatchRegex("^[0-9A-Za-z]{20}$");
        ((string?)contact["dateAdded"]).Should().MatchRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$");
        ((string?)room["_id"]).Should().MatchRegex("^[0-9a-f]{24}$");
    }

    [Fact]
    public async Task SearchContacts_OverTwoThousand_ReachesEachOnceWithSearchAfter()
    {
        await Host.ControlAsync("POST", "/ghl/contacts", new JArray(Enumerable.Range(0, 2000).Select(i => new JObject { ["id"] = $"many-{i}", ["locationId"] = "loc-many", ["email"] = $"m{i}@example.com" })));
        var body = Json.Parse("""{"locationId":"loc-many","pageLimit":300,"sort":[{"field":"dateUpdated","direction":"asc"}]}""");
        var ids = new List<string>();
        for (var page = 0; page < 20; page++)
        {
            var reply = await Host.GhlAsync("POST", "/contacts/search", body);
            reply.Status.Should().Be(200);
            reply.Json["total"]!.Value<int>().Should().Be(2000);
            var contacts = (JArray)reply.Json["contacts"]!;
            if (contacts.Count == 0)
            {
                break;
            }

            ids.AddRange(contacts.Select(c => c["id"]!.ToString()));
            body["searchAfter"] = contacts[^1]!["searchAfter"];
        }

        ids.Should().HaveCount(2000).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task SearchContacts_InAWindow_FindsWhatChangedInIt()
    {
        await Host.ControlAsync("POST", "/ghl/contacts", Json.Parse("""
            [{"id":"w1","locationId":"loc-window","dateUpdated":"2026-01-01T00:00:00.000Z"},
             {"id":"w2","locationId":"loc-window","dateUpdated":"2026-01-02T00:00:00.000Z"},
             {"id":"w3","locationId":"loc-window","dateUpdated":"2026-01-03T00:00:00.000Z"}]
            """));

        var reply = await Host.GhlAsync("POST", "/contacts/search", Json.Parse("""
            {"locationId":"loc-window","pageLimit":10,"filters":[{"field":"dateUpdated","operator":"range","value":{"gte":"2026-01-02T00:00:00Z","lt":"2026-01-03T00:00:00Z"}}]}
            """));

        reply.Json["contacts"]!.Select(c => c["id"]!.ToString()).Should().Equal("w2");
        reply.Json["total"]!.Value<int>().Should().Be(1);
    }

    [Theory]
    [InlineData("""{"field":"email","operator":"eq","value":"Ada@filter.example"}""", "f1")]
    [InlineData("""{"field":"email","operator":"contains","value":"filter"}""", "f1,f2")]
    [InlineData("""{"field":"phone","operator":"exists"}""", "f2")]
    [InlineData("""{"field":"phone","operator":"not_exists"}""", "f1,f3")]
    [InlineData("""{"field":"tags","operator":"contains","value":"vip"}""", "f1")]
    [InlineData("""{"field":"tags","operator":"eq","value":["vip","lead"]}""", "f1,f2")]
    [InlineData("""{"field":"city","operator":"not_eq","value":"Bonn"}""", "f2,f3")]
    [InlineData("""{"group":"OR","filters":[{"field":"city","operator":"eq","value":"Bonn"},{"group":"AND","filters":[{"field":"phone","operator":"exists"},{"field":"tags","operator":"eq","value":"lead"}]}]}""", "f1,f2")]
    [InlineData("""{"group":"AND","filters":[{"field":"city","operator":"exists"},{"field":"phone","operator":"not_exists"}]}""", "f1")]
    public async Task SearchContacts_WithAFilter_FindsWhatItSays(string filter, string expected)
    {
        await Host.ControlAsync("POST", "/ghl/contacts", Json.Parse("""
            [{"id":"f1","locationId":"loc-filter","email":"ada@filter.example","tags":["vip"],"city":"Bonn"},
             {"id":"f2","locationId":"loc-filter","email":"ben@filter.example","phone":"+49","tags":["lead"],"city":"Köln"},
             {"id":"f3","locationId":"loc-filter"}]
            """));

        var reply = await Host.GhlAsync("POST", "/contacts/search", new JObject
        {
            ["locationId"] = "loc-filter",
            ["pageLimit"] = 10,
            ["filters"] = new JArray(Json.Parse(filter)),
            ["sort"] = Json.Parse("""[{"field":"id","direction":"asc"}]"""),
        });

        string.Join(',', reply.Json["contacts"]!.Select(c => c["id"]!.ToString())).Should().Be(expected);
    }

    [Fact]
    public async Task ListContacts_ByStartAfter_ReachesEachOnce()
    {
        await Host.ControlAsync("POST", "/ghl/contacts", new JArray(Enumerable.Range(0, 45).Select(i => new JObject { ["id"] = $"s-{i}", ["locationId"] = "loc-start" })));
        var ids = new List<string>();
        var path = "/contacts/?locationId=loc-start&limit=20";
        JToken meta;
        do
        {
            var reply = await Host.GhlAsync("GET", path);
            meta = reply.Json["meta"]!;
            ids.AddRange(reply.Json["contacts"]!.Select(c => c["id"]!.ToString()));
            path = $"/contacts/?locationId=loc-start&limit=20&startAfter={meta["startAfter"]}&startAfterId={meta["startAfterId"]}";
        }
        while (ids.Count < 45 && meta["startAfterId"]!.Type != JTokenType.Null);

        ids.Should().HaveCount(45).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task CreateContact_WithAKnownEmail_NamesTheOther()
    {
        var first = await Host.GhlAsync("POST", "/contacts/", Json.Parse("""{"locationId":"loc-dup","name":"Ada Byron","email":"ADA@dup.example","customFields":[{"id":"x","field_value":"1"}]}"""));
        var second = await Host.GhlAsync("POST", "/contacts/", Json.Parse("""{"locationId":"loc-dup","email":"ada@dup.example"}"""));
        var upsert = await Host.GhlAsync("POST", "/contacts/upsert", Json.Parse("""{"locationId":"loc-dup","email":"ada@dup.example","city":"Bonn"}"""));
        var found = await Host.GhlAsync("GET", "/contacts/search/duplicate?locationId=loc-dup&email=ada%40dup.example");

        first.Status.Should().Be(201);
        first.Json["contact"]!["firstName"]!.ToString().Should().Be("Ada");
        first.Json["contact"]!["customFields"]![0]!["value"]!.ToString().Should().Be("1");
        second.Status.Should().Be(400);
        second.Json["meta"]!["contactId"].Should().BeEquivalentTo(first.Json["contact"]!["id"]);
        upsert.Json["new"]!.Value<bool>().Should().BeFalse();
        found.Json["contact"]!["city"]!.ToString().Should().Be("Bonn");
        found.Json["contact"]!["id"]!.ToString().Should().Be(first.Json["contact"]!["id"]!.ToString());
    }

    [Fact]
    public async Task AddTags_ThenRemove_ChangesTheContactAndItsTime()
    {
        await Host.ControlAsync("POST", "/ghl/contacts", Json.Parse("""{"id":"t1","locationId":"loc-tags","tags":["a"],"dateUpdated":"2026-01-01T00:00:00.000Z"}"""));

        var added = await Host.GhlAsync("POST", "/contacts/t1/tags", Json.Parse("""{"tags":["VIP client","a"]}"""));
        var removed = await Host.GhlAsync("DELETE", "/contacts/t1/tags", Json.Parse("""{"tags":["a"]}"""));
        var contact = (await Host.GhlAsync("GET", "/contacts/t1")).Json["contact"]!;

        added.Status.Should().Be(201);
        added.Json["tags"]!.Select(t => t.ToString()).Should().Equal("a", "VIP client");
        removed.Json["tags"]!.Select(t => t.ToString()).Should().Equal("VIP client");
        DateTimeOffset.Parse(contact["dateUpdated"]!.ToString(), CultureInfo.InvariantCulture).Should().BeAfter(DateTimeOffset.Parse("2026-01-01T00:00:00Z", CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task SocialTags_AreListedAndReadById()
    {
        var list = await Host.GhlAsync("GET", "/social-media-posting/loc-2/tags?searchText=vi&limit=10&skip=0");
        var details = await Host.GhlAsync("POST", "/social-media-posting/loc-2/tags/details", Json.Parse("""{"tagIds":["tag-2-vip","tag-1-vip"]}"""));

        list.Json["results"]!["count"]!.Value<int>().Should().Be(1);
        list.Json["results"]!["tags"]![0]!["tag"]!.ToString().Should().Be("vip");
        details.Status.Should().Be(201);
        details.Json["results"]!["tags"]!.Select(t => t["_id"]!.ToString()).Should().Equal("tag-2-vip");
    }

    [Fact]
    public async Task Statistics_OfALocation_CoverSevenDays()
    {
        var reply = await Host.GhlAsync("POST", "/social-media-posting/statistics?locationId=loc-1", Json.Parse("""{"profileIds":["p1"],"platforms":["facebook"]}"""));

        reply.Status.Should().Be(201);
        reply.Json["results"]!["dayRange"]!.Should().HaveCount(7);
        reply.Json["results"]!["postPerformance"]!["likes"]!.Sum(day => day.Value<int>()).Should().Be(reply.Json["results"]!["totals"]!["likes"]!.Value<int>());
    }
}
