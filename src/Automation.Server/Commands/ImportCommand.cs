using System.CommandLine;
using Automation.Runtime.Definitions;

namespace Automation.Server.Commands;

/// <summary><c>import</c>: a file or a folder of definitions, all or none, as drafts.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var path = new Argument<string>("path") { Description = "A definition file, or a folder of them." };
        var command = new Command("import", "Imports a definition file or a folder of them, all or none, as drafts.") { path };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(services => ImportAsync(services, parsed.GetValue(path)!, cancellationToken), needsDatabase: true, cancellationToken));
        return command;
    }

    private static async Task<int> ImportAsync(IServiceProvider services, string path, CancellationToken cancellationToken)
    {
        var names = Directory.Exists(path) ? Directory.GetFiles(path, "*.json", SearchOption.AllDirectories).Where(name => !name.EndsWith(".template.json", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray() : [path];
        if (names.Length == 0 || !names.All(File.Exists))
        {
            return CommandLine.Fail($"{path}: there is no such file, or no .json file in the folder.");
        }

        var files = new List<(string, string)>();
        foreach (var name in names)
        {
            files.Add((name, await File.ReadAllTextAsync(name, cancellationToken)));
        }

        try
        {
            foreach (var saved in await services.GetRequiredService<DefinitionService>().ImportAsync(files, cancellationToken))
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
            return CommandLine.Fail(string.Join('\n', rejected.Problems.Select(problem => $"{rejected.FileName}: {problem}").Prepend(rejected.Message + " Nothing was imported.")));
        }
    }
}
