using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;

namespace Automation.Runtime.Definitions;

/// <summary>A file of a definitions folder.</summary>
/// <param name="Hash">Of its content.</param>
/// <param name="DefinitionId">The definition it holds; null: it could not be read.</param>
internal sealed record ClaimedFile(string Hash, string? DefinitionId);

/// <summary>What one server has in its definitions folder.</summary>
/// <param name="Server">The machine.</param>
/// <param name="Folder">The folder.</param>
/// <param name="Files">By the file's name; templates are not among them, unless they could not be read.</param>
internal sealed record FolderClaim(string Server, string Folder, IReadOnlyDictionary<string, ClaimedFile> Files);

/// <summary>
/// Tells servers on one database what the others have in their definitions folders, which may differ (while a new version is rolled out, if no longer): a server retracts what none of them has. Each writes a claim
/// before it publishes, renews it at every look at its folder, and takes it back when it stops; that of a server that died runs out.
/// </summary>
public sealed class FolderClaims(IDocumentStore documents, Node node, IOptions<AutomationOptions> options, TimeProvider clock)
{
    private const string Kind = "definitions-folder";

    /// <summary>Two looks at a folder may fail, or be late.</summary>
    private static readonly TimeSpan Life = 3 * DefinitionFolder.Rescan;

    private readonly string folder = Path.GetFullPath(options.Value.Definitions.Directory);

    /// <summary>A SQLite file has one server.</summary>
    private readonly bool isShared = options.Value.Storage.IsPostgreSql;

    private string? written;
    private DateTimeOffset writtenAt;

    /// <summary>Claims files for this server; writes when it is news to the others, or time.</summary>
    internal async Task KeepAsync(IReadOnlyDictionary<string, ClaimedFile> files, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var claim = JsonConvert.SerializeObject(new FolderClaim(Environment.MachineName, folder, new SortedDictionary<string, ClaimedFile>(files.ToDictionary(), StringComparer.Ordinal)), Json.Settings);
        if (!isShared || (files.Count == 0 && written is null) || (claim == written && now - writtenAt < DefinitionFolder.Rescan / 2))
        {
            return;
        }

        await documents.SaveAsync(new DocumentRecord(Kind, node.Id, claim, now, now), cancellationToken);
        (written, writtenAt) = (claim, now);
    }

    /// <summary>Claims of the other servers that are alive. One that reads this very folder has nothing to say beside what is seen in it.</summary>
    internal async Task<IReadOnlyList<FolderClaim>> OthersAsync(CancellationToken cancellationToken)
    {
        var others = new List<FolderClaim>();
        if (!isShared)
        {
            return others;
        }

        var now = clock.GetUtcNow();
        foreach (var document in await documents.ListAsync(Kind, cancellationToken))
        {
            if (now - document.UpdatedAt > Life)
            {
                await documents.DeleteAsync(Kind, document.Name, cancellationToken);
            }
            else if (document.Name != node.Id && JsonConvert.DeserializeObject<FolderClaim>(document.Json, Json.Settings) is { } claim && (claim.Server, claim.Folder) != (Environment.MachineName, folder))
            {
                others.Add(claim);
            }
        }

        return others;
    }

    /// <summary>This server stops: what only it had is free to be retracted.</summary>
    internal async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (written is not null)
        {
            written = null;
            await documents.DeleteAsync(Kind, node.Id, cancellationToken);
        }
    }
}
