using FluentAssertions;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

/// <summary>The OAuth stand-in, as the official specification and its pages describe it.</summary>
public sealed class OAuthTests
{
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task Token_OfACode_HasTheShapeOfTheSpecification()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);

        var location = await ExchangeAsync(host, await CodeAsync(host, "loc-1"));
        var agency = await ExchangeAsync(host, await CodeAsync(host, "co-1"));

        location.Status.Should().Be(200, location.Text);
        ((JObject)location.Json).Properties().Select(p => p.Name).Should().Contain(["access_token", "token_type", "expires_in", "refresh_token", "scope", "userType", "locationId", "companyId", "userId"]);
        ((string?)location.Json["userType"], (string?)location.Json["locationId"], (int)location.Json["expires_in"]!).Should().Be(("Location", "loc-1", 86399));
        ((string?)agency.Json["userType"], agency.Json["locationId"]).Should().Be(("Company", (JToken?)null));
        agency.Json["approvedLocations"]!.Values<string>().Should().Equal("loc-1", "loc-2", "loc-3");
    }

    [Fact]
    public async Task Token_CodeUsedTwiceOrOfAnotherClientOrRedirect_IsRefused()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);
        var code = await CodeAsync(host, "loc-1");
        var other = await CodeAsync(host, "loc-1");
        await ExchangeAsync(host, code);

        (await ExchangeAsync(host, code)).Status.Should().Be(400);
        (await ExchangeAsync(host, other, client: "another")).Status.Should().Be(400);
        (await ExchangeAsync(host, other, redirect: "http://evil.example/callback")).Status.Should().Be(400);
        (await ExchangeAsync(host, other, secret: "wrong")).Status.Should().Be(401);
        clock.Advance(TimeSpan.FromMinutes(11));
        (await ExchangeAsync(host, other)).Status.Should().Be(400, "codes are short-lived");
    }

    [Fact]
    public async Task Token_IncompleteOrNoForm_IsRefused()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);

        (await FormAsync(host, new() { ["grant_type"] = "refresh_token" })).Status.Should().Be(422);
        (await FormAsync(host, new() { ["client_id"] = "a", ["client_secret"] = "b", ["grant_type"] = "password" })).Status.Should().Be(422);
        (await host.GhlAsync("POST", "/oauth/token", new JObject { ["client_id"] = "a" }, token: null)).Status.Should().Be(415);
    }

    [Fact]
    public async Task Refresh_Rotates_AndAnswersTheSameWithinTheGrace()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);
        var first = (string?)(await ExchangeAsync(host, await CodeAsync(host, "loc-1"))).Json["refresh_token"];

        var second = await RefreshAsync(host, first);
        clock.Advance(TimeSpan.FromSeconds(29));
        var again = await RefreshAsync(host, first);
        clock.Advance(TimeSpan.FromSeconds(2));
        var late = await RefreshAsync(host, first);

        second.Json["refresh_token"]!.ToString().Should().NotBe(first);
        (again.Json["access_token"], again.Json["refresh_token"]).Should().Be((second.Json["access_token"], second.Json["refresh_token"]));
        late.Status.Should().Be(400);
        ((string?)late.Json["error"]).Should().Be("invalid_grant");
        (await RefreshAsync(host, (string?)second.Json["refresh_token"])).Status.Should().Be(200);
    }

    [Fact]
    public async Task Call_ExpiredRevokedUnknownOrOutOfScope_IsRefusedInTheApisWords()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);
        await host.ControlAsync("POST", "/ghl/oauth-settings", new JObject { ["id"] = "settings", ["expiresIn"] = 60 });
        var token = (string)(await ExchangeAsync(host, await CodeAsync(host, "loc-1"))).Json["access_token"]!;

        (await host.GhlAsync("GET", "/contacts/contact-1-01", token: token)).Status.Should().Be(200);
        var scope = await host.GhlAsync("GET", "/businesses/?locationId=loc-1", token: token);
        var location = await host.GhlAsync("GET", "/contacts/?locationId=loc-2", token: token);
        var agencyOnly = await host.GhlAsync("GET", "/snapshots/?companyId=co-1", token: token);
        clock.Advance(TimeSpan.FromSeconds(61));
        var expired = await host.GhlAsync("GET", "/contacts/contact-1-01", token: token);
        var unknown = await host.GhlAsync("GET", "/contacts/contact-1-01", token: "nobody's");

        (scope.Status, (string?)scope.Json["message"]).Should().Be((403, "The token is not authorized for this scope."));
        (location.Status, (string?)location.Json["message"]).Should().Be((403, "The token does not have access to this location."));
        agencyOnly.Status.Should().Be(401);
        ((string?)agencyOnly.Json["message"]).Should().StartWith("This authClass type is not allowed");
        (expired.Status, (string?)expired.Json["message"]).Should().Be((401, "The token is expired"));
        unknown.Status.Should().Be(401);
    }

    [Fact]
    public async Task LocationToken_OfAnAgency_WorksInItsLocationOnly()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);
        var agency = (string)(await ExchangeAsync(host, await CodeAsync(host, "co-1&locations=loc-1&locations=loc-2", "oauth.write oauth.readonly contacts.readonly"))).Json["access_token"]!;

        var given = await FormAsync(host, new() { ["companyId"] = "co-1", ["locationId"] = "loc-1" }, "/oauth/locationToken", agency);
        var missing = await FormAsync(host, new() { ["companyId"] = "co-1", ["locationId"] = "loc-3" }, "/oauth/locationToken", agency);
        var token = (string)given.Json["access_token"]!;
        var installed = await host.GhlAsync("GET", "/oauth/installedLocations?companyId=co-1&appId=app&isInstalled=true", token: agency);

        given.Status.Should().Be(200, given.Text);
        given.Json["refresh_token"].Should().BeNull();
        missing.Status.Should().Be(400);
        installed.Json["locations"]!.Select(l => (string?)l["_id"]).Should().Equal("loc-1", "loc-2");
        (await host.GhlAsync("GET", "/contacts/?locationId=loc-1", token: token)).Status.Should().Be(200);
        (await host.GhlAsync("GET", "/contacts/?locationId=loc-2", token: token)).Status.Should().Be(403);
        (await host.GhlAsync("GET", "/contacts/?locationId=loc-1", token: agency)).Status.Should().Be(401, "an agency's token is none of a location");
        (await FormAsync(host, new() { ["companyId"] = "co-1", ["locationId"] = "loc-1" }, "/oauth/locationToken", token)).Status.Should().Be(401, "a location's token makes no others");
    }

    [Fact]
    public async Task Chooser_ShowsWhatIsAskedForAndTheAccounts()
    {
        await using var host = await SandboxHost.StartAsync(clock: clock);

        var page = await host.Client.GetStringAsync(new Uri("/sandbox/ghl/oauth/chooselocation?response_type=code&client_id=app%3Cb%3E&redirect_uri=http%3A%2F%2Flocalhost%2Fback&scope=contacts.readonly&state=s", UriKind.Relative));

        page.Should().Contain("contacts.readonly").And.Contain("North Studio").And.Contain("Deny").And.NotContain("app<b>");
    }

    private static async Task<string> CodeAsync(SandboxHost host, string choice, string scope = "contacts.readonly")
    {
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = host.Client.BaseAddress };
        using var answer = await browser.GetAsync(new Uri($"/sandbox/ghl/v2/oauth/chooselocation?response_type=code&client_id=app&redirect_uri=http%3A%2F%2Flocalhost%2Fback&scope={Uri.EscapeDataString(scope)}&state=s&choice={choice}", UriKind.Relative));
        var query = QueryHelpers.ParseQuery(answer.Headers.Location!.Query);
        query["state"].ToString().Should().Be("s");
        return query["code"].ToString();
    }

    private static Task<Reply> ExchangeAsync(SandboxHost host, string code, string client = "app", string secret = "secret", string redirect = "http://localhost/back") =>
        FormAsync(host, new() { ["client_id"] = client, ["client_secret"] = secret, ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = redirect });

    private static Task<Reply> RefreshAsync(SandboxHost host, string? token) =>
        FormAsync(host, new() { ["client_id"] = "app", ["client_secret"] = "secret", ["grant_type"] = "refresh_token", ["refresh_token"] = token! });

    private static Task<Reply> FormAsync(SandboxHost host, Dictionary<string, string> fields, string path = "/oauth/token", string? token = null) => host.FormAsync(path, fields, token);
}
