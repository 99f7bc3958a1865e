using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class PollReaderTests : IAsyncDisposable
{
    private const string Tags = "GoHighLevel.SocialPlanner.ListSocialPlannerTags";
    private const string Contacts = "GoHighLevel.Contacts.SearchContacts";
    private static readonly DateTimeOffset To = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Kit kit = new();

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    private async Task<PollPage> ReadAsync(StubServer server, string type, string? token = null, JObject? inputs = null, DateTimeOffset? from = null) =>
        await kit.Reader.ReadPageAsync(kit[type], kit[type].Connector == "flocksy" ? Kit.Flocksy(server.Url) : Kit.Ghl(server.Url), inputs ?? [], new ScanPosition(from, To, token), CallPriority.Poll, CancellationToken.None);

    private async Task<List<PolledItem>> ReadAllAsync(StubServer server, string type, JObject? inputs = null)
    {
        var items = new List<PolledItem>();
        string? token = null;
        do
        {
            var page = await ReadAsync(server, type, token, inputs);
            items.AddRange(page.Items);
            token = page.NextPageToken;
            server.Requests.Count.Should().BeLessThan(50, "a scan ends");
        }
        while (token is not null);

        return items;
    }

    private static JObject Tag(int i) => new() { ["_id"] = "t" + i, ["tag"] = "tag " + i, ["updatedAt"] = "2026-02-01T10:00:00.000Z" };

    private static StubServer TagServer(int total) => new(request =>
    {
        var skip = int.Parse(request.Query("skip")!);
        var limit = int.Parse(request.Query("limit")!);
        return StubReply.Json(new JObject { ["results"] = new JObject { ["tags"] = new JArray(Enumerable.Range(skip, Math.Clamp(total - skip, 0, limit)).Select(Tag)), ["count"] = total } });
    });

    [Theory]
    [InlineData(0, 1)]
    [InlineData(99, 1)]
    [InlineData(250, 3)]
    public async Task ReadPage_SkipLimit_ReadsEveryItemOnce(int total, int calls)
    {
        await using var server = TagServer(total);

        var items = await ReadAllAsync(server, Tags);

        // Pages overlap by one item, which shows whether the list has shrunk meanwhile.
        items.Select(i => i.Id).Distinct().Should().Equal(Enumerable.Range(0, total).Select(i => "t" + i));
        items.Should().HaveCountLessThan(total + calls);
        server.Requests.Should().HaveCount(calls);
    }

    [Fact]
    public async Task ReadPage_ServerGivesFewerThanAskedButTellsTheTotal_GoesOn()
    {
        await using var server = new StubServer(request =>
        {
            var skip = int.Parse(request.Query("skip")!);
            return StubReply.Json(new JObject { ["items"] = new JArray(Enumerable.Range(skip, Math.Clamp(45 - skip, 0, 20)).Select(i => new JObject { ["id"] = "c" + i })), ["total"] = 45 });
        });

        (await ReadAllAsync(server, "Flocksy.Campaigns.ListCampaigns")).Select(item => item.Id).Distinct().Should().HaveCount(45);
        server.Requests.Should().HaveCount(3);
    }

    [Fact]
    public async Task ReadPage_TokenOfAnEarlierProcess_GoesOnWhereItWas()
    {
        await using var server = TagServer(150);
        var first = await ReadAsync(server, Tags);

        await using var other = new Kit();
        var second = await other.Reader.ReadPageAsync(other[Tags], Kit.Ghl(server.Url), [], new ScanPosition(null, To, first.NextPageToken), CallPriority.Poll, CancellationToken.None);

        second.Items.Should().HaveCount(51);
        second.Items[0].Id.Should().Be("t99");
        second.NextPageToken.Should().BeNull();
    }

    [Fact]
    public async Task ReadPage_ServerRoundsToWholePages_ReadsEveryItem()
    {
        await using var server = new StubServer(request =>
        {
            var from = int.Parse(request.Query("skip") ?? "0") / 100 * 100;
            return StubReply.Json(new JObject { ["results"] = new JObject { ["tags"] = new JArray(Enumerable.Range(from, Math.Clamp(350 - from, 0, 100)).Select(Tag)) } });
        });

        var items = await ReadAllAsync(server, Tags);

        items.Select(i => i.Id).Distinct().Should().HaveCount(350);
        server.Requests.Should().HaveCount(5);
    }

    [Fact]
    public async Task ReadPage_ListShrankByMoreThanAPage_GoesBackUntilItKnowsAnItem()
    {
        var tags = Enumerable.Range(0, 800).Select(Tag).ToList();
        await using var server = new StubServer(request =>
        {
            var skip = int.Parse(request.Query("skip") ?? "0");
            var page = tags.Skip(skip).Take(100).ToList();
            if (skip == 396 && tags.Count == 800)
            {
                tags.RemoveRange(0, 250);
            }

            return StubReply.Json(new JObject { ["results"] = new JObject { ["tags"] = new JArray(page) } });
        });

        var items = await ReadAllAsync(server, Tags);

        items.Select(i => i.Id).Distinct().Should().HaveCount(800);
    }

    [Fact]
    public async Task ReadPage_ServerDoesNotPage_StopsAtTheSamePage()
    {
        await using var server = new StubServer(_ => StubReply.Json(new JObject { ["results"] = new JObject { ["tags"] = new JArray(Enumerable.Range(0, 100).Select(Tag)) } }));

        await ReadAllAsync(server, Tags);

        server.Requests.Should().HaveCount(3, "it might only round to whole pages");
    }

    [Fact]
    public async Task ReadPage_SearchAfter_SendsWindowSortAndCursor()
    {
        await using var server = new StubServer(request =>
        {
            var start = request.Json["searchAfter"] is JArray cursor ? (int)cursor[0] : 0;
            var contacts = Enumerable.Range(start + 1, start >= 1000 ? 7 : 500).Select(i => new JObject { ["id"] = "c" + i, ["email"] = $"C{i}@x.io", ["dateUpdated"] = "2026-02-01T10:00:00.000Z", ["searchAfter"] = new JArray(i, "c" + i) });
            return StubReply.Json(new JObject { ["contacts"] = new JArray(contacts), ["total"] = 1007 });
        });
        var mine = JObject.Parse("""{"filters":[{"field":"tags","operator":"contains","value":"vip"}]}""");

        var page = await ReadAsync(server, Contacts, null, mine, new DateTimeOffset(2026, 3, 1, 11, 55, 0, TimeSpan.Zero));

        var body = server.Requests[0].Json;
        body.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""
            {"locationId":"loc-1","pageLimit":500,"filters":[{"field":"tags","operator":"contains","value":"vip"},{"field":"dateUpdated","operator":"range","value":{"gte":"2026-03-01T11:55:00.000Z"}}],"sort":[{"field":"dateUpdated","direction":"asc"}]}
            """);
        page.Items[0].Subjects.Should().Equal("c1", "c1@x.io");
        page.NextPageToken.Should().NotBeNull();

        await ReadAsync(server, Contacts, page.NextPageToken);
        server.Requests[1].Json["searchAfter"]!.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""[500,"c500"]""");
        (await ReadAllAsync(server, Contacts)).Should().HaveCount(1007);
    }

    [Fact]
    public async Task ReadPage_NoLowerBound_LeavesItOut()
    {
        await using var server = new StubServer(_ => StubReply.Json(JObject.Parse("""{"contacts":[]}""")));

        await ReadAsync(server, Contacts);

        ((JObject)server.Requests[0].Json).Should().NotContainKey("filters");
    }

    [Fact]
    public async Task ReadPage_StartAfter_TakesBothTokensOfTheMeta()
    {
        await using var server = new StubServer(request =>
        {
            var isSecond = request.Query("startAfterId") is not null;
            var items = Enumerable.Range(isSecond ? 100 : 0, isSecond ? 5 : 100).Select(i => new JObject { ["id"] = "o" + i, ["updatedAt"] = "2026-02-01T10:00:00Z" });
            return StubReply.Json(new JObject { ["opportunities"] = new JArray(items), ["meta"] = new JObject { ["startAfter"] = 1628008053263, ["startAfterId"] = "o99" } });
        });

        (await ReadAllAsync(server, "GoHighLevel.Opportunities.SearchOpportunities")).Should().HaveCount(105);

        server.Requests.Should().HaveCount(2);
        server.Requests[1].Query("startAfter").Should().Be("1628008053263");
        server.Requests[1].Query("startAfterId").Should().Be("o99");
    }

    [Fact]
    public async Task ReadPage_Cursor_FollowsItUntilThereIsNoMore()
    {
        await using var server = new StubServer(request =>
        {
            var last = request.Query("lastMessageId");
            var first = last is null ? 0 : int.Parse(last[1..]) + 1;
            var items = Enumerable.Range(first, 100).Select(i => new JObject { ["id"] = "m" + i });
            return StubReply.Json(new JObject { ["messages"] = new JObject { ["lastMessageId"] = "m" + (first + 99), ["nextPage"] = first < 200, ["messages"] = new JArray(items) } });
        });

        (await ReadAllAsync(server, "GoHighLevel.Conversations.GetMessagesByConversation", new JObject { ["conversationId"] = "k" })).Should().HaveCount(300);
    }

    [Fact]
    public async Task ReadPage_CursorStandsStill_Stops()
    {
        var call = 0;
        await using var server = new StubServer(_ => StubReply.Json(new JObject
        {
            ["messages"] = new JObject { ["lastMessageId"] = "same", ["nextPage"] = true, ["messages"] = new JArray(Enumerable.Range(call++ * 100, 100).Select(i => new JObject { ["id"] = "m" + i })) },
        }));

        await ReadAllAsync(server, "GoHighLevel.Conversations.GetMessagesByConversation", new JObject { ["conversationId"] = "k" });

        server.Requests.Should().HaveCount(2);
    }

    [Fact]
    public async Task ReadPage_MoreOfOneMomentThanAPageHolds_GoesOnBehindIt()
    {
        // 250 conversations of one campaign's moment, newest first, then forty older ones. The cursor is a time: what exceeds a page at one moment, the API shows to nobody.
        var all = Enumerable.Range(0, 290).Select(i => (Id: "c" + i, Time: i < 250 ? 2_000_000_000_000 : 2_000_000_000_000 - i)).ToList();
        await using var server = new StubServer(request =>
        {
            var before = request.Query("startAfterDate") is { } date ? long.Parse(date) : long.MaxValue;
            var page = all.Where(c => c.Time < before).Take(100).Select(c => new JObject { ["id"] = c.Id, ["sort"] = new JArray(c.Time), ["lastMessageDate"] = c.Time });
            return StubReply.Json(new JObject { ["conversations"] = new JArray(page), ["total"] = 290 });
        });

        var read = await ReadAllAsync(server, "GoHighLevel.Conversations.SearchConversations");

        read.Select(item => item.Id).Distinct().Should().BeEquivalentTo(all.Take(100).Concat(all.Skip(250)).Select(c => c.Id));
        server.Requests.Should().HaveCountLessThan(6);
    }

    [Fact]
    public async Task ReadPage_BadItems_AreSetAsideWithReasons()
    {
        await using var server = StubServer.Of(StubReply.Json(JObject.Parse("""{"results":{"tags":[{"_id":"t1"},{"tag":"no id"},"text",null,{"_id":""},{"_id":7,"password":"hunter2"},{"_id":"t1","tag":"again"}]}}""")));

        var page = await ReadAsync(server, Tags);

        page.Items.Select(i => i.Id).Should().Equal("t1", "7", "t1");
        page.Bad.Should().HaveCount(4);
        page.Bad[0].Should().Be(new BadItem("It has no '_id'.", """{"tag":"no id"}"""));
        page.Bad[1].Reason.Should().Contain("not an object");
    }

    [Theory]
    [InlineData("""{"results":{}}""")]
    [InlineData("""{"results":{"tags":"none"}}""")]
    [InlineData("[]")]
    public async Task ReadPage_NoListWhereTheOperationSays_Fails(string body)
    {
        await using var server = StubServer.Of(new StubReply { Body = body });

        var failure = (await FluentActions.Awaiting(() => ReadAsync(server, Tags)).Should().ThrowAsync<ConnectorException>()).Which;

        failure.Code.Should().Be("provider-error");
        failure.Message.Should().Contain("results.tags");
        failure.Action.Should().NotBeNull();
    }

    [Fact]
    public async Task ReadPage_ListIsNull_IsEmpty()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"results":{"tags":null}}""" });

        (await ReadAsync(server, Tags)).Items.Should().BeEmpty();
    }

    [Theory]
    [InlineData("<html>maintenance</html>", "not-json")]
    [InlineData("{\"results\":{\"tags\":[{\"_id\":", "not-json")]
    public async Task ReadPage_AnswerIsNotJson_Fails(string body, string code)
    {
        await using var server = StubServer.Of(new StubReply { Body = body });

        (await FluentActions.Awaiting(() => ReadAsync(server, Tags)).Should().ThrowAsync<ConnectorException>()).Which.Code.Should().Be(code);
    }

    [Fact]
    public async Task ReadPage_HalfAnswerThenWhole_IsReadAgain()
    {
        await using var server = StubServer.Of(new StubReply { Body = "{\"results\":", Missing = 500 }, StubReply.Json(JObject.Parse("""{"results":{"tags":[{"_id":"t1"}]}}""")));

        (await ReadAsync(server, Tags)).Items.Should().ContainSingle();
    }

    [Theory]
    [InlineData("GoHighLevel.Contacts.GetContact", "contactId", """{"contact":{"id":"c1","dateUpdated":"2026-02-01T10:00:00.000Z"}}""", "c1")]
    [InlineData("GoHighLevel.Users.GetUser", "userId", """{"id":"u1"}""", "u1")]
    [InlineData("GoHighLevel.Conversations.GetMessageTranscription", "messageId", """[{"sentence":"Hello"}]""", "x")]
    public async Task ReadPage_SingleRecord_IsOneItem(string type, string input, string body, string id)
    {
        await using var server = StubServer.Of(new StubReply { Body = body });

        var page = await ReadAsync(server, type, null, new JObject { [input] = "x" });

        page.Items.Should().ContainSingle().Which.Id.Should().Be(id);
        page.NextPageToken.Should().BeNull();
    }

    [Fact]
    public async Task ReadPage_RecordIsNull_IsNoItem()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"contact":null}""" });

        (await ReadAsync(server, "GoHighLevel.Contacts.GetDuplicateContact", null, new JObject { ["email"] = "a@x.io" })).Items.Should().BeEmpty();
    }

    [Fact]
    public async Task ReadPage_FreeSlots_AreOneItemPerSlot()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"2026-03-01":{"slots":["2026-03-01T10:00:00Z","2026-03-01T11:00:00Z"]},"2026-03-02":{"slots":["2026-03-02T10:00:00Z"]},"traceId":"t"}""" });

        var page = await ReadAsync(server, "GoHighLevel.Calendars.GetFreeSlots", null, JObject.Parse("{calendarId:'k',startDate:1,endDate:2}"));

        page.Items.Select(i => i.Id).Should().Equal("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-02T10:00:00Z");
        page.Bad.Should().BeEmpty();
    }

    [Theory]
    [InlineData("\"2026-02-01T10:00:00.000Z\"", "2026-02-01T10:00:00Z")]
    [InlineData("\"2026-02-01T12:00:00+02:00\"", "2026-02-01T10:00:00Z")]
    [InlineData("1769940000000", "2026-02-01T10:00:00Z")]
    [InlineData("\"1769940000000\"", "2026-02-01T10:00:00Z")]
    [InlineData("\"soon\"", null)]
    [InlineData("{}", null)]
    [InlineData("null", null)]
    public void TimeOf_AllTheApisForms(string json, string? expected) =>
        PollItems.TimeOf(global::Automation.Engine.Json.Parse(json))
            .Should().Be(expected is null ? null : DateTimeOffset.Parse(expected));

    [Fact]
    public async Task ReadPage_TimeTheSecondTry_UsesThePollsTurn()
    {
        await using var server = StubServer.Of(StubReply.Failed(503), StubReply.Json(JObject.Parse("""{"results":{"tags":[]}}""")));

        (await ReadAsync(server, Tags)).Items.Should().BeEmpty();
        server.Requests.Should().HaveCount(2);
    }

    [Fact]
    public async Task ReadPage_TokenIsGarbage_SaysWhatToDo()
    {
        await using var server = TagServer(1);

        (await FluentActions.Awaiting(() => ReadAsync(server, Tags, "???")).Should().ThrowAsync<ConnectorException>()).Which.Action.Should().Contain("Rewind");
        server.Requests.Should().BeEmpty();
    }
}
