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
        var command = new Command("import", "Imports a definition file, a zip archive or a folder of them, all or none, as drafts.") { path, renewIds };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(services => ImportAsync(services, parsed.GetValue(path)!, parsed.GetValue(renewIds), cancellationToken), needsDatabase: true, cancellationToken));
        return command;
    }

    private static async Task<int> ImportAsync(IServiceProvider services, string path, bool renewIds, CancellationToken cancellationToken)
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

            foreach (var saved in await services.GetRequiredService<DefinitionService>().ImportAsync(files.All, renewIds, cancellationToken))
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
