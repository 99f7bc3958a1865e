using System.Net;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Accounts;

/// <summary>An account connected through the browser's way, with the sandbox as the provider.</summary>
public sealed class OAuthTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Connect_ThroughTheBrowser_ConnectsAndShowsTheToken()
    {
        var id = await AddAsync("browser");
        ((string?)(await OneAsync(id))["auth"]!["state"]).Should().Be("notConnected");

        var (chooser, cookie) = await BeginAsync(id);
        var callback = await ChooseAsync(chooser, "loc-2");
        var connected = await CallBackAsync(callback, cookie);

        chooser.AbsolutePath.Should().Be("/sandbox/ghl/v2/oauth/chooselocation");
        connected.StatusCode.Should().Be(HttpStatusCode.OK, await connected.Content.ReadAsStringAsync());
        var one = await OneAsync(id);
        ((string?)one["locationId"], (string?)one["companyId"]).Should().Be(("loc-2", "co-1"));
        var auth = (JObject)one["auth"]!;
        ((string?)auth["state"], (string?)auth["userType"]).Should().Be(("connected", "Location"));
        auth["expiresAt"]!.Type.Should().Be(JTokenType.String);
        auth["scopes"]!.Values<string>().Should().Equal(["locations.readonly", "oauth.readonly", "oauth.write"], "it might have become an agency's");
        auth["missingScopes"]!.Should().BeEmpty();
        one.ToString().Should().NotContain("oauth-secret").And.NotContain("eyJ");

        var (_, test) = await server.PostAsync($"/api/connections/{id}/test", new JObject());
        ((bool)test["succeeded"]!).Should().BeTrue("{0}", test);
    }

    [Theory]
    [InlineData("crm")]
    [InlineData("gohighlevel")]
    public async Task Connect_ByTheNameOrItsStandIn_ComesBackWhereItBegan(string name)
    {
        var id = await AddAsync("by " + name);
        var begin = (string)(await OneAsync(id))["auth"]!["authorizeUrl"]!;

        var (chooser, cookie) = await BeginAsync(id, name: name);
        var callback = await ChooseAsync(chooser, "loc-1");
        using var connected = await CallBackAsync(callback, cookie);

        begin.Should().StartWith("/oauth/crm/authorize", "the vendor takes no redirect address with its own name");
        callback.AbsolutePath.Should().Be($"/oauth/{name}/callback");
        connected.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Callback_WithoutTheCookieOrTwice_IsRefusedAndChangesNothing()
    {
        var id = await AddAsync("stolen");
        var (chooser, cookie) = await BeginAsync(id);
        var callback = await ChooseAsync(chooser, "loc-1");

        using var stolen = await CallBackAsync(callback, null);
        using var afterwards = await CallBackAsync(callback, cookie);
        using var forged = await CallBackAsync(new Uri(server.Url, "/oauth/gohighlevel/callback?code=x&state=" + new string('a', 64)), cookie);

        (await ProblemAsync(stolen)).Should().Be("other-session");
        (await ProblemAsync(afterwards)).Should().Be("unknown-state", "a state is for one use");
        (await ProblemAsync(forged)).Should().Be("unknown-state");
        ((string?)(await OneAsync(id))["auth"]!["state"]).Should().Be("notConnected");
    }

    [Fact]
    public async Task Callback_Denied_IsAPageThatSaysWhatToDo()
    {
        var id = await AddAsync("denied");
        var (chooser, cookie) = await BeginAsync(id);

        using var answer = await CallBackAsync(await ChooseAsync(chooser, "deny"), cookie, "text/html");

        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        answer.Content.Headers.ContentType!.MediaType.Should().Be("text/html");
        (await answer.Content.ReadAsStringAsync()).Should().Contain("Access was denied").And.Contain("Choose Connect again");
    }

    [Fact]
    public async Task Authorize_NotSignedInOrNoOAuthConnection_IsRefused()
    {
        using var stranger = server.NewClient();
        using var refused = await stranger.GetAsync(new Uri("/oauth/gohighlevel/authorize?connectionId=sandbox-ghl", UriKind.Relative));
        var (withKey, problem) = await server.GetAsync("/oauth/gohighlevel/authorize?connectionId=sandbox-ghl");
        var (missing, _) = await server.GetAsync("/oauth/gohighlevel/authorize?connectionId=nobody");

        refused.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (withKey, (string?)problem["code"]).Should().Be((400, "not-oauth"));
        missing.Should().Be(404);
    }

    [Fact]
    public async Task Publish_WithAScopeThatIsNotGranted_IsRefusedUntilItIs()
    {
        var id = await AddAsync("scoped");
        await ConnectAsync(id, "loc-1");
        var model = Flow("scoped-flow", id);

        var (refused, problem) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = model, ["publish"] = true });
        await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = model.DeepClone(), ["publish"] = false });
        var missing = (await OneAsync(id))["auth"]!["missingScopes"]!.Values<string>().ToList();
        await ConnectAsync(id, "loc-1");
        var (published, answer) = await server.PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = model.DeepClone(), ["publish"] = true });

        refused.Should().Be(400);
        problem.ToString().Should().Contain("contacts.readonly").And.Contain("read").And.Contain("Connect again");
        missing.Should().Equal("contacts.readonly");
        published.Should().Be(200, "{0}", answer);
    }

    [Fact]
    public async Task Flow_TokenEndsInTheMiddle_IsRefreshedAndGoesOn()
    {
        var id = await AddAsync("ending");
        await server.PostAsync("/sandbox/control/ghl/oauth-settings", new JObject { ["id"] = "settings", ["expiresIn"] = 86399 });
        await ConnectAsync(id, "loc-1", "contacts.readonly");
        await server.PublishAsync(Flow("ending-flow", id, calls: 3));
        foreach (var token in (await server.GetAsync("/sandbox/control/ghl/oauth-tokens")).Body["items"]!)
        {
            await server.SendAsync(HttpMethod.Delete, $"/sandbox/control/ghl/oauth-tokens/{token["id"]}");
        }

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.PostAsync("/elsa/api/workflow-definitions/ending-flow/execute", new JObject())));

        runs.Should().OnlyContain(run => (string?)run.Body["workflowState"]!["subStatus"] == "Finished", "{0}", runs[0].Body);
        ((await OneAsync(id))["auth"]!["lastRefresh"]!.Type).Should().Be(JTokenType.String);
        var refreshes = (await server.GetAsync("/sandbox/control/requests?api=ghl")).Body["items"]!.Where(r => (string?)r["path"] == "/oauth/token" && (string?)r["body"]!["grant_type"] == "refresh_token");
        refreshes.Should().ContainSingle("four runs at once share one refresh");
    }

    private static JObject Flow(string definitionId, string connection, int calls = 1) => new()
    {
        ["definitionId"] = definitionId,
        ["name"] = definitionId,
        ["root"] = new JObject
        {
            ["type"] = "Elsa.Sequence",
            ["id"] = "sequence",
            ["activities"] = new JArray(Enumerable.Range(0, calls).Select(i => new JObject
            {
                ["type"] = "GoHighLevel.Contacts.GetContact",
                ["id"] = $"read{i}",
                ["connectionId"] = Literal(connection),
                ["contactId"] = Literal("contact-1-01"),
            })),
        },
    };

    private static JObject Literal(string value) => new() { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = value } };

    private async Task<string> AddAsync(string name)
    {
        var (status, body) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = $"oauth {name}",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = new Uri(server.Url, "/sandbox/ghl").ToString(),
            ["auth"] = new JObject { ["kind"] = "oauth2", ["clientId"] = $"app-{name}", ["clientSecret"] = "oauth-secret" },
        });
        status.Should().Be(201, "{0}", body);
        return (string)body["id"]!;
    }

    private async Task ConnectAsync(string id, string choice, string? scopes = null)
    {
        var (chooser, cookie) = await BeginAsync(id, scopes);
        using var answer = await CallBackAsync(await ChooseAsync(chooser, choice), cookie);
        answer.StatusCode.Should().Be(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }

    private async Task<(Uri Chooser, string Cookie)> BeginAsync(string id, string? scopes = null, string name = "crm")
    {
        using var answer = await server.Client.GetAsync(new Uri($"/oauth/{name}/authorize?connectionId={id}{(scopes is null ? "" : "&scopes=" + scopes)}", UriKind.Relative));
        answer.StatusCode.Should().Be(HttpStatusCode.Redirect, await answer.Content.ReadAsStringAsync());
        var cookie = answer.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("automation-connect=", StringComparison.Ordinal));
        cookie.Should().Contain("httponly").And.Contain("samesite=lax");
        return (answer.Headers.Location!, cookie.Split(';')[0]);
    }

    private async Task<Uri> ChooseAsync(Uri chooser, string choice)
    {
        using var browser = server.NewClient();
        using var answer = await browser.GetAsync(new Uri(chooser + "&choice=" + choice));
        answer.StatusCode.Should().Be(HttpStatusCode.Redirect);
        return answer.Headers.Location!;
    }

    private async Task<HttpResponseMessage> CallBackAsync(Uri callback, string? cookie, string accept = "application/json")
    {
        using var browser = server.NewClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, callback);
        request.Headers.Add("Accept", accept);
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        return await browser.SendAsync(request);
    }

    private async Task<JToken> OneAsync(string id) => (await server.GetAsync($"/api/connections/{id}")).Body;

    private static async Task<string?> ProblemAsync(HttpResponseMessage answer) => (string?)(await RunningServer.ReadAsync(answer))["code"];
}
