using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>An activity that writes a field.</summary>
/// <param name="DefinitionId">Its flow.</param>
/// <param name="FlowName">Name of the flow.</param>
/// <param name="IsPublished">The version found is the published one.</param>
/// <param name="ActivityId">The activity.</param>
/// <param name="ActivityName">Its caption or name.</param>
/// <param name="ActivityType">Its type.</param>
/// <param name="Property">Input that the field is in, or is.</param>
/// <param name="Value">The input's expression, cut.</param>
public sealed record FieldWrite(string DefinitionId, string? FlowName, bool IsPublished, string ActivityId, string ActivityName, string ActivityType, string Property, string Value);

/// <summary>"Who writes field X?" over all flows: inputs of writing operations that are the field, or name it in what they send.</summary>
public sealed class FieldSearch(IDefinitionStore store, OperationCatalog operations)
{
    private const int PageSize = 100;
    private const int ValueLimit = 200;

    /// <summary>Writes of a field, by its API name, custom field key or id, in any case. The published version of a flow counts, else its draft.</summary>
    /// <param name="field">The field.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<IReadOnlyList<FieldWrite>> WritersOfAsync(string field, int limit, CancellationToken cancellationToken)
    {
        var name = field.Trim();
        var word = new Regex($@"(?<![\p{{L}}\p{{N}}_]){Regex.Escape(name)}(?![\p{{L}}\p{{N}}_])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        var found = new List<FieldWrite>();
        for (var page = 0; found.Count < limit; page++)
        {
            var versions = await store.ListAsync(new DefinitionFilter { Version = VersionOptions.LatestOrPublished, Page = page, PageSize = PageSize }, withJson: true, cancellationToken);
            foreach (var version in versions.Items.Where(version => version.Json.Contains(name, StringComparison.OrdinalIgnoreCase)))
            {
                found.AddRange(Writes(version, name, word));
            }

            if (versions.Items.Count < PageSize)
            {
                break;
            }
        }

        // A flow with a newer draft is there twice: what runs counts.
        return [.. found.GroupBy(write => write.DefinitionId).SelectMany(flow => flow.Any(write => write.IsPublished) ? flow.Where(write => write.IsPublished) : flow).Take(limit)];
    }

    private IEnumerable<FieldWrite> Writes(DefinitionVersion version, string field, Regex word)
    {
        if (((JObject)Json.Parse(version.Json, Json.DefinitionDepth))["root"] is not JObject root)
        {
            yield break;
        }

        foreach (var activity in ActivityTree.Walk(root).Select(entry => entry.Json))
        {
            var type = (string?)(activity["type"] as JValue) ?? "";
            if (operations.Find(type) is not { Effect: not EffectClass.Read } operation)
            {
                continue;
            }

            foreach (var input in operation.Inputs)
            {
                var value = activity[input.PropertyName] is JObject wrapped ? wrapped["expression"]?["value"] : activity[input.PropertyName];
                if (value is null or { Type: JTokenType.Null } || (value is JValue { Value: string text } && text.Length == 0))
                {
                    continue;
                }

                var shown = value is JValue { Value: string plain } ? plain : Json.Write(value);
                if (string.Equals(input.Name, field, StringComparison.OrdinalIgnoreCase) || word.IsMatch(shown))
                {
                    var id = (string?)(activity["id"] as JValue) ?? "";
                    yield return new FieldWrite(
                        version.DefinitionId,
                        version.Name,
                        version.IsPublished,
                        id,
                        (string?)(activity["metadata"]?["displayText"] as JValue) ?? (string?)(activity["name"] as JValue) ?? id,
                        type,
                        input.Name,
                        shown.Length <= ValueLimit ? shown : shown[..ValueLimit] + "…");
                }
            }
        }
    }
}
