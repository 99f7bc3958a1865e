using System.CommandLine;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Server.Commands;

/// <summary><c>run</c>: runs a definition file in memory until it ends or waits, and prints its journal and outputs.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "A definition file." };
        var inputs = new Option<string[]>("--input") { Description = "An input of the workflow, as name=value; JSON values are taken as such.", AllowMultipleArgumentsPerToken = false };
        var dryRun = new Option<bool>("--dry-run") { Description = "Reads are real; writes are shown, not sent." };
        var command = new Command("run", "Runs a definition file in memory and prints its journal.") { file, inputs, dryRun };
        command.SetAction((parsed, cancellationToken) =>
        {
            var (input, error) = Inputs(parsed.GetValue(inputs) ?? []);
            return error is null
                ? Offline.RunAsync(services => RunAsync(services, parsed.GetValue(file)!, input, parsed.GetValue(dryRun), cancellationToken), needsDatabase: true, cancellationToken)
                : Task.FromResult(WrongUsage(error));
        });
        return command;
    }

    private static async Task<int> RunAsync(IServiceProvider services, FileInfo file, JObject input, bool isDryRun, CancellationToken cancellationToken)
    {
        if (!file.Exists)
        {
            return CommandLine.Fail($"{file}: there is no such file.");
        }

        var (definition, problems) = DefinitionReader.Read(await File.ReadAllTextAsync(file.FullName, cancellationToken));
        if (definition is null)
        {
            return CommandLine.Fail(string.Join('\n', problems.Select(problem => $"{file}: {problem}")));
        }

        var engine = services.GetRequiredService<WorkflowEngine>();
        var run = engine.Create(engine.Compile(definition), new RunStart { InstanceId = Ids.New(engine.Clock), Input = input, IsDryRun = isDryRun });
        await engine.RunAsync(run, [], services, cancellationToken);
        foreach (var record in run.DrainChanges().Journal)
        {
            Console.WriteLine($"{record.At:HH:mm:ss.fff} {record.EventName,-10} {record.ActivityName ?? record.ActivityId} {record.Message}");
            if (record is { EventName: "Completed", Outputs.HasValues: true })
            {
                Console.WriteLine("             " + record.Outputs.ToString(Formatting.None));
            }
        }

        foreach (var incident in run.Incidents)
        {
            Console.Error.WriteLine($"Activity '{incident.ActivityId}': {incident.Fault.Message} {incident.Fault.Detail} {incident.Fault.Action}");
        }

        Console.WriteLine($"{run.Status} / {run.SubStatus}");
        if (run.Output.HasValues)
        {
            Console.WriteLine(run.Output.ToString());
        }

        return run.SubStatus == WorkflowSubStatus.Faulted || run.Incidents.Count > 0 ? CommandLine.Failed : CommandLine.Done;
    }

    private static (JObject Input, string? Error) Inputs(string[] pairs)
    {
        var input = new JObject();
        foreach (var pair in pairs)
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                return (input, $"--input {pair}: write it as name=value.");
            }

            input[pair[..equals]] = Value(pair[(equals + 1)..]);
        }

        return (input, null);
    }

    private static JToken Value(string text)
    {
        try
        {
            return Json.Parse(text);
        }
        catch (JsonReaderException)
        {
            return text;
        }
    }

    private static int WrongUsage(string message)
    {
        Console.Error.WriteLine(message);
        return CommandLine.WrongUsage;
    }
}
