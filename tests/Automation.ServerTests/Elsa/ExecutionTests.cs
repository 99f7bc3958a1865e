using System.Text;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>Starts and children as Elsa's clients see them.</summary>
public sealed class ExecutionTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/elsa/api/workflow-definitions";

    [Theory]
    [InlineData("Singleton", "a", "b", true)]
    [InlineData("CorrelatedSingleton", "a", "a", true)]
    [InlineData("CorrelatedSingleton", "a", "b", false)]
    [InlineData("Correlation", "x", "x", true)]
    [InlineData("Correlation", "y", "z", false)]
    public async Task Execute_ActivationStrategy_RefusesASecondRun(string strategy, string first, string second, bool isRefused)
    {
        var id = $"activation-{strategy}-{first}-{second}";
        var model = Models.Sequence(id, Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "never")));
        model["options"] = new JObject { ["activationStrategyType"] = $"Elsa.Workflows.Runtime.ActivationValidators.{strategy}Strategy, Elsa.Workflows.Runtime" };
        await server.PublishAsync(model);

        await ExecuteAsync(id, new JObject { ["correlationId"] = id + first });
        var (status, headers, _) = await ExecuteAsync(id, new JObject { ["correlationId"] = id + second });

        status.Should().Be(200);
        headers.GetValues("x-elsa-workflow-cannot-start").Single().Should().Be(isRefused ? "True" : "False");
        headers.Contains("x-elsa-workflow-instance-id").Should().Be(!isRefused);
        (await server.GetAsync($"/elsa/api/workflow-instances?definitionId={id}")).Body["totalCount"]!.Value<int>().Should().Be(isRefused ? 1 : 2);
    }

    [Theory]
    [InlineData("Singleton")]
    [InlineData("CorrelatedSingleton")]
    [InlineData("Correlation")]
    public async Task Execute_ManyAtOnceUnderAnActivationStrategy_StartsOne(string strategy)
    {
        var id = $"at-once-{strategy}";
        var model = Models.Sequence(id, Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "never")));
        model["options"] = new JObject { ["activationStrategyType"] = $"Elsa.Workflows.Runtime.ActivationValidators.{strategy}Strategy, Elsa.Workflows.Runtime" };
        await server.PublishAsync(model);

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => ExecuteAsync(id, new JObject { ["correlationId"] = id })));

        answers.Should().OnlyContain(answer => answer.Status == 200);
        answers.Count(answer => answer.Headers.GetValues("x-elsa-workflow-cannot-start").Single() == "False").Should().Be(1);
        (await server.GetAsync($"/elsa/api/workflow-instances?definitionId={id}")).Body["totalCount"]!.Value<int>().Should().Be(1);
    }

    [Fact]
    public async Task Dispatch_UnderAnActivationStrategy_StartsOne_AndSaysSo()
    {
        var model = Models.Sequence("dispatched-once", Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "never")));
        model["options"] = new JObject { ["activationStrategyType"] = "Elsa.Workflows.Runtime.ActivationValidators.SingletonStrategy, Elsa.Workflows.Runtime" };
        await server.PublishAsync(model);

        var (several, started) = await server.PostAsync($"{Definitions}/dispatched-once/bulk-dispatch", new JObject { ["count"] = 3 });
        var (second, refused) = await server.PostAsync($"{Definitions}/dispatched-once/dispatch", new JObject());

        several.Should().Be(200);
        started["workflowInstanceIds"]!.Should().ContainSingle();
        second.Should().Be(409);
        ((string?)refused["code"]).Should().Be("cannot-start");
        (await server.GetAsync("/elsa/api/workflow-instances?definitionId=dispatched-once")).Body["totalCount"]!.Value<int>().Should().Be(1);
    }

    [Fact]
    public async Task Execute_ChildrenThatItExecutes_HaveEndedWhenItAnswers()
    {
        await server.PublishAsync(Models.Sequence("inner", Models.Output("o", "N", "getInput('N') + 1")).WithOutput("N"));
        await server.PublishAsync(Models.Sequence("middle", Executes("inner", "getInput('N') + 1"), Models.Output("o", "N", "getOutputFrom('x').Output.N + 1")).WithOutput("N"));
        await server.PublishAsync(Models.Sequence("outer", Executes("middle", "1"), Models.Output("o", "N", "getOutputFrom('x').output.N")).WithOutput("N"));

        var (_, _, body) = await ExecuteAsync("outer", []);

        body["workflowState"]!["subStatus"]!.Value<string>().Should().Be("Finished");
        body["workflowState"]!["output"]!["N"]!.Value<int>().Should().Be(4);
    }

    [Fact]
    public async Task Dispatch_OfAWorkflowThatIsNotPublished_FaultsTheActivity()
    {
        await server.PublishAsync(Models.Sequence("lost", Models.Activity("d", "Elsa.DispatchWorkflow", ("workflowDefinitionId", "Literal", "nobody"))));

        var (status, _, body) = await ExecuteAsync("lost", []);

        status.Should().Be(500);
        body["workflowState"]!["incidents"]![0]!["message"]!.Value<string>().Should().Contain("'nobody'".Trim('\''));
    }

    [Fact]
    public async Task Publish_OfANewVersion_LetsWaitingRunsFinishOnTheirs_AlsoAfterItIsRetracted()
    {
        JObject Flow(string script) => Models.Sequence("versioned", Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "versioned-go")), Models.Output("o", "X", script)).WithOutput("X");
        await server.PublishAsync(Flow("'first'"));
        var first = (await ExecuteAsync("versioned", [])).Headers.GetValues("x-elsa-workflow-instance-id").Single();
        await server.PublishAsync(Flow("'second'"));
        var second = (await ExecuteAsync("versioned", [])).Headers.GetValues("x-elsa-workflow-instance-id").Single();
        await server.PostAsync(Definitions + "/versioned/retract", new JObject());

        await server.PostAsync("/elsa/api/events/versioned-go/trigger", new JObject { ["workflowExecutionMode"] = "Synchronous" });

        var (_, old) = await server.GetAsync($"/elsa/api/workflow-instances/{first}");
        var (_, young) = await server.GetAsync($"/elsa/api/workflow-instances/{second}");
        ((int)old["version"]!, (string?)old["workflowState"]!["output"]!["X"]).Should().Be((1, "first"));
        ((int)young["version"]!, (string?)young["workflowState"]!["output"]!["X"]).Should().Be((2, "second"));
    }

    [Fact]
    public async Task SetVariables_OfAWaitingRun_AreSeenWhenItGoesOn()
    {
        var model = Models.Sequence("told", Models.Activity("wait", "Elsa.Event", ("eventName", "Literal", "go-on")), Models.Output("o", "X", "getX()")).WithOutput("X");
        model["variables"] = new JArray(new JObject { ["id"] = "v1", ["name"] = "X", ["typeName"] = "Int32", ["value"] = "1", ["storageDriverTypeName"] = "Elsa.Workflows.WorkflowInstanceStorageDriver, Elsa.Workflows.Core" });
        await server.PublishAsync(model);
        var (_, headers, _) = await ExecuteAsync("told", []);
        var instance = headers.GetValues("x-elsa-workflow-instance-id").Single();

        var (status, variables) = await server.PostAsync($"/elsa/api/workflow-instances/{instance}/variables", new JObject { ["variables"] = new JArray(new JObject { ["id"] = "v1", ["value"] = 7 }) });
        await server.PostAsync("/elsa/api/events/go-on/trigger", new JObject { ["workflowExecutionMode"] = "Synchronous" });

        status.Should().Be(200);
        variables["items"]![0]!["value"]!.Value<int>().Should().Be(7);
        (await server.GetAsync($"/elsa/api/workflow-instances/{instance}")).Body["workflowState"]!["output"]!["X"]!.Value<int>().Should().Be(7);
    }

    [Fact]
    public async Task Publish_OfAWorkflowUsedAsActivity_UpdatesItsConsumers()
    {
        var child = Models.Sequence("part", Models.Output("o", "V", "1")).WithOutput("V");
        child["options"] = new JObject { ["usableAsActivity"] = true, ["autoUpdateConsumingWorkflows"] = true };
        await server.PublishAsync(child);
        var use = Models.Activity("use", "Part");
        use["v"] = new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "V" } };
        await server.PublishAsync(Models.Sequence("whole", use).WithOutput("V"));
        (await ExecuteAsync("whole", [])).Body["workflowState"]!["output"]!["V"]!.Value<int>().Should().Be(1);

        child["root"]!["activities"]![0]!["outputValue"]!["expression"]!["value"] = "2";
        await server.PublishAsync(child);

        (await ExecuteAsync("whole", [])).Body["workflowState"]!["output"]!["V"]!.Value<int>().Should().Be(2);
        (await server.GetAsync(Definitions + "/whole?versionOptions=Published")).Body["version"]!.Value<int>().Should().Be(2);
        (await server.GetAsync(Definitions + "/part/consumers")).Body["consumingWorkflowDefinitionIds"]!.Values<string>().Should().Equal("whole");
        (await server.GetAsync("/elsa/api/descriptors/activities/Part")).Body["customProperties"]!["WorkflowDefinitionId"]!.Value<string>().Should().Be("part");
    }

    [Fact]
    public async Task Publish_OfACycle_IsRefused()
    {
        await server.PublishAsync(Usable("ring-a", "RingA"));
        await server.PublishAsync(Usable("ring-b", "RingB", Models.Activity("a", "RingA")));

        var (status, body) = await server.PostAsync(Definitions, new JObject { ["model"] = Usable("ring-a", "RingA", Models.Activity("b", "RingB")), ["publish"] = true });

        status.Should().Be(400);
        body.ToString().Should().Contain("workflow-cycle");
    }

    [Theory]
    [InlineData("a.txt", "text/plain", 200, "1 a.txt")]
    [InlineData("a.exe", "text/plain", 415, ".exe")]
    [InlineData("long.txt", "text/plain", 413, "20 bytes")]
    public async Task Upload_IsHeldAgainstTheEndpointsLimits(string fileName, string contentType, int status, string answer)
    {
        var endpoint = Models.Activity("h", "Elsa.HttpEndpoint", ("path", "Literal", "upload"), ("supportedMethods", "Object", "[\"POST\"]"), ("fileSizeLimit", "Literal", "20"), ("blockedFileExtensions", "Object", "[\".exe\"]"));
        endpoint["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        await server.PublishAsync(Models.Sequence("upload", endpoint, Models.Activity("r", "Elsa.WriteHttpResponse", ("content", "JavaScript", "getOutputFrom('h', 'Files').length + ' ' + getOutputFrom('h', 'File').fileName"))));

        using var form = new MultipartFormDataContent();
        using var file = new ByteArrayContent(Encoding.UTF8.GetBytes(fileName.StartsWith("long", StringComparison.Ordinal) ? new string('x', 30) : "x"));
        file.Headers.ContentType = new(contentType);
        form.Add(file, "f", fileName);
        using var response = await server.Client.PostAsync(new Uri("/workflows/upload", UriKind.Relative), form);

        ((int)response.StatusCode).Should().Be(status);
        (await response.Content.ReadAsStringAsync()).Should().Contain(answer);
    }

    private static JObject Usable(string id, string name, params JObject[] activities)
    {
        var model = Models.Sequence(id, activities);
        model["name"] = name;
        model["options"] = new JObject { ["usableAsActivity"] = true };
        return model;
    }

    private static JObject Executes(string definitionId, string n) => Models.Activity("x", "Elsa.ExecuteWorkflow",
        ("workflowDefinitionId", "Literal", definitionId), ("waitForCompletion", "Literal", "true"), ("input", "JavaScript", $"({{ N: {n} }})"));

    private async Task<(int Status, System.Net.Http.Headers.HttpResponseHeaders Headers, JToken Body)> ExecuteAsync(string definitionId, JObject body)
    {
        using var content = new StringContent(body.ToString(), Encoding.UTF8, "application/json");
        using var response = await server.Client.PostAsync(new Uri($"{Definitions}/{definitionId}/execute", UriKind.Relative), content);
        return ((int)response.StatusCode, response.Headers, await RunningServer.ReadAsync(response));
    }
}
