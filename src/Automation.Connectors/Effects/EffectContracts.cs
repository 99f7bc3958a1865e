using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A write to the outside, about to be sent.</summary>
public sealed record Effect
{
    /// <summary>Run lineage, node id, iteration.</summary>
    public required string Key { get; init; }

    public required EffectClass Class { get; init; }

    /// <summary>Activity type, or <c>http</c>.</summary>
    public required string Operation { get; init; }

    public string? ConnectionId { get; init; }
    public string? LocationId { get; init; }
    public required ConnectorRequest Request { get; init; }

    /// <summary>The body holds a secret: it is encrypted where it is recorded.</summary>
    public bool HoldsSecret { get; init; }
}

/// <summary>
/// The ledger of effects: intent committed before sending, outcome after. In memory (no durable host) it only sends.
/// </summary>
public interface IEffectLedger
{
    /// <summary>
    /// Sends a write at most once: an effect with a recorded outcome returns it without sending; one with an intent but no outcome is, by its class,
    /// sent again as it was recorded, probed, or becomes an incident "outcome unknown". Otherwise the run's state and the intent are committed in one
    /// transaction, <paramref name="send"/> is called with the recorded request, and its outcome is committed before this returns.
    /// </summary>
    /// <param name="context">The activity that writes.</param>
    /// <param name="effect">The write.</param>
    /// <param name="send">Sends the request; throws <see cref="ConnectorException"/>.</param>
    /// <param name="probe">Finds out whether an unanswered write happened: its answer, or null when it did not; null: there is no probe.</param>
    /// <param name="cancellationToken">Stops waiting; never between intent and outcome without one being recorded by whoever comes next.</param>
    /// <exception cref="ConnectorException">The call failed, now or as recorded.</exception>
    /// <exception cref="FaultException">The outcome is unknown (<c>outcome-unknown</c>).</exception>
    ValueTask<ConnectorResponse> SendAsync(
        ActivityContext context,
        Effect effect,
        Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> send,
        Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? probe,
        CancellationToken cancellationToken);
}
