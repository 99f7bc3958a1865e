using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>Facts in a folder <c>shared</c> beside the repository; without it tests are skipped, visibly.</summary>
internal static class SharedFiles
{
    public static string Folder(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            foreach (var path in new[] { Path.Combine(folder.FullName, "shared", name), Path.Combine(folder.FullName, "..", "shared", name) })
            {
                if (Directory.Exists(path))
                {
                    return path;
                }
            }
        }

        Skip.If(true, $"There is no folder 'shared' with {name} beside the repository.");
        return "";
    }

    /// <summary>The repository's own sample definitions.</summary>
    public static IEnumerable<string> OwnDefinitions()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
            {
                return Directory.EnumerateFiles(Path.Combine(folder.FullName, "workflow-definitions"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
            }
        }

        throw new InvalidOperationException("The tests do not run from within the repository.");
    }

    public static JToken Json(string path) => Automation.Engine.Json.Parse(File.ReadAllText(path), Automation.Engine.Json.DefinitionDepth);
}
