using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The one way out to a connector: builds a request from inputs, adds the credential, waits for the budget, sends, retries what is safe, maps errors, redacts.</summary>
public sealed class OperationClient
{
    /// <summary>Builds the request of an operation. Nothing is sent.</summary>
    /// <exception cref="ConnectorException">An input is missing, of a wrong type, not among the enum's values, too large or unknown (<c>invalid-input</c>, with its property).</exception>
    public ConnectorRequest Build(Operation operation, Connection connection, JObject inputs) => throw new NotImplementedException();

    /// <summary>Sends a request that was built, or recorded by an effect. Retries by effect class and <see cref="ConnectorException.IsTransient"/>.</summary>
    /// <exception cref="ConnectorException">It failed for good.</exception>
    public ValueTask<ConnectorResponse> SendAsync(Operation operation, Connection connection, ConnectorRequest request, CallPriority priority, string? idempotencyKey, CancellationToken cancellationToken) => throw new NotImplementedException();
}
