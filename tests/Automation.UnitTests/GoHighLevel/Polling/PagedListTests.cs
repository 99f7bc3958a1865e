using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>Each list that is read in pages, with more items than one page has, while it changes under the scan.</summary>
public sealed class PagedListTests(GhlPollingWorld ghl) : IClassFixture<GhlPollingWorld>
{
    private static readonly (string Type, string Inputs, string Collection, string Record, string Change)[] Lists =
    [
        ("Contacts.SearchContacts", "{}", "contacts", """{"locationId":"loc-1","email":"#@paged.example"}""", """{"city":"Kiel"}"""),
        ("Contacts.ListContacts", """{"query":"listed-"}""", "contacts", """{"locationId":"loc-1","email":"listed-#@paged.example"}""", """{"city":"Kiel"}"""),
        ("Contacts.GetContactsByBusiness", """{"businessId":"paged"}""", "contacts", """{"locationId":"loc-1","businessId":"paged"}""", """{"city":"Kiel"}"""),
        ("Calendars.ListAppointmentNotes", """{"appointmentId":"appointment-1-1"}""", "appointment-notes", """{"appointmentId":"appointment-1-1","body":"#"}""", """{"body":"Late"}"""),
        ("Calendars.ListCalendarNotifications", """{"calendarId":"calendar-1"}""", "calendar-notifications", """{"calendarId":"calendar-1","channel":"email"}""", """{"channel":"sms"}"""),
        ("Calendars.ListCalendarResources", """{"resourceType":"rooms"}""", "rooms", """{"name":"Room #"}""", """{"name":"Red room"}"""),
        ("Opportunities.SearchOpportunities", "{}", "opportunities", """{"name":"O #","pipelineId":"pipeline-1","contactId":"contact-1-02"}""", """{"status":"won"}"""),
        ("Users.SearchUsers", "{}", "users", """{"email":"#@paged.example","locationId":"loc-1"}""", """{"phone":"+15551110000"}"""),
        ("Conversations.SearchConversations", "{}", "conversations", """{"contactId":"contact-1-02","lastMessageBody":"#"}""", """{"lastMessageBody":"Bye"}"""),
        ("Conversations.GetMessagesByConversation", """{"conversationId":"conversation-1"}""", "messages", """{"conversationId":"conversation-1","body":"#"}""", """{"status":"read"}"""),
        ("Businesses.ListBusinessesByLocation", "{}", "businesses", """{"name":"B #"}""", """{"city":"Kiel"}"""),
        ("Locations.ListLocations", "{}", "locations", """{"name":"L #"}""", """{"city":"Kiel"}"""),
        ("Associations.FindAssociations", "{}", "associations", """{"key":"k#","firstObjectKey":"contact","secondObjectKey":"contact"}""", """{"firstObjectLabel":"Friend"}"""),
        ("Associations.GetRelationsByRecord", """{"recordId":"contact-1-01"}""", "relations", """{"associationId":"association-1","firstRecordId":"contact-1-01","secondRecordId":"s#"}""", """{"secondRecordId":"other"}"""),
        ("Blogs.GetBlogAuthors", "{}", "blog-authors", """{"name":"A #"}""", """{"name":"Olga"}"""),
        ("Blogs.GetBlogCategories", "{}", "blog-categories", """{"label":"C #"}""", """{"label":"News"}"""),
        ("Blogs.GetBlogPosts", """{"blogId":"blog-1"}""", "blog-posts", """{"blogId":"blog-1","title":"P #"}""", """{"title":"Hello"}"""),
        ("Blogs.GetBlogsByLocation", "{}", "blog-sites", """{"name":"S #"}""", """{"name":"Tips"}"""),
    ];

    public static TheoryData<string> Types() => [.. Lists.Select(list => list.Type)];

    [Fact]
    public void Catalogue_HasACaseForEachListWithPages()
    {
        var paged = ghl.World.Get<OperationCatalog>().All.Where(operation => operation is { Number: not null, Poll: not null, Pagination.Style: not "none" }).Select(operation => operation.ActivityType["GoHighLevel.".Length..]);

        // Users by e-mail are as many as the trigger names addresses.
        paged.Except(["Users.FilterUsersByEmail"]).Should().BeEquivalentTo(Lists.Select(list => list.Type));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task List_ThatShrinksWhileItIsRead_LosesNothingAndFiresNothing(string type)
    {
        var (_, inputs, collection, record, change) = Lists.Single(list => list.Type == type);
        var size = ghl.World.Get<OperationCatalog>().Find("GoHighLevel." + type)!.Pagination.PageSize;
        var ids = Enumerable.Range(0, (2 * size) + 30).Select(i => $"{type}-{i:0000}").ToList();
        await ghl.PutAsync(collection, new JArray(ids.Select((id, i) => new JObject(new JProperty("id", id), JObject.Parse(record.Replace("#", $"{i}", StringComparison.Ordinal)).Properties()))));

        await ghl.PublishAsync(type, type, JObject.Parse(inputs));
        ShrinkAfterFirstPage(collection, ids.Where((_, i) => i % 40 == 0).Take(5));
        (await ghl.PollAsync(type)).BaselinedAt.Should().NotBeNull();
        ghl.Between.Change = null;
        await ghl.PollAsync(type);
        (await ghl.World.CountRunsAsync(type)).Should().Be(0, "nothing was added");

        foreach (var id in new[] { ids[1], ids[size + 5], ids[^1] })
        {
            await ghl.PutAsync(collection, new JArray(new JObject(new JProperty("id", id), JObject.Parse(change).Properties())));
        }

        ShrinkAfterFirstPage(collection, ids.Where((_, i) => i % 40 == 20).Take(5));
        await ghl.PollAsync(type);
        ghl.Between.Change = null;
        await ghl.PollAsync(type);
        (await ghl.World.CountRunsAsync(type)).Should().Be(3, "three were changed");
    }

    [Theory]
    [InlineData("Forms.ListFormSubmissions", "form-submissions", "formId", "form-1")]
    [InlineData("Surveys.ListSurveySubmissions", "survey-submissions", "surveyId", "survey-1")]
    public async Task List_OfWholePages_ThatShrinksWhileItIsRead_LosesNothing(string type, string collection, string parent, string parentId)
    {
        var ids = Enumerable.Range(0, 230).Select(i => $"{type}-{i:0000}").ToList();
        await ghl.PutAsync(collection, new JArray(ids.Select(id => new JObject { ["id"] = id, ["locationId"] = "loc-1", [parent] = parentId })));
        await ghl.PublishAsync(type, type, []);
        ShrinkAfterFirstPage(collection, ids.Where((_, i) => i % 20 == 0).Take(10));

        (await ghl.PollAsync(type)).ItemCount.Should().BeGreaterThanOrEqualTo(220, "all that are left were read");
        ghl.Between.Change = null;
        await ghl.PollAsync(type);

        (await ghl.World.CountRunsAsync(type)).Should().Be(0, "nothing was added");
    }

    /// <summary>After the first page some of what it had is deleted, so that all that follows moves up.</summary>
    private void ShrinkAfterFirstPage(string collection, IEnumerable<string> gone)
    {
        var left = gone.ToList();
        var pages = 0;
        ghl.Between.Change = (_, body) =>
        {
            if (++pages == 1)
            {
                foreach (var id in left)
                {
                    ghl.Sandbox.ControlAsync("DELETE", $"/ghl/{collection}/{id}").GetAwaiter().GetResult().Status.Should().Be(200);
                }
            }

            return body;
        };
    }
}
