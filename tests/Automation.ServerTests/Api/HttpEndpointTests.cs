using System.Net;
using System.Text;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>Flows that answer HTTP requests on the request's own thread.</summary>
public sealed class HttpEndpointTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Request_MatchesTheTemplate_AndGetsTheFlowsResponse()
    {
        await server.PublishAsync(Flow("templated", Endpoint("ep", "orders/{id}/lines", "POST"), Models.Activity("respond", "Elsa.WriteHttpResponse",
            ("statusCode", "Literal", "Created"),
            ("contentType", "Literal", "application/json"),
            ("content", "JavaScript", "({ id: getOutputFrom('ep', 'RouteData').id, sum: getOutputFrom('ep', 'ParsedContent').items.reduce((a, b) => a + b, 0) })"))));

        using var response = await Anonymous().PostAsync(Path("orders/77/lines?x=1"), Json("""{"items":[1,2,3]}"""));
        var id = response.Headers.GetValues("x-elsa-workflow-instance-id").Single();
        var body = await RunningServer.ReadAsync(response);
        var run = new JObject();

        // The response leaves before the run goes on to its end.
        await Eventually.HoldsAsync("the run has ended", TimeSpan.FromSeconds(20), async () =>
        {
            run = (JObject)(await server.GetAsync($"/api/runs/{id}")).Body;
            return (string?)run["status"] == "Finished";
        });

        response.StatusCode.Should().Be(HttpStatusCode.Created);
        ((string?)body["id"]).Should().Be("77");
        ((int)body["sum"]!).Should().Be(6);
        ((string?)run["subStatus"]).Should().Be("Finished");
        ((string?)run["trigger"]!["kind"]).Should().Be("http");
    }

    [Theory]
    [InlineData("GET", "quiet", HttpStatusCode.OK)]
    [InlineData("POST", "quiet", HttpStatusCode.NotFound)]
    [InlineData("GET", "quiet/more", HttpStatusCode.NotFound)]
    [InlineData("GET", "broken", HttpStatusCode.InternalServerError)]
    public async Task Request_WithoutAResponseOfTheFlow_IsAnsweredByItsEnd(string method, string path, HttpStatusCode expected)
    {
        await server.PublishAsync(Flow("quiet", Endpoint("ep", "quiet", "GET")));
        await server.PublishAsync(Flow("broken", Endpoint("ep", "broken", "GET"), Models.Output("out", "X", "nothing.at.all")));

        using var request = new HttpRequestMessage(new HttpMethod(method), Path(path));
        using var response = await Anonymous().SendAsync(request);

        response.StatusCode.Should().Be(expected);
        var body = await response.Content.ReadAsStringAsync();
        if (expected == HttpStatusCode.OK)
        {
            body.Should().BeEmpty();
        }
        else
        {
            ((int)JObject.Parse(body)["status"]!).Should().Be((int)expected);
            body.Should().NotContain("   at ", "no stack trace leaves the server");
        }
    }

    [Fact]
    public async Task Retract_TakesThePathAway_AtOnce()
    {
        await server.PublishAsync(Flow("retracted", Endpoint("ep", "retracted", "GET")));
        using var before = await Anonymous().GetAsync(Path("retracted"));

        await server.PostAsync("/elsa/api/workflow-definitions/retracted/retract", new JObject());
        using var after = await Anonymous().GetAsync(Path("retracted"));

        before.StatusCode.Should().Be(HttpStatusCode.OK);
        after.StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task WaitingRun_IsResumedAtItsPath_AndOfSeveralTheNamedOne()
    {
        await server.PublishAsync(Flow("two-calls", Endpoint("first", "two-calls/start", "POST"), Waiting("second", "two-calls/{step}/go-on"), Models.Activity("respond", "Elsa.WriteHttpResponse",
            ("content", "JavaScript", "getOutputFrom('second', 'RouteData').step + ' ' + getWorkflowInstanceId()"))));
        using var one = await Anonymous().PostAsync(Path("two-calls/start?workflowInstanceId=run-one&correlationId=c1"), null);
        using var two = await Anonymous().PostAsync(Path("two-calls/start?workflowInstanceId=run-two&correlationId=c2"), null);

        using var ambiguous = await Anonymous().GetAsync(Path("two-calls/x/go-on"));
        using var byId = await Anonymous().GetAsync(Path("two-calls/a/go-on?workflowInstanceId=run-one"));
        using var byCorrelation = await Anonymous().GetAsync(Path("two-calls/b/go-on?correlationId=c2"));
        using var over = await Anonymous().GetAsync(Path("two-calls/x/go-on"));

        ambiguous.StatusCode.Should().Be(HttpStatusCode.Conflict);
        (await byId.Content.ReadAsStringAsync()).Should().Be("a run-one");
        (await byCorrelation.Content.ReadAsStringAsync()).Should().Be("b run-two");
        over.StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task WaitingRun_ThatAsksForASignIn_IsNotResumedByAnyone()
    {
        var waiting = Waiting("second", "guarded/go-on");
        waiting["authorize"] = new JObject { ["typeName"] = "Boolean", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = true } };
        await server.PublishAsync(Flow("guarded", Endpoint("first", "guarded/start", "POST"), waiting, Models.Activity("respond", "Elsa.WriteHttpResponse", ("content", "Literal", "in"))));
        using var start = await Anonymous().PostAsync(Path("guarded/start"), null);

        using var anonymous = await Anonymous().GetAsync(Path("guarded/go-on"));
        using var signedIn = await server.Client.GetAsync(Path("guarded/go-on"));

        anonymous.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await signedIn.Content.ReadAsStringAsync()).Should().Be("in");
    }

    [Theory]
    [InlineData("Automation.Administrators", HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    [InlineData("Nobody.KnowsIt", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    public async Task Endpoint_WithAPolicy_LetsInWhomThePolicyDoes(string policy, HttpStatusCode administrator, HttpStatusCode someoneElse)
    {
        var endpoint = Endpoint("ep", "policy/" + policy, "GET");
        endpoint["authorize"] = new JObject { ["typeName"] = "Boolean", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = true } };
        endpoint["policy"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = policy } };
        await server.PublishAsync(Flow("policy-" + policy, endpoint));
        var (_, key) = await server.PostAsync("/api/keys", new JObject { ["name"] = policy, ["role"] = "operator" });
        using var operators = Anonymous();
        operators.DefaultRequestHeaders.Add("Authorization", "ApiKey " + key["key"]);

        using var first = await server.Client.GetAsync(Path("policy/" + policy));
        using var second = await operators.GetAsync(Path("policy/" + policy));
        using var third = await Anonymous().GetAsync(Path("policy/" + policy));

        (first.StatusCode, second.StatusCode, third.StatusCode).Should().Be((administrator, someoneElse, HttpStatusCode.Unauthorized));
    }

    [Theory]
    [InlineData("text/html", null, "sandbox")]
    [InlineData("text/html", "default-src 'none'", "default-src 'none'")]
    [InlineData("application/json", null, null)]
    public async Task Page_OfAFlow_IsSandboxed_UnlessItSaysItself(string type, string? own, string? expected)
    {
        var name = $"page-{type.Length}-{own?.Length}";
        var respond = Models.Activity("respond", "Elsa.WriteHttpResponse", ("contentType", "Literal", type), ("content", "Literal", "<p>1</p>"));
        if (own is not null)
        {
            respond["responseHeaders"] = new JObject { ["typeName"] = "Object", ["expression"] = new JObject { ["type"] = "Object", ["value"] = new JObject { ["Content-Security-Policy"] = own }.ToString() } };
        }

        await server.PublishAsync(Flow(name, Endpoint("ep", name, "GET"), respond));

        using var response = await Anonymous().GetAsync(Path(name));

        var policy = response.Headers.TryGetValues("Content-Security-Policy", out var values) ? values.Single().Split(' ', ';')[0] : null;
        policy.Should().Be(expected?.Split(' ')[0]);
        response.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
    }

    [Fact]
    public async Task Request_RepeatedWithItsIdempotencyKey_RunsOnce_AndGetsTheSameAnswer()
    {
        await server.PublishAsync(Flow("once", Endpoint("ep", "once", "POST"), Models.Activity("respond", "Elsa.WriteHttpResponse",
            ("statusCode", "Literal", "Accepted"), ("responseHeaders", "Object", """{"X-Order":"77"}"""), ("content", "JavaScript", "'run ' + getWorkflowInstanceId()"))));

        var (first, firstBody) = await SendAsync("key-1");
        var (again, againBody) = await SendAsync("key-1");
        var (_, otherBody) = await SendAsync("key-2");
        var (_, runs) = await server.GetAsync("/api/runs?definitionId=once");

        first.Should().Be(HttpStatusCode.Accepted);
        again.Should().Be(HttpStatusCode.Accepted);
        againBody.Should().Be(firstBody);
        otherBody.Should().NotBe(firstBody);
        ((int)runs["total"]!).Should().Be(2);

        async Task<(HttpStatusCode, string)> SendAsync(string key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path("once"));
            request.Headers.Add("Idempotency-Key", key);
            using var response = await Anonymous().SendAsync(request);
            response.Headers.GetValues("X-Order").Should().Equal("77");
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task Requests_AtOnceWithOneNewIdempotencyKey_RunOnce_AndGetTheSameAnswer()
    {
        await server.PublishAsync(Flow("at-once", Endpoint("ep", "at-once", "POST"), Models.Activity("respond", "Elsa.WriteHttpResponse", ("content", "JavaScript", "newGuidString()"))));

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Path("at-once"));
            request.Headers.Add("Idempotency-Key", "one");
            using var response = await Anonymous().SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }));
        var (_, runs) = await server.GetAsync("/api/runs?definitionId=at-once");

        answers.Select(answer => answer.StatusCode).Should().AllBeEquivalentTo(HttpStatusCode.OK);
        answers.Select(answer => answer.Item2).Distinct().Should().ContainSingle();
        ((int)runs["total"]!).Should().Be(1);
    }

    [Fact]
    public async Task Request_WithMalformedOrTooLargeBody_StartsNothing()
    {
        await server.PublishAsync(Flow("strict", Endpoint("ep", "strict", "POST")));

        using var malformed = await Anonymous().PostAsync(Path("strict"), Json("{\"a\": }"));
        using var large = await Anonymous().PostAsync(Path("strict"), new ByteArrayContent(new byte[11 * 1024 * 1024]));
        var (_, runs) = await server.GetAsync("/api/runs?definitionId=strict");

        malformed.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        large.StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        ((int)runs["total"]!).Should().Be(0);
    }

    [Fact]
    public async Task Endpoint_ThatAsksForSignIn_IsClosedToOthers_AndKeepsTheCredentialToItself()
    {
        var endpoint = Endpoint("ep", "closed", "GET");
        endpoint["authorize"] = new JObject { ["typeName"] = "Boolean", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = true } };
        await server.PublishAsync(Flow("closed", endpoint));

        using var stranger = await Anonymous().GetAsync(Path("closed"));
        using var known = await server.Client.GetAsync(Path("closed"));
        var (_, run) = await server.GetAsync($"/api/runs/{known.Headers.GetValues("x-elsa-workflow-instance-id").Single()}");

        stranger.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        known.StatusCode.Should().Be(HttpStatusCode.OK);
        run.ToString().Should().NotContain(RunningServer.ApiKey);
    }

    private HttpClient Anonymous() => server.NewClient();

    private static Uri Path(string path) => new("/workflows/" + path, UriKind.Relative);

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static JObject Flow(string definitionId, params JObject[] activities) => Models.Sequence(definitionId, activities);

    private static JObject Endpoint(string id, string path, string method)
    {
        var endpoint = Waiting(id, path, method);
        endpoint["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        return endpoint;
    }

    private static JObject Waiting(string id, string path, string method = "GET") =>
        Models.Activity(id, "Elsa.HttpEndpoint", ("path", "Literal", path), ("supportedMethods", "Object", $"[\"{method}\"]"));
}
