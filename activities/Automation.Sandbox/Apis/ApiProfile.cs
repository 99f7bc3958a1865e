using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>What makes one stand-in differ from the other: its operations, what they do, its limits and the form of its errors.</summary>
internal sealed record ApiProfile
{
    private IReadOnlyDictionary<string, Collection>? names;

    /// <summary><c>ghl</c> or <c>flocksy</c>: name in paths, and of its records.</summary>
    public required string Name { get; init; }

    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>By <c>METHOD /path</c> as the operation has them.</summary>
    public required IReadOnlyDictionary<string, Behaviour> Behaviours { get; init; }

    public required IReadOnlyList<string> Tokens { get; init; }

    /// <summary>Whether it also takes tokens of its OAuth stand-in.</summary>
    public bool OAuth { get; init; }

    /// <summary>Operations that need no token, by <c>METHOD /path</c>.</summary>
    public IReadOnlySet<string> Anonymous { get; init; } = new HashSet<string>();
    public required RateLimit? Limit { get; init; }

    /// <summary>Whether each location of a token has its own window.</summary>
    public bool LimitByLocation { get; init; }

    /// <summary>Whether an answer's object holds the trace id; its header does in any case.</summary>
    public bool TraceIdInBody { get; init; }

    /// <summary>Header that every write needs; null: none.</summary>
    public string? IdempotencyHeader { get; init; }

    /// <summary>Whether properties that an operation does not know are refused.</summary>
    public bool RefuseUnknown { get; init; }

    /// <summary>Versions that every operation takes beside its own.</summary>
    public IReadOnlySet<string> VersionsOfAll { get; init; } = new HashSet<string>();

    /// <summary>Operations that take the Version header, and do without, by <c>METHOD /path</c>.</summary>
    public IReadOnlySet<string> WithoutVersion { get; init; } = new HashSet<string>();

    /// <summary>Required properties that may be null, by <c>METHOD /path</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<string>> Nullable { get; init; } = new Dictionary<string, IReadOnlySet<string>>();

    /// <summary>What bodies may hold below their first level.</summary>
    public BodyTable Bodies { get; init; } = BodyTable.Empty;

    /// <summary>The API's form of an error.</summary>
    public required Func<int, Refusal, string, JObject> WriteError { get; init; }

    /// <summary>Writes the window's state into the answer's headers.</summary>
    public required Action<IDictionary<string, string>, RateLimit, RateUse> WriteLimit { get; init; }

    /// <summary>Collections that are described; others are made as they are named.</summary>
    public required IReadOnlyDictionary<string, Collection> Collections { get; init; }

    /// <summary>Writes the seed data.</summary>
    public required Action<SandboxSession> Seed { get; init; }

    /// <summary>Other names of collections.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; init; } = new Dictionary<string, string>();

    /// <summary>Fills in where a record belongs, which callers of the control endpoint may leave out; takes the name that they called the collection.</summary>
    public Action<SandboxSession, string, Collection, JObject>? Complete { get; init; }

    /// <summary>A collection by its name or another one of its, in kebab, camel or snake case, of one or many; made when there is none.</summary>
    public Collection CollectionOf(string name)
    {
        names ??= Collections.Select(c => (c.Key, c.Value)).Concat(Aliases.Select(a => (a.Key, Value: Collections[a.Value]))).ToDictionary(c => Plain(c.Key), c => c.Value, StringComparer.Ordinal);
        return names.GetValueOrDefault(Plain(name)) ?? new Collection(string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString())));
    }

    /// <summary>A name without case, separators and plural.</summary>
    private static string Plain(string name)
    {
        var letters = name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
        return letters.EndsWith("ies", StringComparison.Ordinal) ? letters[..^3] + "y"
            : letters.EndsWith("sses", StringComparison.Ordinal) ? letters[..^2]
            : letters.EndsWith("ss", StringComparison.Ordinal) ? letters
            : letters.EndsWith('s') ? letters[..^1]
            : letters;
    }

    public static string KeyOf(Operation operation) => $"{operation.Method.ToUpperInvariant()} {operation.Path}";
}
