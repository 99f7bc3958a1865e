using System.Net;
using System.Text;
using Automation.ServerTests.Crash;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Npgsql;
using Xunit;
using Xunit.Abstractions;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Nodes;

/// <summary>What two servers on one PostgreSQL have in common, and what a server that does not fit says.</summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class SharedInstallationTests(PostgreSqlCluster cluster, ITestOutputHelper output)
{
    [SkippableFact]
    public async Task TwoServers_ShareSessionsRoutesConnectionsFilesAndBudgets()
    {
        var database = await cluster.NewSchemaAsync();
        using var installation = new NodeInstallation(database, 2);
        var (first, second) = (installation[0], installation[1]);
        try
        {
            await Task.WhenAll(installation.Outside.StartAsync(), first.StartAsync(), second.StartAsync());
            await installation.ConnectAsync("ghl", "gohighlevel", new Uri(installation.Outside.Url, "/sandbox/ghl"), "sandbox-ghl-token");

            await SessionIsGoodOnBothAsync(first, second);
            await RouteFollowsAsync(first, second);
            await FileIsReadOnBothAsync(first, second);
            await TokenIsRefreshedOnceAsync(installation, first, second);
            await BudgetIsSharedAsync(installation, first, second);
            await StopHandsOverAsync(installation, first, second);
            (await second.StopAsync()).Should().Be(0);
        }
        catch
        {
            output.WriteLine(installation.Logs);
            throw;
        }
    }

    private static async Task SessionIsGoodOnBothAsync(ServerProcess first, ServerProcess second)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false };
        using var client = new HttpClient(handler);
        var page = await client.GetStringAsync(new Uri(first.Url, "/login"));
        using var tokenRequest = new HttpRequestMessage(HttpMethod.Post, new Uri(first.Url, "/elsa/api/identity/login")) { Content = new StringContent("""{"username":"admin","password":"test-password-1"}""", Encoding.UTF8, "application/json") };
        using var login = await client.SendAsync(tokenRequest);
        login.StatusCode.Should().Be(HttpStatusCode.OK, page.Length > 0 ? await login.Content.ReadAsStringAsync() : "");
        var token = (string)JObject.Parse(await login.Content.ReadAsStringAsync())["accessToken"]!;

        using var bearer = new HttpRequestMessage(HttpMethod.Get, new Uri(second.Url, "/api/connections")) { Headers = { { "Authorization", "Bearer " + token } } };
        using var answer = await client.SendAsync(bearer);
        answer.StatusCode.Should().Be(HttpStatusCode.OK, "a token of one server is good on the other");

        if (login.Headers.TryGetValues("Set-Cookie", out var cookies))
        {
            using var cookied = new HttpRequestMessage(HttpMethod.Get, new Uri(second.Url, "/api/connections")) { Headers = { { "Cookie", string.Join("; ", cookies.Select(cookie => cookie.Split(';')[0])) } } };
            using var seen = await client.SendAsync(cookied);
            seen.StatusCode.Should().Be(HttpStatusCode.OK, "a session of one server is good on the other");
        }
    }

    private static async Task RouteFollowsAsync(ServerProcess first, ServerProcess second)
    {
        async Task<HttpStatusCode> CallAsync()
        {
            using var response = await second.Client.GetAsync(new Uri("/workflows/follow", UriKind.Relative));
            return response.StatusCode;
        }

        (await CallAsync()).Should().Be(HttpStatusCode.NotFound);
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(
            "follow",
            FlowsOf.Activity("in", "Elsa.HttpEndpoint", ("path", "follow")).AsTrigger(),
            FlowsOf.Activity("out", "Elsa.WriteHttpResponse", ("content", "followed"))));
        await first.PostAsync("/elsa/api/workflow-definitions/follow/publish", new JObject());
        await Eventually.HoldsAsync("the other server answers the new path", TimeSpan.FromSeconds(20), async () => await CallAsync() == HttpStatusCode.OK);
        await first.PostAsync("/elsa/api/workflow-definitions/follow/retract", new JObject());
        await Eventually.HoldsAsync("the other server answers it no more", TimeSpan.FromSeconds(20), async () => await CallAsync() == HttpStatusCode.NotFound);
    }

    private static async Task FileIsReadOnBothAsync(ServerProcess first, ServerProcess second)
    {
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("csv", FlowsOf.Activity("write", "Automation.Csv.WriteCsv", ("rows", "=[{ name: 'Ada' }]"), ("fileName", "people.csv"))));
        await first.PostAsync("/elsa/api/workflow-definitions/csv/publish", new JObject());
        await first.PostAsync("/elsa/api/workflow-definitions/csv/execute", new JObject());
        (await second.Client.GetStringAsync(new Uri("/api/files/people.csv", UriKind.Relative))).Should().Contain("Ada");
        (await second.GetAsync("/api/files"))["items"]!.Should().ContainSingle();
    }

    /// <summary>Some two dozen calls against a limit of ten in two seconds, from both servers at once: they wait for their turn.</summary>
    private static async Task BudgetIsSharedAsync(NodeInstallation installation, ServerProcess first, ServerProcess second)
    {
        async Task<int> UsedAsync(ServerProcess server) => (int)(await server.GetAsync("/api/budget"))["items"]!.Single(use => (string?)use["connectionName"] == "ghl")["used"]!["today"]!;
        (await UsedAsync(second)).Should().Be(0);

        const int runs = 12;
        await installation.Outside.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":10,"windowMs":2000}"""));
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("reads", FlowsOf.Activity("read", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "ghl"), ("locationId", "loc-2"))));
        await first.PostAsync("/elsa/api/workflow-definitions/reads/publish", new JObject());

        // One call alone, so that both know the limit by the database.
        await first.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject());
        await first.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject());
        (await UsedAsync(second)).Should().BePositive("it shows what the other has used").And.Be(await UsedAsync(first));
        await Task.WhenAll(new[] { first, second }.SelectMany(server => Enumerable.Range(0, runs).Select(_ => server.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject()))));

        var ended = await first.GetAsync("/api/runs?definitionId=reads&status=Finished&pageSize=1");
        ((long)ended["total"]!).Should().Be((2 * runs) + 2);
        var requests = (JArray)(await installation.Outside.GetAsync("/sandbox/control/requests?api=ghl"))["items"]!;
        requests.Count(request => (int)request["status"]! == 429).Should().BeLessThanOrEqualTo(5);
    }

    /// <summary>An access token that has ended, wanted by both servers at once: one renews it, the other waits for what it gets.</summary>
    private static async Task TokenIsRefreshedOnceAsync(NodeInstallation installation, ServerProcess first, ServerProcess second)
    {
        var outside = installation.Outside;
        await outside.PostAsync("/sandbox/control/ghl/oauth-settings", new JObject { ["id"] = "settings", ["expiresIn"] = 86399, ["grace"] = 0 });
        await outside.PostAsync("/sandbox/control/ghl/oauth-refresh-tokens", new JObject { ["id"] = "refresh-1", ["clientId"] = "app", ["userType"] = "Location", ["companyId"] = "co-1", ["locationId"] = "loc-1", ["locations"] = new JArray(), ["scopes"] = "contacts.readonly" });
        await outside.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST /oauth/token", ["after"] = true, ["delayMs"] = 500, ["times"] = 1 });
        var connection = await first.PostAsync("/api/connections", new JObject
        {
            ["name"] = "account",
            ["connector"] = "gohighlevel",
            ["baseUrl"] = new Uri(outside.Url, "/sandbox/ghl").ToString(),
            ["locationId"] = "loc-1",
            ["auth"] = new JObject { ["kind"] = "oauth2", ["clientId"] = "app", ["clientSecret"] = "secret", ["accessToken"] = "ended", ["refreshToken"] = "refresh-1", ["expiresAt"] = "2026-01-01T00:00:00Z" },
        });

        var read = new JObject { ["connectionId"] = connection["id"], ["inputs"] = new JObject { ["contactId"] = "contact-1-01" } };
        var answers = await Task.WhenAll(new[] { first, second, first, second, first, second }.Select(server => server.PostAsync("/api/operations/GoHighLevel.Contacts.GetContact/execute", read)));

        answers.Select(answer => (int)answer["status"]!).Should().OnlyContain(status => status == 200);
        (await outside.GetAsync("/sandbox/control/requests?api=ghl"))["items"]!.Count(request => (string?)request["path"] == "/oauth/token").Should().Be(1);
    }

    /// <summary>A server is stopped with runs in progress and more that wait: what is in flight ends, nothing stays its own, and the other does the rest.</summary>
    private static async Task StopHandsOverAsync(NodeInstallation installation, ServerProcess first, ServerProcess second)
    {
        const int runs = 12;
        const string notes = "/contacts/contact-1-02/notes";
        async Task<int> NotedAsync() => (await installation.Outside.GetAsync("/sandbox/control/requests?api=ghl"))["items"]!.Count(request => (string?)request["method"] == "POST" && (string?)request["path"] == notes);
        await installation.Outside.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":100000,"windowMs":1000}"""));
        await installation.Outside.PostAsync("/sandbox/control/ghl/faults", new JObject { ["match"] = "POST " + notes, ["times"] = -1, ["delayMs"] = 700, ["after"] = true });
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("notes", FlowsOf.Activity("note", "GoHighLevel.Contacts.CreateContactNote", ("connectionId", "ghl"), ("contactId", "contact-1-02"), ("body", "=getInput('text')"))));
        await first.PostAsync("/elsa/api/workflow-definitions/notes/publish", new JObject());
        for (var i = 0; i < runs; i++)
        {
            await first.PostAsync("/elsa/api/workflow-definitions/notes/dispatch", new JObject { ["input"] = new JObject { ["text"] = "note " + i } });
        }

        await Eventually.HoldsAsync("some are in progress", TimeSpan.FromSeconds(30), async () => await NotedAsync() > 0);
        var node = await first.NodeAsync();
        (await first.StopAsync()).Should().Be(0);

        (await installation.QueryAsync<long>($"SELECT COUNT(*) FROM instances WHERE lease_owner = '{node}'")).Should().Be(0, "nothing has to wait for a lease to run out");
        await Eventually.HoldsAsync("the other ends the rest", TimeSpan.FromSeconds(60), async () => await installation.CountAsync(second, "Finished", "notes") == runs);
        (await NotedAsync()).Should().Be(runs);
    }

    [SkippableFact]
    public async Task Start_OfAServerThatDoesNotFit_SaysWhyAndEnds()
    {
        var database = await cluster.NewSchemaAsync();
        using var installation = new NodeInstallation(database, 1);
        await installation[0].StartAsync();
        await installation[0].KillAsync();

        var folder = installation[0].DataDirectory;
        var schema = new NpgsqlConnectionStringBuilder(database).SearchPath!;
        string As(string user) => new NpgsqlConnectionStringBuilder(database) { Username = $"{user}_{Environment.ProcessId}", Password = "s3cret-word" }.ConnectionString;
        await cluster.ExecuteAsync($"CREATE ROLE reader_{Environment.ProcessId} LOGIN; GRANT USAGE ON SCHEMA {schema} TO reader_{Environment.ProcessId}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader_{Environment.ProcessId}");

        // All that the guide asks for, but for the doorbell.
        await cluster.ExecuteAsync($"CREATE ROLE mute_{Environment.ProcessId} LOGIN; GRANT USAGE ON SCHEMA {schema} TO mute_{Environment.ProcessId}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO mute_{Environment.ProcessId}");
        var stranger = Path.Combine(folder, "other.key");
        await File.WriteAllTextAsync(stranger, Convert.ToBase64String(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
        await Task.WhenAll(
            RefusedAsync(installation.SettingsOf(database, ("Automation__Security__KeyFile", stranger)), "is not the one that the database was set up with"),
            RefusedAsync(installation.SettingsOf(database, ("Automation__Security__KeyFile", stranger + ".none")), "There is no key file"),
            RefusedAsync(installation.SettingsOf(new NpgsqlConnectionStringBuilder(database) { Database = "not_there", Password = "s3cret-word" }.ConnectionString), "cannot be opened"),
            RefusedAsync(installation.SettingsOf(As("reader")), "GRANT SELECT, INSERT, UPDATE, DELETE"),
            RefusedAsync(installation.SettingsOf(As("mute")), "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA " + schema + "_hangfire"),
            RefusedAsync(installation.SettingsOf(database, ("ConnectionStrings__Automation_FILE", Path.Combine(folder, "not-there.txt"))), "ConnectionStrings__Automation_FILE"));

        await cluster.ExecuteAsync($"INSERT INTO {schema}.schema_versions (version, name, applied_at) VALUES (99, 'later', 0)");
        var secret = Path.Combine(folder, "connection.txt");
        await File.WriteAllTextAsync(secret, database + "\n");
        await RefusedAsync(installation.SettingsOf("Host=wrong", ("ConnectionStrings__Automation_FILE", secret)), "newer version");
    }

    private static async Task RefusedAsync(IReadOnlyDictionary<string, string> settings, string why)
    {
        using var server = new ServerProcess(settings);
        server.Launch();

        (await server.WaitForExitAsync()).Should().Be(1, server.Log);
        server.Log.Should().Contain(why).And.NotContain("   at ", "a person reads it").And.NotContain("s3cret");
    }
}
