using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Triggers;

/// <summary>Backfill as a user has it: counted, started, shown, and ended by itself.</summary>
public sealed class BackfillTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Backfill_IsCountedFirst_StartsOneRunForEachThatPasses_AndIsShown()
    {
        var watch = Models.Activity("watch", "GoHighLevel.Contacts.ContactCreated", ("connectionId", "Literal", "sandbox-ghl"), ("locationId", "Literal", "loc-3"), ("interval", "Literal", "1h"),
            ("filter", "Object", """[{"field":"tags","operator":"contains","value":"newsletter"}]"""));
        watch["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        await server.PublishAsync(Models.Sequence("backfilled", watch, Models.Activity("say", "Elsa.WriteLine", ("text", "JavaScript", "event.key"))));
        JToken trigger = new JObject();
        await Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(30), async () =>
            (trigger = await TriggerAsync())["baselinedAt"] is { Type: not JTokenType.Null }, () => trigger.ToString());
        var url = $"/api/triggers/{trigger["id"]}/backfill";
        var contacts = (await server.GetAsync("/sandbox/control/ghl/contacts?locationId=loc-3")).Body["items"]!;
        var wanted = contacts.Count(contact => contact["tags"]!.Values<string>().Contains("newsletter"));
        wanted.Should().BeGreaterThan(0);

        var (status, preview) = await server.PostAsync(url, new JObject { ["preview"] = true });
        status.Should().Be(200, preview.ToString());
        ((int)preview["items"]!).Should().Be(contacts.Count());
        ((int)preview["fires"]!).Should().Be(wanted);
        (await RunsAsync()).Should().Be(0);

        (status, var begun) = await server.PostAsync(url, new JObject());
        status.Should().Be(200, begun.ToString());
        ((int)begun["fires"]!).Should().Be(wanted);
        await Eventually.HoldsAsync("it has ended", TimeSpan.FromSeconds(30), async () => (string?)(trigger = await TriggerAsync())["backfill"]!["state"] == "finished", () => trigger.ToString());
        ((int)trigger["backfill"]!["fired"]!).Should().Be(wanted);
        (await RunsAsync()).Should().Be(wanted);

        (await server.SendAsync(HttpMethod.Delete, url)).Status.Should().Be(409);
        (await server.PostAsync(url, new JObject())).Status.Should().Be(200, "what has fired does not fire again");
        (await RunsAsync()).Should().Be(wanted);
    }

    private async Task<JToken> TriggerAsync() => (await server.GetAsync("/api/triggers?definitionId=backfilled")).Body["items"]!.Single();

    private async Task<int> RunsAsync() => (int)(await server.GetAsync("/api/runs?definitionId=backfilled")).Body["total"]!;
}
