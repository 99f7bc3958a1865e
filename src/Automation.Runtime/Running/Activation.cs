using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>
/// A definition's activation strategy: whether another run may start beside those that run now. It holds for the API, HTTP endpoints, events and schedules; a polled
/// event always has its run, for it would be lost without a word. All unfinished runs are looked at before the start; of starts at the same moment the transaction that inserts the run
/// lets one through, by the run's <see cref="ActivationKey"/>.
/// </summary>
internal static class Activation
{
    /// <summary>Whether a run of a definition may start, and what it then holds.</summary>
    public static async ValueTask<(bool MayStart, ActivationKey? Key)> CheckAsync(IRunStore runs, JObject options, string definitionId, string? correlationId, CancellationToken cancellationToken)
    {
        var strategy = options["activationStrategyType"] is JValue { Value: string name } ? name.Split(',')[0].Split('.')[^1] : "";
        correlationId = string.IsNullOrEmpty(correlationId) ? null : correlationId;
        var (others, key) = strategy switch
        {
            "SingletonStrategy" => (new RunFilter { DefinitionIds = [definitionId] }, new ActivationKey($"definition/{definitionId}", null)),
            "CorrelatedSingletonStrategy" => (new RunFilter { DefinitionIds = [definitionId], CorrelationId = correlationId }, new ActivationKey($"correlated/{definitionId}/{correlationId}", correlationId)),
            "CorrelationStrategy" when correlationId is not null => (new RunFilter { CorrelationId = correlationId }, new ActivationKey($"correlation/{correlationId}", correlationId)),
            _ => ((RunFilter?)null, (ActivationKey?)null),
        };
        return (others is null || (await runs.ListAsync(others with { Statuses = [WorkflowStatus.Running], PageSize = 1 }, cancellationToken)).Total == 0, key);
    }

    /// <inheritdoc cref="CheckAsync(IRunStore, JObject, string, string?, CancellationToken)"/>
    public static ValueTask<(bool MayStart, ActivationKey? Key)> CheckAsync(IRunStore runs, DefinitionVersion version, string? correlationId, CancellationToken cancellationToken) =>
        version.Json.Contains("\"activationStrategyType\":\"", StringComparison.Ordinal) && DefinitionReader.Read(version.Json).Definition is { } definition
            ? CheckAsync(runs, definition.Options, version.DefinitionId, correlationId, cancellationToken)
            : ValueTask.FromResult<(bool, ActivationKey?)>((true, null));
}

/// <summary>The definition's activation strategy lets no other run start now.</summary>
public sealed class ActivationRefusedException(string definitionId) : Exception($"The workflow '{definitionId}' has a run that is not finished, and its activation strategy allows no other beside it.");
