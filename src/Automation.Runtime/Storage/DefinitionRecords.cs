using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Storage;

/// <summary>A version of a definition, as stored.</summary>
public sealed record DefinitionVersion
{
    /// <summary>Id of the version.</summary>
    public required string Id { get; init; }
    public required string DefinitionId { get; init; }
    public required int Version { get; init; }
    public string? Name { get; init; }
    public string? Description { get; init; }
    public required bool IsLatest { get; init; }
    public required bool IsPublished { get; init; }

    /// <summary>Loaded from a folder: shown, run, not edited.</summary>
    public bool IsReadonly { get; init; }
    public bool IsSystem { get; init; }

    /// <summary>Where it came from: <c>designer</c>, <c>import</c>, <c>folder</c>, <c>template:NAME</c>.</summary>
    public string Provider { get; init; } = "designer";
    public string? ToolVersion { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The definition JSON (text, as kept).</summary>
    public required string Json { get; init; }
}

/// <summary>Which version is meant: <c>Latest</c>, <c>Published</c>, <c>Draft</c>, <c>LatestOrPublished</c>, <c>LatestAndPublished</c>, <c>AllVersions</c>, or a number.</summary>
public readonly record struct VersionOptions(string Kind, int? Number = null)
{
    public static VersionOptions Latest { get; } = new("Latest");
    public static VersionOptions Published { get; } = new("Published");
    public static VersionOptions LatestOrPublished { get; } = new("LatestOrPublished");
    public static VersionOptions AllVersions { get; } = new("AllVersions");

    /// <summary>Reads the API's form; empty means every version. Null: it is none.</summary>
    public static VersionOptions? Read(string text) => text.ToLowerInvariant() switch
    {
        "" or "allversions" => AllVersions,
        "latest" => Latest,
        "published" => Published,
        "draft" => new VersionOptions("Draft"),
        "latestorpublished" => LatestOrPublished,
        "latestandpublished" => new VersionOptions("LatestAndPublished"),
        _ => int.TryParse(text, out var number) ? new VersionOptions("Specific", number) : null,
    };
}

/// <summary>Filters and order of a list of definitions. Pages are 0-based here.</summary>
public sealed record DefinitionFilter
{
    public VersionOptions Version { get; init; } = VersionOptions.Latest;
    public IReadOnlyList<string>? DefinitionIds { get; init; }
    public IReadOnlyList<string>? Ids { get; init; }
    public string? Search { get; init; }
    public string? Name { get; init; }

    /// <summary>The definition's JSON has this text somewhere.</summary>
    public string? Mentions { get; init; }

    /// <summary>Only those whose JSON says, somewhere, that the workflow is usable as an activity.</summary>
    public bool OffersActivity { get; init; }
    public bool? IsSystem { get; init; }

    /// <summary><c>Name</c>, <c>Created</c>, <c>Version</c>, <c>DefinitionId</c>.</summary>
    public string OrderBy { get; init; } = "Name";
    public bool Descending { get; init; }
    public int Page { get; init; }
    public int PageSize { get; init; } = 100;
}

/// <summary>A page of a list and how many there are in all.</summary>
public sealed record PageOf<T>(IReadOnlyList<T> Items, long Total)
{
    /// <summary>Where the next page begins, of lists that go by cursor; null: this is the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What publishing changes, in one transaction.</summary>
public sealed record Publication
{
    /// <summary>How long at least a source without triggers counts as merely interrupted (a flow retracted and published again).</summary>
    public static readonly TimeSpan ShortestDormancy = TimeSpan.FromMinutes(15);

    /// <summary>The version to publish; the earlier published one of its definition loses the mark.</summary>
    public required string VersionId { get; init; }
    public required string DefinitionId { get; init; }

    /// <summary>
    /// Triggers of this version. Those whose id (definition, activity, location) is there already keep position, generation and pause;
    /// one whose source changed takes the end of its new source's ledger. Triggers of the definition not named here are removed.
    /// </summary>
    public required IReadOnlyList<TriggerRecord> Triggers { get; init; }

    /// <summary>
    /// Sources named by the triggers; those there already are kept as they are (interval aside). One that had no trigger, and was not polled for
    /// <see cref="ShortestDormancy"/> and three of its intervals, takes a new baseline: a flow that joins must not fire for all that changed while nobody looked.
    /// </summary>
    public required IReadOnlyList<SourceRecord> Sources { get; init; }

    /// <summary>Secrets for triggers with a secret address; one that has a secret keeps it.</summary>
    public IReadOnlyList<HookRecord> Hooks { get; init; } = [];
}

/// <summary>Definitions and their versions.</summary>
public interface IDefinitionStore
{
    Task<DefinitionVersion?> FindAsync(string definitionId, VersionOptions version, CancellationToken cancellationToken);
    Task<DefinitionVersion?> FindVersionAsync(string versionId, CancellationToken cancellationToken);

    /// <summary>Lists versions; <see cref="DefinitionVersion.Json"/> is empty when <paramref name="withJson"/> is false.</summary>
    Task<PageOf<DefinitionVersion>> ListAsync(DefinitionFilter filter, bool withJson, CancellationToken cancellationToken);

    /// <summary>Inserts or overwrites drafts, all or none. A new latest version takes the mark from its predecessor.</summary>
    Task SaveAsync(IReadOnlyList<DefinitionVersion> versions, CancellationToken cancellationToken);

    Task PublishAsync(Publication publication, CancellationToken cancellationToken);

    /// <summary>Takes the published mark and the triggers away.</summary>
    Task RetractAsync(string definitionId, CancellationToken cancellationToken);

    /// <summary>Deletes a definition with its versions and triggers. Runs stay.</summary>
    Task<bool> DeleteAsync(string definitionId, CancellationToken cancellationToken);
    Task<bool> DeleteVersionAsync(string versionId, CancellationToken cancellationToken);
}

/// <summary>A JSON text that somebody saved under a name.</summary>
/// <param name="Kind"><c>template</c>, <c>mapping</c>, <c>table</c>.</param>
/// <param name="Name">Unique in its kind, in any case.</param>
/// <param name="Json">The text.</param>
/// <param name="CreatedAt">First saved.</param>
/// <param name="UpdatedAt">Last saved.</param>
public sealed record DocumentRecord(string Kind, string Name, string Json, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>Saved templates and field maps.</summary>
public interface IDocumentStore
{
    Task<IReadOnlyList<DocumentRecord>> ListAsync(string kind, CancellationToken cancellationToken);
    Task<DocumentRecord?> FindAsync(string kind, string name, CancellationToken cancellationToken);

    /// <summary>Inserts, or replaces the text of one that is there.</summary>
    Task SaveAsync(DocumentRecord document, CancellationToken cancellationToken);
    Task<bool> DeleteAsync(string kind, string name, CancellationToken cancellationToken);
}

/// <summary>A connection, as stored: its secret encrypted.</summary>
public sealed record ConnectionRecord
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Connector { get; init; }
    public required string BaseUrl { get; init; }
    public string? LocationId { get; init; }
    public string? CompanyId { get; init; }

    /// <summary>Kind of credential, readable without the key: <c>apiKey</c>, <c>oauth2</c>.</summary>
    public required string AuthKind { get; init; }

    /// <summary>The credential, encrypted by the vault.</summary>
    public required byte[] Secret { get; init; }
    public bool IsSandbox { get; init; }

    /// <summary>Public key by which webhooks are judged; null: the sender's published ones.</summary>
    public string? WebhookKey { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Connections.</summary>
public interface IConnectionStore
{
    Task<ConnectionRecord?> FindAsync(string idOrName, CancellationToken cancellationToken);
    Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Inserts or replaces. A token comes with a new account; without one what is there stays. Lists of a connection that is given another server take a new baseline.</summary>
    Task SaveAsync(ConnectionRecord connection, TokenRecord? token, CancellationToken cancellationToken);

    /// <summary>Encrypts anew: only where the secret is still the one that was read.</summary>
    Task<bool> ReencryptAsync(string id, byte[] before, byte[] after, CancellationToken cancellationToken);
    Task<bool> DeleteAsync(string id, DateTimeOffset at, CancellationToken cancellationToken);
}

/// <summary>A user of the web app.</summary>
public sealed record UserRecord(string Name, string PasswordHash, string Role, DateTimeOffset CreatedAt);

/// <summary>An API key: only its hash is stored.</summary>
public sealed record ApiKeyRecord(string Id, string Name, string Hash, string Role, DateTimeOffset CreatedAt);

/// <summary>Users, API keys, and small settings of the installation.</summary>
public interface IAccessStore
{
    Task<UserRecord?> FindUserAsync(string name, CancellationToken cancellationToken);
    Task<int> CountUsersAsync(CancellationToken cancellationToken);
    Task SaveUserAsync(UserRecord user, CancellationToken cancellationToken);
    Task<IReadOnlyList<UserRecord>> ListUsersAsync(CancellationToken cancellationToken);
    Task<bool> DeleteUserAsync(string name, CancellationToken cancellationToken);
    Task<IReadOnlyList<ApiKeyRecord>> ListApiKeysAsync(CancellationToken cancellationToken);
    Task<ApiKeyRecord?> FindApiKeyAsync(string hash, CancellationToken cancellationToken);
    Task SaveApiKeyAsync(ApiKeyRecord key, CancellationToken cancellationToken);
    Task<bool> DeleteApiKeyAsync(string id, CancellationToken cancellationToken);
    Task<string?> GetSettingAsync(string name, CancellationToken cancellationToken);
    Task SetSettingAsync(string name, string value, CancellationToken cancellationToken);
}
