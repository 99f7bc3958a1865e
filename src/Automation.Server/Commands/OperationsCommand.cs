using System.CommandLine;
using Automation.Connectors;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Server.Commands;

/// <summary><c>operations</c>: every operation of every connector.</summary>
internal static class OperationsCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "As JSON." };
        var docs = new Option<string?>("--docs") { Description = "Writes them as pages of Markdown into this folder instead: an index, and one page per category." };
        var command = new Command("operations", "Lists every operation of every connector.") { json, docs };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(
            services => parsed.GetValue(docs) is { Length: > 0 } folder ? WriteDocsAsync(services, folder, cancellationToken) : Task.FromResult(List(services, parsed.GetValue(json))),
            needsDatabase: false,
            cancellationToken));
        return command;
    }

    private static async Task<int> WriteDocsAsync(IServiceProvider services, string folder, CancellationToken cancellationToken)
    {
        var pages = OperationDocs.Pages(services.GetRequiredService<OperationCatalog>().Connectors);
        Directory.CreateDirectory(folder);
        foreach (var (file, text) in pages)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, file), text, cancellationToken);
        }

        // A category that is no more leaves a page behind, which is for a person to delete: the folder may hold pages of theirs.
        Console.WriteLine($"{pages.Count} pages are in {folder}.");
        foreach (var other in Directory.EnumerateFiles(folder, "*.md").Select(Path.GetFileName).Where(name => !pages.ContainsKey(name!)).Order(StringComparer.Ordinal))
        {
            Console.WriteLine($"{other} was not written: it is of no category now.");
        }

        return CommandLine.Done;
    }

    private static int List(IServiceProvider services, bool asJson)
    {
        var operations = services.GetRequiredService<OperationCatalog>().All.OrderBy(operation => operation.Number ?? int.MaxValue).ThenBy(operation => operation.ActivityType, StringComparer.Ordinal);
        if (asJson)
        {
            Console.WriteLine(new JArray(operations.Select(operation => (object)new JObject
            {
                ["number"] = operation.Number,
                ["connector"] = operation.Connector,
                ["category"] = operation.Category,
                ["kind"] = operation.Kind == OperationKind.Trigger ? "trigger" : "action",
                ["name"] = operation.Name,
                ["activityType"] = operation.ActivityType,
                ["method"] = operation.Method,
                ["path"] = operation.Path,
                ["scopes"] = new JArray(operation.Scopes),
            }).ToArray()).ToString(Formatting.Indented));
            return CommandLine.Done;
        }

        foreach (var operation in operations)
        {
            Console.WriteLine($"{operation.Number?.ToString() ?? "-",4} {(operation.Kind == OperationKind.Trigger ? "trigger" : "action"),-8} {operation.ActivityType,-60} {operation.Method,-7}{operation.Path}");
        }

        return CommandLine.Done;
    }
}
