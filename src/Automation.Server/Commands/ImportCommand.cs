using System.CommandLine;
using Automation.Runtime.Definitions;

namespace Automation.Server.Commands;

/// <summary><c>import</c>: a file, an archive or a folder of definitions, all or none, as drafts.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A definition file, a zip archive, or a folder of them." };
        var renewIds = new Option<bool>("--renew-ids") { Description = "Gives every definition new ids, beside those that are there already." };
        var connection = new Option<string[]>("--connection") { Description = "Fills a slot: slot=connection. Without it a slot takes the connection of the name that the file tells.", AllowMultipleArgumentsPerToken = false };
        connection.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.IndexOf('=', StringComparison.Ordinal) <= 0))
            {
                result.AddError("--connection takes slot=connection.");
            }
        });
        var command = new Command("import", "Imports a definition file, a zip archive or a folder of them, all or none, as drafts.") { path, renewIds, connection };
        command.SetAction((parsed, cancellationToken) =>
        {
            var chosen = (parsed.GetValue(connection) ?? []).Select(pair => pair.Split('=', 2)).GroupBy(pair => pair[0]).ToDictionary(pair => pair.Key, pair => pair.Last()[1]);
            var options = new ImportOptions { RenewIds = parsed.GetValue(renewIds), Connections = chosen };
            return Offline.RunAsync(services => ImportAsync(services, parsed.GetValue(path)!, options, cancellationToken), needsDatabase: true, cancellationToken);
        });
        return command;
    }

    private static async Task<int> ImportAsync(IServiceProvider services, string path, ImportOptions options, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(path) && !File.Exists(path))
        {
            return CommandLine.Fail($"{path}: there is no such file or folder.");
        }

        try
        {
            var files = new ImportFiles();
            await files.AddPathAsync(path, cancellationToken);
            if (files.All.Count == 0)
            {
                return CommandLine.Fail($"{path}: there is no .json or .zip file.");
            }

            foreach (var saved in await services.GetRequiredService<DefinitionService>().ImportAsync(files.All, options, cancellationToken))
            {
                Console.WriteLine($"{saved.Version.DefinitionId} version {saved.Version.Version}: {saved.Version.Name} (draft)");
                foreach (var problem in saved.Problems)
                {
                    Console.WriteLine($"  {problem}");
                }
            }

            return CommandLine.Done;
        }
        catch (DefinitionRejectedException rejected)
        {
            return CommandLine.Fail(string.Join('\n', rejected.Problems.Select(problem => $"{rejected.FileName}: {problem}").Prepend(rejected.Message)));
        }
    }
}
