using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.UnitTests.Engine;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

/// <summary>Operations as activities of runs in memory, against a server on a socket.</summary>
public sealed class OperationActivityTests : IAsyncDisposable
{
    private readonly Dictionary<string, Connection> connections = [];
    private readonly Ledger ledger = new();
    private readonly Budget budget = new();
    private readonly Kit kit;

    public OperationActivityTests() => kit = new Kit(add: services =>
    {
        services.AddSingleton<IConnections>(new Vault(connections));
        services.AddSingleton<IEffectLedger>(ledger);
        services.AddSingleton<IRateBudget>(budget);
        services.AddSingleton(new EngineOptions());
        services.AddSingleton<ExpressionFactory>();
        services.AddSingleton<WorkflowEngine>();
    });

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    private WorkflowEngine Engine => kit.Services.GetRequiredService<WorkflowEngine>();

    private static JObject Act(string type, params (string Name, JToken Value)[] inputs)
    {
        var activity = Def.Activity(type, "a").With("connectionId", Def.Literal(type.StartsWith("Flocksy", StringComparison.Ordinal) ? "flo" : "ghl"));
        foreach (var (name, value) in inputs)
        {
            activity[name] = value is JObject { Count: > 0 } expression && expression.ContainsKey("expression") ? expression : Def.Literal(value);
        }

        return activity;
    }

    private async Task<(WorkflowRun Run, RunChanges Changes)> RunAsync(JObject activity, StubServer? server, RunStart? start = null)
    {
        if (server is not null)
        {
            connections["ghl"] = Kit.Ghl(server.Url);
            connections["flo"] = Kit.Flocksy(server.Url);
        }

        activity["result"] = new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-Result" } };
        var (definition, problems) = DefinitionReader.Read(Def.Of(activity, Def.Variable("Result", "Object")));
        problems.Should().BeEmpty();
        var run = Engine.Create(Engine.Compile(definition!), start ?? new RunStart { InstanceId = "run-1" });
        await Engine.RunAsync(run, [], kit.Services, CancellationToken.None);
        return (run, run.DrainChanges());
    }

    private static JToken ResultOf(WorkflowRun run) => ValueConverter.ToJson(run.Variables.Single(v => v.Name == "Result").Value);

    [Fact]
    public async Task Execute_Read_SetsResultAndSubjectsWithoutAnEffect()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"contact":{"id":"c1","email":"Ann@X.io"}}""" });

        var (run, changes) = await RunAsync(Act("GoHighLevel.Contacts.GetContact", ("contactId", "c1")), server);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        ((string?)ResultOf(run)["contact"]!["id"]).Should().Be("c1");
        changes.Subjects.Should().BeEquivalentTo("c1", "ann@x.io");
        ledger.Effects.Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_Write_GoesThroughTheLedgerWithItsKeyAndRecordedRequest()
    {
        await using var server = StubServer.Of(new StubReply { Status = 201, Body = """{"tags":["vip"]}""" });

        var (run, changes) = await RunAsync(Act("GoHighLevel.Contacts.AddTagsToContact", ("contactId", "c1"), ("tags", Def.Expression("JavaScript", "['vip']"))), server);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        var effect = ledger.Effects.Should().ContainSingle().Which;
        effect.Class.Should().Be(EffectClass.Safe);
        effect.Operation.Should().Be("GoHighLevel.Contacts.AddTagsToContact");
        effect.Key.Should().StartWith("run-1");
        effect.LocationId.Should().Be("loc-1");
        effect.Request.Body!["tags"]!.Values<string>().Should().Equal("vip");
        server.Requests.Single().Json["tags"]!.Values<string>().Should().Equal("vip");
        changes.Subjects.Should().Contain("c1");
        Newtonsoft.Json.JsonConvert.SerializeObject((changes, ledger.Effects)).Should().NotContain(Kit.Secret);
    }

    [Fact]
    public async Task Execute_ProbeWrite_HandsTheLedgerItsProbe()
    {
        await using var server = StubServer.Of(new StubReply { Status = 201, Body = """{"contact":{"id":"c9"}}""" });

        await RunAsync(Act("GoHighLevel.Contacts.CreateContact", ("email", "a@x.io")), server);
        ledger.HadProbe.Should().BeTrue();

        await RunAsync(Act("GoHighLevel.Contacts.AddContactToCampaign", ("contactId", "c"), ("campaignId", "k")), server);
        ledger.HadProbe.Should().BeFalse();
    }

    [Fact]
    public async Task Execute_FlocksyWrite_SendsTheEffectKeyAsIdempotencyKey()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"id":"k"}""" });

        await RunAsync(Act("Flocksy.Campaigns.RefreshCampaign", ("campaignId", "k")), server);

        server.Requests.Single().Headers["Idempotency-Key"].Should().Be(ledger.Effects.Single().Key);
    }

    [Fact]
    public async Task Execute_DryRun_ReadsAndShowsWrites()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"contact":{"id":"c1"}}""" });
        var dry = new RunStart { InstanceId = "dry", IsDryRun = true };

        var (read, _) = await RunAsync(Act("GoHighLevel.Contacts.GetContact", ("contactId", "c1")), server, dry);
        var (write, changes) = await RunAsync(Act("GoHighLevel.Users.CreateUser", ("companyId", "co"), ("firstName", "A"), ("lastName", "B"), ("email", "a@x.io"), ("password", "hunter22"), ("inputType", "account"), ("role", "user"), ("locationIds", Def.Expression("Object", "[\"loc-1\"]"))), server, dry);

        ResultOf(read)["contact"].Should().NotBeNull();
        var result = ResultOf(write);
        ((bool?)result["dryRun"]).Should().BeTrue();
        ((string?)result["request"]!["method"]).Should().Be("POST");
        ((string?)result["request"]!["body"]!["email"]).Should().Be("a@x.io");
        result.ToString().Should().NotContain("hunter22").And.NotContain(Kit.Secret);
        changes.Journal.Should().Contain(r => r.EventName == "DryRun");
        server.Requests.Should().ContainSingle();
        ledger.Effects.Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_AsTriggerOfTheRun_HandsOutItemAndEvent()
    {
        var payload = JObject.Parse("""{"key":"t1@2","item":{"_id":"t1","tag":"vip"},"previous":null,"revision":2,"sourceId":"s","observedAt":"2026-03-01T12:00:00Z","sample":false}""");
        var activity = Act("GoHighLevel.SocialPlanner.ListSocialPlannerTags").With("event", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-Result" } });
        activity["customProperties"]!["canStartWorkflow"] = true;

        var (run, changes) = await RunAsync(activity, null, new RunStart { InstanceId = "r", TriggerActivityId = "a", TriggerPayload = payload });

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        changes.Subjects.Should().Equal("t1");
        var outputs = changes.Journal.Single(r => r.EventName == "Completed" && r.ActivityId == "a").Outputs!;
        outputs.ToString().Should().Contain("t1@2");
        JToken.DeepEquals(outputs.GetValue("result", StringComparison.OrdinalIgnoreCase), payload["item"]).Should().BeTrue();
    }

    [Fact]
    public async Task Execute_TriggerStartedByHand_Reads()
    {
        await using var server = StubServer.Of(new StubReply { Body = """{"results":{"tags":[{"_id":"t1"}]}}""" });

        var (run, _) = await RunAsync(Act("GoHighLevel.SocialPlanner.ListSocialPlannerTags", ("locationId", "loc-9")), server);

        ResultOf(run)["results"].Should().NotBeNull();
        server.Requests.Single().Target.Should().Be("/api/social-media-posting/loc-9/tags");
    }

    [Theory]
    [InlineData("nobody", "unknown-connection")]
    [InlineData("flo", "wrong-connection")]
    [InlineData("", "missing-input")]
    public async Task Execute_NoSuchConnection_Faults(string id, string code)
    {
        connections["flo"] = Kit.Flocksy();

        var (run, _) = await RunAsync(Act("GoHighLevel.Contacts.GetContact", ("contactId", "c"), ("connectionId", id)), null);

        var fault = run.Incidents.Should().ContainSingle().Which.Fault;
        fault.Code.Should().Be(code);
        fault.Property.Should().Be("connectionId");
        fault.Action.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task Execute_ProviderRefuses_FaultHasItsWordsTraceAndWhatToDo()
    {
        await using var server = StubServer.Of(StubReply.Failed(422, """{"message":["email must be an email"],"traceId":"tr-7"}"""));

        var (run, _) = await RunAsync(Act("GoHighLevel.Contacts.UpsertContact", ("email", "x")), server);

        var fault = run.Incidents.Should().ContainSingle().Which.Fault;
        fault.Code.Should().Be("invalid-input");
        fault.Message.Should().Contain("email must be an email").And.Contain("tr-7");
        fault.Property.Should().Be("email");
        fault.Action.Should().NotBeNullOrEmpty();
        fault.IsTransient.Should().BeFalse();
    }

    [Fact]
    public async Task Execute_InputMissing_FaultsBeforeAnythingIsSent()
    {
        await using var server = StubServer.Of(new StubReply());

        var (run, _) = await RunAsync(Act("GoHighLevel.Contacts.AddTagsToContact", ("contactId", "c1")), server);

        run.Incidents.Single().Fault.Property.Should().Be("tags");
        server.Requests.Should().BeEmpty();
        ledger.Effects.Should().BeEmpty();
    }

    [Theory]
    [InlineData("{}", CallPriority.Action)]
    [InlineData("{\"backfill\":true}", CallPriority.Backfill)]
    public async Task Execute_RunOfABackfill_WaitsBehindAllOthers(string payload, CallPriority priority)
    {
        await using var server = StubServer.Of(new StubReply { Body = "{}" });
        var start = new RunStart { InstanceId = "r", TriggerActivityId = "t", TriggerPayload = JObject.Parse(payload) };

        await RunAsync(Act("GoHighLevel.Contacts.GetContact", ("contactId", "c1")), server, start);
        await RunAsync(Act("GoHighLevel.Contacts.DeleteContact", ("contactId", "c1")), server, start);

        budget.Asked.Should().Equal(priority, priority);
    }

    [Fact]
    public async Task Execute_TextLeftEmpty_IsNotSent_AndEmptyOnPurposeIs()
    {
        await using var server = StubServer.Of(new StubReply { Body = "{}" });

        await RunAsync(Act("GoHighLevel.Contacts.UpdateContact", ("contactId", "c1"), ("firstName", ""), ("city", Def.Expression("JavaScript", "''")), ("lastName", "B")), server);

        server.Requests.Single().Json.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"lastName":"B","city":""}""");
    }

    [Fact]
    public async Task Execute_NullOnPurpose_IsSent_AndLeftEmptyIsRefused()
    {
        await using var server = StubServer.Of(new StubReply { Status = 201, Body = """{"success":true}""" });

        await RunAsync(Act("GoHighLevel.Contacts.BulkBusinessUpdate", ("ids", Def.Expression("JavaScript", "['c1']")), ("businessId", Def.Expression("JavaScript", "null"))), server);
        var (empty, _) = await RunAsync(Act("GoHighLevel.Contacts.BulkBusinessUpdate", ("ids", Def.Expression("JavaScript", "['c1']")), ("businessId", JValue.CreateNull())), server);

        server.Requests.Should().ContainSingle().Which.Json["businessId"]!.Type.Should().Be(JTokenType.Null);
        empty.Incidents.Single().Fault.Property.Should().Be("businessId");
    }

    [Theory]
    [InlineData("""{}""", "connectionId", "missing-input")]
    [InlineData("""{"connectionId":"nobody"}""", "connectionId", "unknown-connection")]
    [InlineData("""{"connectionId":"flo"}""", "connectionId", "wrong-connection")]
    [InlineData("""{"connectionId":"ghl","interval":"often"}""", "interval", "bad-interval")]
    [InlineData("""{"connectionId":"ghl","interval":"30s"}""", "interval", "interval-too-short")]
    [InlineData("""{"connectionId":"ghl","interval":"*/20 * * * * *"}""", "interval", "interval-too-short")]
    [InlineData("""{"connectionId":"box","interval":"3s"}""", "interval", "interval-too-short")]
    [InlineData("""{"connectionId":"ghl","mode":"edge"}""", "mode", "wrong-enum")]
    [InlineData("""{"connectionId":"none","interval":"5m"}""", "locationId", "missing-input")]
    [InlineData("""{"connectionId":"ghl","interval":"1m"}""", null, null)]
    [InlineData("""{"connectionId":"box","interval":"5s"}""", null, null)]
    [InlineData("""{"connectionId":"none","locationId":"loc-1"}""", null, null)]
    public Task Check_Trigger_FindsWhatIsWrong(string inputs, string? property, string? code) => CheckAsync("GoHighLevel.SocialPlanner.ListSocialPlannerTags", inputs, property, code);

    [Theory]
    [InlineData("""{"connectionId":"ghl","id":"x"}""", "inputId", "missing-input")]
    [InlineData("""{"connectionId":"ghl","inputId":"o1"}""", "status", "missing-input")]
    [InlineData("""{"connectionId":"ghl","inputId":"o1","status":"sold"}""", "status", "wrong-enum")]
    [InlineData("""{"connectionId":"ghl","inputId":{"a":1},"status":"won"}""", "inputId", "wrong-type")]
    [InlineData("""{"connectionId":"ghl","inputId":"o1","status":"won"}""", null, null)]
    [InlineData("""{"connectionId":"ghl","inputId":"$js","status":"$js"}""", null, null)]
    public Task Check_Action_FindsWhatIsWrong(string inputs, string? property, string? code) => CheckAsync("GoHighLevel.Opportunities.UpdateOpportunityStatus", inputs, property, code);

    [Theory]
    [InlineData("""{"connectionId":"ghl"}""", "calendarId", "missing-input")]
    [InlineData("""{"connectionId":"ghl","userId":"u1"}""", null, null)]
    [InlineData("""{"connectionId":"ghl","groupId":"$js"}""", null, null)]
    public Task Check_OneOfSeveral_MustBeThere(string inputs, string? property, string? code) => CheckAsync("GoHighLevel.Calendars.ListBlockedSlots", inputs, property, code);

    private async Task CheckAsync(string type, string inputs, string? property, string? code)
    {
        connections["ghl"] = Kit.Ghl();
        connections["flo"] = Kit.Flocksy();
        connections["box"] = Kit.Ghl() with { IsSandbox = true };
        connections["none"] = Kit.Ghl(locationId: null);
        var literals = JObject.Parse(inputs);
        var names = literals.Properties().Select(p => p.Name).ToHashSet();
        foreach (var script in literals.Properties().Where(p => p.Value.ToString() == "$js").ToList())
        {
            script.Remove();
        }

        var plan = Engine.Compile(DefinitionReader.Read(Def.Of(Def.Activity(type, "a"))).Definition!);
        var context = new PublishCheckContext { Activity = plan.Activities.Single(a => a.Id == "a"), Literals = literals, SetInputs = names, Services = kit.Services };

        await context.Activity.Descriptor.CheckAsync!(context);

        if (property is null)
        {
            context.Problems.Should().BeEmpty();
            return;
        }

        var problem = context.Problems.Should().ContainSingle(p => p.Property == property).Which;
        problem.Code.Should().Be(code);
        problem.Severity.Should().Be(ProblemSeverity.PublishError);
        problem.ActivityId.Should().Be("a");
        problem.Message.Should().MatchRegex("\\. [A-Z].*\\.$", "it says what to do");
    }

    private sealed class Vault(Dictionary<string, Connection> connections) : IConnections
    {
        public ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken) => ValueTask.FromResult(connections.GetValueOrDefault(idOrName));
    }

    private sealed class Budget : IRateBudget
    {
        public List<CallPriority> Asked { get; } = [];

        public ValueTask AcquireAsync(Connection connection, CallPriority priority, CancellationToken cancellationToken)
        {
            Asked.Add(priority);
            return ValueTask.CompletedTask;
        }

        public void Observe(Connection connection, int status, IReadOnlyDictionary<string, string> headers)
        {
        }

        public ValueTask<IReadOnlyList<BudgetUse>> DescribeAsync(CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<BudgetUse>>([]);
    }

    private sealed class Ledger : IEffectLedger
    {
        public List<Effect> Effects { get; } = [];
        public bool HadProbe { get; private set; }

        public ValueTask<ConnectorResponse> SendAsync(ActivityContext context, Effect effect, Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> send, Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? probe, CancellationToken cancellationToken)
        {
            Effects.Add(effect);
            HadProbe = probe is not null;
            return new SendOnlyLedger().SendAsync(context, effect, send, probe, cancellationToken);
        }
    }
}
