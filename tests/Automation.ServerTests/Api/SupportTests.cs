using System.IO.Compression;
using System.Net;
using System.Text;
using Automation.Hosting.Security;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

public sealed class SupportTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task SupportBundle_WithSecretsAllOver_HoldsNoneOfThem()
    {
        string[] secrets = ["plain-secret-Zx81", "client\"secret/ü", "access.token.Qq77", "refresh-token-Ww55"];
        await server.PostAsync("/api/connections", new JObject { ["name"] = "By key", ["connector"] = "flocksy", ["baseUrl"] = "https://flocksy.example", ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = secrets[0] } });
        var (status, body) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = $"Named by mistake {secrets[0]}",
            ["connector"] = "gohighlevel",
            ["locationId"] = "loc-1",
            ["auth"] = new JObject { ["kind"] = "oauth2", ["clientId"] = "client-id-1", ["clientSecret"] = secrets[1], ["accessToken"] = secrets[2], ["refreshToken"] = secrets[3] },
        });
        status.Should().Be(201, "{0}", body);
        await server.Services.GetRequiredService<IIncidentStore>().AddAsync(
            [new IncidentRecord { Id = "support-1", Kind = "run", Code = "provider-error", Message = $"The other side said {secrets[1]}", Detail = $"?key={Uri.EscapeDataString(secrets[1])}&access_token={secrets[2]}", CreatedAt = DateTimeOffset.UnixEpoch }], default);
        server.Services.GetRequiredService<ILoggerFactory>().CreateLogger("support").LogWarning("Refreshing with {Token} failed for {Key}", secrets[3], RunningServer.ApiKey);
        var (_, key) = await server.PostAsync("/api/keys", new JObject { ["name"] = "program", ["role"] = "operator" });

        using var response = await server.Client.GetAsync(new Uri("/api/support-bundle", UriKind.Relative));
        response.Content.Headers.ContentDisposition!.FileName.Should().StartWith("automation-support-").And.EndWith(".zip");
        using var zip = new ZipArchive(await response.Content.ReadAsStreamAsync());
        var texts = new Dictionary<string, string>();
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(entry.Open(), Encoding.UTF8);
            texts[entry.FullName] = await reader.ReadToEndAsync();
        }

        var hash = (await server.Services.GetRequiredService<IAccessStore>().FindUserAsync("admin", default))!.PasswordHash;
        foreach (var secret in secrets.Concat([RunningServer.ApiKey, RunningServer.Password, (string)key["key"]!, hash, Uri.EscapeDataString(secrets[1]), "client\\\"secret"]))
        {
            texts.Should().NotContain(text => text.Value.Contains(secret, StringComparison.Ordinal), "no file holds '{0}'", secret);
        }

        texts.Keys.Should().Contain(["about.json", "connections.json", "incidents.json", "runs.json", "triggers.json", "log.txt"]);
        texts["incidents.json"].Should().Contain("The other side said •••");
        texts["log.txt"].Should().Contain("Refreshing with");
        texts["about.json"].Should().Contain("SQLite");
    }

    [Fact]
    public async Task SupportBundle_ForAnOperator_IsForbidden()
    {
        var (_, key) = await server.PostAsync("/api/keys", new JObject { ["name"] = "operator", ["role"] = "operator" });
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Add("Authorization", "ApiKey " + key["key"]);

        using var response = await client.GetAsync(new Uri("/api/support-bundle", UriKind.Relative));
        using var page = await client.GetAsync(new Uri("/settings", UriKind.Relative));

        response.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        page.StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task SessionAndTokens_OfAUserWhosePasswordChanged_End_AndTheLastAdministratorStays()
    {
        var accounts = server.Services.GetRequiredService<Automation.Hosting.Security.Accounts>();
        await accounts.CreateAsync("Ann", "a first password", Access.OperatorRole, default);
        using var client = server.NewClient();
        var cookie = await SignInAsync(client, "Ann", "a first password");
        (await StatusAsync(client, cookie)).Should().Be(HttpStatusCode.OK);
        var (_, tokens) = await server.PostAsync("/elsa/api/identity/login", new JObject { ["username"] = "Ann", ["password"] = "a first password" });
        (await BearerAsync(HttpMethod.Get, "/api/session", "accessToken")).Should().Be(HttpStatusCode.OK);
        (await BearerAsync(HttpMethod.Post, "/elsa/api/identity/refresh-token", "refreshToken")).Should().Be(HttpStatusCode.OK);

        await accounts.ChangePasswordAsync("ann", "a second password", default);

        (await StatusAsync(client, cookie)).Should().Be(HttpStatusCode.Unauthorized);
        (await BearerAsync(HttpMethod.Get, "/api/session", "accessToken")).Should().Be(HttpStatusCode.Unauthorized);
        (await BearerAsync(HttpMethod.Post, "/elsa/api/identity/refresh-token", "refreshToken")).Should().Be(HttpStatusCode.Unauthorized);
        var again = await SignInAsync(client, "Ann", "a second password");
        (await StatusAsync(client, again)).Should().Be(HttpStatusCode.OK);
        (await accounts.DeleteAsync("Ann", default)).Should().BeTrue();
        (await StatusAsync(client, again)).Should().Be(HttpStatusCode.Unauthorized);
        await accounts.Invoking(a => a.DeleteAsync("admin", default)).Should().ThrowAsync<InvalidAccountException>().WithMessage("*last administrator*");
        await accounts.Invoking(a => a.CreateAsync("Bob", "short", Access.OperatorRole, default)).Should().ThrowAsync<InvalidAccountException>().WithMessage("*8 characters*");

        async Task<HttpStatusCode> BearerAsync(HttpMethod method, string path, string token)
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
            request.Headers.Add("Authorization", "Bearer " + tokens[token]);
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task OwnPassword_TakesThePresentOne_AndEndsOtherSessions()
    {
        var accounts = server.Services.GetRequiredService<Automation.Hosting.Security.Accounts>();
        await accounts.CreateAsync("Eve", "a first password", Access.OperatorRole, default);
        using var client = server.NewClient();
        var cookie = await SignInAsync(client, "Eve", "a first password");

        await accounts.Invoking(a => a.ChangeOwnPasswordAsync("Eve", "not hers", "a second password", "10.0.0.9", default)).Should().ThrowAsync<InvalidAccountException>().WithMessage("*present password*");
        (await StatusAsync(client, cookie)).Should().Be(HttpStatusCode.OK);
        var user = await accounts.ChangeOwnPasswordAsync("eve", "a first password", "a second password", "10.0.0.9", default);

        user.Name.Should().Be("Eve");
        (await StatusAsync(client, cookie)).Should().Be(HttpStatusCode.Unauthorized);
        (await SignInAsync(client, "Eve", "a second password")).Should().NotBeNull();
        await accounts.DeleteAsync("Eve", default);
    }

    [Fact]
    public async Task Form_WithoutASession_AsksToSignIn_AndOneOfAnotherSession_IsToldInWords()
    {
        using var client = server.NewClient();
        client.DefaultRequestHeaders.Add("Accept", "text/html");
        using var late = await client.PostAsync(new Uri("/flows?search=x", UriKind.Relative), new FormUrlEncodedContent([new("_handler", "new"), new("name", "Mine")]));
        late.StatusCode.Should().Be(HttpStatusCode.Found);
        late.Headers.Location!.ToString().Should().Contain("/login?ReturnUrl=%2Fflows%3Fsearch%3Dx");

        using var stale = new HttpRequestMessage(HttpMethod.Post, "/flows") { Content = new FormUrlEncodedContent([new("_handler", "new"), new("name", "Mine")]) };
        stale.Headers.Add("Cookie", await SignInAsync(client, "admin", RunningServer.Password));
        using var told = await client.SendAsync(stale);
        told.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await told.Content.ReadAsStringAsync()).Should().Contain("Nothing was changed").And.Contain("href=\"/flows\"");
    }

    [Fact]
    public async Task Pages_HaveAPolicy_AndNoPageHoldsACredential()
    {
        foreach (var path in new[] { "/", "/flows", "/runs", "/connections", "/connections/sandbox-ghl", "/settings", "/login" })
        {
            using var response = await server.Client.GetAsync(new Uri(path, UriKind.Relative));
            var policy = string.Join(' ', response.Headers.GetValues("Content-Security-Policy"));
            policy.Should().Contain("default-src 'none'").And.Contain("script-src 'self'").And.Contain("frame-ancestors 'none'").And.Contain("form-action 'self'", "of {0}", path);
            policy.Split("script-src")[1].Split(';')[0].Should().NotContain("unsafe");
            response.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
            (await response.Content.ReadAsStringAsync()).Should().NotContain(RunningServer.ApiKey).And.NotContain("Bearer ");
        }
    }

    [Fact]
    public async Task Form_WithoutItsToken_OrFromElsewhere_ChangesNothing()
    {
        using var client = server.NewClient();
        var cookie = await SignInAsync(client, "admin", RunningServer.Password);
        using var plain = new HttpRequestMessage(HttpMethod.Post, "/flows") { Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["_handler"] = "new", ["name"] = "Forged flow" }) };
        plain.Headers.Add("Cookie", cookie);
        using var refused = await client.SendAsync(plain);
        refused.StatusCode.Should().Be(HttpStatusCode.BadRequest);

        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/api/keys") { Content = new StringContent("{\"name\":\"forged\"}", Encoding.UTF8, "application/json") };
        foreign.Headers.Add("Cookie", cookie);
        foreign.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var forbidden = await client.SendAsync(foreign);
        forbidden.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await server.GetAsync("/elsa/api/workflow-definitions?searchTerm=Forged")).Body["totalCount"]!.Value<int>().Should().Be(0);
    }

    [Fact]
    public async Task Runs_ByCursor_AreEachListedOnce_AndAWrongCursorIsRefused()
    {
        await server.PublishAsync(new JObject { ["definitionId"] = "by-cursor", ["name"] = "By cursor", ["root"] = new JObject { ["id"] = "root", ["type"] = "Elsa.Sequence", ["version"] = 1, ["activities"] = new JArray() } });
        for (var i = 0; i < 5; i++)
        {
            await server.PostAsync("/elsa/api/workflow-definitions/by-cursor/execute", new JObject());
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var (_, page) = await server.GetAsync($"/api/runs?definitionId=by-cursor&pageSize=2{(cursor is null ? "" : "&cursor=" + cursor)}");
            seen.AddRange(page["items"]!.Select(run => (string)run["id"]!));
            page["total"]!.Value<int>().Should().Be(5);
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);

        seen.Should().HaveCount(5).And.OnlyHaveUniqueItems();
        (await server.GetAsync("/api/runs?cursor=yesterday")).Status.Should().Be(400);
    }

    private static async Task<string> SignInAsync(HttpClient client, string name, string password)
    {
        using var content = new StringContent(new JObject { ["username"] = name, ["password"] = password }.ToString(), Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri("/api/session", UriKind.Relative), content);
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return response.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("automation=", StringComparison.Ordinal)).Split(';')[0];
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/session");
        request.Headers.Add("Cookie", cookie);
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }
}
