using System.Diagnostics;
using Automation.ServerTests.Crash;
using Automation.ServerTests.Nodes;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Commands;

[Collection(PostgreSqlCollection.Name)]
public sealed class MoveTests(PostgreSqlCluster cluster)
{
    [SkippableFact]
    public async Task Move_KilledInTheMiddleAndRunAgain_GoesOnFromPostgreSqlWithAllThatThereWas()
    {
        var database = await cluster.NewSchemaAsync();
        using var server = new ServerProcess();
        await server.StartAsync();
        await PublishAsync(server, Crash.Flows.Chain(
            "moved",
            Crash.Flows.Activity("csv", "Automation.Csv.WriteCsv", ("rows", "=[{ name: 'Ada' }]"), ("fileName", "people.csv")),
            Crash.Flows.Activity("wait", "Elsa.Event", ("eventName", "go on"))));
        await PublishAsync(server, Crash.Flows.Chain("asked", Crash.Flows.Activity("task", "Automation.Task", ("title", "Look"))));
        await PublishAsync(server, Crash.Flows.Chain("hooked", Crash.Flows.Activity("hook", "Automation.Hook").AsTrigger()));
        await PublishAsync(server, Crash.Flows.Chain("polled", Crash.Flows.Activity("found", "GoHighLevel.Contacts.SearchContacts", ("connectionId", "sandbox-ghl"), ("locationId", "loc-2"), ("interval", "5s"), ("mode", "new")).AsTrigger()));
        for (var i = 0; i < 3; i++)
        {
            await server.PostAsync("/elsa/api/workflow-definitions/moved/execute", new JObject());
        }

        await server.PostAsync("/elsa/api/workflow-definitions/asked/execute", new JObject());
        var task = (string)(await server.GetAsync("/api/tasks?status=open"))["items"]!.Single()["id"]!;
        var hook = (string)(await server.GetAsync($"/api/triggers/{(await TriggerAsync(server, "hooked"))["id"]}/hook"))["path"]!;
        var key = (string)(await server.PostAsync("/api/keys", new JObject { ["name"] = "moved" }))["key"]!;
        await Eventually.HoldsAsync("the list has its baseline", TimeSpan.FromSeconds(30), async () => (await TriggerAsync(server, "polled"))["baselinedAt"]!.Type != JTokenType.Null);
        await AddContactAsync(server, "before-the-move");
        await RunsAsync(server, "polled", 1);

        // While the server runs nothing is moved.
        var (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(1);
        said.Should().Contain("Another server uses the data folder");
        (await server.StopAsync()).Should().Be(0);

        // Killed with some tables there and others not: no server starts on that, and the next move begins anew.
        await MoveAsync(server, database, killAfterTables: 5);
        using var moved = new ServerProcess(new Dictionary<string, string>
        {
            ["Automation__Storage__Provider"] = "PostgreSql",
            ["ConnectionStrings__Automation"] = database,
            ["Automation__Security__KeyFile"] = Path.Combine(server.DataDirectory, "keys", "installation.key"),
        });
        moved.Launch();
        (await moved.WaitForExitAsync()).Should().Be(1);
        moved.Log.Should().Contain("automation move");

        (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(0, said);
        said.Should().Contain("copied anew").And.Contain("counts and hashes agree");

        (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(1);
        said.Should().Contain("is not empty");

        // The sandbox's state is the outside world: it is the same as before.
        Directory.CreateDirectory(moved.DataDirectory);
        foreach (var file in Directory.GetFiles(server.DataDirectory, "sandbox*"))
        {
            File.Copy(file, Path.Combine(moved.DataDirectory, Path.GetFileName(file)), overwrite: true);
        }

        await moved.StartAsync();

        // Credentials are readable, files are there, and what waited goes on: runs, a task, a secret address, a key, a trigger at its place in its list.
        ((bool)(await moved.PostAsync("/api/connections/sandbox-ghl/test", new JObject()))["succeeded"]!).Should().BeTrue();
        (await moved.Client.GetStringAsync(new Uri("/api/files/people.csv", UriKind.Relative))).Should().Contain("Ada");
        await moved.PostAsync("/elsa/api/events/go%20on/trigger", new JObject());
        await moved.PostAsync($"/api/tasks/{task}/complete", new JObject());
        await moved.PostAsync(hook, new JObject());
        using var asked = new HttpRequestMessage(HttpMethod.Get, "/api/runs");
        asked.Headers.TryAddWithoutValidation("Authorization", "ApiKey " + key);
        using var answer = await moved.Client.SendAsync(asked);
        answer.StatusCode.Should().Be(System.Net.HttpStatusCode.OK);
        await AddContactAsync(moved, "after-the-move");
        await RunsAsync(moved, "moved", 3);
        await RunsAsync(moved, "asked", 1);
        await RunsAsync(moved, "hooked", 1);
        await RunsAsync(moved, "polled", 2);
    }

    private static async Task PublishAsync(ServerProcess server, JObject definition)
    {
        await server.PostAsync("/elsa/api/workflow-definitions/import", definition);
        await server.PostAsync($"/elsa/api/workflow-definitions/{definition["definitionId"]}/publish", new JObject());
    }

    private static async Task<JToken> TriggerAsync(ServerProcess server, string definitionId) => (await server.GetAsync($"/api/triggers?definitionId={definitionId}"))["items"]!.Single();

    private static Task AddContactAsync(ServerProcess server, string id) =>
        server.PostAsync("/sandbox/control/ghl/contacts", new JArray(new JObject { ["id"] = id, ["locationId"] = "loc-2", ["firstName"] = id }));

    private static Task RunsAsync(ServerProcess server, string definitionId, int count) =>
        Eventually.HoldsAsync($"{definitionId} has {count} finished runs", TimeSpan.FromSeconds(60), async () => (long)(await server.GetAsync($"/api/runs?definitionId={definitionId}&status=Finished&pageSize=1"))["total"]! == count);

    private static async Task<(int ExitCode, string Said)> MoveAsync(ServerProcess server, string database, int? killAfterTables = null)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = Path.GetDirectoryName(server.DataDirectory)! };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll"), "move", "--to", "postgres", "--connection", database })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["Automation__DataDirectory"] = server.DataDirectory;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        using var process = Process.Start(start)!;
        for (var table = 0; table < killAfterTables; table++)
        {
            await process.StandardOutput.ReadLineAsync();
        }

        if (killAfterTables is not null)
        {
            process.Kill();
        }

        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
