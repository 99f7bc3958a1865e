using System.Diagnostics;
using Automation.ServerTests.Nodes;
using Automation.ServerTests.Processes;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Npgsql;
using Xunit;
using FlowsOf = Automation.ServerTests.Crash.Flows;

namespace Automation.ServerTests.Commands;

[Collection(PostgreSqlCollection.Name)]
public sealed class MoveTests(PostgreSqlCluster cluster)
{
    [SkippableFact]
    public async Task Move_OfAStoppedInstallation_GoesOnFromPostgreSql()
    {
        var database = await cluster.NewSchemaAsync();
        using var server = new ServerProcess();
        await server.StartAsync();
        await server.PostAsync("/elsa/api/workflow-definitions/import", FlowsOf.Chain(
            "moved",
            FlowsOf.Activity("csv", "Automation.Csv.WriteCsv", ("rows", "=[{ name: 'Ada' }]"), ("fileName", "people.csv")),
            FlowsOf.Activity("wait", "Elsa.Event", ("eventName", "go on"))));
        await server.PostAsync("/elsa/api/workflow-definitions/moved/publish", new JObject());
        for (var i = 0; i < 3; i++)
        {
            await server.PostAsync("/elsa/api/workflow-definitions/moved/execute", new JObject());
        }

        // While the server runs nothing is moved.
        var (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(1);
        said.Should().Contain("Another server uses the data folder");
        (await server.StopAsync()).Should().Be(0);

        (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(0, said);
        said.Should().Contain("counts and hashes agree");

        (exitCode, said) = await MoveAsync(server, database);
        exitCode.Should().Be(1);
        said.Should().Contain("is not empty");

        using var moved = new ServerProcess(new Dictionary<string, string>
        {
            ["Automation__Storage__Provider"] = "PostgreSql",
            ["ConnectionStrings__Automation"] = database,
            ["Automation__Security__KeyFile"] = Path.Combine(server.DataDirectory, "keys", "installation.key"),
        });
        await moved.StartAsync();

        // Credentials are readable, files are there, and what waited goes on.
        ((bool)(await moved.PostAsync("/api/connections/sandbox-ghl/test", new JObject()))["succeeded"]!).Should().BeTrue();
        (await moved.Client.GetStringAsync(new Uri("/api/files/people.csv", UriKind.Relative))).Should().Contain("Ada");
        await moved.PostAsync("/elsa/api/events/go%20on/trigger", new JObject());
        await Eventually.HoldsAsync("the moved runs end", TimeSpan.FromSeconds(30), async () => (long)(await moved.GetAsync("/api/runs?definitionId=moved&status=Finished&pageSize=1"))["total"]! == 3);
    }

    [SkippableFact]
    public async Task Move_ThatWasStoppedInTheMiddle_IsRefusedByServersAndBeginsAnew()
    {
        var database = await cluster.NewSchemaAsync();
        using var server = new ServerProcess();
        await server.StartAsync();
        (await server.StopAsync()).Should().Be(0);
        var schema = new NpgsqlConnectionStringBuilder(database).SearchPath;
        using var early = new ServerProcess(new Dictionary<string, string> { ["Automation__Storage__Provider"] = "PostgreSql", ["ConnectionStrings__Automation"] = database });
        await early.StartAsync();
        await early.KillAsync();

        // As a killed move leaves it: the mark, and some rows.
        await cluster.ExecuteAsync($"CREATE TABLE {schema}.move_in_progress (begun_at TIMESTAMPTZ NOT NULL DEFAULT now())");
        early.Launch();
        (await early.WaitForExitAsync()).Should().Be(1);
        early.Log.Should().Contain("automation move");

        var (exitCode, said) = await MoveAsync(server, database);

        exitCode.Should().Be(0, said);
        said.Should().Contain("copied anew");
    }

    private static async Task<(int ExitCode, string Said)> MoveAsync(ServerProcess server, string database)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = Path.GetDirectoryName(server.DataDirectory)! };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll"), "move", "--to", "postgres", "--connection", database })
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["Automation__DataDirectory"] = server.DataDirectory;
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
