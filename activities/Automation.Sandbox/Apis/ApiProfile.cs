using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>What makes one stand-in differ from the other: its operations, what they do, its limits and the form of its errors.</summary>
internal sealed record ApiProfile
{
    /// <summary><c>ghl</c> or <c>flocksy</c>: name in paths, and of its records.</summary>
    public required string Name { get; init; }

    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>By <c>METHOD /path</c> as the operation has them.</summary>
    public required IReadOnlyDictionary<string, Behaviour> Behaviours { get; init; }

    public required IReadOnlyList<string> Tokens { get; init; }
    public required RateLimit? Limit { get; init; }

    /// <summary>Whether each location of a token has its own window.</summary>
    public bool LimitByLocation { get; init; }

    /// <summary>Whether an answer's object holds the trace id; its header does in any case.</summary>
    public bool TraceIdInBody { get; init; }

    /// <summary>Header that every write needs; null: none.</summary>
    public string? IdempotencyHeader { get; init; }

    /// <summary>Whether properties that an operation does not know are refused.</summary>
    public bool RefuseUnknown { get; init; }

    /// <summary>Required properties that may be null, by <c>METHOD /path</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<string>> Nullable { get; init; } = new Dictionary<string, IReadOnlySet<string>>();

    /// <summary>The API's form of an error.</summary>
    public required Func<int, Refusal, string, JObject> WriteError { get; init; }

    /// <summary>Writes the window's state into the answer's headers.</summary>
    public required Action<IDictionary<string, string>, RateLimit, RateUse> WriteLimit { get; init; }

    /// <summary>Collections that are described; others are made as they are named.</summary>
    public required IReadOnlyDictionary<string, Collection> Collections { get; init; }

    /// <summary>Writes the seed data.</summary>
    public required Action<SandboxSession> Seed { get; init; }

    /// <summary>A collection by its name, in kebab or camel case; made when there is none.</summary>
    public Collection CollectionOf(string name)
    {
        var kebab = string.Concat(name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
        return Collections.GetValueOrDefault(kebab) ?? new Collection(kebab);
    }

    public static string KeyOf(Operation operation) => $"{operation.Method.ToUpperInvariant()} {operation.Path}";
}
