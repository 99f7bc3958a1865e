using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class ProbeTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Intent = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Kit kit = new();

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    private async Task<ConnectorResponse?> FindAsync(StubServer server, string type, object inputs)
    {
        var connection = Kit.Ghl(server.Url);
        return await kit.Services.GetRequiredService<ProbeReader>().FindAsync(kit[type], connection, kit.Build(type, inputs, connection), Intent, CancellationToken.None);
    }

    [Theory]
    [InlineData("""{"contact":{"id":"c1","email":"A@x.io","dateAdded":"2026-03-01T12:00:01.000Z"}}""", true)]
    [InlineData("""{"contact":{"id":"c1","email":"a@x.io","dateAdded":"2025-03-01T12:00:01.000Z"}}""", false)]
    [InlineData("""{"contact":{"id":"c1","email":"b@x.io","dateAdded":"2026-03-01T12:00:01.000Z"}}""", false)]
    [InlineData("""{"contact":null}""", false)]
    public async Task Find_CreatedContact_IsTheOneOfThatAddressMadeSince(string answer, bool happened)
    {
        await using var server = StubServer.Of(new StubReply { Body = answer });

        var found = await FindAsync(server, "GoHighLevel.Contacts.CreateContact", new { email = "a@x.io", firstName = "A" });

        (found is not null).Should().Be(happened);
        server.Requests.Single().Target.Should().Be("/api/contacts/search/duplicate?locationId=loc-1&email=a%40x.io");
        if (happened)
        {
            ((string?)found!.Body!["contact"]!["id"]).Should().Be("c1");
            found.Status.Should().Be(201);
        }
    }

    [Fact]
    public async Task Find_CreatedTask_IsLookedForUnderItsContact()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"tasks":[{"id":"k0","title":"Call","dueDate":"2026-03-02T10:00:00Z"},{"id":"k1","title":"Call","body":"Now","dueDate":"2026-03-02T10:00:00.000Z"}]}""" });

        var found = await FindAsync(server, "GoHighLevel.Contacts.CreateContactTask", new { contactId = "c 1", title = "Call", body = "Now", dueDate = "2026-03-02T10:00:00Z", completed = false });

        ((string?)found!.Body!["task"]!["id"]).Should().Be("k1");
        server.Requests.Single().Target.Should().Be("/api/contacts/c%201/tasks");
    }

    [Fact]
    public async Task Find_CreatedUser_IsLookedForInAllLocations()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"users":[{"id":"u1","email":"U@x.io"}],"count":1}""" });

        var found = await FindAsync(server, "GoHighLevel.Users.CreateUser", new { companyId = "co-1", firstName = "U", lastName = "V", email = "u@x.io", password = "p", type = "account", role = "user", locationIds = new[] { "loc-9" } });

        ((string?)found!.Body!["id"]).Should().Be("u1");
        server.Requests.Single().Query("locationId").Should().BeNull();
    }

    [Theory]
    [InlineData("2026-03-01T12:00:01.000Z", true)]
    [InlineData("2026-02-01T12:00:00.000Z", false)]
    public async Task Find_BlockedSlot_IsNotTheOneThatWasThereBefore(string made, bool happened)
    {
        await using var server = StubServer.Of(new StubReply { Body = $$"""{"events":[{"id":"b1","startTime":"2026-03-02T10:00:00.000Z","endTime":"2026-03-02T11:00:00.000Z","dateAdded":"{{made}}"}]}""" });

        var found = await FindAsync(server, "GoHighLevel.Calendars.CreateBlockSlot", new { calendarId = "k", startTime = "2026-03-02T10:00:00Z", endTime = "2026-03-02T11:00:00Z" });

        (found is not null).Should().Be(happened);
    }

    [Fact]
    public async Task Find_CreatedNotifications_AreLookedForByTheFirst()
    {
        await using var server = StubServer.Of(new StubReply { Body = """[{"_id":"n1","notificationType":"booked","channel":"email","receiverType":"contact"}]""" });

        var found = await FindAsync(server, "GoHighLevel.Calendars.CreateCalendarNotification", new { calendarId = "k", items = new[] { new { notificationType = "booked", channel = "email", receiverType = "contact" } } });

        found!.Body.Should().BeOfType<JArray>();
    }

    [Fact]
    public async Task Find_ReadIsNotFound_DidNotHappen()
    {
        await using var server = StubServer.Of(StubReply.Failed(404));

        (await FindAsync(server, "GoHighLevel.Associations.CreateAssociation", new { key = "k", firstObjectLabel = "a", firstObjectKey = "b", secondObjectLabel = "c", secondObjectKey = "d" })).Should().BeNull();
    }

    [Fact]
    public async Task Find_ReadFails_NothingIsKnown()
    {
        await using var server = StubServer.Of(StubReply.Failed(401));

        await FluentActions.Awaiting(() => FindAsync(server, "GoHighLevel.Contacts.CreateContact", new { email = "a@x.io" })).Should().ThrowAsync<ConnectorException>();
    }
}
