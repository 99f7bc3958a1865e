using System.Globalization;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>The contact search, which is read by the time of change: few calls, and nothing lost to clocks or to an index that lags.</summary>
public sealed class ContactScanTests : IAsyncLifetime
{
    private const string Search = "Contacts.SearchContacts";
    private readonly GhlPollingWorld ghl = new();

    public Task InitializeAsync() => ghl.InitializeAsync();

    public Task DisposeAsync() => ghl.DisposeAsync();

    [Fact]
    public async Task OneChangeAmongThousandsThatAreAMinuteOld_TakesOneCall()
    {
        await ghl.PutAsync("contacts", Contacts("c", 4000));
        await ghl.PublishAsync("flow", Search, []);
        await ghl.PollAsync("flow");

        ghl.Between.Calls = 0;
        await ghl.PutAsync("contacts", JArray.Parse("""[{"id":"c-2000","city":"Kiel"}]"""));
        await ghl.PollAsync("flow");

        ghl.Between.Calls.Should().BeLessThanOrEqualTo(2);
        (await ghl.World.FiredAsync("flow")).Should().Equal("c-2000@2");
        (await ghl.PollAsync("flow")).LastError.Should().BeNull();
        (await ghl.World.CountRunsAsync("flow")).Should().Be(1);
    }

    [Theory]
    [InlineData(-7200)]
    [InlineData(-600)]
    [InlineData(600)]
    [InlineData(7200)]
    public async Task ClockOfTheApi_IsBehindOrAhead_LosesAndDoublesNothing(int seconds)
    {
        ghl.Between.Change = (_, body) => Shift(body, seconds);
        ghl.Between.Ask = request => Shift(request, -seconds);
        await ghl.PublishAsync("flow", Search, []);
        await ghl.PollAsync("flow");

        for (var i = 0; i < 3; i++)
        {
            await ghl.PutAsync("contacts", new JArray(new JObject { ["id"] = "contact-1-01", ["city"] = $"Town {i}" }));
            await ghl.PollAsync("flow");
            await ghl.PollAsync("flow");
            ghl.World.Clock.Advance(TimeSpan.FromMinutes(20));
            await ghl.PollAsync("flow");
        }

        (await ghl.World.FiredAsync("flow")).Should().Equal("contact-1-01@2", "contact-1-01@3", "contact-1-01@4");
    }

    [Fact]
    public async Task IndexThatLags_ShowsAChangeAfterALaterOne_FiresBoth()
    {
        await ghl.PublishAsync("flow", Search, []);
        await ghl.PollAsync("flow");
        await ghl.PutAsync("contacts", JArray.Parse("""[{"id":"contact-1-01","city":"late"}]"""));
        await ghl.PutAsync("contacts", JArray.Parse("""[{"id":"contact-1-02","city":"at once"}]"""));

        ghl.Between.Change = (_, body) =>
        {
            body["contacts"]!.Where(contact => (string?)contact["id"] == "contact-1-01").ToList().ForEach(contact => contact.Remove());
            return body;
        };
        await ghl.PollAsync("flow");
        (await ghl.World.FiredAsync("flow")).Should().Equal("contact-1-02@2");
        ghl.Between.Change = null;
        await ghl.PollAsync("flow");

        (await ghl.World.FiredAsync("flow")).Should().Equal("contact-1-02@2", "contact-1-01@2");
    }

    [Fact]
    public async Task ManyChangesAtOnce_AreNotReadAgainAndAgain()
    {
        await ghl.PublishAsync("flow", Search, []);
        await ghl.PollAsync("flow");
        await ghl.PutAsync("contacts", Contacts("n", 1200));
        await ghl.PollAsync("flow");
        (await ghl.World.CountRunsAsync("flow")).Should().Be(1200);

        // The list is given its time to show what is late; then it is left alone.
        ghl.World.Clock.Advance(TimeSpan.FromMinutes(6));
        await ghl.PollAsync("flow");
        ghl.Between.Calls = 0;
        await ghl.PollAsync("flow");

        ghl.Between.Calls.Should().Be(1);
        (await ghl.World.CountRunsAsync("flow")).Should().Be(1200);
    }

    [Theory]
    [InlineData("explained")]
    [InlineData("Explained@X.example")]
    [InlineData("+15557654321")]
    [InlineData(" 15557654321")]
    [InlineData("+1 (555) 765-4321")]
    public async Task Explain_ByIdEmailOrPhone_FindsTheContact(string key)
    {
        await ghl.PublishAsync("flow", Search, []);
        await ghl.PollAsync("flow");
        await ghl.PutAsync("contacts", JArray.Parse("""[{"id":"explained","locationId":"loc-1","email":"explained@x.example","phone":"+15557654321"}]"""));
        await ghl.PollAsync("flow");

        var answer = (await ghl.World.Triggers.ExplainAsync((await ghl.World.TriggerAsync("flow")).Id, key, default))!;

        ((string)answer["answer"]!).Should().Be("fired");
        ((string)answer["items"]![0]!["id"]!).Should().Be("explained");
    }

    private static JArray Contacts(string prefix, int count) =>
        new(Enumerable.Range(0, count).Select(i => new JObject { ["id"] = $"{prefix}-{i}", ["locationId"] = "loc-1", ["email"] = $"{prefix}{i}@many.example" }));

    /// <summary>Every time in a body, moved.</summary>
    private static JToken Shift(JToken body, int seconds)
    {
        foreach (var value in body.DescendantsOf<JValue>().Where(v => v is { Value: string text } && text.EndsWith('Z') && text.Contains('T')).ToList())
        {
            value.Value = DateTimeOffset.Parse((string)value!, CultureInfo.InvariantCulture).AddSeconds(seconds).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        }

        return body;
    }
}

internal static class Tokens
{
    public static IEnumerable<T> DescendantsOf<T>(this JToken token)
        where T : JToken => token is JContainer container ? container.DescendantsAndSelf().OfType<T>() : [];
}
