using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Automation.ServerTests.Crash;

/// <summary>The real server is killed while runs wait for people, events, turns and each other: afterwards each goes on, once.</summary>
public sealed class WaitingTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Killed_WhileRunsWait_EachGoesOnOnce()
    {
        using var server = new ServerProcess();
        try
        {
            await server.StartAsync();
            await PublishAsync(server, "person", Models.Activity("w", "Automation.Task", ("title", "Literal", "Look at it"), ("fields", "Object", """["answer"]""")));
            await PublishAsync(server, "approval", Models.Activity("w", "Automation.Approval", ("title", "Literal", "Publish it"), ("approvers", "Object", """["ann","bob"]"""), ("rule", "Literal", "All")));
            await PublishAsync(server, "event", Models.Activity("w", "Automation.WaitFor", ("eventName", "Literal", "paid"), ("timeOut", "Literal", "1h")));
            await PublishAsync(server, "timeout", Models.Activity("w", "Automation.WaitFor", ("eventName", "Literal", "never"), ("timeOut", "Literal", "2s")));
            await PublishAsync(server, "until", Models.Activity("w", "Automation.WaitUntil", ("offset", "Literal", "2s")));
            await PublishAsync(server, "throttle", Models.Activity("w", "Automation.Throttle", ("limit", "Literal", 1), ("period", "Literal", "3s")));
            await PublishAsync(server, "digest", Models.Activity("w", "Automation.Digest", ("item", "JavaScript", "getInput('N')"), ("count", "Literal", 3)));
            await PublishAsync(server, "once", Models.Activity("w", "Automation.OnlyOnce", ("key", "Literal", "c1")));

            var runs = new Dictionary<string, string>();
            foreach (var flow in new[] { "person", "approval", "event", "timeout", "until" })
            {
                runs[flow] = await ExecuteAsync(server, flow);
            }

            runs["passes"] = await ExecuteAsync(server, "throttle");
            runs["waits"] = await ExecuteAsync(server, "throttle");
            runs["collects"] = await ExecuteAsync(server, "digest", 1);
            runs["collected"] = await ExecuteAsync(server, "digest", 2);
            runs["first"] = await ExecuteAsync(server, "once");
            var ann = (await TasksAsync(server, runs["approval"])).Single(t => (string?)t["assignee"] == "ann");
            await server.PostAsync($"/api/tasks/{ann["id"]}/complete", JObject.Parse("""{"outcome":"Approved"}"""));
            await server.KillAsync();
            await server.StartAsync();

            await server.PostAsync($"/api/tasks/{(await TasksAsync(server, runs["person"])).Single()["id"]}/complete", JObject.Parse("""{"answers":{"answer":"42"}}"""));
            var bob = (await TasksAsync(server, runs["approval"])).Single(t => (string?)t["assignee"] == "bob");
            await server.PostAsync($"/api/tasks/{bob["id"]}/complete", JObject.Parse("""{"outcome":"Approved"}"""));
            await server.PostAsync("/elsa/api/events/paid/trigger", new JObject());
            runs["fills"] = await ExecuteAsync(server, "digest", 3);
            runs["again"] = await ExecuteAsync(server, "once");

            var expected = new Dictionary<string, string>
            {
                ["person"] = "Done",
                ["approval"] = "Approved",
                ["event"] = "Received",
                ["timeout"] = "TimedOut",
                ["until"] = "Done",
                ["passes"] = "Pass",
                ["waits"] = "Pass",
                ["collects"] = "Released",
                ["collected"] = "Collected",
                ["fills"] = "Collected",
                ["first"] = "First",
                ["again"] = "Repeated",
            };
            foreach (var (name, outcome) in expected)
            {
                JToken run = JValue.CreateNull();
                await Eventually.HoldsAsync($"'{name}' ends", TimeSpan.FromSeconds(60), async () => (string?)(run = await server.GetAsync($"/api/runs/{runs[name]}"))["subStatus"] == "Finished", () => run.ToString());
                var ends = run["journal"]!.Where(line => (string?)line["activityId"] == "w" && (string?)line["eventName"] == "Completed").ToList();
                ends.Should().ContainSingle(name).Which["outcomes"]!.Values<string>().Should().Equal(outcome);
            }

            var list = (await server.GetAsync($"/api/runs/{runs["collects"]}"))["journal"]!.Single(line => (string?)line["activityId"] == "w" && (string?)line["eventName"] == "Completed");
            list["outputs"]!["Result"]!.Values<int>().Should().Equal(1, 2, 3);
        }
        catch
        {
            output.WriteLine(string.Join('\n', server.Log.Split('\n').TakeLast(80)));
            throw;
        }
    }

    private static Task<JToken> PublishAsync(ServerProcess server, string id, JObject activity) =>
        server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = Models.Sequence(id, activity), ["publish"] = true });

    private static async Task<string> ExecuteAsync(ServerProcess server, string id, int? n = null) =>
        (string)(await server.PostAsync($"/elsa/api/workflow-definitions/{id}/execute", new JObject { ["input"] = new JObject { ["N"] = n } }))["workflowState"]!["id"]!;

    private static async Task<JToken> TasksAsync(ServerProcess server, string run) => (await server.GetAsync($"/api/tasks?runId={run}"))["items"]!;
}
