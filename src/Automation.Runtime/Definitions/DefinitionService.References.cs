using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <content>Workflows that use others as activities.</content>
public sealed partial class DefinitionService
{
    /// <summary>Lets the workflows that use this one as an activity use its published version; their what they were. Null: there is no such published definition.</summary>
    public async Task<IReadOnlyList<DefinitionVersion>?> UpdateReferencesAsync(string definitionId, CancellationToken cancellationToken)
    {
        await writing.WaitAsync(cancellationToken);
        try
        {
            if (await store.FindAsync(definitionId, VersionOptions.Published, cancellationToken) is not { } published)
            {
                return null;
            }

            var updated = new List<DefinitionVersion>();
            await UpdateReferencesAsync(published, updated, cancellationToken);
            return updated;
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>
    /// Lets the workflows that use this one as an activity use the published version: a draft of each is changed, and published when the workflow was. One that cannot
    /// be published with it stays as it was, its changed draft aside.
    /// </summary>
    private async Task UpdateReferencesAsync(DefinitionVersion target, List<DefinitionVersion> updated, CancellationToken cancellationToken)
    {
        foreach (var consumer in await library.ConsumingAsync(target.DefinitionId, cancellationToken))
        {
            if (consumer.IsReadonly || updated.Exists(other => other.DefinitionId == consumer.DefinitionId))
            {
                continue;
            }

            var definition = Read(DefinitionReader.Read(consumer.Json), null);
            var outdated = library.UnknownActivities(definition.Root).Where(a => (string?)a["workflowDefinitionId"] == target.DefinitionId && (string?)a["workflowDefinitionVersionId"] != target.Id).ToList();
            if (outdated.Count == 0)
            {
                continue;
            }

            foreach (var activity in outdated)
            {
                activity["version"] = target.Version;
                activity["workflowDefinitionVersionId"] = target.Id;
            }

            var draft = (await DraftAsync(definition.Json, new Origin(consumer.Provider), retriedPublish: false, cancellationToken)).Version;
            await store.SaveAsync([draft], cancellationToken);
            plans.Forget(draft.Id);
            updated.Add(consumer);
            if (consumer.IsPublished)
            {
                try
                {
                    var saved = await PublishOneAsync(draft, wasNew: false, cancellationToken);
                    if (OptionsAsActivity(saved.Version) is not null)
                    {
                        await UpdateReferencesAsync(saved.Version, updated, cancellationToken);
                    }
                }
                catch (DefinitionRejectedException)
                {
                    // The draft shows the same problems in the designer; the published version goes on with the child it had.
                }
            }
        }
    }

    /// <summary>Options of a version that is usable as an activity; null: it is not.</summary>
    private static JObject? OptionsAsActivity(DefinitionVersion version) => DefinitionReader.Read(version.Json).Definition is { } definition && WorkflowAsActivity.IsUsable(definition) ? definition.Options : null;
}
