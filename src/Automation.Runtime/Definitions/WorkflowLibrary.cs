using System.Collections.Concurrent;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>
/// Workflows that offer themselves as activities: their activity types, and which version an activity of a definition means. What other nodes publish is seen
/// at once; a published version never changes, so what was read of it is kept.
/// </summary>
public sealed class WorkflowLibrary(IDefinitionStore store, ActivityRegistry activities) : IWorkflowCatalog
{
    private const int Capacity = 4096;
    private const int PageSize = 1000;
    private readonly ConcurrentDictionary<string, Offer> offers = new(StringComparer.Ordinal);

    /// <summary>Activity types of the published workflows that are usable as activities. A type that is built in is not replaced.</summary>
    public async Task<IReadOnlyList<ActivityDescriptor>> ListAsync(CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, ActivityDescriptor>(StringComparer.Ordinal);
        foreach (var offer in await PublishedAsync(cancellationToken))
        {
            if (activities.Find(offer.Descriptor!.TypeName) is null)
            {
                found.TryAdd(offer.Descriptor.TypeName, offer.Descriptor);
            }
        }

        return [.. found.Values];
    }

    /// <inheritdoc />
    public async ValueTask<bool> IsPublishedAsync(string definitionId, CancellationToken cancellationToken) =>
        (await store.ListAsync(new DefinitionFilter { Version = VersionOptions.Published, DefinitionIds = [definitionId], PageSize = 1 }, withJson: false, cancellationToken)).Items.Count > 0;

    /// <summary>Reads the workflows that a definition uses as activities, and those that these use, for its compilation.</summary>
    public async Task<WorkflowLookup?> GatherAsync(WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        Dictionary<Reference, WorkflowDefinition?>? gathered = null;
        IReadOnlyList<Offer>? published = null;
        var open = new Queue<WorkflowDefinition>([definition]);
        while (open.TryDequeue(out var next))
        {
            foreach (var activity in UnknownActivities(next.Root))
            {
                var reference = Reference.Of(activity);
                if (gathered?.ContainsKey(reference) == true)
                {
                    continue;
                }

                var used = await ResolveAsync(reference);
                (gathered ??= [])[reference] = used;
                if (used is not null)
                {
                    open.Enqueue(used);
                }
            }
        }

        return gathered is null ? null : activity => gathered.GetValueOrDefault(Reference.Of(activity));

        async Task<WorkflowDefinition?> ResolveAsync(Reference reference)
        {
            DefinitionVersion? version = null;
            if (reference.VersionId is not null)
            {
                version = await store.FindVersionAsync(reference.VersionId, cancellationToken);
            }

            version ??= reference.DefinitionId is null ? null : await FindAsync(reference.DefinitionId, reference.VersionId is null ? reference.Version : null);
            if (version is null)
            {
                // Made on another server, where the workflow had another id: its name is its type.
                published ??= await PublishedAsync(cancellationToken);
                if (published.FirstOrDefault(o => o.Descriptor!.TypeName == reference.Type) is { } named)
                {
                    version = await FindAsync(named.Definition!.DefinitionId, reference.Version);
                }
            }

            return version is null ? null : Read(version).Definition;
        }

        async Task<DefinitionVersion?> FindAsync(string definitionId, int? number) =>
            (number is null ? null : await store.FindAsync(definitionId, new VersionOptions("Specific", number), cancellationToken))
            ?? await store.FindAsync(definitionId, VersionOptions.Published, cancellationToken)
            ?? await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken);
    }

    /// <summary>
    /// Writes the version id of each workflow that a definition uses as an activity into it, where it has none or a wrong one: once published it means the same
    /// versions for good, so that its suspended runs find their places again. Null: nothing is to be written.
    /// </summary>
    internal async Task<JObject?> PinAsync(WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        var isChanged = false;
        if (await GatherAsync(definition, cancellationToken) is { } lookup)
        {
            foreach (var activity in UnknownActivities(definition.Root).ToList())
            {
                if (lookup(activity) is { } used && ((string?)activity["workflowDefinitionVersionId"] != used.Id || (string?)activity["workflowDefinitionId"] != used.DefinitionId))
                {
                    activity["workflowDefinitionId"] = used.DefinitionId;
                    activity["workflowDefinitionVersionId"] = used.Id;
                    isChanged = true;
                }
            }
        }

        return isChanged ? definition.Json : null;
    }

    /// <summary>Definition ids of the workflows whose latest version uses a workflow as an activity.</summary>
    public async Task<IReadOnlyList<string>> ConsumersAsync(string definitionId, CancellationToken cancellationToken) =>
        [.. (await ConsumingAsync(definitionId, cancellationToken)).Select(version => version.DefinitionId)];

    internal async Task<IReadOnlyList<DefinitionVersion>> ConsumingAsync(string definitionId, CancellationToken cancellationToken)
    {
        var consuming = new List<DefinitionVersion>();
        await foreach (var version in EachAsync(new DefinitionFilter { Version = VersionOptions.Latest, Mentions = Json.Write(definitionId) }, withJson: true, cancellationToken))
        {
            if (version.DefinitionId != definitionId
                && DefinitionReader.Read(version.Json).Definition is { } definition
                && UnknownActivities(definition.Root).Any(activity => (string?)activity["workflowDefinitionId"] == definitionId))
            {
                consuming.Add(version);
            }
        }

        return consuming;
    }

    /// <summary>A version may have changed under its id: it was retracted and edited.</summary>
    internal void Forget(string versionId) => offers.TryRemove(versionId, out _);

    /// <summary>Another process changed definitions.</summary>
    internal void Forget() => offers.Clear();

    /// <summary>Activities of a type that is not built in, outermost first.</summary>
    internal IEnumerable<JObject> UnknownActivities(JObject? root)
    {
        var open = new Stack<JToken>();
        if (root is not null)
        {
            open.Push(root);
        }

        while (open.TryPop(out var token))
        {
            if (token is JObject json && json["type"] is JValue { Value: string type } && json["id"] is JValue { Value: string } && activities.Find(type) is null)
            {
                yield return json;
            }

            for (var child = token.Last; child is not null; child = child.Previous)
            {
                if ((child is JProperty property ? property.Value : child) is JContainer container && child is not JProperty { Name: "metadata" or "customProperties" or "connections" or "variables" or "expression" })
                {
                    open.Push(container);
                }
            }
        }
    }

    /// <summary>One look at an index says which there are; those not yet known are read together.</summary>
    private async Task<IReadOnlyList<Offer>> PublishedAsync(CancellationToken cancellationToken)
    {
        var published = new List<Offer>();
        var unread = new List<string>();
        await foreach (var version in EachAsync(new DefinitionFilter { Version = VersionOptions.Published, OffersActivity = true }, withJson: false, cancellationToken))
        {
            if (!offers.TryGetValue(version.Id, out var offer))
            {
                unread.Add(version.Id);
            }
            else if (offer.Definition is not null)
            {
                published.Add(offer);
            }
        }

        foreach (var ids in unread.Chunk(PageSize))
        {
            await foreach (var version in EachAsync(new DefinitionFilter { Version = VersionOptions.AllVersions, Ids = ids }, withJson: true, cancellationToken))
            {
                if (Read(version) is { Definition: not null } offer)
                {
                    published.Add(offer);
                }
            }
        }

        return [.. published.OrderBy(offer => offer.Definition!.DefinitionId, StringComparer.Ordinal)];
    }

    private async IAsyncEnumerable<DefinitionVersion> EachAsync(DefinitionFilter filter, bool withJson, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var page = 0; ; page++)
        {
            var found = await store.ListAsync(filter with { Page = page, PageSize = PageSize, OrderBy = "DefinitionId" }, withJson, cancellationToken);
            foreach (var version in found.Items)
            {
                yield return version;
            }

            if (found.Items.Count < PageSize)
            {
                yield break;
            }
        }
    }

    /// <summary>What a version offers; kept when it is published, for then it does not change.</summary>
    private Offer Read(DefinitionVersion version)
    {
        if (offers.TryGetValue(version.Id, out var known) && known.Json == version.Json)
        {
            return known;
        }

        var offer = DefinitionReader.Read(version.Json).Definition is { } definition && WorkflowAsActivity.IsUsable(definition)
            ? new Offer(version.Json, definition, WorkflowAsActivity.Describe(definition))
            : new Offer(version.Json, null, null);
        if (version.IsPublished)
        {
            if (offers.Count >= Capacity)
            {
                offers.Clear();
            }

            offers[version.Id] = offer;
        }

        return offer;
    }

    private sealed record Offer(string Json, WorkflowDefinition? Definition, ActivityDescriptor? Descriptor);

    /// <summary>Which workflow an activity names.</summary>
    private readonly record struct Reference(string Type, string? DefinitionId, string? VersionId, int Version)
    {
        public static Reference Of(JObject activity) => new(
            Text(activity["type"]) ?? "",
            Text(activity["workflowDefinitionId"]),
            Text(activity["workflowDefinitionVersionId"]),
            activity["version"] is JValue { Value: long version and > 0 and <= int.MaxValue } ? (int)version : 1);

        private static string? Text(JToken? token) => token is JValue { Value: string { Length: > 0 } text } ? text : null;
    }
}
