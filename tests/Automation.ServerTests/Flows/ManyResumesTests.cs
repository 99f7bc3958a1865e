using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Flows;

/// <summary>Runs that are resumed at the same moment all finish.</summary>
public sealed class ManyResumesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task TwoEvents_SentAtTheSameMoment_ToFortyRunsThatWaitForBoth_AllFinish()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        await PublishAsync(server, "both", new JObject { ["id"] = "p", ["type"] = "Elsa.Parallel", ["activities"] = new JArray(Event("a", "first"), Event("b", "second")) });
        await StartAsync(server, "both", 40);

        await Task.WhenAll(SendAsync(server, "first"), SendAsync(server, "second"));

        await AllFinishAsync(server, "both", 40);
    }

    [Fact]
    public async Task OneEvent_ToAThousandRuns_AllFinish()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        await PublishAsync(server, "one", Event("a", "go"));
        await StartAsync(server, "one", 1_000);

        await SendAsync(server, "go");

        await AllFinishAsync(server, "one", 1_000);
    }

    private static JObject Event(string id, string name) => new()
    {
        ["id"] = id,
        ["type"] = "Elsa.Event",
        ["eventName"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = name } },
    };

    private static async Task PublishAsync(ServerProcess server, string id, JObject root)
    {
        await server.PostAsync("/elsa/api/workflow-definitions/import", new JObject { ["definitionId"] = id, ["name"] = id, ["root"] = root });
        await server.PostAsync($"/elsa/api/workflow-definitions/{id}/publish", new JObject());
    }

    private static Task StartAsync(ServerProcess server, string id, int count) =>
        Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, _) => await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject()));

    private static Task SendAsync(ServerProcess server, string name) => server.PostAsync($"/elsa/api/events/{name}/trigger", new JObject());

    private static async Task AllFinishAsync(ServerProcess server, string id, int count)
    {
        long finished = 0;
        await Eventually.HoldsAsync(
            $"all {count} runs finish",
            Patience,
            async () =>
            {
                finished = (long)(await server.GetAsync($"/elsa/api/workflow-instances?definitionId={id}&status=Finished&pageSize=1"))["totalCount"]!;
                return finished == count;
            },
            () => $"{finished} have.");
        finished.Should().Be(count);
    }
}
