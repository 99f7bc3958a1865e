using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>How the records of one kind are kept and stamped. A collection that nobody described takes the defaults.</summary>
internal sealed record Collection(string Name)
{
    /// <summary>Property that holds the id: <c>id</c> or <c>_id</c>.</summary>
    public string IdProperty { get; init; } = "id";

    /// <summary>Property that says when a record was made; null: the API does not say.</summary>
    public string? CreatedProperty { get; init; } = "createdAt";

    /// <summary>Property that says when a record was changed; null: the API does not say.</summary>
    public string? UpdatedProperty { get; init; } = "updatedAt";

    /// <summary>Property that names the record this one belongs to.</summary>
    public string? ParentProperty { get; init; }

    /// <summary>Properties searched by free text.</summary>
    public IReadOnlyList<string> SearchFields { get; init; } = ["name"];

    /// <summary>What makes a record the same one; null: its id.</summary>
    public Func<JObject, string>? KeyOf { get; init; }

    /// <summary>Derives what the API derives, before a record is stored.</summary>
    public Action<JObject>? Normalise { get; init; }
}

/// <summary>A record as it is stored.</summary>
/// <param name="Key">Key within its collection.</param>
/// <param name="Json">The record; the caller's to change.</param>
/// <param name="CreatedAt">Milliseconds since 1970.</param>
/// <param name="UpdatedAt">Milliseconds since 1970.</param>
internal sealed record StoredRecord(string Key, JObject Json, long CreatedAt, long UpdatedAt);

/// <summary>A stored record as text: lists answer it without reading it.</summary>
internal readonly record struct RecordText(string Key, string Json, long CreatedAt, long UpdatedAt);

/// <summary>A received request, for the control endpoint.</summary>
internal sealed record ReceivedRequest
{
    public required long At { get; init; }
    public required string Api { get; init; }
    public required string Method { get; init; }
    public required string Path { get; init; }
    public required string Query { get; init; }
    public string? Body { get; init; }

    /// <summary>Status that the caller was answered; 0: it got no answer.</summary>
    public required int Status { get; init; }

    public string? IdempotencyKey { get; init; }
}
