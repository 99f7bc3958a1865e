using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class AccessTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [InlineData("/api/runs")]
    [InlineData("/api/connections")]
    [InlineData("/elsa/api/workflow-definitions")]
    [InlineData("/elsa/api/no-such-thing")]
    [InlineData("/openapi/v1.json")]
    public async Task Api_WithoutCredential_Is401WithProblemDetails(string path)
    {
        using var client = server.NewClient();

        using var response = await client.GetAsync(new Uri(path, UriKind.Relative));

        response.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        var problem = await RunningServer.ReadAsync(response);
        ((int)problem["status"]!).Should().Be(401);
        ((string?)problem["action"]).Should().Contain("ApiKey");
    }

    [Theory]
    [InlineData("ApiKey", "not the key")]
    [InlineData("Bearer", "not.a.token")]
    public async Task Api_WithWrongCredential_Is401(string scheme, string value)
    {
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(scheme, value);

        using var response = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));

        response.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Health_WithoutCredential_Is200(string path)
    {
        using var client = server.NewClient();

        (await client.GetAsync(new Uri(path, UriKind.Relative))).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Login_RightPassword_GivesATokenThatIsTaken()
    {
        using var client = server.NewClient();

        using var login = await client.PostAsync(new Uri("/elsa/api/identity/login", UriKind.Relative), Body(new JObject { ["username"] = "admin", ["password"] = RunningServer.Password }));
        var answer = await RunningServer.ReadAsync(login);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string?)answer["accessToken"]);
        using var response = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));

        ((bool)answer["isAuthenticated"]!).Should().BeTrue();
        response.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Login_RefreshToken_IsNoAccessToken_ButGivesOne()
    {
        using var client = server.NewClient();
        using var login = await client.PostAsync(new Uri("/elsa/api/identity/login", UriKind.Relative), Body(new JObject { ["username"] = "admin", ["password"] = RunningServer.Password }));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string?)(await RunningServer.ReadAsync(login))["refreshToken"]);

        using var asAccess = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));
        using var refreshed = await client.PostAsync(new Uri("/elsa/api/identity/refresh-token", UriKind.Relative), null);

        asAccess.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        ((string?)(await RunningServer.ReadAsync(refreshed))["accessToken"]).Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task Login_WrongPassword_SaysNotAuthenticated_AsElsaDoes_AndASessionIs401()
    {
        using var client = server.NewClient();

        using var login = await client.PostAsync(new Uri("/elsa/api/identity/login", UriKind.Relative), Body(new JObject { ["username"] = "admin", ["password"] = "wrong" }));

        using var session = await client.PostAsync(new Uri("/api/session", UriKind.Relative), Body(new JObject { ["username"] = "admin", ["password"] = "wrong" }));

        login.StatusCode.Should().Be(HttpStatusCode.OK, "Elsa's client throws at any other");
        (await RunningServer.ReadAsync(login)).ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"isAuthenticated":false,"accessToken":null,"refreshToken":null}""");
        session.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        session.Headers.WwwAuthenticate.Should().NotBeEmpty();
    }

    [Theory]
    [InlineData("/%09/elsewhere.example")]
    [InlineData("//elsewhere.example")]
    [InlineData("/%5Celsewhere.example")]
    [InlineData("https://elsewhere.example")]
    public async Task Login_WithAnAddressElsewhere_GoesToTheOverview(string returnUrl)
    {
        using var client = server.NewClient();

        using var login = await client.PostAsync(new Uri("/login", UriKind.Relative), new StringContent($"username=admin&password={Uri.EscapeDataString(RunningServer.Password)}&returnUrl={returnUrl}", Encoding.UTF8, "application/x-www-form-urlencoded"));

        login.Headers.GetValues("Location").Should().Equal("/");
    }

    [Theory]
    [InlineData("HEAD", "/health/live", 200, null)]
    [InlineData("HEAD", "/api/runs", 200, null)]
    [InlineData("HEAD", "/elsa/api/workflow-definitions", 200, null)]
    [InlineData("PATCH", "/api/runs", 405, "GET, HEAD")]
    [InlineData("PUT", "/elsa/api/workflow-definitions", 405, "GET, HEAD, POST")]
    [InlineData("HEAD", "/elsa/api/workflow-definitions/x/execute", 405, "GET, POST")]
    [InlineData("GET", "/api/no-such-thing", 404, null)]
    public async Task Method_ThatAnAddressDoesNotTake_Is405WithThoseThatItTakes(string method, string path, int status, string? allow)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));

        using var response = await server.Client.SendAsync(request);

        ((int)response.StatusCode).Should().Be(status);
        (response.Content.Headers.Allow.Count == 0 ? null : string.Join(", ", response.Content.Headers.Allow)).Should().Be(allow);
    }

    [Fact]
    public async Task Session_FromAnotherSite_IsRefusedForWritesOnly()
    {
        using var client = server.NewClient();
        using var login = await client.PostAsync(new Uri("/api/session", UriKind.Relative), Body(new JObject { ["username"] = "admin", ["password"] = RunningServer.Password }));
        var cookie = login.Headers.GetValues("Set-Cookie").Single();
        client.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);

        using var read = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));
        using var own = await WriteAsync(client, "same-origin", null);
        using var foreign = await WriteAsync(client, "cross-site", null);
        using var foreignOrigin = await WriteAsync(client, null, "https://elsewhere.example");

        cookie.Should().ContainEquivalentOf("httponly").And.ContainEquivalentOf("samesite=lax");
        read.StatusCode.Should().Be(HttpStatusCode.OK);
        own.StatusCode.Should().Be(HttpStatusCode.BadRequest, "the request is let through and then misses its name");
        foreign.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        foreignOrigin.StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task ApiKeys_OperatorsKey_WorksButReachesNoAdministration()
    {
        var (created, key) = await server.PostAsync("/api/keys", new JObject { ["name"] = "for a test" });
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", (string?)key["key"]);

        using var runs = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));
        using var keys = await client.GetAsync(new Uri("/api/keys", UriKind.Relative));
        using var control = await client.GetAsync(new Uri("/sandbox/control/requests", UriKind.Relative));
        await server.SendAsync(HttpMethod.Delete, $"/api/keys/{key["id"]}");
        using var revoked = await client.GetAsync(new Uri("/api/runs", UriKind.Relative));

        created.Should().Be(201);
        runs.StatusCode.Should().Be(HttpStatusCode.OK);
        keys.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        keys.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        control.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        revoked.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await server.GetAsync("/api/keys")).Body.ToString().Should().NotContain((string?)key["key"]);
    }

    private static async Task<HttpResponseMessage> WriteAsync(HttpClient client, string? site, string? origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/connections") { Content = Body([]) };
        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return await client.SendAsync(request);
    }

    private static StringContent Body(JObject body) => new(body.ToString(), Encoding.UTF8, "application/json");
}

/// <summary>A server without users.</summary>
public sealed class NewServer : RunningServer
{
    protected override IEnumerable<string> Settings => ["--Automation:Sandbox:Enabled=false"];
}

public sealed class SetupTests(NewServer server) : IClassFixture<NewServer>
{
    [Fact]
    public async Task Setup_OnceWithItsToken_MakesTheAdministratorAndSignsIn()
    {
        var token = server.Services.GetRequiredService<Hosting.Security.SetupLink>().Token;
        using var client = server.NewClient();

        using var wrong = await client.GetAsync(new Uri("/setup?token=guess", UriKind.Relative));
        using var proxied = new HttpRequestMessage(HttpMethod.Get, $"/setup?token={token}");
        proxied.Headers.Add("X-Forwarded-For", "203.0.113.7");
        using var fromElsewhere = await client.SendAsync(proxied);
        using var page = await client.GetAsync(new Uri($"/setup?token={token}", UriKind.Relative));
        using var tooShort = await client.PostAsync(new Uri("/setup", UriKind.Relative), Form(token, "short"));
        using var done = await client.PostAsync(new Uri("/setup", UriKind.Relative), Form(token, RunningServer.Password));
        using var again = await client.PostAsync(new Uri("/setup", UriKind.Relative), Form(token, "another password"));
        client.DefaultRequestHeaders.Add("Cookie", done.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        using var signedIn = await client.GetAsync(new Uri("/api/session", UriKind.Relative));

        wrong.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        fromElsewhere.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        page.StatusCode.Should().Be(HttpStatusCode.OK);
        tooShort.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        done.StatusCode.Should().Be(HttpStatusCode.Redirect);
        again.StatusCode.Should().Be(HttpStatusCode.Conflict);
        ((bool)(await RunningServer.ReadAsync(signedIn))["isAdministrator"]!).Should().BeTrue();
    }

    private static FormUrlEncodedContent Form(string token, string password) => new(new Dictionary<string, string> { ["token"] = token, ["password"] = password });
}
