using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>Saves, checks, publishes, imports and exports definitions.</summary>
public sealed partial class DefinitionService : IDisposable
{
    private readonly IDefinitionStore store;
    private readonly WorkflowLibrary library;
    private readonly IDoorbell doorbell;
    private readonly TimeProvider clock;
    private readonly HookSecrets hooks;
    private readonly PlanCache plans;
    private readonly PublishCheck check;
    private readonly ConnectionSlots slots;

    /// <summary>Saves and publications of this node one after the other: two saves of a published version must not both add one.</summary>
    private readonly SemaphoreSlim writing = new(1, 1);

    public DefinitionService(
        IDefinitionStore store,
        IPollStore polls,
        IConnections connections,
        OperationCatalog operations,
        LocationZones zones,
        WorkflowEngine engine,
        WorkflowLibrary library,
        IOptions<AutomationOptions> options,
        IDoorbell doorbell,
        HookSecrets hooks,
        IEnumerable<IWebhookFormat> webhooks,
        IServiceProvider services,
        TimeProvider clock)
    {
        this.hooks = hooks;
        this.store = store;
        this.library = library;
        this.doorbell = doorbell;
        this.clock = clock;
        plans = new PlanCache(store, engine, library);
        slots = new ConnectionSlots(connections, operations);
        check = new PublishCheck(store, new TriggerBuilder(polls, connections, operations, zones, engine, options, [.. webhooks], services, clock), services);
    }

    /// <summary>
    /// Saves a model as a draft: overwrites the latest draft, or adds version + 1 to a published one. A model without or with an unknown definitionId creates.
    /// Retried saves of the same model change nothing more. Problems that only publishing refuses are returned as they would be there.
    /// </summary>
    /// <exception cref="DefinitionRejectedException">The model cannot be kept, is read-only (<c>read-only</c>), or <paramref name="publish"/> was asked for and a check failed: then the draft is kept.</exception>
    public Task<SavedDefinition> SaveAsync(JObject model, bool publish, CancellationToken cancellationToken) =>
        SaveAsync(model, publish, basedOn: null, cancellationToken);

    /// <inheritdoc cref="SaveAsync(JObject, bool, CancellationToken)"/>
    /// <param name="model">The model.</param>
    /// <param name="publish">Whether it is published, too.</param>
    /// <param name="basedOn">Judges the tag of what is stored (<see cref="TagOf"/>; null: there is none): whether the model was made from it. Null: whatever is stored is written over.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DefinitionChangedException">Something else was saved meanwhile.</exception>
    public Task<SavedDefinition> SaveAsync(JObject model, bool publish, Func<string?, bool>? basedOn, CancellationToken cancellationToken) =>
        SaveAsync(model, publish, new Origin("designer"), cancellationToken, basedOn);

    internal async Task<SavedDefinition> SaveAsync(JObject model, bool publish, Origin origin, CancellationToken cancellationToken, Func<string?, bool>? basedOn = null)
    {
        var definition = Read(DefinitionReader.Read(model), null);
        await writing.WaitAsync(cancellationToken);
        try
        {
            if (basedOn is not null && (string?)definition.Json["definitionId"] is { Length: > 0 } definitionId)
            {
                // A save whose answer got lost, sent again, finds its own model.
                var stored = await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken);
                if (!basedOn(stored is null ? null : TagOf(stored)) && !(stored is not null && DefinitionModel.SameContent(definition.Json, (JObject)Json.Parse(stored.Json, Json.DefinitionDepth))))
                {
                    throw new DefinitionChangedException(definitionId, stored);
                }
            }

            var draft = await DraftAsync(definition.Json, origin, retriedPublish: publish, cancellationToken);
            if (draft.IsUnchanged)
            {
                return new SavedDefinition(draft.Version, [], WasNew: false, AlreadyPublished: draft.Version.IsPublished);
            }

            await store.SaveAsync([draft.Version], cancellationToken);
            plans.Forget(draft.Version.Id);
            return publish
                ? await PublishAsync(draft.Version, draft.IsNew, cancellationToken)
                : new SavedDefinition(draft.Version, (await CheckAsync(draft.Version, cancellationToken)).Problems, draft.IsNew, AlreadyPublished: false);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Tells one content of a version from every other. Publishing does not change it: it takes nobody's work away.</summary>
    public static string TagOf(DefinitionVersion version) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{version.Id}\n{version.Json}")))[..32];

    /// <summary>Publishes the latest version: checks, then marks it and moves its triggers in one transaction.</summary>
    /// <exception cref="DefinitionRejectedException">A check failed; the draft stays.</exception>
    /// <exception cref="KeyNotFoundException">There is no such definition.</exception>
    public async Task<SavedDefinition> PublishAsync(string definitionId, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            var latest = await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken) ?? throw new KeyNotFoundException($"There is no workflow definition '{definitionId}'.");
            return latest.IsPublished
                ? new SavedDefinition(latest, [], WasNew: false, AlreadyPublished: true)
                : await PublishAsync(latest, wasNew: false, cancellationToken);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Takes the published mark and the triggers away. Null: there is no such definition.</summary>
    /// <exception cref="DefinitionRejectedException">It is not published (<c>not-published</c>).</exception>
    public async Task<DefinitionVersion?> RetractAsync(string definitionId, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            var published = await store.FindAsync(definitionId, VersionOptions.Published, cancellationToken);
            if (published is null)
            {
                return await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken) is null
                    ? null
                    : throw Rejected("not-published", $"The workflow definition '{definitionId}' is not published.");
            }

            await store.RetractAsync(definitionId, cancellationToken);
            plans.Forget(published.Id);
            doorbell.RingClock();
            return await store.FindVersionAsync(published.Id, cancellationToken);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Makes an earlier version the content of a new draft. Null: there is no such version.</summary>
    /// <exception cref="DefinitionRejectedException">The definition is read-only.</exception>
    public async Task<DefinitionVersion?> RevertAsync(string definitionId, int version, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            var wanted = await store.FindAsync(definitionId, new VersionOptions("Specific", version), cancellationToken);
            var latest = await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken);
            if (wanted is null || latest is null)
            {
                return null;
            }

            RefuseReadonly(latest);
            var content = (JObject)Json.Parse(wanted.Json, Json.DefinitionDepth);
            if (!latest.IsPublished && DefinitionModel.SameContent(content, (JObject)Json.Parse(latest.Json, Json.DefinitionDepth)))
            {
                // A repeated request, or nothing to go back from.
                return latest;
            }

            var draft = Make(content, Ids.New(clock), definitionId, latest.Version + 1, clock.GetUtcNow(), new Origin(latest.Provider));
            await store.SaveAsync([draft], cancellationToken);
            return draft;
        }
        finally
        {
            writing.Release();
        }
    }

    /// <exception cref="DefinitionRejectedException">The definition is read-only.</exception>
    public async Task<bool> DeleteAsync(string definitionId, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            if (await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken) is not { } latest)
            {
                return false;
            }

            // One whose file is gone was retracted by the folder: that one may go.
            if (latest.IsPublished)
            {
                RefuseReadonly(latest);
            }

            var deleted = await store.DeleteAsync(definitionId, cancellationToken);
            plans.Forget(latest.Id);
            doorbell.RingClock();
            return deleted;
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>The export of a version: file name and JSON text, stable to the byte. Connections are slots in it: their ids are this installation's own.</summary>
    public async Task<(string FileName, string Text)> ExportAsync(DefinitionVersion version, CancellationToken cancellationToken)
    {
        var model = DefinitionModel.Model(version);
        await slots.WriteAsync(model, cancellationToken);
        return (DefinitionModel.FileName(version), DefinitionModel.Export(model));
    }

    /// <summary>A version as the Elsa API shows it: flags, empty lists for nulls, a node id on every activity.</summary>
    public JObject Describe(DefinitionVersion version) => DefinitionView.Of(version);

    /// <summary>Reads, compiles and checks a definition without keeping it: all its problems.</summary>
    public async Task<IReadOnlyList<DefinitionProblem>> ValidateAsync(string text, CancellationToken cancellationToken)
    {
        var (definition, problems) = DefinitionReader.Read(text);
        if (definition is null)
        {
            return problems;
        }

        // A slot without a connection is open until the definition is where it is to run: no mistake of the file.
        await slots.ReadAsync(definition.Json, NoneChosen, cancellationToken);
        var version = Make(definition.Json, definition.Id, definition.DefinitionId, definition.Version, clock.GetUtcNow(), new Origin("import"));
        var plan = await check.CheckAsync(await plans.CompileAsync(definition, cancellationToken), version, cancellationToken);
        return [.. problems, .. plan.Problems.Select(problem => problem.Code == "unfilled-slot" ? problem with { Severity = ProblemSeverity.Warning } : problem)];
    }

    /// <summary>Another process changed definitions: what is held of them in memory is compared before it is used.</summary>
    public void Doubt() => plans.Doubt();

    /// <summary>The compiled plan of a version, cached. Null: there is no such version.</summary>
    public ValueTask<WorkflowPlan?> GetPlanAsync(string versionId, CancellationToken cancellationToken) => plans.GetAsync(versionId, cancellationToken);

    /// <inheritdoc />
    public void Dispose() => writing.Dispose();

    private async Task<SavedDefinition> PublishAsync(DefinitionVersion draft, bool wasNew, CancellationToken cancellationToken)
    {
        var saved = await PublishOneAsync(draft, wasNew, cancellationToken);
        if (OptionsAsActivity(saved.Version)?["autoUpdateConsumingWorkflows"] is not JValue { Value: true })
        {
            return saved;
        }

        var updated = new List<DefinitionVersion>();
        await UpdateReferencesAsync(saved.Version, updated, cancellationToken);
        return saved with { UpdatedConsumers = [.. updated.Select(consumer => consumer.DefinitionId)] };
    }

    private async Task<SavedDefinition> PublishOneAsync(DefinitionVersion draft, bool wasNew, CancellationToken cancellationToken)
    {
        if (await library.PinAsync(Read(DefinitionReader.Read(draft.Json), null), cancellationToken) is { } pinned)
        {
            draft = draft with { Json = Json.Write(pinned) };
            await store.SaveAsync([draft], cancellationToken);
        }

        var plan = await CheckAsync(draft, cancellationToken);
        if (plan.Refusals is { Count: > 0 } refusals)
        {
            throw new DefinitionRejectedException(string.Join(" ", refusals.Select(problem => problem.ToString())), refusals);
        }

        await store.PublishAsync(new Publication { VersionId = draft.Id, DefinitionId = draft.DefinitionId, Triggers = plan.Triggers, Sources = plan.Sources, Hooks = [.. plan.Triggers.Where(trigger => trigger.Kind == "hook").Select(trigger => hooks.Make(trigger.Id))] }, cancellationToken);

        plans.Forget(draft.Id);
        doorbell.RingClock();
        return new SavedDefinition(await store.FindVersionAsync(draft.Id, cancellationToken) ?? draft, plan.Problems, wasNew, AlreadyPublished: false);
    }

    private async Task<PublishPlan> CheckAsync(DefinitionVersion version, CancellationToken cancellationToken) =>
        await check.CheckAsync(await plans.CompileAsync(Read(DefinitionReader.Read(version.Json), null), cancellationToken), version, cancellationToken);

    /// <summary>The version that a save would write.</summary>
    private async Task<Draft> DraftAsync(JObject model, Origin origin, bool retriedPublish, CancellationToken cancellationToken)
    {
        var definitionId = (string?)model["definitionId"];
        var now = clock.GetUtcNow();
        var latest = string.IsNullOrEmpty(definitionId) ? await FindRetriedAsync(model, now, cancellationToken) : await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken);
        if (latest is null)
        {
            var id = (string?)model["id"];
            var isFree = !string.IsNullOrEmpty(id) && await store.FindVersionAsync(id, cancellationToken) is null;
            return new Draft(Make(model, isFree ? id! : Ids.New(clock), string.IsNullOrEmpty(definitionId) ? Ids.New(clock) : definitionId, 1, CreatedAt(model, origin, now), origin), IsNew: true);
        }

        if (origin.Provider != "folder")
        {
            RefuseReadonly(latest);
        }

        if (latest.IsPublished)
        {
            return retriedPublish && DefinitionModel.SameContent(model, (JObject)Json.Parse(latest.Json, Json.DefinitionDepth))
                ? new Draft(latest, IsNew: false) { IsUnchanged = true }
                : new Draft(Make(model, Ids.New(clock), latest.DefinitionId, latest.Version + 1, now, origin), IsNew: false);
        }

        return new Draft(Make(model, latest.Id, latest.DefinitionId, latest.Version, latest.CreatedAt, origin), IsNew: false);
    }

    /// <summary>
    /// The designer repeats a save whose answer it did not get, also that of a new workflow, which has no id yet: the same model again within a minute is the same workflow.
    /// </summary>
    private async Task<DefinitionVersion?> FindRetriedAsync(JObject model, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if ((string?)model["name"] is not { Length: > 0 } name)
        {
            return null;
        }

        var named = await store.ListAsync(new DefinitionFilter { Name = name, PageSize = 10, OrderBy = "Created", Descending = true }, withJson: true, cancellationToken);
        return named.Items.FirstOrDefault(version => version.Version == 1 && version.CreatedAt > now.AddMinutes(-1)
            && DefinitionModel.SameContent(model, (JObject)Json.Parse(version.Json, Json.DefinitionDepth)));
    }

    private static DefinitionVersion Make(JObject model, string id, string definitionId, int version, DateTimeOffset createdAt, Origin origin) => new()
    {
        Id = id,
        DefinitionId = definitionId,
        Version = version,
        Name = (string?)model["name"],
        Description = (string?)model["description"],
        IsLatest = true,
        IsPublished = false,
        IsReadonly = origin.IsReadonly,
        IsSystem = model["isSystem"] is { Type: JTokenType.Boolean } system && (bool)system,
        Provider = origin.Provider,
        ToolVersion = (string?)model["toolVersion"],
        CreatedAt = createdAt,
        Json = DefinitionModel.Keep(model, id, definitionId, version, createdAt),
    };

    private static WorkflowDefinition Read((WorkflowDefinition? Definition, IReadOnlyList<DefinitionProblem> Problems) read, string? fileName)
    {
        if (read.Definition is { } found && DefinitionModel.WrongTypes(found.Json) is { Count: > 0 } wrong)
        {
            read = (null, [.. read.Problems, .. wrong]);
        }

        return read.Definition is { } definition && !read.Problems.Any(problem => problem.Severity == ProblemSeverity.Error)
            ? definition
            : throw new DefinitionRejectedException(
                (fileName is null ? "" : fileName + ": ") + string.Join(" ", read.Problems.Where(problem => problem.Severity == ProblemSeverity.Error).Select(problem => problem.ToString())), read.Problems, fileName);
    }

    private static void RefuseReadonly(DefinitionVersion version)
    {
        if (version.IsReadonly)
        {
            throw Rejected("read-only", $"The workflow definition '{version.Name ?? version.DefinitionId}' is read-only: it is loaded from the definitions folder. Change its file, or save a copy under another id.");
        }
    }

    private static DefinitionRejectedException Rejected(string code, string message, string? fileName = null) =>
        new(message, [new DefinitionProblem(ProblemSeverity.Error, code, message)], fileName);

    /// <summary>Where a version comes from.</summary>
    internal sealed record Origin(string Provider, bool IsReadonly = false);

    private sealed record Draft(DefinitionVersion Version, bool IsNew)
    {
        public bool IsUnchanged { get; init; }
    }
}
