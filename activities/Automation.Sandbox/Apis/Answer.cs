using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>What a stand-in answers.</summary>
internal sealed record Answer(int Status, JToken? Body)
{
    /// <summary>Bytes of an answer that is not JSON.</summary>
    public byte[]? Content { get; init; }

    public string ContentType { get; init; } = "application/json; charset=utf-8";

    /// <summary>What is wrong, for the API's own error form; null: nothing is.</summary>
    public Refusal? Refusal { get; init; }

    public static Answer Refuse(int status, string code, string message, string? field = null) =>
        new(status, null) { Refusal = new Refusal(code, [message], field) };

    public static Answer NotFound(string what, string? id) => Refuse(404, "not_found", $"{what} with id {id} not found");
}

/// <summary>Why a request was refused.</summary>
/// <param name="Code">Stable code.</param>
/// <param name="Messages">What is wrong, one per field.</param>
/// <param name="Field">The first field at fault.</param>
/// <param name="Meta">More that the API says about it.</param>
internal sealed record Refusal(string Code, IReadOnlyList<string> Messages, string? Field = null, JObject? Meta = null);

/// <summary>A request that passed the checks, in the transaction that answers it.</summary>
internal sealed class Call
{
    public required Operation Operation { get; init; }

    /// <summary>Values of the path's placeholders.</summary>
    public required IReadOnlyDictionary<string, string> Path { get; init; }

    public required IReadOnlyDictionary<string, string> Query { get; init; }
    public required JToken? Body { get; init; }
    public required SandboxSession Session { get; init; }
    public required SandboxSettings Settings { get; init; }

    /// <summary>What the caller's token may do; null: it is one of the sandbox's own tokens, which may do all.</summary>
    public Grant? Grant { get; init; }

    /// <summary>The body as an object; empty where there is none. The caller's to keep.</summary>
    public JObject Fields => Body as JObject ?? [];

    public long Now => Session.Now;

    public string? Text(string name) => Path.TryGetValue(name, out var path) ? path
        : Query.TryGetValue(name, out var query) ? query
        : Fields[name] is { Type: not JTokenType.Null } body ? body.ToString()
        : null;

    public int Number(string name, int fallback, int maximum = int.MaxValue) =>
        int.TryParse(Text(name), out var value) && value >= 0 ? Math.Min(value, maximum) : fallback;

    /// <summary>What a search index shows: nothing that was changed so lately that it lags behind.</summary>
    public RecordQuery Indexed(RecordQuery query) =>
        Settings.SearchLag > TimeSpan.Zero ? query.Where("updated_at <= ?", Now - (long)Settings.SearchLag.TotalMilliseconds) : query;

    public string? Location => Text("locationId") ?? Text("location_id");
}

/// <summary>What an operation does to the state, and answers. Answers of 400 and above leave the state as it was.</summary>
internal delegate Answer Behaviour(Call call);

/// <summary>Makes stored text part of an answer without reading it.</summary>
internal static class Raw
{
    public static JArray Array(IEnumerable<RecordText> records) => new(records.Select(r => new JRaw(r.Json)));
}
