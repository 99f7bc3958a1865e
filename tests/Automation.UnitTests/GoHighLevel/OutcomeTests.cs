using Automation.Connectors;
using Automation.UnitTests.Connectors;
using Automation.UnitTests.Sandbox;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

/// <summary>Writes whose outcome is easily got wrong, told by what is read afterwards.</summary>
public sealed class OutcomeTests : IAsyncLifetime
{
    private Kit kit = null!;
    private SandboxHost host = null!;

    private Connection Connection => Kit.Ghl(new Uri(host.Client.BaseAddress!, "/sandbox/ghl")) with { Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" } };

    public async Task InitializeAsync()
    {
        kit = NewKit();
        host = await SandboxHost.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await kit.DisposeAsync();
        await host.DisposeAsync();
    }

    [Fact]
    public async Task BulkTags_AddRemoveAndRemoveAll_ReachEveryContactAndNameWhoIsMissing()
    {
        string[] contacts = ["contact-1-02", "contact-1-03"];

        await CallAsync("Contacts.BulkUpdateContactTags", new { type = "add", contacts, tags = new[] { "a", "b" } });
        (await TagsAsync(contacts)).Should().Equal("a,b", "a,b");

        var removed = await CallAsync("Contacts.BulkUpdateContactTags", new { type = "remove", contacts = (string[])[.. contacts, "nobody"], tags = new[] { "a" } });
        (await TagsAsync(contacts)).Should().Equal("b", "b");
        ((int?)removed["errorCount"]).Should().Be(1);

        await CallAsync("Contacts.BulkUpdateContactTags", new { type = "remove", contacts = new[] { "contact-1-02" }, tags = new[] { "x" }, removeAllTags = true });
        (await TagsAsync(contacts)).Should().Equal("", "b");
    }

    [Fact]
    public async Task BulkBusiness_WithAnIdAddsAndWithNullRemoves()
    {
        string[] ids = ["contact-1-05", "contact-1-06"];

        await CallAsync("Contacts.BulkBusinessUpdate", new { ids, businessId = "business-1" });
        (await OfBusinessAsync()).Should().Contain(ids);

        await CallAsync("Contacts.BulkBusinessUpdate", new { ids = new[] { "contact-1-05" }, businessId = (string?)null });
        (await OfBusinessAsync()).Should().Contain("contact-1-06").And.NotContain("contact-1-05");
    }

    [Theory]
    [InlineData("round_robin")]
    [InlineData("event")]
    [InlineData("class_booking")]
    [InlineData("collective")]
    [InlineData("service_booking")]
    [InlineData("personal")]
    public async Task Calendar_OfEachType_IsMadeAndListedAsThat(string calendarType)
    {
        var made = await CallAsync("Calendars.CreateCalendar", new { name = "My " + calendarType, calendarType, slotDuration = 45, availabilityType = 0, teamMembers = new[] { new { userId = "user-1a", isPrimary = true, priority = 0.5 } }, appoinmentPerSlot = 3, openHours = new[] { new { daysOfTheWeek = new[] { 1, 2 }, hours = new[] { new { openHour = 9, openMinute = 0, closeHour = 12, closeMinute = 30 } } } } });

        var read = (await CallAsync("Calendars.ListCalendars", new { }))["calendars"]!.Single(c => (string?)c["id"] == (string?)made["calendar"]!["id"]);
        ((string?)read["calendarType"]).Should().Be(calendarType);
        ((int?)read["slotDuration"]).Should().Be(45);
        ((int?)read.SelectToken("openHours[0].hours[0].closeMinute")).Should().Be(30);
        ((string?)read.SelectToken("teamMembers[0].userId")).Should().Be("user-1a");
        ((int?)read["appoinmentPerSlot"]).Should().Be(3);
    }

    [Fact]
    public async Task Calendar_OfAnUnknownType_IsRefusedWithWhatIsAllowed()
    {
        var failure = await kit.FailAsync("GoHighLevel.Calendars.CreateCalendar", new { name = "x", calendarType = "weekly" }, Connection);

        failure.Code.Should().Be("invalid-input");
        failure.Message.Should().Contain("round_robin, event, class_booking, collective, service_booking, personal");
    }

    [Theory]
    [InlineData("rooms", "equipments")]
    [InlineData("equipments", "rooms")]
    public async Task Resource_OfOneKind_IsChangedAndDeletedThereAndNotInTheOther(string resourceType, string other)
    {
        var made = await CallAsync("Calendars.CreateCalendarResource", new { resourceType, name = "New", description = "d", quantity = 3, outOfService = 0, capacity = 6, calendarIds = new[] { "calendar-1" } });
        var id = (string)made["_id"]!;

        await CallAsync("Calendars.UpdateCalendarResource", new { resourceType, id, quantity = 2, isActive = false });
        (await ListAsync(resourceType)).Should().ContainSingle(r => (string?)r["_id"] == id).Which.Should().Match<JToken>(r => (int)r["quantity"]! == 2 && (int)r["capacity"]! == 6 && !(bool)r["isActive"]!);
        (await ListAsync(other)).Should().NotContain(r => (string?)r["_id"] == id);
        (await kit.FailAsync("GoHighLevel.Calendars.GetCalendarResource", new { resourceType = other, id }, Connection)).Code.Should().Be("not-found");

        await CallAsync("Calendars.DeleteCalendarResource", new { resourceType, id });
        (await ListAsync(resourceType)).Should().NotContain(r => (string?)r["_id"] == id);

        async Task<IReadOnlyList<JToken>> ListAsync(string kind) => [.. (JArray)await CallAsync("Calendars.ListCalendarResources", new { resourceType = kind, limit = 100, skip = 0 })];
    }

    [Theory]
    [InlineData("SMS", "contact-1-01", "conversation-1")]
    [InlineData("WhatsApp", "contact-1-01", "conversation-1")]
    [InlineData("Email", "contact-1-07", null)]
    public async Task Message_IsSentIntoTheContactsConversation(string type, string contactId, string? conversationId)
    {
        var sent = await CallAsync("Conversations.SendMessage", new { type, contactId, message = "Hello " + type, subject = type == "Email" ? "Hi" : null });

        var messages = (await CallAsync("Conversations.GetMessagesByConversation", new { conversationId = (string)sent["conversationId"]! }))["messages"]!["messages"]!;
        messages.Should().Contain(m => (string?)m["id"] == (string?)sent["messageId"] && (string?)m["body"] == "Hello " + type && (string?)m["direction"] == "outbound");
        if (conversationId is not null)
        {
            ((string?)sent["conversationId"]).Should().Be(conversationId);
        }
    }

    [Fact]
    public async Task LocationToken_IsAskedForAsAForm_AndHidden()
    {
        var token = await CallAsync("OAuth.GetLocationToken", new { companyId = "co-1", locationId = "loc-2" });

        ((string?)token["access_token"]).Should().Be(Redaction.Mark);
        ((string?)token["locationId"]).Should().Be("loc-2");
        (await kit.FailAsync("GoHighLevel.OAuth.GetLocationToken", new { companyId = "co-2", locationId = "loc-2" }, Connection)).Code.Should().Be("not-found");
    }

    [Fact]
    public async Task Media_IsUploadedWithNameTypeAndBytes()
    {
        var uploaded = await CallAsync("Media.UploadMediaFile", new { name = "Logo", file = new { name = "logo \"1\".png", contentType = "image/png", base64 = Convert.ToBase64String(new byte[300]) } });

        ((string?)uploaded["url"]).Should().EndWith("/Logo");
        var kept = (await host.ControlAsync("GET", "/ghl/media-files")).Json.SelectTokens("$..size").Should().ContainSingle().Which.Parent!.Parent!;
        ((int)kept["size"]!).Should().Be(300);
        ((string?)kept["contentType"]).Should().Be("image/png");
    }

    [Theory]
    [InlineData("""{"fileUrl":"https://x.example/a.png"}""", "file is required")]
    [InlineData("""{"hosted":true,"file":{"text":"x"}}""", "fileUrl is required")]
    public async Task Media_WithoutWhatIsHosted_IsRefusedByTheApi(string inputs, string says)
    {
        var failure = await kit.FailAsync("GoHighLevel.Media.UploadMediaFile", JObject.Parse(inputs), Connection);

        failure.Status.Should().Be(400);
        failure.ProviderMessage.Should().Contain(says);
    }

    [Fact]
    public async Task Media_Hosted_IsKeptByItsAddress() =>
        ((string?)(await CallAsync("Media.UploadMediaFile", new { hosted = true, fileUrl = "https://x.example/a.png", name = "Hosted" }))["url"]).Should().EndWith("/Hosted");

    [Fact]
    public async Task Media_LargerThanTheApiTakes_IsRefusedThere()
    {
        var form = new MultipartFormDataContent { { new ByteArrayContent(new byte[26 * 1024 * 1024]), "file", "large.bin" } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sandbox/ghl/medias/upload-file") { Content = form };
        request.Headers.Add("Authorization", "Bearer sandbox-ghl-token");
        request.Headers.Add("Version", "2021-07-28");

        using var response = await host.Client.SendAsync(request);

        ((int)response.StatusCode).Should().Be(413);
    }

    [Theory]
    [InlineData("""{"file":{"base64":"not base64!"}}""", "base64")]
    [InlineData("""{"file":{"name":"a.png"}}""", "must hold its content")]
    public async Task Media_WithoutAFile_IsRefusedBeforeAnythingIsSent(string inputs, string says) =>
        (await kit.FailAsync("GoHighLevel.Media.UploadMediaFile", JObject.Parse(inputs), Connection)).Message.Should().Contain(says);

    [Fact]
    public async Task Submissions_OfTwoPages_AreReadOnceAndTheNewOnesByDay()
    {
        await host.ControlAsync("POST", "/ghl/form-submissions", new JArray(Enumerable.Range(0, 120).Select(i => new JObject { ["id"] = $"s{i}", ["locationId"] = "loc-1", ["formId"] = "form-1", ["email"] = $"{i}@x.io" })));
        var now = TimeProvider.System.GetUtcNow();
        var ids = new List<string>();
        var position = new ScanPosition(now.AddDays(-1), now, null);
        do
        {
            var page = await kit.Reader.ReadPageAsync(kit["GoHighLevel.Forms.ListFormSubmissions"], Connection, JObject.Parse("""{"formId":"form-1"}"""), position, CallPriority.Poll, CancellationToken.None);
            ids.AddRange(page.Items.Select(i => i.Id));
            position = position with { PageToken = page.NextPageToken };
        }
        while (position.PageToken is not null);

        ids.Should().HaveCount(121).And.OnlyHaveUniqueItems();
    }

    private static Kit NewKit() => new();

    private async Task<JToken> CallAsync(string type, object inputs) => (await kit.SendAsync("GoHighLevel." + type, inputs, Connection)).Body!;

    private async Task<IEnumerable<string>> TagsAsync(IEnumerable<string> contacts)
    {
        var tags = new List<string>();
        foreach (var contactId in contacts)
        {
            tags.Add(string.Join(',', (await CallAsync("Contacts.GetContact", new { contactId }))["contact"]!["tags"]!));
        }

        return tags;
    }

    private async Task<IEnumerable<string>> OfBusinessAsync() =>
        (await CallAsync("Contacts.GetContactsByBusiness", new { businessId = "business-1", limit = "100" }))["contacts"]!.Select(c => (string)c["id"]!);
}
