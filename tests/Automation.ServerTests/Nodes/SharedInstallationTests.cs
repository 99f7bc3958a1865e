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
            await BudgetIsSharedAsync(installation, first, second);

            // In order: the servers end without a word of trouble.
            (await first.StopAsync()).Should().Be(0);
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
        const int runs = 12;
        await installation.Outside.PostAsync("/sandbox/control/ghl/limits", JObject.Parse("""{"calls":10,"windowMs":2000}"""));
        await first.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain("reads", FlowsOf.Activity("read", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "ghl"), ("locationId", "loc-2"))));
        await first.PostAsync("/elsa/api/workflow-definitions/reads/publish", new JObject());

        // One call alone, so that both know the limit by the database.
        await first.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject());
        await first.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject());
        await Task.WhenAll(new[] { first, second }.SelectMany(server => Enumerable.Range(0, runs).Select(_ => server.PostAsync("/elsa/api/workflow-definitions/reads/execute", new JObject()))));

        var ended = await first.GetAsync("/api/runs?definitionId=reads&status=Finished&pageSize=1");
        ((long)ended["total"]!).Should().Be((2 * runs) + 2);
        var requests = (JArray)(await installation.Outside.GetAsync("/sandbox/control/requests?api=ghl"))["items"]!;
        requests.Count(request => (int)request["status"]! == 429).Should().BeLessThanOrEqualTo(5);
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
