using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>Why there is no token, in words that a person can act on.</summary>
internal static class TokenFailures
{
    internal static ConnectorException Recorded(Connection connection, TokenRecord row) => new(row.Error ?? $"The access of connection '{connection.Name}' could not be renewed.")
    {
        Code = row.IsRefused ? (row.LocationId.Length == 0 ? "reconnect" : "not-installed") : "token-unavailable",
        IsTransient = !row.IsRefused,
        Action = !row.IsRefused ? "It is tried again by itself. If it stays, check the provider's status page." : row.LocationId.Length == 0 ? TokenClient.Reconnect(connection) : InstallIn(connection, row.LocationId),
    };

    internal static ConnectorException OfLocation(ConnectorException failure, Connection connection, string location) => failure.Status is 400 or 403 or 404 or 422
        ? new ConnectorException($"Connection '{connection.Name}' gets no access to location {location} ({failure.Status}).{(failure.ProviderMessage is { } said ? $" {connection.Connector} says: {said}" : "")}", failure)
        {
            Status = failure.Status,
            Code = "not-installed",
            ProviderMessage = failure.ProviderMessage,
            TraceId = failure.TraceId,
            Action = InstallIn(connection, location),
        }
        : failure;

    private static string InstallIn(Connection connection, string location) =>
        $"Check that {location} is a location of the agency, and that the app is installed there; then reconnect '{connection.Name}' and include it.";

    internal static ConnectorException Unavailable(Connection connection, string why) => new($"Connection '{connection.Name}' has no new token yet: {why}.")
    {
        Code = "token-unavailable",
        IsTransient = true,
        Action = "It is tried again by itself.",
    };

    internal static string CompanyOf(Connection agency) => agency.CompanyId ?? throw new ConnectorException($"Connection '{agency.Name}' is to an agency, and does not say which. Nothing was sent.")
    {
        Code = "invalid-input",
        Action = $"Give connection '{agency.Name}' its company id, or connect it again.",
    };
}
