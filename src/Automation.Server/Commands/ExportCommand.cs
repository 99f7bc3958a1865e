using System.CommandLine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;

namespace Automation.Server.Commands;

/// <summary><c>export</c>: the latest version of every definition, a file each.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var folder = new Option<string>("--out") { Description = "Folder to write to.", DefaultValueFactory = _ => "." };
        var command = new Command("export", "Writes the latest version of every definition to a folder.") { folder };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(services => ExportAsync(services, parsed.GetValue(folder)!, cancellationToken), needsDatabase: true, cancellationToken));
        return command;
    }

    private static async Task<int> ExportAsync(IServiceProvider services, string folder, CancellationToken cancellationToken)
    {
        var definitions = services.GetRequiredService<DefinitionService>();
        var store = services.GetRequiredService<IDefinitionStore>();
        Directory.CreateDirectory(folder);
        for (var page = 0; ; page++)
        {
            var filter = new DefinitionFilter { Page = page, PageSize = 100 };
            var found = await store.ListAsync(filter, withJson: true, cancellationToken);
            foreach (var version in found.Items)
            {
                var (name, text) = await definitions.ExportAsync(version, cancellationToken);
                await File.WriteAllTextAsync(Path.Combine(folder, name), text, cancellationToken);
                Console.WriteLine(Path.Combine(folder, name));
            }

            if ((page + 1) * filter.PageSize >= found.Total)
            {
                return CommandLine.Done;
            }
        }
    }
}
