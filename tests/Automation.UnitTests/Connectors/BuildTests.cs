using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class BuildTests : IAsyncDisposable
{
    private readonly Kit kit = new();

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    [Theory]
    [InlineData("GoHighLevel.Contacts.GetContact", "{}", "contactId", "required")]
    [InlineData("GoHighLevel.Contacts.GetContact", "{contactId:''}", "contactId", "required")]
    [InlineData("GoHighLevel.Contacts.GetContact", "{contactId:null}", "contactId", "required")]
    [InlineData("GoHighLevel.Contacts.GetContact", "{contactId:'..'}", "contactId", "address")]
    [InlineData("GoHighLevel.Contacts.GetContact", "{contactId:'a',colour:'red'}", "colour", "no input")]
    [InlineData("GoHighLevel.Contacts.AddTagsToContact", "{contactId:'a',tags:'vip'}", "tags", "list")]
    [InlineData("GoHighLevel.Contacts.AddTagsToContact", "{contactId:'a',tags:'[1,'}", "tags", "not JSON")]
    [InlineData("GoHighLevel.Contacts.AddTagsToContact", "{contactId:'a',tags:['x',{y:1}]}", "tags", "position 2")]
    [InlineData("GoHighLevel.Contacts.BulkUpdateContactTags", "{type:['add'],contacts:['a'],tags:['b']}", "inputType", "text")]
    [InlineData("GoHighLevel.Contacts.BulkBusinessUpdate", "{ids:['a']}", "businessId", "required")]
    [InlineData("GoHighLevel.Calendars.ListCalendarResources", "{resourceType:'cars'}", "resourceType", "equipments, rooms")]
    [InlineData("GoHighLevel.Calendars.CreateCalendar", "{name:'c',availabilityType:'open'}", "availabilityType", "allowed are")]
    [InlineData("GoHighLevel.Conversations.GetMessagesByConversation", "{conversationId:'c',type:'TYPE_SMS,TYPE_PIGEON'}", "inputType", "TYPE_PIGEON")]
    [InlineData("GoHighLevel.SocialPlanner.GetSocialMediaStatistics", "{profileIds:[]}", "profileIds", "at least 1")]
    [InlineData("GoHighLevel.Calendars.CreateAppointmentNote", "{appointmentId:'a',body:'LONG'}", "body", "at most 5000")]
    [InlineData("GoHighLevel.Opportunities.UpdateOpportunityStatus", "{id:'a',status:'sold'}", "status", "open, won")]
    [InlineData("GoHighLevel.Contacts.CompleteContactTask", "{contactId:'a',taskId:'b',completed:'perhaps'}", "completed", "true or false")]
    [InlineData("GoHighLevel.Contacts.SearchContacts", "{pageLimit:501}", "pageLimit", "at most 500")]
    [InlineData("GoHighLevel.Contacts.SearchContacts", "{pageLimit:'many'}", "pageLimit", "number")]
    [InlineData("GoHighLevel.Contacts.CreateContact", "{dndSettings:[1]}", "dndSettings", "object")]
    [InlineData("GoHighLevel.Users.SearchUsers", "{}", "companyId", "required")]
    [InlineData("Flocksy.Dashboards.PutMetricValues", "{dashboardId:'d'}", "values", "required")]
    public void Build_InvalidInput_IsRefusedWithItsPropertyAndWhatIsAllowed(string type, string inputs, string property, string says)
    {
        var failure = FluentActions.Invoking(() => kit.Build(type, JObject.Parse(inputs.Replace("LONG", new string('x', 5001))))).Should().Throw<ConnectorException>().Which;

        failure.Code.Should().Be("invalid-input");
        failure.Property.Should().Be(property);
        failure.Message.Should().Contain(says).And.Contain(property.Replace("inputType", "type"));
        failure.Action.Should().NotBeNullOrEmpty();
        failure.MayHaveHappened.Should().BeFalse();
    }

    [Fact]
    public void Build_PlusInQuery_IsEscaped() =>
        kit.Build("GoHighLevel.Contacts.FindContact", new { number = "+1 555", email = "a+b@x.io" }).Url
            .Should().Be("https://services.leadconnectorhq.com/contacts/search/duplicate?locationId=loc-1&number=%2B1%20555&email=a%2Bb%40x.io");

    [Fact]
    public void Build_PathWithTrailingSlash_IsVerbatim() =>
        kit.Build("GoHighLevel.Contacts.CreateContact", new { email = "a@x.io" }).Url.Should().Be("https://services.leadconnectorhq.com/contacts/");

    [Fact]
    public void Build_PathValue_IsEscaped() =>
        kit.Build("Flocksy.TagMappings.UpsertTagMapping", new { ghlTag = "a/b c" }).Url.Should().Be("https://api.flocksy.example/tag-mappings/a%2Fb%20c");

    [Fact]
    public void Build_BaseUrlWithPath_KeepsIt() =>
        kit.Build("GoHighLevel.Contacts.GetContact", new { contactId = "c1" }, Kit.Ghl(new Uri("http://localhost:5000/sandbox/ghl/"))).Url.Should().Be("http://localhost:5000/sandbox/ghl/contacts/c1");

    [Theory]
    [InlineData("GoHighLevel.Contacts.SearchContacts")]
    [InlineData("GoHighLevel.Contacts.UpsertContact")]
    public void Build_LocationUnset_TakesTheConnections(string type) =>
        ((string?)kit.Build(type, new { }).Body!["locationId"]).Should().Be("loc-1");

    [Fact]
    public void Build_LocationSet_KeepsIt() =>
        kit.Build("GoHighLevel.SocialPlanner.ListSocialPlannerTags", new { locationId = "loc-2" }).Url.Should().EndWith("/social-media-posting/loc-2/tags");

    [Fact]
    public void Build_CompanyUnset_TakesTheConnections() =>
        kit.Build("GoHighLevel.Users.SearchUsers", new { }, Kit.Ghl(companyId: "co-1")).Url.Should().EndWith("/users/search?companyId=co-1&locationId=loc-1");

    [Fact]
    public void Build_VersionAsAnInput_IsTakenWhenItIsTheOperations()
    {
        kit.Build("GoHighLevel.Contacts.GetContact", JObject.Parse("{contactId:'c',Version:'2021-07-28'}")).Url.Should().EndWith("/contacts/c");
        FluentActions.Invoking(() => kit.Build("GoHighLevel.Contacts.GetContact", JObject.Parse("{contactId:'c',Version:'v3'}"))).Should().Throw<ConnectorException>().WithMessage("*no input 'Version'*");
    }

    [Theory]
    [InlineData("GoHighLevel.Contacts.GetContact", "2021-07-28")]
    [InlineData("GoHighLevel.Calendars.GetCalendarByID", "2021-04-15")]
    public void Build_VersionHeader_IsTheOperations(string type, string version)
    {
        var operation = kit[type];
        kit.Build(type, new JObject { [operation.Inputs[0].Name] = "x" }).Headers["Version"].Should().Be(version);
    }

    [Fact]
    public void Build_ArrayBody_ComesFromItems()
    {
        var request = kit.Build("GoHighLevel.Calendars.CreateCalendarNotification", new { calendarId = "c", items = new[] { new { channel = "email" } } });

        request.Body.Should().BeOfType<JArray>().Which.Should().HaveCount(1);
    }

    [Fact]
    public void Build_Delete_KeepsItsBody()
    {
        var request = kit.Build("GoHighLevel.Contacts.RemoveTagsFromContact", new { contactId = "c", tags = new[] { "vip" } });

        request.Method.Should().Be("DELETE");
        request.Body!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"tags":["vip"]}""");
        request.Headers["Content-Type"].Should().Be("application/json");
    }

    [Fact]
    public void Build_BodyRequiredButNothingToSay_SendsAnEmptyObject() =>
        kit.Build("GoHighLevel.Contacts.AddContactToCampaign", new { contactId = "c", campaignId = "k" }).Body!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("{}");

    [Fact]
    public void Build_ExplicitNull_IsSent()
    {
        kit.Build("GoHighLevel.Contacts.UpdateContact", JObject.Parse("{contactId:'c',email:null}")).Body!["email"]!.Type.Should().Be(JTokenType.Null);
        kit.Build("GoHighLevel.Contacts.BulkBusinessUpdate", JObject.Parse("{ids:['c'],businessId:null}")).Body!["businessId"]!.Type.Should().Be(JTokenType.Null);
    }

    [Fact]
    public void Build_ValuesInText_AreConverted()
    {
        var body = kit.Build("GoHighLevel.Contacts.SearchContacts", JObject.Parse("{pageLimit:'20',filters:'[{\"field\":\"email\"}]'}")).Body!;

        body["pageLimit"]!.Type.Should().Be(JTokenType.Integer);
        body["filters"].Should().BeOfType<JArray>();
        kit.Build("GoHighLevel.SocialPlanner.ListSocialPlannerTags", new { skip = 0, limit = 10 }).Url.Should().EndWith("?limit=10&skip=0");
    }

    [Theory]
    [InlineData("GoHighLevel.Calendars.GetFreeSlots", "{calendarId:'c',startDate:'2026-03-01T08:00:00Z',endDate:1772438400000}", "?startDate=1772352000000&endDate=1772438400000")]
    [InlineData("GoHighLevel.Calendars.ListCalendarEvents", "{startTime:'2026-03-01',endTime:'1772438400000',calendarId:'c'}", "calendarId=c&startTime=1772323200000&endTime=1772438400000")]
    [InlineData("GoHighLevel.Opportunities.SearchOpportunities", "{date:'2026-03-01T00:00:00+09:00',endDate:'03-05-2026'}", "endDate=03-05-2026&date=03-01-2026")]
    public void Build_Time_IsWrittenAsTheApiWantsIt(string type, string inputs, string query)
    {
        var sent = new Uri(kit.Build(type, (JObject)Automation.Engine.Json.Parse(inputs)).Url).Query.TrimStart('?').Split('&');

        sent.Should().Contain(query.TrimStart('?').Split('&'));
    }

    [Fact]
    public void Build_DayOfABody_LosesItsTimeOnlyWhereADayIsWanted()
    {
        var inputs = (JObject)Automation.Engine.Json.Parse("""{"contactId":"c","dateOfBirth":"1990-09-25T00:00:00"}""");
        ((string?)kit.Build("GoHighLevel.Contacts.UpdateContact", inputs).Body!["dateOfBirth"]).Should().Be("1990-09-25");
        var task = (JObject)Automation.Engine.Json.Parse("""{"contactId":"c","title":"t","completed":false,"dueDate":"2026-01-31T08:00:00+02:00"}""");
        ((string?)kit.Build("GoHighLevel.Contacts.CreateContactTask", task).Body!["dueDate"]).Should().Be("2026-01-31T08:00:00+02:00");
    }

    [Fact]
    public void Build_RequiredPagingInput_HasADefault() =>
        kit.Build("GoHighLevel.Blogs.GetBlogAuthors", new { }).Url.Should().EndWith("?locationId=loc-1&limit=100&offset=0");

    [Fact]
    public void Build_Inputs_AreNotChanged()
    {
        var inputs = JObject.Parse("{contactId:'a',tags:[1,2]}");
        kit.Build("GoHighLevel.Contacts.AddTagsToContact", inputs);

        inputs["tags"]![0]!.Type.Should().Be(JTokenType.Integer);
    }

    [Fact]
    public void Build_TooLarge_IsRefused() =>
        FluentActions.Invoking(() => kit.Build("Flocksy.Briefs.CreateBrief", new { title = "t", text = new string('x', 11_000_000) }))
            .Should().Throw<ConnectorException>().WithMessage("*more than 10 MB*");

    [Fact]
    public void Build_Request_HoldsNoCredential()
    {
        var request = kit.Build("GoHighLevel.Contacts.GetContact", new { contactId = "c1" });

        Newtonsoft.Json.JsonConvert.SerializeObject(request).Should().NotContain(Kit.Secret);
        request.Headers.Keys.Should().NotContain("Authorization");
    }
}
