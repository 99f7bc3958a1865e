using System.Text;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>Calls that the designer was seen to make, sent again as they were; every answer must be one that it can read.</summary>
public sealed class RecordedCallTests(RunningServer server) : IClassFixture<RunningServer>
{
    [SkippableFact]
    public async Task EveryRecordedCall_GetsAnAnswerOfTheRecordedStatus_InItsShape()
    {
        var calls = Directory.EnumerateFiles(SharedFiles.Folder(Path.Combine("elsa", "recorded")), "*.jsonl").Order(StringComparer.Ordinal)
            .SelectMany(file => File.ReadLines(file).Select(line => (File: Path.GetFileName(file), Call: JObject.Parse(line))))
            .Where(entry => ((string?)entry.Call["p"])?.StartsWith("/elsa/api/", StringComparison.Ordinal) == true)
            .ToList();
        var saving = calls.First(entry => entry.Call["body"] is JValue { Value: string body } && body.Contains("\"model\"", StringComparison.Ordinal) && body.Contains("\"publish\":true", StringComparison.Ordinal)).Call;
        var names = await PrepareAsync(JObject.Parse((string)saving["body"]!));

        var wrong = new List<string>();
        foreach (var (file, call) in calls)
        {
            var path = Replace((string)call["p"]! + (string?)call["q"], names);
            var body = (string?)call["body"];
            using var request = new HttpRequestMessage(new HttpMethod((string)call["m"]!), path);
            if (body is not null)
            {
                request.Content = new StringContent(Replace(body, names), Encoding.UTF8, "application/json");
            }

            using var response = await server.Client.SendAsync(request);
            var answer = await RunningServer.ReadAsync(response);
            if ((int)response.StatusCode != (int)call["s"]!)
            {
                wrong.Add($"{file}: {request.Method} {path}: {(int)response.StatusCode} {answer}");
                continue;
            }

            wrong.AddRange(Shape.Check(answer, ShapeOf((string)call["m"]!, (string)call["p"]!)).Select(error => $"{file}: {request.Method} {path}: {error}"));
        }

        calls.Should().HaveCountGreaterThan(80);
        wrong.Distinct().Should().BeEmpty();
    }

    /// <summary>The recorded workflow, published, and one run of it; the recorded names and those that stand for them here.</summary>
    private async Task<Dictionary<string, string>> PrepareAsync(JObject save)
    {
        var (status, saved) = await server.PostAsync("/elsa/api/workflow-definitions", save);
        status.Should().Be(200, "{0}", saved);
        using var response = await server.Client.PostAsync(new Uri("/elsa/api/workflow-definitions/wf1/execute", UriKind.Relative), new StringContent("""{"input":{"Name":"a"}}""", Encoding.UTF8, "application/json"));
        var instanceId = response.Headers.GetValues("x-elsa-workflow-instance-id").Single();
        var (_, executions) = await server.GetAsync($"/elsa/api/activity-executions/list?WorkflowInstanceId={instanceId}");
        return new Dictionary<string, string>
        {
            ["inst1"] = instanceId,
            ["inst2"] = instanceId,
            ["wfv1"] = (string)saved["workflowDefinition"]!["id"]!,
            ["ai3"] = Uri.EscapeDataString((string)executions["items"]!.Last()["id"]!),
        };
    }

    private static string Replace(string text, Dictionary<string, string> names) => names.Aggregate(text, (current, name) => current.Replace(name.Key, name.Value, StringComparison.Ordinal));

    private static JToken ShapeOf(string method, string path) => (method, path["/elsa/api".Length..].Split('/') is [_, .. var parts] ? parts : []) switch
    {
        ("GET", ["workflow-definitions", "by-definition-id" or "by-id", _]) => Shapes.Definition,
        ("GET", ["workflow-definitions", "validation", "is-name-unique"]) => Shapes.Parse("""{"isUnique":"bool"}"""),
        ("GET", ["workflow-definitions"]) => Shapes.SummaryList,
        ("POST", ["workflow-definitions"]) => Shapes.Saved,
        ("POST", ["workflow-definitions", _, "execute"]) => new JObject { ["workflowState"] = Shapes.State },
        ("GET", ["descriptors", "activities"]) => Shapes.Descriptors,
        ("GET", ["descriptors", "expression-descriptors"]) => Shapes.Expressions,
        ("GET", ["descriptors", "workflow-activation-strategies" or "log-persistence-strategies" or "incident-strategies"]) => Shapes.Strategies,
        ("GET", ["descriptors", "commit-strategies", _]) => Shapes.CommitStrategies,
        ("GET", ["descriptors", "storage-drivers"]) => Shapes.StorageDrivers,
        ("GET", ["descriptors", "variables"]) => Shapes.Variables,
        ("GET", ["features", "installed"]) => Shapes.Features,
        ("POST", ["workflow-instances"]) => Shapes.InstanceList,
        ("GET", ["workflow-instances", _]) => Shapes.FullInstance,
        ("POST", ["workflow-instances", _, "journal"]) => Shapes.Journal,
        ("GET", ["workflow-instances", _, "variables"]) => Shapes.Counted(Shapes.Parse("""{"id":"text","name":"text","value":"any"}""")),
        ("GET", ["activity-executions", "list"]) => Shapes.Counted(Shapes.Execution),
        ("GET", ["activity-execution-summaries", "list"]) => Shapes.Counted(Shapes.ExecutionSummary),
        ("GET", ["activity-executions", "by-id"]) => Shapes.Execution,
        ("POST", ["activity-executions", "report"]) => Shapes.Report,
        ("GET", ["activity-executions", _, "call-stack"]) => new JObject { ["activityExecutionId"] = "text", ["items"] = new JArray(Shapes.Execution), ["totalCount"] = "int" },
        _ => throw new InvalidOperationException($"{method} {path} was recorded, and no shape is known for its answer."),
    };
}
