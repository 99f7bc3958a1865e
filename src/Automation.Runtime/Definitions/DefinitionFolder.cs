using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>
/// Loads the definitions folder: plain definitions are saved read-only and published, <c>*.template.json</c> go to the gallery. A file is loaded again when its content changes.
/// A broken file is an incident and a log line with its place; the others are loaded all the same.
/// </summary>
public sealed class DefinitionFolder(
    DefinitionService definitions,
    TemplateService templates,
    IDefinitionStore store,
    IIncidentStore incidents,
    FolderClaims claims,
    IOptions<AutomationOptions> options,
    TimeProvider clock,
    ILogger<DefinitionFolder> log) : BackgroundService
{
    private const string Provider = "folder";
    private const string IncidentKind = "definition";
    private const string TemplateEnding = ".template.json";

    /// <summary>Watchers miss changes on some file systems; this finds them.</summary>
    internal static readonly TimeSpan Rescan = TimeSpan.FromMinutes(5);

    /// <summary>Editors write a file in several goes.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    private readonly SemaphoreSlim loading = new(1, 1);

    /// <summary>Hash of each file that was loaded well, and the definition it holds; a file that failed is tried again at every load.</summary>
    private readonly Dictionary<string, (string Hash, string? DefinitionId)> loaded = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string> openIncidents = new(StringComparer.Ordinal);
    private bool isRemembered;

    /// <summary>The folder.</summary>
    public string Directory { get; } = Path.GetFullPath(options.Value.Definitions.Directory);

    /// <summary>Loads what is new or changed, and retracts definitions whose file is gone here and on every other server. May be called at any time.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            log.LogInformation("There is no definitions folder {Directory}.", Directory);
            return;
        }

        await loading.WaitAsync(cancellationToken);
        try
        {
            await RememberAsync(cancellationToken);
            var files = System.IO.Directory.EnumerateFiles(Directory, "*.json", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(Directory, path).Replace('\\', '/'))
                .Where(name => !IsHidden(name))
                .Order(StringComparer.Ordinal).ToList();

            // First, so that a file that was given another name finds its definition free.
            await ForgetMissingAsync([.. files], cancellationToken);
            foreach (var file in files)
            {
                try
                {
                    await LoadFileAsync(Path.Combine(Directory, file), file, cancellationToken);
                }
                catch (System.Data.Common.DbException)
                {
                    // Another server may have saved the same definition in this moment: then it is there now.
                    await LoadFileAsync(Path.Combine(Directory, file), file, cancellationToken);
                }
            }

            await claims.KeepAsync(Claimed(), cancellationToken);
            await RetractMissingAsync(cancellationToken);
        }
        finally
        {
            loading.Release();
        }
    }

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // What starts after this finds the gallery and the folder's flows.
        await LoadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await claims.ReleaseAsync(cancellationToken);
        }
        catch (System.Data.Common.DbException exception)
        {
            log.LogInformation("The claim on the files of {Directory} could not be taken back, and runs out by itself: {Reason}", Directory, exception.Message);
        }
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        loading.Dispose();
        base.Dispose();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0);
        using var watcher = Watch(changed);
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await changed.WaitAsync(Rescan, stoppingToken))
            {
                await Task.Delay(Settle, clock, stoppingToken);
                while (await changed.WaitAsync(TimeSpan.Zero, stoppingToken))
                {
                    // All that happened while it settled is one load.
                }
            }

            try
            {
                await LoadAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                log.LogError(exception, "The definitions folder {Directory} could not be loaded; it is tried again in {Rescan}.", Directory, Rescan);
            }
        }
    }

    /// <summary>What version control and editors keep beside the files.</summary>
    private static bool IsHidden(string name) => name.Split('/').Any(part => part.StartsWith('.') || part == "node_modules");

    private FileSystemWatcher? Watch(SemaphoreSlim changed)
    {
        try
        {
            // Of all names: a folder that is moved takes its files along without a word of them.
            var watcher = new FileSystemWatcher(Directory) { IncludeSubdirectories = true };
            void Note(object sender, FileSystemEventArgs change)
            {
                if (!IsHidden((change.Name ?? "").Replace('\\', '/')))
                {
                    changed.Release();
                }
            }

            watcher.Changed += Note;
            watcher.Created += Note;
            watcher.Deleted += Note;
            watcher.Renamed += Note;

            // More changed at once than it can hold, as a checkout does: all is looked at.
            watcher.Error += (_, _) => changed.Release();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            log.LogInformation("The definitions folder {Directory} cannot be watched; it is read every {Rescan}. {Reason}", Directory, Rescan, exception.Message);
            return null;
        }
    }

    private async Task LoadFileAsync(string path, string fileName, CancellationToken cancellationToken)
    {
        var hash = "";
        try
        {
            var bytes = await File.ReadAllBytesAsync(path, cancellationToken);
            hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
            if (loaded.TryGetValue(fileName, out var before) && before.Hash == hash)
            {
                return;
            }

            var (definition, problems) = DefinitionReader.Read(ImportFiles.TextOf(fileName, bytes));
            if (definition is null)
            {
                throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.ToString())), problems, fileName);
            }

            var definitionId = fileName.EndsWith(TemplateEnding, StringComparison.OrdinalIgnoreCase) ? Gallery(fileName, definition.Json) : await SaveAsync(fileName, hash, definition.Json, cancellationToken);
            loaded[fileName] = (hash, definitionId);
            if (openIncidents.Remove(fileName, out var incident))
            {
                await incidents.ResolveAsync(incident, "The file was corrected.", clock.GetUtcNow(), cancellationToken);
            }
        }
        catch (Exception exception) when (exception is DefinitionRejectedException or IOException or UnauthorizedAccessException or ConnectorException)
        {
            await ReportAsync(fileName, hash, exception, cancellationToken);
        }
    }

    private string? Gallery(string fileName, JObject definition)
    {
        templates.Put(fileName, definition);
        return null;
    }

    private async Task<string> SaveAsync(string fileName, string hash, JObject model, CancellationToken cancellationToken)
    {
        if ((string?)model["definitionId"] is not { Length: > 0 })
        {
            model["definitionId"] = Path.GetFileNameWithoutExtension(fileName);
        }

        // A file that was exported names slots; the connections of this installation that have the same names fill them.
        await definitions.FillSlotsAsync(model, cancellationToken);
        var definitionId = (string)model["definitionId"]!;
        if (loaded.FirstOrDefault(other => other.Key != fileName && other.Value.DefinitionId == definitionId).Key is { } taken)
        {
            throw new DefinitionRejectedException(
                $"The definitionId '{definitionId}' is taken by {taken}. Give one of the two files another definitionId.",
                [new DefinitionProblem(ProblemSeverity.Error, "duplicate-definition", "The definitionId is taken.") { Property = "definitionId" }], fileName);
        }

        var latest = await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken);
        if (latest is not null && latest.Provider != Provider)
        {
            throw new DefinitionRejectedException(
                $"The definitionId '{definitionId}' belongs to a workflow that was made elsewhere ({latest.Provider}). Give the file another definitionId, or delete that workflow.",
                [new DefinitionProblem(ProblemSeverity.Error, "duplicate-definition", "The definitionId is taken.") { Property = "definitionId" }], fileName);
        }

        // Checkpoint: the others know that it is here before they see it published, so that none of them retracts it.
        await claims.KeepAsync(new Dictionary<string, ClaimedFile>(Claimed()) { [fileName] = new(hash, definitionId) }, cancellationToken);
        if (latest is null || !DefinitionModel.SameContent(model, (JObject)Json.Parse(latest.Json, Json.DefinitionDepth)))
        {
            await definitions.SaveAsync(model, publish: false, new DefinitionService.Origin(Provider, IsReadonly: true), cancellationToken);
            if ((await claims.OthersAsync(cancellationToken)).FirstOrDefault(other => other.Files.Values.Any(file => file.DefinitionId == definitionId && file.Hash != hash)) is { } other)
            {
                log.LogWarning("{File} is another one on the server {Server} ({Folder}). The workflow is now as it is here; whichever server starts last, or whose file changes last, decides. Give all servers the same files.", fileName, other.Server, other.Folder);
            }
        }

        var saved = await definitions.PublishAsync(definitionId, cancellationToken);
        foreach (var problem in saved.Problems)
        {
            log.LogWarning("{File}: {Problem}", fileName, problem);
        }

        return definitionId;
    }

    /// <summary>After a restart: which files are known not to load, so that their incidents end when they do.</summary>
    private async Task RememberAsync(CancellationToken cancellationToken)
    {
        const int pageSize = 100;
        for (var page = 0; !isRemembered; page++)
        {
            var open = await incidents.ListAsync(open: true, null, null, page, pageSize, cancellationToken);
            foreach (var incident in open.Items.Where(incident => incident.Kind == IncidentKind && incident.Detail is not null))
            {
                openIncidents.TryAdd(incident.Detail!, incident.Id);
            }

            isRemembered = open.Items.Count < pageSize;
        }
    }

    private async Task ForgetMissingAsync(HashSet<string> files, CancellationToken cancellationToken)
    {
        foreach (var gone in loaded.Keys.Where(fileName => !files.Contains(fileName)).ToList())
        {
            templates.Remove(gone);
            loaded.Remove(gone);
        }

        if (openIncidents.Keys.All(files.Contains))
        {
            return;
        }

        var others = await claims.OthersAsync(cancellationToken);
        foreach (var gone in openIncidents.Keys.Where(fileName => !files.Contains(fileName)).ToList())
        {
            if (others.Any(other => other.Files.ContainsKey(gone)))
            {
                // Another server's, who settles it.
                openIncidents.Remove(gone);
                continue;
            }

            await incidents.ResolveAsync(openIncidents[gone], "The file is gone.", clock.GetUtcNow(), cancellationToken);
            openIncidents.Remove(gone);
        }
    }

    private async Task RetractMissingAsync(CancellationToken cancellationToken)
    {
        var present = loaded.Values.Select(file => file.DefinitionId).OfType<string>().ToHashSet(StringComparer.Ordinal);
        if (openIncidents.Count > 0)
        {
            // A file that cannot be read may be the one of any of them.
            return;
        }

        const int pageSize = 100;
        var missing = new List<DefinitionVersion>();
        for (var (page, isLast) = (0, false); !isLast; page++)
        {
            var published = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.Published, Page = page, PageSize = pageSize }, withJson: false, cancellationToken);
            missing.AddRange(published.Items.Where(version => version.Provider == Provider && !present.Contains(version.DefinitionId)));
            isLast = published.Items.Count < pageSize;
        }

        if (missing.Count == 0)
        {
            return;
        }

        // Read after what is published: whoever published one of them had claimed it before. A file that another server cannot read may be the one of any of them.
        var elsewhere = (await claims.OthersAsync(cancellationToken)).SelectMany(other => other.Files.Values).ToList();
        if (elsewhere.Any(file => file.DefinitionId is null))
        {
            return;
        }

        foreach (var version in missing.Where(version => !elsewhere.Any(file => file.DefinitionId == version.DefinitionId)))
        {
            try
            {
                await definitions.RetractAsync(version.DefinitionId, cancellationToken);
                log.LogInformation("The workflow {Name} ({DefinitionId}) is retracted: its file is not in the definitions folder any more.", version.Name, version.DefinitionId);
            }
            catch (DefinitionRejectedException)
            {
                // Another server was first.
            }
        }
    }

    /// <summary>The files that say which definitions are here, and those that cannot be read.</summary>
    private Dictionary<string, ClaimedFile> Claimed()
    {
        var files = loaded.Where(file => file.Value.DefinitionId is not null).ToDictionary(file => file.Key, file => new ClaimedFile(file.Value.Hash, file.Value.DefinitionId), StringComparer.Ordinal);
        foreach (var broken in openIncidents.Keys)
        {
            files.TryAdd(broken, new ClaimedFile("", null));
        }

        return files;
    }

    private async Task ReportAsync(string fileName, string hash, Exception exception, CancellationToken cancellationToken)
    {
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"definition-file\u001f{fileName}\u001f{hash}\u001f{exception.Message}")))[..32];
        if (openIncidents.TryGetValue(fileName, out var open) && open == id)
        {
            return;
        }

        log.LogError("The definition file {File} was not loaded: {Reason}", fileName, exception.Message);
        if (open is not null)
        {
            await incidents.ResolveAsync(open, "The file has changed.", clock.GetUtcNow(), cancellationToken);
        }

        openIncidents[fileName] = id;
        var problem = (exception as DefinitionRejectedException)?.Problems.FirstOrDefault(problem => problem.Severity != ProblemSeverity.Warning);
        await incidents.AddAsync(
            [
                new IncidentRecord
                {
                    Id = id,
                    Kind = IncidentKind,
                    Detail = fileName,
                    ActivityId = problem?.ActivityId,
                    ActivityType = problem?.ActivityType,
                    Code = problem?.Code ?? "definition-file",
                    Message = $"The definition file {fileName} was not loaded: {exception.Message}",
                    Action = "Correct the file; it is loaded again when it changes.",
                    CreatedAt = clock.GetUtcNow(),
                },
            ],
            cancellationToken);
    }
}
