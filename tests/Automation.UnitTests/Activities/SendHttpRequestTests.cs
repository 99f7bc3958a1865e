using Automation.Connectors;
using Automation.Engine;
using Automation.UnitTests.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

public sealed class SendHttpRequestTests : IDisposable
{
    private readonly LeafHarness harness = new();

    public void Dispose() => harness.Dispose();

    [Fact]
    public async Task Get_JsonAnswer_IsParsed_AndNoEffect()
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Call("GET").With("authorization", Def.Literal("Bearer secret-token")), Write("`${getStatusCodeFromCall()} ${getParsedContentFromCall().ok} ${getResponseHeadersFromCall()['Content-Type']}`"))));
        run.Incidents.Should().BeEmpty();
        harness.Written.Should().Equal("200 true application/json; charset=utf-8");
        harness.Sent.Should().ContainSingle().Which.Should().Match<(string Line, string? Authorization, string? Type, string? Body)>(sent => sent.Line == "GET https://api.example.com/items" && sent.Authorization == "Bearer secret-token");
        harness.Ledger.Effects.Should().BeEmpty();
        string.Join('\n', harness.Journal.Select(record => record.State?.ToString() + record.Outputs + record.Message)).Should().NotContain("secret-token");
    }

    [Theory]
    [InlineData("POST", EffectClass.Unsafe)]
    [InlineData("PATCH", EffectClass.Unsafe)]
    [InlineData("PUT", EffectClass.Safe)]
    [InlineData("DELETE", EffectClass.Safe)]
    public async Task Write_GoesThroughTheLedger_WithoutSecrets(string method, EffectClass expected)
    {
        var call = Call(method).With("authorization", Def.Literal("Bearer secret-token")).With("content", Def.Js("({ a: 1 })")).With("requestHeaders", Def.Expression("Object", """{"X-Api-Key":"secret-key","X-Trace":"t1"}"""));
        var run = await harness.RunAsync(Def.Of(call));

        run.Incidents.Should().BeEmpty();
        var effect = harness.Ledger.Effects.Should().ContainSingle().Subject;
        effect.Class.Should().Be(expected);
        effect.Operation.Should().Be("http");
        effect.Key.Should().StartWith("run/").And.EndWith("#0");
        JObject.FromObject(effect.Request).ToString().Should().NotContain("secret-").And.Contain("t1");
        var sent = harness.Sent.Should().ContainSingle().Subject;
        sent.Authorization.Should().Be("Bearer secret-token");
        sent.Body.Should().Be("""{"a":1}""");
        sent.ContentType.Should().Be("application/json; charset=utf-8");
    }

    [Theory]
    [InlineData("application/json", "<html>down</html>")]
    [InlineData("text/html", "<html>down</html>")]
    [InlineData("application/json", "{\"half\":")]
    public async Task Answer_ThatIsNoJson_IsText(string type, string body)
    {
        harness.OnCall = (_, _) => Task.FromResult(LeafHarness.Answer(200, type, body));
        await harness.RunAsync(Def.Of(Def.Sequence("s", Call("GET"), Write("getParsedContentFromCall()"))));
        harness.Written.Should().Equal(body);
    }

    [Fact]
    public async Task Status_ThatIsExpected_RunsItsActivity_OthersTheUnmatchedPort()
    {
        var call = Call("GET").With("expectedStatusCodes", new JArray(new JObject { ["statusCode"] = 404, ["activity"] = Write("'missing'", "m") }, new JObject { ["statusCode"] = 200, ["activity"] = null })).With("unmatchedStatusCode", Write("'other'", "o"));
        var definition = Def.Of(Def.Sequence("s", call, Write("'next'")));
        foreach (var status in new[] { 404, 200, 500 })
        {
            harness.OnCall = (_, _) => Task.FromResult(LeafHarness.Answer(status, "text/plain", "x"));
            await harness.RunAsync(definition);
        }

        harness.Written.Should().Equal("missing", "next", "next", "other", "next");
    }

    [Fact]
    public async Task Flow_Status_IsAnOutcome()
    {
        harness.OnCall = (_, _) => Task.FromResult(LeafHarness.Answer(404, "text/plain", "x"));
        var call = Call("GET", "Elsa.FlowSendHttpRequest").With("expectedStatusCodes", Def.Expression("Object", "[200, 404]"));
        await harness.RunAsync(Def.Of(Def.Flowchart(["call:404 -> m", "call:200 -> x"], call, Write("'missing'", "m"), Write("'wrong'", "x"))));
        harness.Written.Should().Equal("missing");
    }

    [Fact]
    public async Task NoConnection_TakesThePort_OrIsATransientFault()
    {
        harness.OnCall = (_, _) => throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
        await harness.RunAsync(Def.Of(Call("GET").With("failedToConnect", Write("'down'", "d"))));
        harness.Written.Should().Equal("down");

        var run = await harness.RunAsync(Def.Of(Call("GET")));
        run.Incidents.Should().ContainSingle().Which.Fault.Should().Match<Fault>(fault => fault.Code == "unreachable" && fault.IsTransient && fault.Action != null);

        await harness.RunAsync(Def.Of(Def.Flowchart(["call:Failed to connect -> d"], Call("GET", "Elsa.FlowSendHttpRequest"), Write("'flow down'", "d"))));
        harness.Written.Should().Equal("down", "flow down");
    }

    [Fact]
    public async Task Answer_ThatTakesTooLong_TakesTheTimeoutPort()
    {
        harness.OnCall = async (_, token) =>
        {
            var stopped = new TaskCompletionSource<HttpResponseMessage>();
            await using var registration = token.Register(() => stopped.TrySetCanceled(token));
            harness.Clock.Advance(TimeSpan.FromSeconds(31));
            return await stopped.Task;
        };
        await harness.RunAsync(Def.Of(Call("GET").With("timeout", Write("'late'", "t"))));
        harness.Written.Should().Equal("late");
    }

    [Fact]
    public async Task Answer_ThatIsTooLarge_IsAFault()
    {
        harness.OnCall = (_, _) => Task.FromResult(LeafHarness.Answer(200, "text/plain", new string('x', (10 * 1024 * 1024) + 1)));
        var run = await harness.RunAsync(Def.Of(Call("GET")));
        run.Incidents.Should().ContainSingle().Which.Fault.Code.Should().Be("answer-too-large");
    }

    [Theory]
    [InlineData("items")]
    [InlineData("file:///etc/passwd")]
    [InlineData("")]
    public async Task Url_ThatIsNone_IsRefusedBeforeSending(string url)
    {
        var run = await harness.RunAsync(Def.Of(Def.Activity("Elsa.SendHttpRequest", "call").With("url", Def.Literal(url))));
        run.Incidents.Should().ContainSingle().Which.Fault.Should().Match<Fault>(fault => fault.Property == "url");
        harness.Sent.Should().BeEmpty();
    }

    private static JObject Call(string method, string type = "Elsa.SendHttpRequest") => Def.Activity(type, "call").With("url", Def.Literal("https://api.example.com/items")).With("method", Def.Literal(method));

    private static JObject Write(string script, string id = "w") => Def.Activity("Elsa.WriteLine", id).With("text", Def.Js(script));
}
