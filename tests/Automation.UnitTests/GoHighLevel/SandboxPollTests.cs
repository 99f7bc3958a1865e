using Automation.Connectors;
using Automation.UnitTests.Connectors;
using Automation.UnitTests.Sandbox;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

/// <summary>The catalogue's own words against the stand-in: what is listed, in which pages, in which window.</summary>
public sealed class SandboxPollTests
{
    private static Connection ConnectionTo(SandboxHost host) => Kit.Ghl(new Uri(host.Client.BaseAddress!, "/sandbox/ghl")) with { Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" } };

    private static async Task<List<PolledItem>> ScanAsync(Kit kit, SandboxHost host, string type, DateTimeOffset? from = null)
    {
        var items = new List<PolledItem>();
        var position = new ScanPosition(from, TimeProvider.System.GetUtcNow().AddMinutes(1), null);
        do
        {
            var page = await kit.Reader.ReadPageAsync(kit[type], ConnectionTo(host), [], position, CallPriority.Poll, CancellationToken.None);
            page.Bad.Should().BeEmpty();
            items.AddRange(page.Items);
            position = position with { PageToken = page.NextPageToken };
        }
        while (position.PageToken is not null);

        return items;
    }

    [Fact]
    public async Task SearchContacts_OverThousandContacts_ListsEachOnceAndThenOnlyWhatChanged()
    {
        await using var host = await SandboxHost.StartAsync();
        await using var kit = new Kit();
        var seeded = (await ScanAsync(kit, host, "GoHighLevel.Contacts.SearchContacts")).Count;
        await host.ControlAsync("POST", "/ghl/contacts", new JArray(Enumerable.Range(0, 1200).Select(i => new JObject { ["id"] = $"new-{i:0000}", ["locationId"] = "loc-1", ["email"] = $"n{i}@x.io" })));

        var all = await ScanAsync(kit, host, "GoHighLevel.Contacts.SearchContacts");

        all.Select(i => i.Id).Should().OnlyHaveUniqueItems().And.HaveCount(seeded + 1200);
        all.Should().OnlyContain(i => i.UpdatedAt != null);

        var since = all.Max(i => i.UpdatedAt)!.Value.AddMilliseconds(1);
        await host.ControlAsync("POST", "/ghl/contacts", JArray.Parse("""[{"id":"new-0007","locationId":"loc-1","firstName":"Changed"}]"""));
        var changed = await ScanAsync(kit, host, "GoHighLevel.Contacts.SearchContacts", since);
        changed.Should().ContainSingle().Which.Id.Should().Be("new-0007");
        changed[0].Hash.Should().NotBe(all.Single(i => i.Id == "new-0007").Hash);
    }

    [Fact]
    public async Task ListSocialPlannerTags_Changed_HasAnotherHash()
    {
        await using var host = await SandboxHost.StartAsync();
        await using var kit = new Kit();
        async Task<PolledItem> Tag(string name)
        {
            await host.ControlAsync("POST", "/ghl/social-tags", new JArray(new JObject { ["id"] = "t1", ["locationId"] = "loc-1", ["tag"] = name }));
            return (await ScanAsync(kit, host, "GoHighLevel.SocialPlanner.ListSocialPlannerTags")).Single(i => i.Id == "t1");
        }

        var (one, two) = (await Tag("A"), await Tag("B"));

        two.Hash.Should().NotBe(one.Hash);
        two.UpdatedAt.Should().BeOnOrAfter(one.UpdatedAt!.Value);
    }

    [Theory]
    [InlineData("GoHighLevel.Users.ListUsersByLocation")]
    [InlineData("GoHighLevel.Campaigns.ListCampaigns")]
    [InlineData("GoHighLevel.Calendars.ListCalendars")]
    [InlineData("GoHighLevel.Opportunities.SearchOpportunities")]
    [InlineData("GoHighLevel.Conversations.SearchConversations")]
    [InlineData("GoHighLevel.Businesses.ListBusinessesByLocation")]
    public async Task List_SeededSandbox_FindsItems(string type)
    {
        await using var host = await SandboxHost.StartAsync();
        await using var kit = new Kit();

        (await ScanAsync(kit, host, type)).Select(i => i.Id).Should().NotBeEmpty().And.OnlyHaveUniqueItems();
    }
}
