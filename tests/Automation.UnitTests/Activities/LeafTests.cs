using Automation.Engine;
using Automation.Engine.Http;
using Automation.UnitTests.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

public sealed class LeafTests : IDisposable
{
    private readonly LeafHarness harness = new();

    public void Dispose() => harness.Dispose();

    [Fact]
    public async Task WriteLine_Text_IsInTheJournal()
    {
        var run = await harness.RunAsync(Def.Of(Write("`sum ${1 + 2}`")));
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Written.Should().Equal("sum 3");
    }

    [Theory]
    [InlineData("Literal")]
    [InlineData("JavaScript")]
    public async Task RunJavaScript_Script_GivesResultAndOutcome(string syntax)
    {
        var script = Def.Activity("Elsa.RunJavaScript", "rj").With("script", Def.Expression(syntax, "setVariable('N', 6 * 7); setOutcome('Hot'); return getN() + 1;"));
        var run = await harness.RunAsync(Def.Of(Def.Flowchart(["rj:Hot -> w", "rj:Done -> x"], script, Write("`r=${getLastResult()} ${getResultFromRj()} ${getN()}`"), Write("'wrong'", "x")), Def.Variable("N", "Int32", "1")));
        run.Incidents.Should().BeEmpty();
        harness.Written.Should().Equal("r=43 43 42");
    }

    [Fact]
    public async Task RunJavaScript_EndlessLoop_IsAnIncident()
    {
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.RunJavaScript", "rj").With("script", Def.Literal("let a = 1;\nwhile (true) { }"))));
        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        var fault = run.Incidents.Should().ContainSingle().Subject.Fault;
        fault.Code.Should().BeOneOf("script-statements", "script-timeout"); // Whichever comes first on this machine.
        fault.Message.Should().Contain("line 2");
        fault.Action.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task Delay_TimeSpan_WaitsUntilItIsDue()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Activity("Elsa.Delay", "d").With("timeSpan", Def.Literal("00:00:05")), Write("'after'"))));
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        run.Bookmarks.Should().ContainSingle().Which.DueAt.Should().Be(harness.Clock.GetUtcNow().AddSeconds(5));
        await harness.ResumeAsync(run, null);
        harness.Written.Should().Equal("after");
    }

    [Theory]
    [InlineData("Elsa.Timer", "interval", "00:01:00", "2030-01-01T00:01:00Z")]
    [InlineData("Elsa.Cron", "cronExpression", "0 0 8 * * *", "2030-01-01T08:00:00Z")]
    [InlineData("Elsa.Cron", "cronExpression", "30 9 * * *", "2030-01-01T09:30:00Z")]
    [InlineData("Elsa.StartAt", "dateTime", "2030-01-02T00:00:00Z", "2030-01-02T00:00:00Z")]
    public async Task Timers_WhenNotTheTrigger_Wait_AndPassWhenTheyAre(string type, string input, string value, string due)
    {
        var definition = Def.Of(Def.Sequence("s", Def.Activity(type, "t").With(input, Def.Literal(value)), Write("'after'")));
        var waiting = await harness.RunAsync(definition);
        waiting.Bookmarks.Should().ContainSingle().Which.DueAt.Should().Be(DateTimeOffset.Parse(due));
        harness.Written.Should().BeEmpty();

        var triggered = await harness.RunAsync(definition, new RunStart { InstanceId = "run2", TriggerActivityId = "t" });
        triggered.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Written.Should().Equal("after");
    }

    [Fact]
    public async Task Cron_BadExpression_IsAnIncidentThatNamesTheProperty()
    {
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.Cron", "t").With("cronExpression", Def.Literal("every day"))));
        run.Incidents.Should().ContainSingle().Which.Fault.Should().Match<Fault>(fault => fault.Code == "bad-cron" && fault.Property == "cronExpression");
    }

    [Fact]
    public async Task Event_BlocksUnlessItIsTheTrigger_AndBringsItsPayload()
    {
        var wait = Def.Activity("Elsa.Event", "e").With("eventName", Def.Literal("Paid")).With("result", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-P" } });
        var definition = Def.Of(Def.Sequence("s", wait, Write("'got ' + getP().amount")), Def.Variable("P", "Object"));

        var run = await harness.RunAsync(definition);
        run.Bookmarks.Should().ContainSingle().Which.Should().Match<Bookmark>(bookmark => bookmark.Name == "Elsa.Event" && bookmark.Key == "Paid");
        await harness.ResumeAsync(run, new JObject { ["amount"] = 5 });
        await harness.RunAsync(definition, new RunStart { InstanceId = "run2", TriggerActivityId = "e", TriggerPayload = new JObject { ["amount"] = 7 } });

        harness.Written.Should().Equal("got 5", "got 7");
    }

    [Fact]
    public async Task PublishEvent_LeavesInTheRunsChanges()
    {
        await harness.RunAsync(Def.Of(Def.Activity("Elsa.PublishEvent", "p").With("eventName", Def.Literal("Paid")).With("payload", Def.Js("({ a: [1] })")).With("isLocalEvent", Def.Literal("true"))));
        var published = harness.Changes.Events.Should().ContainSingle().Subject;
        published.Name.Should().Be("Paid");
        published.IsLocal.Should().BeTrue();
        published.CorrelationId.Should().BeNull();
        JToken.DeepEquals(published.Payload, JObject.Parse("""{"a":[1]}""")).Should().BeTrue();
    }

    [Fact]
    public async Task Fault_Activity_FaultsWithItsOwnWords()
    {
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.Fault", "f").With("message", Def.Literal("No stock")).With("code", Def.Literal("stock")).With("category", Def.Literal("Data"))));
        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        run.Incidents.Should().ContainSingle().Which.Fault.Should().Match<Fault>(fault => fault.Message == "No stock" && fault.Code == "stock" && fault.Detail == "Data");
    }

    [Fact]
    public async Task RunTask_WaitsForItsTask_AndHandsOutTheResult()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s",
            Def.Activity("Elsa.RunTask", "task").With("taskName", Def.Literal("Design")).With("payload", Def.Expression("Object", """{"brief":"logo"}""")),
            Write("'done by ' + getResultFromTask().by"))));
        var bookmark = run.Bookmarks.Should().ContainSingle().Subject;
        ((string?)bookmark.Payload!["taskId"]).Should().Be(bookmark.Key).And.NotBeNullOrEmpty();
        ((string?)bookmark.Payload["taskPayload"]!["brief"]).Should().Be("logo");
        await harness.ResumeAsync(run, new JObject { ["by"] = "Lee" });
        harness.Written.Should().Equal("done by Lee");
    }

    [Fact]
    public async Task DispatchWorkflow_WhenWaiting_GoesOnWithTheChildsOutput()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s",
            Def.Activity("Elsa.DispatchWorkflow", "child").With("workflowDefinitionId", Def.Literal("other")).With("input", Def.Expression("Object", """{"a":1}""")).With("waitForCompletion", Def.Literal(true)),
            Write("'out ' + getResultFromChild().x"))));
        var dispatched = harness.Changes.Children.Should().ContainSingle().Subject;
        dispatched.DefinitionId.Should().Be("other");
        ((int?)dispatched.Input!["a"]).Should().Be(1);
        dispatched.ParentBookmarkId.Should().Be(run.Bookmarks.Single().Id);
        await harness.ResumeAsync(run, JObject.Parse("""{"instanceId":"i","status":"Finished","subStatus":"Finished","output":{"x":9}}"""));
        harness.Written.Should().Equal("out 9");
    }

    [Fact]
    public async Task BulkDispatchWorkflows_WaitsForAll_AndRunsItsPorts()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s",
            Def.Activity("Elsa.BulkDispatchWorkflows", "bulk").With("workflowDefinitionId", Def.Literal("other")).With("items", Def.Js("[1, { b: 2 }]"))
                .With("childCompleted", Write("'child'", "wc")).With("childFaulted", Write("'broken'", "wf")),
            Write("'all'"))));
        harness.Changes.Children.Select(child => child.Input!.ToString(Newtonsoft.Json.Formatting.None)).Should().Equal("""{"Item":1,"ParentInstanceId":"run"}""", """{"b":2,"ParentInstanceId":"run"}""");
        await harness.ResumeAsync(run, new JObject { ["subStatus"] = "Finished" });
        run.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        await harness.ResumeAsync(run, new JObject { ["subStatus"] = "Faulted" });
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Written.Should().Equal("child", "broken", "all");
    }

    [Fact]
    public async Task HttpEndpoint_ThatTriggered_HandsOutTheRequest_AndTheResponseIsSent()
    {
        var exchange = new HeldExchange();
        harness.Exchange = exchange;
        var endpoint = Def.Activity("Elsa.HttpEndpoint", "ep").With("path", Def.Literal("total/{name}")).With("parsedContent", new JObject { ["typeName"] = "Object", ["memoryReference"] = new JObject { ["id"] = "var-B" } });
        var respond = Def.Activity("Elsa.WriteHttpResponse", "resp").With("statusCode", Def.Literal("Accepted")).With("content", Def.Js("({ total: getB().prices.reduce((a, b) => a + b, 0), name: getRouteDataFromEp().name })"))
            .With("responseHeaders", Def.Expression("Object", """{"x-a":"1"}"""));
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", endpoint, respond, Write("'after'")), Def.Variable("B", "Object")), new RunStart
        {
            InstanceId = "run",
            TriggerActivityId = "ep",
            TriggerPayload = HttpEndpointBookmark.Payload("POST", "/total/lee", new JObject { ["name"] = "lee" }, [], [], JObject.Parse("""{"prices":[1,2,3.5]}"""), null, "application/json"),
        });

        run.Incidents.Should().BeEmpty();
        exchange.Reply!.Status.Should().Be(202);
        exchange.Reply.ContentType.Should().Be("application/json");
        exchange.Reply.Headers.Should().Contain("x-a", "1");
        exchange.Text.Should().Be("""{"total":6.5,"name":"lee"}""");
        harness.Written.Should().Equal("after");
    }

    [Fact]
    public async Task HttpEndpoint_InTheMiddle_WaitsForEachMethod()
    {
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.HttpEndpoint", "ep").With("path", Def.Literal("/Orders/{Id}/")).With("supportedMethods", Def.Expression("Object", """["GET","POST"]"""))));
        run.Bookmarks.Select(bookmark => bookmark.Key).Should().Equal(HttpEndpointBookmark.KeyOf("GET", "/Orders/{Id}"), HttpEndpointBookmark.KeyOf("POST", "/Orders/{Id}"));
    }

    [Theory]
    [InlineData("404", 404)]
    [InlineData("NotFound", 404)]
    [InlineData("notfound", 404)]
    [InlineData(null, 200)]
    public async Task WriteHttpResponse_Status_IsANameOrANumber(string? status, int expected)
    {
        var exchange = new HeldExchange();
        harness.Exchange = exchange;
        await harness.RunAsync(Def.Of(Def.Activity("Elsa.WriteHttpResponse", "resp").With("statusCode", status is null ? null : Def.Literal(status)).With("content", Def.Literal("gone"))));
        exchange.Reply!.Status.Should().Be(expected);
        exchange.Text.Should().Be("gone");
        exchange.Reply.ContentType.Should().Be("text/plain");
    }

    [Fact]
    public async Task WriteHttpResponse_WithoutARequest_SaysSoAndGoesOn()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Activity("Elsa.WriteHttpResponse", "resp").With("content", Def.Literal("x")), Write("'on'"))));
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        harness.Journal.Should().Contain(record => record.EventName == "NoRequest");
        harness.Written.Should().Equal("on");
    }

    [Fact]
    public async Task WriteHttpResponse_WithAHeaderThatHttpDoesNotAllow_IsAnIncidentThatNamesIt()
    {
        harness.Exchange = new HeldExchange();
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.WriteHttpResponse", "resp").With("responseHeaders", Def.Js("({ 'X-Note': 'one\\r\\ntwo' })"))));
        run.Incidents.Should().ContainSingle().Which.Fault.Message.Should().Contain("'X-Note'");
        harness.Exchange.HasResponded.Should().BeFalse();
    }

    [Fact]
    public async Task WriteHttpResponse_Twice_IsAnIncident()
    {
        harness.Exchange = new HeldExchange();
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Activity("Elsa.WriteHttpResponse", "r1"), Def.Activity("Elsa.WriteHttpResponse", "r2"))));
        run.Incidents.Should().ContainSingle().Which.Fault.Code.Should().Be("already-answered");
    }

    private static JObject Write(string script, string id = "w") => Def.Activity("Elsa.WriteLine", id).With("text", Def.Js(script));
}
