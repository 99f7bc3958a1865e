using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>How an import is done.</summary>
public sealed record ImportOptions
{
    /// <summary>
    /// Every definition gets new ids and, where its name is taken, another name, and references among the files follow. The same files again within a minute are the same
    /// request repeated, and give the same definitions.
    /// </summary>
    public bool RenewIds { get; init; }

    /// <summary>Connection by slot; a slot that is not named takes the connection of the name that its file tells.</summary>
    public IReadOnlyDictionary<string, string> Connections { get; init; } = new Dictionary<string, string>();
}

/// <content>Import of files.</content>
public sealed partial class DefinitionService
{
    /// <summary>How long a repeated request counts as one.</summary>
    private static readonly TimeSpan RepeatWindow = TimeSpan.FromMinutes(1);

    private static readonly Dictionary<string, string> NoneChosen = [];

    /// <summary>Imports files (name and text), all or none, as drafts: version and published mark of a file are ignored. Zip archives are expanded by the caller.</summary>
    /// <exception cref="DefinitionRejectedException">One file cannot be kept: names it, with place and reason; nothing was kept.</exception>
    public Task<IReadOnlyList<SavedDefinition>> ImportAsync(IReadOnlyList<(string FileName, string Text)> files, CancellationToken cancellationToken) =>
        ImportAsync(files, new ImportOptions(), cancellationToken);

    /// <inheritdoc cref="ImportAsync(IReadOnlyList{ValueTuple{string, string}}, CancellationToken)"/>
    public async Task<IReadOnlyList<SavedDefinition>> ImportAsync(IReadOnlyList<(string FileName, string Text)> files, ImportOptions options, CancellationToken cancellationToken)
    {
        var read = files.Select(file => (file.FileName, Definition: Read(DefinitionReader.Read(file.Text), file.FileName))).ToList();
        if (options.RenewIds)
        {
            await RenewAsync([.. read.Select(file => file.Definition.Json)], SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(files.Select(file => file.Text)))), cancellationToken);
        }

        await writing.WaitAsync(cancellationToken);
        try
        {
            var drafts = new List<(Draft Draft, IReadOnlyList<ConnectionSlot> Slots)>();
            var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (fileName, definition) in read)
            {
                try
                {
                    var filled = await slots.ReadAsync(definition.Json, options.Connections, cancellationToken);
                    drafts.Add((await DraftAsync(definition.Json, new Origin("import"), retriedPublish: false, cancellationToken), filled));
                }
                catch (DefinitionRejectedException exception)
                {
                    throw new DefinitionRejectedException($"{fileName}: {exception.Message}", exception.Problems, fileName);
                }

                var id = drafts[^1].Draft.Version.DefinitionId;
                if (!fileOf.TryAdd(id, fileName))
                {
                    throw Rejected("duplicate-definition", $"{fileName} has the same definitionId '{id}' as {fileOf[id]}. Import them one after the other, or give one another id.", fileName);
                }
            }

            RefuseUnknownSlots(options, drafts.SelectMany(draft => draft.Slots));
            await store.SaveAsync([.. drafts.Select(draft => draft.Draft.Version)], cancellationToken);
            var saved = new List<SavedDefinition>();
            foreach (var (draft, filled) in drafts)
            {
                plans.Forget(draft.Version.Id);
                saved.Add(new SavedDefinition(draft.Version, (await CheckAsync(draft.Version, cancellationToken)).Problems, draft.IsNew, AlreadyPublished: false) { Slots = filled });
            }

            return saved;
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Puts the connections in place that a file tells by their names, where they are here.</summary>
    internal Task FillSlotsAsync(JObject model, CancellationToken cancellationToken) => slots.ReadAsync(model, NoneChosen, cancellationToken);

    private static void RefuseUnknownSlots(ImportOptions options, IEnumerable<ConnectionSlot> found)
    {
        var names = found.Select(slot => slot.Name).Distinct().ToList();
        if (options.Connections.Keys.FirstOrDefault(name => !names.Contains(name)) is { } unknown)
        {
            var message = $"None of the files has a slot '{unknown}' for a connection. {(names.Count == 0 ? "They have none." : $"They have: {string.Join(", ", names)}.")}";
            throw new DefinitionRejectedException(message, [new DefinitionProblem(ProblemSeverity.Error, "unknown-slot", message) { Property = $"connections.{unknown}" }]);
        }
    }

    /// <summary>An imported file keeps its time, so that exports of two installations are the same text.</summary>
    private static DateTimeOffset CreatedAt(JObject model, Origin origin, DateTimeOffset now) =>
        origin.Provider == "import" && (string?)model["definitionId"] is { Length: > 0 } && model["createdAt"] is JValue { Value: string text }
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time.Year > 1 && time <= now
            ? time
            : now;

    /// <summary>Gives the models new ids and names of their own, and turns what they say of each other to the new ids.</summary>
    private async Task RenewAsync(IReadOnlyList<JObject> models, byte[] fingerprint, CancellationToken cancellationToken)
    {
        var renewed = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (model, number) in models.Select((model, number) => (model, number)))
        {
            var (id, repeated) = await NewIdAsync(fingerprint, number, cancellationToken);
            if ((string?)model["definitionId"] is { Length: > 0 } old && !renewed.TryAdd(old, id))
            {
                throw Rejected("duplicate-definition", $"Two of the files have the definitionId '{old}'. Import them one after the other.");
            }

            model["definitionId"] = id;
            model.Remove("id");
            model.Remove("createdAt");
            if ((string?)model["name"] is { Length: > 0 } name)
            {
                model["name"] = repeated?.Name ?? await FreeNameAsync(name, names, cancellationToken);
            }
        }

        foreach (var reference in models.SelectMany(model => model.Descendants()).OfType<JProperty>().Where(property => property.Name == "workflowDefinitionId").ToList())
        {
            var value = reference.Value is JObject input ? input["expression"]?["value"] as JValue : reference.Value as JValue;
            if (value?.Value is string old && renewed.TryGetValue(old, out var id))
            {
                value.Value = id;

                // The version's id is not known yet; the definition's names it well enough.
                (reference.Parent as JObject)?.Remove("workflowDefinitionVersionId");
            }
        }
    }

    /// <summary>An id that the same file has again when the request is repeated: made of its content and of how many copies of it there are from before.</summary>
    private async Task<(string Id, DefinitionVersion? Repeated)> NewIdAsync(byte[] fingerprint, int number, CancellationToken cancellationToken)
    {
        for (var copy = 0; ; copy++)
        {
            var id = Convert.ToHexStringLower(SHA256.HashData([.. fingerprint, .. BitConverter.GetBytes(number), .. BitConverter.GetBytes(copy)]))[..32];
            var present = await store.FindAsync(id, VersionOptions.Latest, cancellationToken);
            if (present is null || (present is { Version: 1, IsPublished: false } && present.CreatedAt > clock.GetUtcNow() - RepeatWindow))
            {
                return (id, present);
            }
        }
    }

    private async Task<string> FreeNameAsync(string name, HashSet<string> taken, CancellationToken cancellationToken)
    {
        for (var number = 1; ; number++)
        {
            var candidate = number == 1 ? name : $"{name} {number}";
            if (!taken.Contains(candidate) && (await store.ListAsync(new DefinitionFilter { Name = candidate, PageSize = 1 }, withJson: false, cancellationToken)).Total == 0)
            {
                taken.Add(candidate);
                return candidate;
            }
        }
    }
}
