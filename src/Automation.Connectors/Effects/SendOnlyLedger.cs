using Automation.Engine;

namespace Automation.Connectors;

/// <summary>The ledger of runs without a durable host (tests, command line): it keeps nothing and only sends.</summary>
public sealed class SendOnlyLedger : IEffectLedger
{
    /// <inheritdoc />
    public ValueTask<ConnectorResponse> SendAsync(
        ActivityContext context,
        Effect effect,
        Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> send,
        Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? probe,
        CancellationToken cancellationToken) => send(effect.Request, cancellationToken);
}
