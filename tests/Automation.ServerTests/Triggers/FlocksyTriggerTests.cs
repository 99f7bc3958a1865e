using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Triggers;

/// <summary>Flocksy's polling triggers from outside: each fires once for the change it waits for, and for nothing else.</summary>
public sealed class FlocksyTriggerTests(RunningServer server) : IClassFixture<RunningServer>
{
    /// <summary>Type, collection, and records one after the other: each with whether it fires.</summary>
    public static TheoryData<string, string, string> Cases => new()
    {
        {
            "Flocksy.Reports.ReportReady", "reports", """
            [{"r":{"id":"r-new","dashboardId":"d1","from":"2026-01-01","to":"2026-01-31","status":"pending"},"fires":false},
             {"r":{"id":"r-new","status":"pending","rows":3},"fires":false},
             {"r":{"id":"r-new","status":"ready","rows":7},"fires":true},
             {"r":{"id":"r-new","status":"ready","rows":8},"fires":false},
             {"r":{"id":"r-new","status":"failed"},"fires":false},
             {"r":{"id":"r-new","status":"ready"},"fires":true},
             {"r":{"id":"r-two","dashboardId":"d1","from":"2026-01-01","to":"2026-01-31","status":"ready"},"fires":true}]
            """
        },
        {
            "Flocksy.Projects.ProjectStatusChanged", "projects", """
            [{"r":{"id":"p-new","name":"Logo","status":"open"},"fires":false},
             {"r":{"id":"p-new","name":"Logo and card"},"fires":false},
             {"r":{"id":"p-new","status":"in-review"},"fires":true},
             {"r":{"id":"p-new","status":"open"},"fires":true},
             {"r":{"id":"p-new","status":"in-review"},"fires":true}]
            """
        },
        {
            "Flocksy.Comments.CommentAdded", "comments", """
            [{"r":{"id":"c-new","projectId":"p1","text":"Nice","author":"Ann"},"fires":true},
             {"r":{"id":"c-new","text":"Very nice"},"fires":false},
             {"r":{"id":"c-two","projectId":"p2","text":"Hm","author":"Bob"},"fires":true}]
            """
        },
        {
            "Flocksy.Files.FileDelivered", "files", """
            [{"r":{"id":"f-new","projectId":"p1","name":"logo.svg","url":"https://x.test/1"},"fires":true},
             {"r":{"id":"f-new","url":"https://x.test/2"},"fires":false},
             {"r":{"id":"f-new","name":"logo-final.svg"},"fires":false},
             {"r":{"id":"f-two","projectId":"p1","name":"card.svg"},"fires":true}]
            """
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Trigger_FiresOnceForWhatItWaitsFor(string type, string collection, string changes)
    {
        var id = type.ToLowerInvariant().Replace('.', '-');
        var trigger = await PublishedAsync(id, type);
        var expected = 0;
        foreach (var change in JArray.Parse(changes))
        {
            var record = (JObject)change["r"]!;
            record["locationId"] = "loc-1";
            (await server.PostAsync($"/sandbox/control/flocksy/{collection}", new JArray(record))).Status.Should().Be(200);
            await PollAsync(trigger);
            expected += (bool)change["fires"]! ? 1 : 0;
            (await RunsAsync(id)).Should().Be(expected, $"{record} was changed");
            await PollAsync(trigger);
            (await RunsAsync(id)).Should().Be(expected, "nothing has changed since");
        }

        await server.PublishAsync(Flow(id, type));
        await PollAsync(trigger);
        (await RunsAsync(id)).Should().Be(expected, "it was only published again");
    }

    [Fact]
    public async Task TriggersOfOneList_ShareItsSource()
    {
        var ready = await TriggerAsync(await PublishedAsync("shared-ready", "Flocksy.Reports.ReportReady"));
        var all = await TriggerAsync(await PublishedAsync("shared-all", "Flocksy.Reports.ListReports"));

        ready["source"]!["id"].Should().BeEquivalentTo(all["source"]!["id"]);
        ((string?)ready["mode"]).Should().Be("edge");
    }

    private static JObject Flow(string id, string type)
    {
        var trigger = Models.Activity("watch", type, ("connectionId", "Literal", "sandbox-flocksy"), ("interval", "Literal", "1h"), ("locationId", "Literal", "loc-1"));
        trigger["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        return Models.Sequence(id, trigger, Models.Activity("say", "Elsa.WriteLine", ("text", "JavaScript", "event.key")));
    }

    private async Task<string> PublishedAsync(string id, string type)
    {
        await server.PublishAsync(Flow(id, type));
        JToken? trigger = null;
        await Eventually.HoldsAsync("the baseline is taken", TimeSpan.FromSeconds(20), async () =>
        {
            trigger = (await server.GetAsync($"/api/triggers?definitionId={id}")).Body["items"]!.Single();
            return trigger["baselinedAt"] is { Type: not JTokenType.Null };
        }, () => trigger!.ToString());
        return (string)trigger!["id"]!;
    }

    private async Task<JToken> TriggerAsync(string id) => (await server.GetAsync($"/api/triggers/{id}")).Body;

    private async Task PollAsync(string trigger)
    {
        var (status, body) = await server.PostAsync($"/api/triggers/{trigger}/poll", new JObject());
        status.Should().Be(200, body.ToString());
        ((string?)body["source"]!["lastError"]).Should().BeNull();
    }

    private async Task<int> RunsAsync(string definitionId) => (int)(await server.GetAsync($"/api/runs?definitionId={definitionId}")).Body["total"]!;
}
