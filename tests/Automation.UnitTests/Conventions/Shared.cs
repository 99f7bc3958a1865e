using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Conventions;

/// <summary>Facts and official specifications that may stand in a folder <c>shared</c> beside the repository. They are no part of the project; without them tests are skipped, visibly.</summary>
internal static class Shared
{
    private static readonly Dictionary<string, JObject> Specs = [];

    public static IEnumerable<JObject> Operations() => JArray.Parse(File.ReadAllText(PathOf("ghl/operations.json"))).Cast<JObject>();

    public static IEnumerable<JObject> Webhooks() => JArray.Parse(File.ReadAllText(PathOf("ghl/webhooks.json"))).Cast<JObject>();

    public static JObject Spec(string file)
    {
        lock (Specs)
        {
            return Specs.TryGetValue(file, out var spec) ? spec : Specs[file] = JObject.Parse(File.ReadAllText(PathOf("ghl/" + file)));
        }
    }

    public static JToken Resolve(JObject spec, JToken token) =>
        (string?)token["$ref"] is { } reference && reference.StartsWith("#/", StringComparison.Ordinal)
            ? Resolve(spec, reference[2..].Split('/').Aggregate((JToken)spec, (at, part) => at[part.Replace("~1", "/")]!))
            : token;

    private static string PathOf(string file)
    {
        for (var folder = new DirectoryInfo(Repository.Root).Parent; folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", file);
            if (File.Exists(path))
            {
                return path;
            }
        }

        Skip.If(true, $"There is no folder 'shared' with {file} beside the repository.");
        return "";
    }
}
