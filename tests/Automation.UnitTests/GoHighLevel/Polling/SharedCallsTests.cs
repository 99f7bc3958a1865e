using Automation.Connectors;
using Automation.Runtime.Polling;
using Automation.Tests;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>How many calls polling takes: as many as there are lists, whoever watches them, and few enough for the API.</summary>
public sealed class SharedCallsTests : IAsyncLifetime
{
    private readonly GhlPollingWorld ghl = new();

    public Task InitializeAsync() => ghl.InitializeAsync();

    public Task DisposeAsync() => ghl.DisposeAsync();

    [Fact]
    public async Task HundredTriggersOnTenLists_MakeTheCallsOfTen()
    {
        for (var flow = 0; flow < 10; flow++)
        {
            await PublishAsync($"flow-{flow}", [.. Enumerable.Range(0, 10).Select(list => Trigger($"t{list}", "Contacts.SearchContacts", new JObject { ["query"] = $"list{list}" }))]);
        }

        await ghl.World.PollAsync();
        ghl.Between.Calls.Should().Be(10);

        await ghl.PutAsync("contacts", JArray.Parse("""[{"id":"shared","locationId":"loc-1","email":"list3@shared.example"}]"""));
        ghl.Between.Calls = 0;
        await ghl.World.PollAsync();

        ghl.Between.Calls.Should().Be(10);
        for (var flow = 0; flow < 10; flow++)
        {
            (await ghl.World.FiredAsync($"flow-{flow}")).Should().Equal("shared@1");
        }
    }

    [Fact]
    public async Task AllFiftyFiveEachMinute_StayUnderTheApisLimit_AndSpreadOverTheMinute()
    {
        await PublishAsync("all", [.. PollCase.All.Select((poll, i) => Trigger($"t{i}", poll.Type, JObject.Parse(poll.Inputs)))]);

        await ghl.World.PollAsync();
        ghl.Between.Calls.Should().BeInRange(50, 99, "also the first poll of all at once fits in ten seconds");

        var sources = await ghl.World.Store.ListSourcesAsync(default);
        sources.Should().OnlyContain(source => source.LastError == null && source.BaselinedAt != null && source.IsActive);
        sources.GroupBy(source => source.DueAt!.Value.Ticks / TimeSpan.FromSeconds(10).Ticks).Should().HaveCountGreaterThan(4, "they do not all come at once again");

        var perDay = sources.Sum(source => PollCost.PerDay(ghl.World.Get<OperationCatalog>(), source));
        perDay.Should().Be(1440.0 * sources.Count).And.BeLessThan(200_000);
    }

    private static JObject Trigger(string id, string type, JObject inputs)
    {
        var trigger = new JObject
        {
            ["id"] = id,
            ["type"] = "GoHighLevel." + type,
            ["version"] = 1,
            ["customProperties"] = new JObject { ["canStartWorkflow"] = true },
            ["connectionId"] = PollingWorld.Literal(GhlPollingWorld.Connection),
            ["interval"] = PollingWorld.Literal("1m"),
        };
        foreach (var (name, value) in inputs)
        {
            trigger[name] = PollingWorld.Literal(value!);
        }

        return trigger;
    }

    private Task PublishAsync(string definitionId, JArray triggers) => ghl.World.Definitions.SaveAsync(
        new JObject
        {
            ["definitionId"] = definitionId,
            ["name"] = definitionId,
            ["root"] = new JObject { ["id"] = "chart", ["type"] = "Elsa.Flowchart", ["version"] = 1, ["activities"] = triggers, ["connections"] = new JArray() },
        },
        publish: true,
        default);
}
