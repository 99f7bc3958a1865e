using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Time zones of locations, as their API says.</summary>
public sealed class LocationZones(OperationCatalog catalog, OperationClient client)
{
    /// <summary>The IANA zone of a location; null: its connector has none, or it names none that this machine knows.</summary>
    /// <exception cref="ConnectorException">The location cannot be read.</exception>
    public async ValueTask<string?> FindAsync(Connection connection, string locationId, CancellationToken cancellationToken)
    {
        if (catalog.ConnectorOf(connection.Connector).LocationZone is not var (type, path) || catalog.Find(type) is not { } operation)
        {
            return null;
        }

        var request = client.Build(operation, connection, new JObject { ["locationId"] = locationId });
        var answer = await client.SendAsync(operation, connection, request, CallPriority.Action, null, cancellationToken);
        return JsonPaths.Text(JsonPaths.Find(answer.Body, path)) is { } zone && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _) ? zone : null;
    }
}
