using Automation.ServerTests.Elsa;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>The official specifications of the 126 operations, read from the folder <c>shared</c> beside the repository.</summary>
internal sealed class SpecFiles
{
    private readonly Dictionary<string, JObject> files = [];

    private SpecFiles(string folder)
    {
        foreach (var fact in JArray.Parse(File.ReadAllText(Path.Combine(folder, "operations.json"))).Cast<JObject>())
        {
            var file = (string)fact["specFile"]!;
            if (!files.TryGetValue(file, out var document))
            {
                files[file] = document = JObject.Parse(File.ReadAllText(Path.Combine(folder, file)));
            }

            var call = (JObject)document["paths"]![(string)fact["path"]!]![((string)fact["method"]!).ToLowerInvariant()]!;
            Calls.Add(new SpecCall(fact, document, call));
        }
    }

    /// <summary>By number.</summary>
    public List<SpecCall> Calls { get; } = [];

    /// <summary>All of them; the test is skipped where the folder is absent.</summary>
    public static SpecFiles Read() => new(SharedFiles.Folder("ghl"));

    /// <summary>Other calls of the same files, which a wrong path may hit.</summary>
    public IEnumerable<(string Method, string Path)> Paths() =>
        from document in files.Values
        from path in ((JObject)document["paths"]!).Properties()
        from method in ((JObject)path.Value).Properties()
        select (method.Name.ToUpperInvariant(), path.Name);
}

/// <summary>One call of a specification.</summary>
internal sealed class SpecCall
{
    private readonly JObject document;

    public SpecCall(JObject fact, JObject document, JObject call)
    {
        this.document = document;
        Call = call;
        Number = (int)fact["number"]!;
        ActivityType = (string)fact["activityType"]!;
        Method = (string)fact["method"]!;
        Path = (string)fact["path"]!;
        Version = (string)fact["versionHeader"]!;
        Parameters = [.. (call["parameters"] as JArray ?? []).Select(Resolve).Cast<JObject>()];
        var body = call["requestBody"] is { } request ? Resolve(request) : null;
        BodyRequired = (bool?)body?["required"] ?? false;
        ContentType = (body?["content"] as JObject)?.Properties().Single().Name;
        Body = ContentType is null ? null : Resolve(body!["content"]![ContentType]!["schema"] ?? new JObject());
        var answer = (call["responses"] as JObject ?? []).Properties().FirstOrDefault(p => p.Name.StartsWith('2'));
        Status = answer is null ? 200 : int.Parse(answer.Name, System.Globalization.CultureInfo.InvariantCulture);
        Answer = (answer?.Value["content"] as JObject)?.Properties().FirstOrDefault()?.Value["schema"] is { } schema ? Resolve(schema) : null;
    }

    public JObject Call { get; }
    public int Number { get; }
    public string ActivityType { get; }
    public string Method { get; }
    public string Path { get; }
    public string Version { get; }
    public IReadOnlyList<JObject> Parameters { get; }
    public bool BodyRequired { get; }
    public string? ContentType { get; }

    /// <summary>Schema of the body; null: the call takes none.</summary>
    public JToken? Body { get; }

    public int Status { get; }

    /// <summary>Schema of the answer; null: there is none.</summary>
    public JToken? Answer { get; }

    /// <summary>Names of the path that the specification forgets to declare.</summary>
    public IEnumerable<string> UndeclaredNames() => System.Text.RegularExpressions.Regex.Matches(Path, "{(\\w+)}").Select(m => m.Groups[1].Value)
        .Except(Parameters.Where(p => (string?)p["in"] == "path").Select(p => (string)p["name"]!));

    public IEnumerable<JObject> In(string place) => Parameters.Where(p => (string?)p["in"] == place);

    public JToken Resolve(JToken token) =>
        (string?)(token as JObject)?["$ref"] is { } reference
            ? Resolve(reference[2..].Split('/').Aggregate((JToken)document, (at, part) => at[part.Replace("~1", "/", StringComparison.Ordinal)]!))
            : token;

    public override string ToString() => $"{Number} {Method} {Path}";
}
