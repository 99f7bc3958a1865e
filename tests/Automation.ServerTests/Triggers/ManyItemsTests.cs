using System.Diagnostics;
using System.Globalization;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Automation.ServerTests.Triggers;

/// <summary>Many contacts at once start as many runs, with the server killed and started again in the middle.</summary>
public sealed class ManyItemsTests(ITestOutputHelper output)
{
    private const string Flow = "many";

    /// <summary>Contacts; <c>AUTOMATION_TEST_ITEMS</c> asks for another number.</summary>
    private static readonly int Items = int.Parse(Environment.GetEnvironmentVariable("AUTOMATION_TEST_ITEMS") ?? "1000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Contacts_PostedAfterTheBaseline_StartOneRunEach_AlsoAcrossARestart()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        var trigger = Models.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "Literal", "sandbox-ghl"), ("locationId", "Literal", "loc-2"), ("interval", "Literal", "5s"));
        trigger["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        await server.PostAsync("/elsa/api/workflow-definitions/import", Models.Sequence(Flow, trigger,
            Models.Activity("script", "Elsa.RunJavaScript", ("script", "Literal", "return event.item.id + ' ' + event.item.email;"))));
        await server.PostAsync($"/elsa/api/workflow-definitions/{Flow}/publish", new JObject());
        await Eventually.HoldsAsync("the source is baselined", TimeSpan.FromSeconds(60), async () =>
            (await server.GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].baselinedAt") is { Type: not JTokenType.Null });

        var clock = Stopwatch.StartNew();
        for (var from = 0; from < Items; from += 1000)
        {
            await server.PostAsync("/sandbox/control/ghl/contacts", new JArray(Enumerable.Range(from, Math.Min(1000, Items - from)).Select(i =>
                (object)new JObject { ["id"] = $"many-{i:0000}", ["locationId"] = "loc-2", ["firstName"] = "Many", ["lastName"] = $"Number {i}", ["email"] = $"many{i}@example.com" }).ToArray()));
        }

        output.WriteLine($"posted after {clock.Elapsed.TotalSeconds:0.0} s");
        await Eventually.HoldsAsync("a third has run", TimeSpan.FromSeconds(60), async () => await CountAsync(server, "status=Finished") >= Items / 3);
        output.WriteLine($"killed after {clock.Elapsed.TotalSeconds:0.0} s, with {await CountAsync(server, "status=Finished")} finished");
        await server.KillAsync();
        await server.StartAsync();
        output.WriteLine($"ready again after {clock.Elapsed.TotalSeconds:0.0} s");

        await Eventually.HoldsAsync("all have run", TimeSpan.FromSeconds(120), async () => await CountAsync(server, "status=Finished") >= Items, () => server.Log);
        output.WriteLine($"all finished after {clock.Elapsed.TotalSeconds:0.0} s");

        var id = (string)(await server.GetAsync($"/api/triggers?definitionId={Flow}")).SelectToken("items[0].id")!;
        await server.PostAsync($"/api/triggers/{id}/poll", new JObject());
        (await CountAsync(server, "")).Should().Be(Items);
        (await CountAsync(server, "subStatus=Finished")).Should().Be(Items);
        ((int)(await server.GetAsync($"/api/triggers/{id}/events"))["total"]!).Should().Be(Items);
    }

    private static async Task<int> CountAsync(ServerProcess server, string filter) => (int)(await server.GetAsync($"/api/runs?definitionId={Flow}&pageSize=1&{filter}"))["total"]!;
}
