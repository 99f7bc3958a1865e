using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>A flow is published again while its trigger is at work: nothing is lost, nothing fires twice.</summary>
public sealed class RepublishTests
{
    [Fact]
    public async Task Publish_BetweenTwoPolls_KeepsThePosition_AndTheNewVersionRuns()
    {
        await using var world = await PollingWorld.StartAsync();
        world.Server.Put("a", "one");
        await world.PublishAsync("flow");
        await world.PollAsync();
        var before = await world.TriggerAsync("flow");

        world.Server.Put("a", "two");
        await world.PublishAsync("flow", name: "renamed");
        await world.PollAsync();
        await world.PollAsync();

        var after = await world.TriggerAsync("flow");
        (after.Id, after.SourceId, after.Generation).Should().Be((before.Id, before.SourceId, before.Generation));
        after.VersionId.Should().NotBe(before.VersionId);
        (await world.FiredAsync("flow")).Should().Equal("a@2");
        (await VersionsAsync(world)).Should().Equal(2);
    }

    [Fact]
    public async Task Publish_InTheMiddleOfAScan_LosesNoItemOfAnyPage_AndDoublesNone()
    {
        await using var world = await PollingWorld.StartAsync();
        for (var i = 0; i < 250; i++)
        {
            world.Server.Put($"i{i:000}", "one");
        }

        await world.PublishAsync("flow");
        await world.PollAsync();
        foreach (var id in new[] { "i000", "i150", "i240" })
        {
            world.Server.Put(id, "two");
        }

        var published = 0;
        world.Server.Before = async (_, skip) =>
        {
            if (skip > 0 && published == 0)
            {
                published++;
                await world.PublishAsync("flow", name: "renamed");
            }

            return false;
        };
        await world.PollAsync();
        world.Server.Before = null;
        await world.PollAsync();

        published.Should().Be(1);
        (await world.FiredAsync("flow")).Should().BeEquivalentTo("i000@2", "i150@2", "i240@2");
        (await VersionsAsync(world)).Should().OnlyContain(version => version == 1 || version == 2);

        world.Server.Put("i000", "three");
        await world.PollAsync();
        (await world.FiredAsync("flow")).Should().HaveCount(4).And.Contain("i000@3");
    }

    private static async Task<IEnumerable<int>> VersionsAsync(PollingWorld world) =>
        (await world.Runs.ListAsync(new RunFilter { DefinitionIds = ["flow"], PageSize = 100 }, default)).Items.Select(run => run.Version);
}
