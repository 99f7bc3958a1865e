using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

public sealed class GhlResourcesTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const string Calendars = "2021-04-15";
    private const long Monday = 1767571200000; // 2026-01-05T00:00:00Z
    private const long Day = 24 * 3600 * 1000;

    private SandboxHost Host => fixture.Host;

    [Fact]
    public async Task Appointment_OnceMade_IsListedAndTakesItsSlot()
    {
        var made = await Host.GhlAsync("POST", "/calendars/events/appointments", Json.Parse("""
            {"calendarId":"calendar-3","locationId":"loc-3","contactId":"contact-3-01","startTime":"2026-01-05T10:00:00+00:00"}
            """), Calendars);
        var events = await Host.GhlAsync("GET", $"/calendars/events?locationId=loc-3&calendarId=calendar-3&startTime={Monday}&endTime={Monday + Day}", null, Calendars);
        var byGroup = await Host.GhlAsync("GET", $"/calendars/events?locationId=loc-3&groupId=group-3&startTime={Monday}&endTime={Monday + Day}", null, Calendars);
        var ofContact = await Host.GhlAsync("GET", "/contacts/contact-3-01/appointments");
        var slots = await Host.GhlAsync("GET", $"/calendars/calendar-3/free-slots?startDate={Monday}&endDate={Monday + Day - 1}", null, Calendars);

        made.Status.Should().Be(200);
        made.Json["appointmentStatus"]!.ToString().Should().Be("confirmed");
        foreach (var list in (JToken[])[events.Json["events"]!, byGroup.Json["events"]!, ofContact.Json["events"]!])
        {
            list.Select(e => e["id"]!.ToString()).Should().Equal(made.Json["id"]!.ToString());
        }

        slots.Json["2026-01-05"]!["slots"]!.Select(s => s.ToString()).Should().HaveCount(15).And.Contain("2026-01-05T09:30:00Z").And.NotContain("2026-01-05T10:00:00Z");
    }

    [Theory]
    [InlineData("/calendars/events?locationId=loc-3&startTime=1&endTime=2", 422, "Either of calendarId, userId or groupId is required")]
    [InlineData("/calendars/calendar-3/free-slots?startDate=0&endDate=2764800000", 400, "31 days")]
    public async Task CalendarRead_AgainstItsRules_IsRefused(string path, int status, string message)
    {
        var reply = await Host.GhlAsync("GET", path, null, Calendars);

        reply.Status.Should().Be(status);
        reply.Json["message"]!.ToString().Should().Contain(message);
    }

    [Fact]
    public async Task Opportunities_OverTwoPages_AreReachedOnceByTheirCursor()
    {
        await Host.ControlAsync("POST", "/ghl/opportunities", new JArray(Enumerable.Range(0, 5).Select(i => new JObject
        {
            ["id"] = $"o{i}",
            ["locationId"] = "loc-opp",
            ["name"] = $"Deal {i}",
            ["status"] = i % 2 == 0 ? "open" : "won",
            ["contactId"] = "contact-1-02",
        })));
        var first = await Host.GhlAsync("GET", "/opportunities/search?location_id=loc-opp&limit=3");
        var meta = first.Json["meta"]!;
        var second = await Host.GhlAsync("GET", $"/opportunities/search?location_id=loc-opp&limit=3&startAfter={meta["startAfter"]}&startAfterId={meta["startAfterId"]}");
        var won = await Host.GhlAsync("GET", "/opportunities/search?location_id=loc-opp&status=won");
        var wrong = await Host.GhlAsync("GET", "/opportunities/search?location_id=loc-opp&status=lucky");

        first.Json["opportunities"]!.Concat(second.Json["opportunities"]!).Select(o => o["id"]!.ToString()).Should().BeEquivalentTo("o0", "o1", "o2", "o3", "o4");
        first.Json["opportunities"]![0]!["contact"]!["id"]!.ToString().Should().Be("contact-1-02");
        meta["total"]!.Value<int>().Should().Be(5);
        won.Json["opportunities"]!.Should().HaveCount(2);
        wrong.Status.Should().Be(422);
    }

    [Fact]
    public async Task UpsertOpportunity_Twice_MakesOne()
    {
        var body = Json.Parse("""{"pipelineId":"pipeline-2","locationId":"loc-2","name":"Twice","followers":["user-2a"],"isRemoveAllFollowers":false,"followersActionType":"add"}""");

        var first = await Host.GhlAsync("POST", "/opportunities/upsert", body);
        var second = await Host.GhlAsync("POST", "/opportunities/upsert", body);

        first.Json["new"]!.Value<bool>().Should().BeTrue();
        second.Json["new"]!.Value<bool>().Should().BeFalse();
        second.Json["opportunity"]!["id"]!.ToString().Should().Be(first.Json["opportunity"]!["id"]!.ToString());
        second.Json["opportunity"]!["followers"]!.Select(f => f.ToString()).Should().Equal("user-2a");
    }

    [Fact]
    public async Task Enrolment_SentTwice_IsThereTwice()
    {
        for (var i = 0; i < 2; i++)
        {
            (await Host.GhlAsync("POST", "/contacts/contact-2-05/workflow/workflow-2", new JObject())).Status.Should().Be(200);
        }

        (await Host.ControlAsync("GET", "/ghl/contact-workflows?locationId=loc-2")).Json["items"]!.Should().HaveCount(2);
        (await Host.GhlAsync("POST", "/contacts/contact-2-05/workflow/none", new JObject())).Status.Should().Be(404);
    }

    [Fact]
    public async Task Messages_OverTwoPages_AreReachedByTheirCursor()
    {
        await Host.ControlAsync("POST", "/ghl/conversations", Json.Parse("""{"id":"long","locationId":"loc-talk"}"""));
        await Host.ControlAsync("POST", "/ghl/messages", new JArray(Enumerable.Range(0, 5).Select(i => new JObject { ["id"] = $"m{i}", ["conversationId"] = "long", ["body"] = $"{i}" })));

        var first = (await Host.GhlAsync("GET", "/conversations/long/messages?limit=3", null, Calendars)).Json["messages"]!;
        var second = (await Host.GhlAsync("GET", $"/conversations/long/messages?limit=3&lastMessageId={first["lastMessageId"]}", null, Calendars)).Json["messages"]!;

        first["nextPage"]!.Value<bool>().Should().BeTrue();
        second["nextPage"]!.Value<bool>().Should().BeFalse();
        first["messages"]!.Concat(second["messages"]!).Select(m => m["id"]!.ToString()).Should().BeEquivalentTo("m0", "m1", "m2", "m3", "m4");
    }

    [Fact]
    public async Task Users_OfALocation_AreThoseInIt()
    {
        await Host.ControlAsync("POST", "/ghl/users", Json.Parse("""{"id":"both","companyId":"co-1","firstName":"Bo","lastName":"Th","email":"both@sandbox.example","locationIds":["loc-2","loc-3"],"type":"account","role":"user"}"""));

        var list = await Host.GhlAsync("GET", "/users/?locationId=loc-3");
        var search = await Host.GhlAsync("GET", "/users/search?companyId=co-1&query=Bo Th&limit=10&skip=0");
        var byEmail = await Host.GhlAsync("POST", "/users/search/filter-by-email", Json.Parse("""{"companyId":"co-1","emails":"BOTH@sandbox.example,nobody@sandbox.example"}"""));

        list.Json["users"]!.Select(u => u["id"]!.ToString()).Should().BeEquivalentTo("user-3a", "user-3b", "both");
        search.Json["users"]!.Select(u => u["name"]!.ToString()).Should().Equal("Bo Th");
        byEmail.Json["count"]!.Value<int>().Should().Be(1);
    }

    [Fact]
    public async Task Metrics_WrittenTwice_AreReportedOnce()
    {
        var values = Json.Parse("""{"values":[{"metricId":"likes","date":"2026-01-01","value":5,"locationId":"loc-2"},{"metricId":"likes","date":"2026-02-01","value":7,"locationId":"loc-2"}]}""");
        (await Host.FlocksyAsync("PUT", "/dashboards/dashboard-2/metrics", values, "m-1")).Json["written"]!.Value<int>().Should().Be(2);
        await Host.FlocksyAsync("PUT", "/dashboards/dashboard-2/metrics", values, "m-2");

        var report = await Host.FlocksyAsync("POST", "/reports", Json.Parse("""{"locationId":"loc-2","dashboardId":"dashboard-2","from":"2026-01-01","to":"2026-01-31"}"""), "r-1");
        var csv = await Host.FlocksyAsync("GET", $"/reports/{report.Json["id"]}/csv");

        report.Json["rows"]!.Value<int>().Should().Be(1);
        csv.Text.Should().Be("metricId,date,value,locationId\r\nlikes,2026-01-01,5,loc-2\r\n");
    }
}
