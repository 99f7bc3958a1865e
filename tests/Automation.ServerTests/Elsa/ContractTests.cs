using System.IO.Compression;
using System.Text;
using Automation.ServerTests.Api;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>Every endpoint of Elsa's API on a workflow with nested containers: status and shape. Runs of it wait, end, fault and are cancelled.</summary>
public sealed class ContractTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Api = "/elsa/api";
    private const string Definitions = Api + "/workflow-definitions";

    [Theory]
    [InlineData("/workflow-definitions", "list")]
    [InlineData("/workflow-definitions?VersionOptions=Latest&page=0&pageSize=5000&OrderBy=created&orderDirection=Descending", "list")]
    [InlineData("/workflow-definitions?versionOptions=2&definitionIds={definition}", "list")]
    [InlineData("/workflow-definitions/by-definition-id/{definition}?versionOptions=Latest", "definition")]
    [InlineData("/workflow-definitions/by-definition-id/{definition}?versionOptions=Published", "definition")]
    [InlineData("/workflow-definitions/{definition}", "definition")]
    [InlineData("/workflow-definitions/by-id/{version}", "definition")]
    [InlineData("/workflow-definitions/many-by-id?ids={version}&ids=none", "definitions")]
    [InlineData("/workflow-definitions/{definition}/versions", "summaries")]
    [InlineData("/workflow-definitions/{definition}/consumers", """{"consumingWorkflowDefinitionIds":["text"]}""")]
    [InlineData("/workflow-definitions/validation/is-name-unique?name=x&definitionId=", """{"isUnique":"bool"}""")]
    [InlineData("/workflow-definitions/query/count", """{"count":"int"}""")]
    [InlineData("/workflow-definitions/subgraph/{version}", "node")]
    [InlineData("/workflow-definitions/subgraph/{version}?parentNodeId=Workflow1%3Achart%3Aeach", "node")]
    [InlineData("/workflow-definitions/subgraph/segments/{version}?childNodeId=Workflow1%3Achart%3Aeach%3Ainner%3Asay", """{"childNode":{"nodeId":"text"},"container":{"nodeId":"text"},"pathSegments":[{"activityNodeId":"text","activityId":"text","activityType":"text","portName":"Body","activityName":"text?"}]}""")]
    [InlineData("/descriptors/activities?Refresh=True", "descriptors")]
    [InlineData("/descriptors/activities/Elsa.If?version=1", """{"typeName":"text","inputs":"array","outputs":"array","ports":"array"}""")]
    [InlineData("/descriptors/expression-descriptors", """{"items":[{"type":"text","displayName":"text","isSerializable":"bool","isBrowsable":"bool","properties":"object"}],"count":"int"}""")]
    [InlineData("/descriptors/workflow-activation-strategies", "strategies")]
    [InlineData("/descriptors/incident-strategies", "strategies")]
    [InlineData("/descriptors/log-persistence-strategies", "strategies")]
    [InlineData("/descriptors/commit-strategies/workflows", """{"items":[{"name":"text","displayName":"text","description":"text"}],"count":"int"}""")]
    [InlineData("/descriptors/commit-strategies/activities", """{"items":[{"name":"text","displayName":"text","description":"text"}],"count":"int"}""")]
    [InlineData("/descriptors/storage-drivers", """{"items":[{"typeName":"text","displayName":"text","priority":"number","deprecated":"bool"}]}""")]
    [InlineData("/descriptors/variables", """{"items":[{"typeName":"text","displayName":"text","category":"text","description":"text?"}]}""")]
    [InlineData("/descriptors/output-converters?sourceType=Object&destinationType=String", """{"items":"array"}""")]
    [InlineData("/features/installed", """{"items":[{"name":"text","namespace":"text","fullName":"text","displayName":"text","description":"text"}],"count":"int"}""")]
    [InlineData("/package/version", """{"packageVersion":"text"}""")]
    [InlineData("/features/installed/Elsa.RealTimeWorkflowUpdates", """{"name":"text","namespace":"text","fullName":"text","displayName":"text","description":"text"}""")]
    [InlineData("/resilience/strategies?category=HTTP", """{"items":"array","count":"int"}""")]
    [InlineData("/resilience/retries/{execution}?skip=0&take=10", """{"items":"array","totalCount":"int"}""")]
    [InlineData("/workflow-definitions?materializer=Json&label=&Page=0&PageSize=2", "list")]
    [InlineData("/workflow-instances?definitionId={definition}&page=0&pageSize=10", "instances")]
    [InlineData("/workflow-instances/{waiting}", "instance")]
    [InlineData("/workflow-instances/{ended}", "instance")]
    [InlineData("/workflow-instances/{faulted}", "instance")]
    [InlineData("/workflow-instances/{cancelled}", "instance")]
    [InlineData("/workflow-instances/{waiting}/execution-state", """{"status":"Running","subStatus":"Suspended","workflowSubStatus":"Suspended","updatedAt":"time"}""")]
    [InlineData("/workflow-instances/{waiting}/variables", """{"items":[{"id":"text","name":"text","value":"any"}],"count":"int"}""")]
    [InlineData("/workflow-instances/{faulted}/journal?skip=0&take=5000", "journal")]
    [InlineData("/workflow-instances/{ended}/journal", "journal")]
    [InlineData("/activity-executions/list?WorkflowInstanceId={faulted}", "executions")]
    [InlineData("/activity-executions/list?WorkflowInstanceId={ended}&ActivityNodeId=Workflow1%3Achart", "executions")]
    [InlineData("/activity-execution-summaries/list?WorkflowInstanceId={waiting}", "executionSummaries")]
    [InlineData("/activity-executions/by-id?id={execution}", "execution")]
    [InlineData("/activity-executions/{execution}", "execution")]
    [InlineData("/activity-executions/count?WorkflowInstanceId={ended}&ActivityId=say&Completed=True", """{"count":"int"}""")]
    [InlineData("/workflow-instances/{ended}/journal/say", """{"id":"text","activityId":"text","activityNodeId":"text","workflowInstanceId":"text","workflowDefinitionId":"text","workflowVersion":"int","eventName":"Completed","timestamp":"time","sequence":"int"}""")]
    [InlineData("/activity-executions/{execution}/call-stack?includeCrossWorkflowChain=True&skip=0&take=10", "callStack")]
    public async Task Get_AnswersInItsShape(string path, string shape)
    {
        var names = await PrepareAsync();

        var (status, body) = await server.GetAsync(Api + Fill(path, names));

        status.Should().Be(200, "{0}", body);
        Shape.Check(body, ShapeOf(shape)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("/workflow-instances", """{"page":0,"pageSize":10,"definitionIds":[],"statuses":["Running"],"subStatuses":[],"hasIncidents":false,"orderBy":"LastExecuted","orderDirection":"Ascending","timestampFilters":[{"column":"CreatedAt","operator":"GreaterThan","timestamp":"2020-01-01T00:00:00Z"}]}""", "instances")]
    [InlineData("/workflow-instances/{ended}/journal?skip=0&take=2", """{"filter":{"activityIds":["say"],"activityNodeIds":null,"excludedActivityTypes":["Elsa.Workflow"],"eventNames":["Completed"]}}""", "journal")]
    [InlineData("/activity-executions/report", """{"workflowInstanceId":"{faulted}","activityNodeIds":["Workflow1:chart:each","Workflow1:chart:fault"]}""", "report")]
    [InlineData("/tests/activities", """{"workflowDefinitionHandle":{"definitionVersionId":"{version}","definitionId":null},"activityHandle":{"activityNodeId":"Workflow1:chart:each:inner:say","activityId":null}}""", """{"activityState":"object","payload":"object","outputs":"object","exception":"object?","status":"Completed"}""")]
    [InlineData("/tests/activities", """{"workflowDefinitionHandle":{"definitionId":"{definition}"},"activityHandle":{"activityId":"fault"}}""", """{"activityState":"object","payload":"object","outputs":"object","exception":{"type":"text","message":"text"},"status":"Faulted"}""")]
    [InlineData("/workflow-definitions/{definition}/dispatch", """{"versionOptions":"Published","input":{"Mode":"end"}}""", """{"workflowInstanceId":"text"}""")]
    [InlineData("/workflow-definitions/{definition}/bulk-dispatch", """{"count":3,"versionOptions":"Published","input":{"Mode":"end"}}""", """{"workflowInstanceIds":["text"]}""")]
    [InlineData("/workflow-definitions/{definition}/publish", "{}", "saved")]
    [InlineData("/actions/workflow-definitions/refresh", """{"definitionIds":["{definition}","none"]}""", """{"refreshed":["text"],"notFound":["text"]}""")]
    [InlineData("/actions/workflow-definitions/reload", "{}", "any")]
    [InlineData("/workflow-instances", """{"name":null,"isSystem":true,"orderBy":"Name","orderDirection":null,"timestampFilters":[{"column":"FinishedAt","operator":"LessThanOrEqual","timestamp":"2020-01-01T00:00:00+02:00"}]}""", "instances")]
    [InlineData("/workflow-definitions/{definition}/update-references", "{}", """{"affectedWorkflows":["text"]}""")]
    [InlineData("/bulk-actions/publish/workflow-definitions/by-definition-ids", """{"definitionIds":["{definition}","none"]}""", """{"published":["text"],"alreadyPublished":["text"],"notFound":["text"],"skipped":["text"],"updatedConsumers":["text"],"failed":["text"],"warnings":"object"}""")]
    [InlineData("/bulk-actions/retract/workflow-definitions/by-definition-ids", """{"definitionIds":["none"]}""", """{"retracted":["text"],"alreadyRetracted":["text"],"notFound":["text"],"skipped":["text"]}""")]
    [InlineData("/bulk-actions/delete/workflow-definitions/by-definition-id", """{"definitionIds":["none"]}""", """{"deleted":"int"}""")]
    [InlineData("/bulk-actions/delete/workflow-definitions/by-id", """{"ids":["none"]}""", """{"deleted":"int"}""")]
    [InlineData("/bulk-actions/cancel/workflow-instances", """{"definitionVersionId":"none"}""", """{"cancelled":"int"}""")]
    [InlineData("/bulk-actions/delete/workflow-instances/by-id", """{"ids":["none"]}""", """{"deleted":"int"}""")]
    [InlineData("/bulk-actions/delete/workflow-instances", """{"workflowDefinitionId":"none","workflowDefinitionIds":["none"]}""", """{"deleted":"int"}""")]
    [InlineData("/descriptors/activities/GoHighLevel.Contacts.GetContact/options/ConnectionId", """{"context":{}}""", """{"items":{"dropdown":{"selectList":{"items":[{"text":"text","value":"text"}],"isFlagsEnum":"bool"}}}}""")]
    [InlineData("/events/nobody-listens/trigger", """{"correlationId":null,"input":null}""", "any")]
    public async Task Post_AnswersInItsShape(string path, string body, string shape)
    {
        var names = await PrepareAsync();

        var (status, answer) = await server.SendTextAsync(HttpMethod.Post, Api + Fill(path, names), Fill(body, names));

        status.Should().Be(200, "{0}", answer);
        Shape.Check(answer, ShapeOf(shape)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("GET", "/workflow-definitions/by-definition-id/none?versionOptions=Latest", 404)]
    [InlineData("GET", "/workflow-definitions/by-id/none", 404)]
    [InlineData("GET", "/workflow-definitions/none/versions", 404)]
    [InlineData("GET", "/workflow-definitions/none/export", 404)]
    [InlineData("GET", "/workflow-definitions/subgraph/none", 404)]
    [InlineData("GET", "/workflow-instances/none", 404)]
    [InlineData("GET", "/workflow-instances/none/variables", 404)]
    [InlineData("GET", "/workflow-instances/none/export", 404)]
    [InlineData("GET", "/activity-executions/by-id?id=none", 404)]
    [InlineData("GET", "/activity-executions/none/call-stack", 404)]
    [InlineData("GET", "/features/installed/Acme.None", 404)]
    [InlineData("GET", "/descriptors/activities/Acme.None", 404)]
    [InlineData("POST", "/workflow-definitions/none/publish", 404)]
    [InlineData("POST", "/workflow-definitions/none/retract", 404)]
    [InlineData("POST", "/workflow-definitions/none/revert/1", 404)]
    [InlineData("POST", "/workflow-definitions/none/execute", 404)]
    [InlineData("POST", "/workflow-definitions/none/dispatch", 404)]
    [InlineData("POST", "/tests/activities", 404)]
    [InlineData("POST", "/cancel/workflow-instances/none", 404)]
    [InlineData("POST", "/tasks/none/complete", 404)]
    [InlineData("POST", "/workflow-definitions", 400)]
    [InlineData("POST", "/workflow-definitions/none/bulk-dispatch", 404)]
    [InlineData("POST", "/workflow-definitions/none/update-references", 404)]
    [InlineData("GET", "/workflow-definitions/none/execute", 404)]
    [InlineData("GET", "/workflow-instances/none/execution-state", 404)]
    [InlineData("GET", "/workflow-instances/none/journal", 404)]
    [InlineData("GET", "/workflow-instances/none/journal/a", 404)]
    [InlineData("GET", "/activity-executions/none", 404)]
    [InlineData("GET", "/activity-executions/list", 400)]
    [InlineData("GET", "/workflow-instances?pageSize=0", 400)]
    [InlineData("GET", "/workflow-definitions?page=-1", 400)]
    [InlineData("GET", "/workflow-definitions?versionOptions=Newest", 400)]
    [InlineData("DELETE", "/workflow-definitions/none/version/1", 404)]
    [InlineData("PUT", "/workflow-definitions/none/import", 400)]
    [InlineData("POST", "/bulk-actions/import/workflow-instances", 400)]
    [InlineData("DELETE", "/workflow-definitions/none", 404)]
    [InlineData("DELETE", "/workflow-definition-versions/none", 404)]
    [InlineData("DELETE", "/workflow-instances/none", 404)]
    public async Task Request_ForWhatIsNotThere_IsAProblem(string method, string path, int expected)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Api + path);
        if (method is "POST" or "PUT")
        {
            request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        }

        using var response = await server.Client.SendAsync(request);

        ((int)response.StatusCode).Should().Be(expected);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        ((int)(await RunningServer.ReadAsync(response))["status"]!).Should().Be(expected);
    }

    [Fact]
    public async Task Version_Revert_Retract_Delete_FollowTheContract()
    {
        await server.PublishAsync(Models.Sequence("lifecycle", Models.Output("out", "X", "1")));
        await server.PublishAsync(Models.Sequence("lifecycle", Models.Output("out", "X", "2")));

        var (reverted, summary) = await server.PostAsync(Definitions + "/lifecycle/revert/1", new JObject());
        var (_, again) = await server.PostAsync(Definitions + "/lifecycle/revert/1", new JObject());
        var (_, draft) = await server.GetAsync(Definitions + "/by-id/" + summary["id"]);
        var (_, list) = await server.GetAsync(Definitions + "?versionOptions=AllVersions&Page=0&PageSize=10&DefinitionIds=lifecycle&OrderBy=Version&OrderDirection=Descending");
        var (deletedVersion, _) = await server.SendAsync(HttpMethod.Delete, Api + "/workflow-definition-versions/" + summary["id"]);
        var (_, latest) = await server.GetAsync(Definitions + "/by-definition-id/lifecycle?versionOptions=Latest");
        var (retracted, definition) = await server.PostAsync(Definitions + "/lifecycle/retract", new JObject());
        var (twice, problem) = await server.PostAsync(Definitions + "/lifecycle/retract", new JObject());
        var (deleted, _) = await server.SendAsync(HttpMethod.Delete, Definitions + "/lifecycle");

        (reverted, deletedVersion, retracted, twice, deleted).Should().Be((200, 204, 200, 400, 204));
        Shape.Check(summary, Shapes.Summary).Should().BeEmpty();
        ((string?)again["id"]).Should().Be((string?)summary["id"], "a repeated request reverts once");
        ((string?)draft["root"]!["activities"]![0]!["outputValue"]!["expression"]!["value"]).Should().Be("1");
        list["items"]!.Select(item => (int)item["version"]!).Should().Equal(3, 2, 1);
        ((int)latest["version"]!).Should().Be(2);
        Shape.Check(definition, Shapes.Definition).Should().BeEmpty();
        problem["errors"]!.Should().NotBeEmpty();
    }

    [Fact]
    public async Task Subgraph_LeadsIntoNestedContainers()
    {
        var names = await PrepareAsync();

        var (_, node) = await server.GetAsync($"{Definitions}/subgraph/{names["version"]}?parentNodeId=Workflow1%3Achart%3Aeach");
        var (_, segments) = await server.GetAsync($"{Definitions}/subgraph/segments/{names["version"]}?childNodeId=Workflow1%3Achart%3Aeach%3Ainner%3Asay");

        ((string?)node["nodeId"], (string?)node["children"]![0]!["port"], (string?)node["children"]![0]!["children"]![0]!["nodeId"]).Should().Be(("Workflow1:chart:each", "Body", "Workflow1:chart:each:inner:say"));
        ((string?)segments["container"]!["nodeId"]).Should().Be("Workflow1:chart:each:inner");
        segments["pathSegments"]!.Select(segment => ((string?)segment["activityId"], (string?)segment["portName"])).Should().Equal(("each", "Body"));
    }

    [Fact]
    public async Task Variables_OfAWaitingRun_AreChanged_AndTheRunGoesOnWithThem()
    {
        var names = await PrepareAsync();
        var path = $"{Api}/workflow-instances/{await StartAsync(names["definition"], "wait")}";

        var (status, body) = await server.PostAsync(path + "/variables", new JObject { ["variables"] = new JArray(new JObject { ["id"] = "v-count", ["value"] = "41" }) });
        var (unknown, _) = await server.PostAsync(path + "/variables", new JObject { ["variables"] = new JArray(new JObject { ["id"] = "none", ["value"] = 1 }) });
        var (wrong, problem) = await server.PostAsync(path + "/variables", new JObject { ["variables"] = new JArray(new JObject { ["id"] = "v-count", ["value"] = "many" }) });
        var (finished, _) = await server.PostAsync($"{Api}/workflow-instances/{names["ended"]}/variables", new JObject { ["variables"] = new JArray(new JObject { ["id"] = "v-count", ["value"] = 1 }) });
        await server.PostAsync(Api + "/events/go-on/trigger", new JObject { ["workflowInstanceId"] = path.Split('/')[^1], ["workflowExecutionMode"] = "Synchronous" });
        var (_, ended) = await server.GetAsync(path);

        status.Should().Be(200, "{0}", body);
        body["items"]!.Single(variable => (string?)variable["name"] == "Count")["value"]!.Type.Should().Be(JTokenType.Integer);
        (unknown, wrong, finished).Should().Be((404, 409, 409), "{0}", problem);
        ((string?)ended["subStatus"]).Should().Be("Finished");
        ((int)ended["workflowState"]!["output"]!["Total"]!).Should().Be(42);
    }

    [Fact]
    public async Task Runs_Exported_Deleted_AndImported_AreTheSameToLookAt()
    {
        var names = await PrepareAsync();
        var id = await StartAsync(names["definition"], "fault");
        var (_, before) = await server.GetAsync($"{Api}/workflow-instances/{id}/journal?take=1000");
        using var exported = await server.Client.PostAsync(new Uri(Api + "/bulk-actions/export/workflow-instances", UriKind.Relative), new StringContent(new JObject { ["ids"] = new JArray(id) }.ToString(), Encoding.UTF8, "application/json"));
        var archive = await exported.Content.ReadAsByteArrayAsync();
        var single = await server.Client.GetByteArrayAsync(new Uri($"{Api}/workflow-instances/{names["waiting"]}/export", UriKind.Relative));

        var (there, refusal) = await ImportAsync("runs.zip", archive);
        await server.SendAsync(HttpMethod.Delete, $"{Api}/workflow-instances/{id}");
        var (status, body) = await ImportAsync("runs.zip", archive);
        var (_, instance) = await server.GetAsync($"{Api}/workflow-instances/{id}");
        var (_, after) = await server.GetAsync($"{Api}/workflow-instances/{id}/journal?take=1000");
        var (replayed, _) = await server.PostAsync($"/api/runs/{id}/replay", new JObject());
        var (waiting, why) = await ImportAsync("waiting.json", single);

        new ZipArchive(new MemoryStream(archive)).Entries.Select(entry => entry.FullName).Should().Equal($"workflow-instance-{id}.json");
        (there, (string?)refusal["code"]).Should().Be((400, "instance-exists"));
        (status, (int)body["count"]!).Should().Be((200, 1));
        Shape.Check(instance, Shapes.FullInstance).Should().BeEmpty();
        ((string?)instance["subStatus"], (int)instance["incidentCount"]!).Should().Be(("Faulted", 1));
        JToken.DeepEquals(after, before).Should().BeTrue();
        replayed.Should().Be(409);
        (waiting, (string?)why["code"]).Should().Be((400, "not-finished"));
    }

    private async Task<(int Status, JToken Body)> ImportAsync(string name, byte[] content)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(content), "files", name } };
        using var response = await server.Client.PostAsync(new Uri(Api + "/bulk-actions/import/workflow-instances", UriKind.Relative), form);
        return ((int)response.StatusCode, await RunningServer.ReadAsync(response));
    }

    /// <summary>One workflow and its runs for the whole class; kept by the server, so that each case makes them but once.</summary>
    private async Task<Dictionary<string, string>> PrepareAsync()
    {
        if (Prepared.TryGetValue(server, out var known))
        {
            return known;
        }

        await server.PublishAsync(Flow());
        var (_, definition) = await server.GetAsync(Definitions + "/by-definition-id/contract?versionOptions=Published");
        var names = new Dictionary<string, string> { ["definition"] = "contract", ["version"] = (string)definition["id"]! };
        foreach (var (name, mode) in new[] { ("waiting", "wait"), ("ended", "end"), ("faulted", "fault"), ("cancelled", "wait") })
        {
            names[name] = await StartAsync("contract", mode);
        }

        (await server.PostAsync($"{Api}/cancel/workflow-instances/{names["cancelled"]}", new JObject())).Status.Should().Be(200);
        await Eventually.HoldsAsync("the run is cancelled", TimeSpan.FromSeconds(10), async () => (string?)(await server.GetAsync($"{Api}/workflow-instances/{names["cancelled"]}")).Body["subStatus"] == "Cancelled");
        var (_, executions) = await server.GetAsync($"{Api}/activity-executions/list?WorkflowInstanceId={names["ended"]}&ActivityNodeId=Workflow1%3Achart%3Aeach%3Ainner%3Asay");
        names["execution"] = Uri.EscapeDataString((string)executions["items"]![0]!["id"]!);
        Prepared.Add(server, names);
        return names;
    }

    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<RunningServer, Dictionary<string, string>> Prepared = [];

    private async Task<string> StartAsync(string definitionId, string mode)
    {
        using var response = await server.Client.PostAsync(
            new Uri($"{Definitions}/{definitionId}/execute", UriKind.Relative), new StringContent(new JObject { ["input"] = new JObject { ["Mode"] = mode } }.ToString(), Encoding.UTF8, "application/json"));
        return response.Headers.GetValues("x-elsa-workflow-instance-id").Single();
    }

    /// <summary>A loop over a sequence; then, by the input, it waits for an event, faults, or ends.</summary>
    private static JObject Flow()
    {
        var each = Models.Activity("each", "Elsa.ForEach", ("items", "Object", "[1,2]"));
        each["body"] = new JObject { ["id"] = "inner", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray(Models.Activity("say", "Elsa.WriteLine", ("text", "Literal", "hello"))) };
        var wait = Models.Activity("choose", "Elsa.If", ("condition", "JavaScript", "getInput('Mode') == 'wait'"));
        wait["then"] = Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "go-on"));
        var fault = Models.Activity("maybe", "Elsa.If", ("condition", "JavaScript", "getInput('Mode') == 'fault'"));
        fault["then"] = Models.Activity("fault", "Elsa.Fault", ("message", "Literal", "as asked"));
        var model = Models.Sequence("contract", each, wait, fault, Models.Output("out", "Total", "getVariable('Count') + 1")).WithOutput("Total");
        model["root"]!["id"] = "chart";
        model["inputs"] = new JArray(new JObject { ["name"] = "Mode", ["type"] = "String" });
        model["variables"] = new JArray(
            new JObject { ["id"] = "v-count", ["name"] = "Count", ["typeName"] = "Int32", ["value"] = "1", ["storageDriverTypeName"] = "Elsa.Workflows.WorkflowInstanceStorageDriver, Elsa.Workflows.Core" });
        return model;
    }

    private static string Fill(string text, Dictionary<string, string> names) => names.Aggregate(text, (current, name) => current.Replace($"{{{name.Key}}}", name.Value, StringComparison.Ordinal));

    private static JToken ShapeOf(string name) => name switch
    {
        "any" => "any",
        "list" => Shapes.SummaryList,
        "definition" => Shapes.Definition,
        "definitions" => Shapes.Counted(Shapes.Definition),
        "summaries" => Shapes.Counted(Shapes.Summary),
        "saved" => Shapes.Saved,
        "node" => Shapes.Node,
        "descriptors" => Shapes.Descriptors,
        "strategies" => Shapes.Strategies,
        "instances" => Shapes.InstanceList,
        "instance" => Shapes.FullInstance,
        "journal" => Shapes.Journal,
        "report" => Shapes.Report,
        "execution" => Shapes.Execution,
        "executions" => Shapes.Counted(Shapes.Execution),
        "executionSummaries" => Shapes.Counted(Shapes.ExecutionSummary),
        "callStack" => new JObject { ["activityExecutionId"] = "text", ["items"] = new JArray(Shapes.Execution), ["totalCount"] = "int" },
        _ => Shapes.Parse(name),
    };
}
