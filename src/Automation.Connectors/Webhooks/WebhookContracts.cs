using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>How a connector's other side tells of changes by itself: who signs its webhooks, and what stands in them.</summary>
public interface IWebhookFormat
{
    /// <summary>Name in the path: <c>ghl</c>.</summary>
    string Name { get; }

    /// <summary>Connector whose connections get them.</summary>
    string Connector { get; }

    /// <summary>Types that are known.</summary>
    IReadOnlyList<string> Types { get; }

    /// <summary>Kinds of records of which it says that one was deleted, with the type that says so.</summary>
    IReadOnlyDictionary<string, string> Deletions { get; }

    /// <summary>Whether the sender signed this body.</summary>
    /// <param name="body">The body, byte for byte.</param>
    /// <param name="header">A header of the request by its name; null: it has none.</param>
    /// <param name="key">Public key to judge by; null: the sender's published ones.</param>
    bool IsAuthentic(ReadOnlySpan<byte> body, Func<string, string?> header, string? key);

    /// <summary>Whether a text can be read as a public key.</summary>
    bool IsKey(string text);

    /// <summary>Reads what a webhook says.</summary>
    WebhookMessage Read(JObject body);
}

/// <summary>What a webhook says.</summary>
public sealed record WebhookMessage
{
    /// <summary>The sender's id of it; null: it has none.</summary>
    public string? Id { get; init; }

    public required string Type { get; init; }

    /// <summary>When it was sent; null: it does not say.</summary>
    public DateTimeOffset? SentAt { get; init; }

    public WebhookKind Kind { get; init; }

    /// <summary>Kind of record that it is about: <c>Contact</c>; null: none that is known.</summary>
    public string? Entity { get; init; }

    /// <summary>Id of the record.</summary>
    public string? ItemId { get; init; }

    public string? LocationId { get; init; }
    public string? CompanyId { get; init; }

    /// <summary>App that it was sent for; null: it does not say.</summary>
    public string? AppId { get; init; }
}

/// <summary>What a webhook is.</summary>
public enum WebhookKind
{
    /// <summary>Of a type that is not known here.</summary>
    Unknown,

    /// <summary>A record was made or changed, or something happened to it.</summary>
    Change,

    /// <summary>A record was deleted.</summary>
    Deletion,

    /// <summary>The app was installed in the account.</summary>
    Installation,

    /// <summary>The app was removed from the account: its tokens are void.</summary>
    Removal,
}

/// <summary>What a webhook about a record leads to for a source that lists such records. A webhook is a hint: what fires is what is read.</summary>
public sealed record HintShape
{
    /// <summary>Kind of record.</summary>
    public required string Entity { get; init; }

    /// <summary>
    /// Inputs with which the same operation reads that one item: <c>$id</c> is its id. Merged into the source's own, so that what is read is what a poll would see. Null: the source is polled.
    /// </summary>
    public JObject? Read { get; init; }

    /// <summary>Path of the item's id in the webhook, where it is not the record's own.</summary>
    public string? IdPath { get; init; }

    /// <summary>Inputs of the source that must equal values of the webhook, by its paths; <c>$id</c> is the record's id. A source of another contact's tasks is not concerned.</summary>
    public JObject Match { get; init; } = [];
}
