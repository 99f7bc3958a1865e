namespace Automation.Connectors;

/// <summary>How accounts of a connector are connected by OAuth 2.0.</summary>
public sealed record OAuthShape
{
    /// <summary>Stands for the connector in this server's own addresses, of which the provider takes none with its name in them; null: the connector's name does.</summary>
    public string? PathName { get; init; }

    /// <summary>Where a person chooses the account, at the provider's own address.</summary>
    public required Uri AuthorizeUrl { get; init; }

    /// <summary>The same below the base URL of a connection that is not to the provider itself (a sandbox, a stand-in).</summary>
    public required string AuthorizePath { get; init; }

    /// <summary>Further parameters of that address.</summary>
    public IReadOnlyDictionary<string, string> AuthorizeParameters { get; init; } = new Dictionary<string, string>();

    /// <summary>Below the base URL: where codes and refresh tokens are exchanged, as a form.</summary>
    public string TokenPath { get; init; } = "/oauth/token";

    /// <summary>Operation that makes a location's token of an agency's; null: the connector has no such kinds.</summary>
    public string? LocationTokenOperation { get; init; }

    /// <summary>Scopes that an agency's connection needs beside those of its operations.</summary>
    public IReadOnlyList<string> AgencyScopes { get; init; } = [];
}

/// <summary>What authenticates the calls of a connection, and keeps it fresh.</summary>
public interface IAccessTokens
{
    /// <summary>The connection with the credential that a call of an operation in a location needs. A token near its end is renewed.</summary>
    /// <exception cref="ConnectorException">There is none, and none can be had (<c>reconnect</c>, <c>wrong-token</c>, <c>token-unavailable</c>).</exception>
    ValueTask<Connection> AuthorizeAsync(Connection connection, Operation operation, string? locationId, CancellationToken cancellationToken);

    /// <summary>After the other side refused a token with 401: the connection with another one; null: there is no other.</summary>
    /// <param name="refused">The connection with the credential that was refused.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="locationId">Its location.</param>
    /// <param name="cancellationToken">Stops the wait, not the refresh.</param>
    /// <exception cref="ConnectorException">It could not be renewed.</exception>
    ValueTask<Connection?> RenewAsync(Connection refused, Operation operation, string? locationId, CancellationToken cancellationToken);
}

/// <summary>Credentials as they were given: for programs without a vault.</summary>
internal sealed class GivenTokens : IAccessTokens
{
    public ValueTask<Connection> AuthorizeAsync(Connection connection, Operation operation, string? locationId, CancellationToken cancellationToken) => ValueTask.FromResult(connection);

    public ValueTask<Connection?> RenewAsync(Connection refused, Operation operation, string? locationId, CancellationToken cancellationToken) => ValueTask.FromResult<Connection?>(null);
}
