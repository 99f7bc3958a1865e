using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Triggers;

/// <summary>Each polling trigger of the catalogue, from outside: published against the sandbox, one change, one run; nothing for no change and for a republish.</summary>
public sealed class EveryPollTriggerTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Catalogue_HasACaseForEachOfItsPollTriggers()
    {
        var (_, operations) = await server.GetAsync("/api/operations");

        var triggers = operations["items"]!.Where(o => (string?)o["kind"] == "trigger" && o["number"] is { Type: JTokenType.Integer }).ToList();
        triggers.Should().OnlyContain(o => ((string?)o["firesOn"] ?? "").Length > 0, "a user reads what it fires on");
        triggers.Select(o => (string?)o["activityType"]).Should().HaveCount(55).And.BeEquivalentTo(PollCase.All.Select(c => c.ActivityType));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Trigger_FiresOncePerChange_AndNotForAPollOrARepublish(string type)
    {
        var poll = PollCase.All.Single(c => c.Type == type);
        await server.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":100000,"windowMs":10000}"""));
        var model = Flow(poll);
        await server.PublishAsync(model);
        var trigger = await BaselinedAsync(poll.Type);

        await PollAsync(trigger);
        (await RunsAsync(type)).Should().Be(0, "nothing has changed since the baseline");

        var expected = 0;
        foreach (var (collection, record) in poll.Changes)
        {
            var (status, answer) = await server.PostAsync($"/sandbox/control/ghl/{collection}", JArray.Parse($"[{record}]"));
            status.Should().Be(200, answer.ToString());
            await PollAsync(trigger);
            (await RunsAsync(type)).Should().Be(++expected, $"{collection} {record} was changed");
        }

        await PollAsync(trigger);
        (await RunsAsync(type)).Should().Be(expected, "nothing has changed since");

        await server.PublishAsync(model);
        await PollAsync(trigger);
        (await RunsAsync(type)).Should().Be(expected, "it was only published again");
    }

    public static TheoryData<string> Types() => [.. PollCase.All.Select(c => c.Type)];

    private static JObject Flow(PollCase poll)
    {
        var inputs = JObject.Parse(poll.Inputs).Properties().Select(p => (p.Name, "Literal", p.Value)).Prepend(("interval", "Literal", "1h")).Prepend(("connectionId", "Literal", "sandbox-ghl"));
        var trigger = Models.Activity("watch", poll.ActivityType, [.. inputs]);
        trigger["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        return Models.Sequence(poll.Type, trigger, Models.Activity("say", "Elsa.WriteLine", ("text", "JavaScript", "event.key")));
    }

    private async Task<string> BaselinedAsync(string definitionId)
    {
        JToken? trigger = null;
        await Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(20), async () =>
        {
            trigger = (await server.GetAsync($"/api/triggers?definitionId={definitionId}")).Body["items"]!.Single();
            return trigger["baselinedAt"] is { Type: not JTokenType.Null };
        }, () => trigger!.ToString());
        return (string)trigger!["id"]!;
    }

    private async Task PollAsync(string trigger)
    {
        var (status, body) = await server.PostAsync($"/api/triggers/{trigger}/poll", new JObject());
        status.Should().Be(200, body.ToString());
        ((string?)body["source"]!["lastError"]).Should().BeNull();
    }

    private async Task<int> RunsAsync(string definitionId) => (int)(await server.GetAsync($"/api/runs?definitionId={definitionId}")).Body["total"]!;
}
