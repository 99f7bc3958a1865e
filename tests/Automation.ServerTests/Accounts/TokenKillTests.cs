using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Accounts;

/// <summary>A server that is killed after the provider has rotated a refresh token, and before the new one is stored.</summary>
public sealed class TokenKillTests
{
    [Fact]
    public async Task Killed_BetweenTheAnswerAndTheStore_TheNextRefreshGetsTheSameToken()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        await server.PostAsync("/sandbox/control/ghl/oauth-settings", new JObject { ["id"] = "settings", ["expiresIn"] = 86399, ["grace"] = 120 });
        await server.PostAsync("/sandbox/control/ghl/oauth-refresh-tokens", new JObject { ["id"] = "refresh-1", ["clientId"] = "app", ["userType"] = "Location", ["companyId"] = "co-1", ["locationId"] = "loc-1", ["locations"] = new JArray(), ["scopes"] = "contacts.readonly" });
        var connection = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = "account",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = new Uri(server.Url, "/sandbox/ghl").ToString(),
            ["locationId"] = "loc-1",
            ["auth"] = new JObject { ["kind"] = "oauth2", ["clientId"] = "app", ["clientSecret"] = "secret", ["accessToken"] = "ended", ["refreshToken"] = "refresh-1", ["expiresAt"] = "2026-01-01T00:00:00Z" },
        });

        // The provider rotates, and its answer does not arrive before the kill.
        await server.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST /oauth/token", ["after"] = true, ["delayMs"] = 60_000, ["times"] = 1 });
        var call = ReadAsync(server, connection);
        await Eventually.HoldsAsync("the provider has rotated the token", TimeSpan.FromSeconds(30), async () => (await RefreshesAsync(server)).Count == 1);
        await server.KillAsync();
        await call.ContinueWith(_ => { }, TaskScheduler.Default);
        await server.StartAsync();

        var answer = await ReadAsync(server, connection);

        ((int)answer["status"]!).Should().Be(200, "{0}", answer);
        (await RefreshesAsync(server)).Should().Equal(["refresh-1", "refresh-1"], "the same refresh token again, within the provider's grace");
        var auth = (await server.GetAsync($"/api/connections/{connection["id"]}"))["auth"]!;
        ((string?)auth["state"], auth["error"]!.Type).Should().Be(("connected", JTokenType.Null));
        server.Log.Should().NotContain("refresh-1").And.NotContain("eyJ");
    }

    private static Task<JToken> ReadAsync(ServerProcess server, JToken connection) => server.PostAsync(
        "/api/operations/GoHighLevel.Contacts.GetContact/execute",
        new JObject { ["connectionId"] = connection["id"], ["inputs"] = new JObject { ["contactId"] = "contact-1-01" } });

    private static async Task<List<string?>> RefreshesAsync(ServerProcess server) =>
        [.. (await server.GetAsync("/sandbox/control/requests?api=ghl"))["items"]!.Where(r => (string?)r["path"] == "/oauth/token").Select(r => (string?)r["body"]!["refresh_token"])];
}
