using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

/// <summary>Lists between two times that move with the clock.</summary>
public sealed class RollingWindowTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Window_IsFilledInWhereTheUserLeavesItEmpty_AndOnlyThere()
    {
        await using var server = new StubServer(_ => new StubReply { Body = """{"events":[]}""" });
        await using var kit = new Kit();

        await ReadAsync(kit, server, "Calendars.ListCalendarEvents", new JObject { ["calendarId"] = "c" });
        await ReadAsync(kit, server, "Calendars.ListCalendarEvents", new JObject { ["calendarId"] = "c", ["startTime"] = "5" });

        var (day, end) = (Now.AddDays(-1).ToUnixTimeMilliseconds(), Now.AddDays(60).ToUnixTimeMilliseconds());
        server.Requests.Select(r => (r.Query("startTime"), r.Query("endTime"))).Should().Equal(($"{day}", $"{end}"), ("5", $"{end}"));
    }

    [Fact]
    public async Task Item_ThatComesInBecauseTheWindowMovedOn_IsKnownAndDoesNotFire()
    {
        await using var server = new StubServer(_ => new StubReply { Body = """
            {"events":[{"id":"old","startTime":"2026-04-30T11:30:00Z","dateUpdated":"2026-01-01T00:00:00Z"},{"id":"new","startTime":"2026-03-02T10:00:00Z","dateUpdated":"2026-03-01T11:59:00Z"}]}
            """ });
        await using var kit = new Kit();

        var first = await ReadAsync(kit, server, "Calendars.ListCalendarEvents", new JObject { ["calendarId"] = "c" });
        var later = await ReadAsync(kit, server, "Calendars.ListCalendarEvents", new JObject { ["calendarId"] = "c" }, since: Now.AddHours(-2));

        first.Items.Select(i => i.Id).Should().Equal("old", "new");
        later.Items.Select(i => i.Id).Should().Equal("new");
        later.RolledIn.Select(i => i.Id).Should().Equal("old");
    }

    [Fact]
    public async Task Slot_AtTheWindowsEnd_IsNotOneThatWasOpened()
    {
        await using var server = new StubServer(_ => new StubReply { Body = """{"2026-03-02":{"slots":["2026-03-02T10:00:00Z"]},"2026-03-31":{"slots":["2026-03-31T11:30:00Z"]},"traceId":"t"}""" });
        await using var kit = new Kit();

        var page = await ReadAsync(kit, server, "Calendars.GetFreeSlots", new JObject { ["calendarId"] = "c" }, since: Now.AddHours(-2));

        page.Items.Select(i => i.Id).Should().Equal("2026-03-02T10:00:00Z");
        page.RolledIn.Select(i => i.Id).Should().Equal("2026-03-31T11:30:00Z");
    }

    private static async Task<PollPage> ReadAsync(Kit kit, StubServer server, string operation, JObject inputs, DateTimeOffset? since = null) =>
        await kit.Reader.ReadPageAsync(kit["GoHighLevel." + operation], Kit.Ghl(server.Url), inputs, new ScanPosition(null, Now, null) { Since = since }, CallPriority.Poll, CancellationToken.None);
}
