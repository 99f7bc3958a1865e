namespace Automation.Connectors;

/// <summary>All operations of all connectors of this process.</summary>
public sealed class OperationCatalog
{
    private readonly Dictionary<string, Operation> operations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Connector> connectors = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Operation> All => operations.Values;
    public IReadOnlyCollection<Connector> Connectors => connectors.Values;

    /// <exception cref="InvalidOperationException">The connector or one of its activity types is there already.</exception>
    public void Add(Connector connector)
    {
        connectors.Add(connector.Name, connector);
        foreach (var operation in connector.Operations)
        {
            operations.Add(operation.ActivityType, operation);
        }
    }

    public Operation? Find(string activityType) => operations.GetValueOrDefault(activityType);

    /// <exception cref="KeyNotFoundException">No such connector.</exception>
    public Connector ConnectorOf(string name) => connectors.TryGetValue(name, out var connector) ? connector : throw new KeyNotFoundException($"There is no connector named '{name}'.");
}

/// <summary>A kind of external system: its defaults, limits and operations.</summary>
public sealed record Connector
{
    public required string Name { get; init; }
    public required string DisplayName { get; init; }
    public required Uri DefaultBaseUrl { get; init; }
    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>Sample answers; null: there are none.</summary>
    public OperationSamples? Samples { get; init; }

    /// <summary>Header that makes a repeated write harmless; null: the API has none.</summary>
    public string? IdempotencyHeader { get; init; }

    /// <summary>Calls allowed per window.</summary>
    public required RateLimit Limit { get; init; }

    /// <summary>Operation called to test a connection.</summary>
    public required string TestOperation { get; init; }

    /// <summary>The same for connections without a location; null: it does not matter.</summary>
    public string? AgencyTestOperation { get; init; }

    /// <summary>Accounts without an API are served by mails and tasks: the form in which a person reports what an operation came to. Null: they are not.</summary>
    public Func<Operation, IReadOnlyList<TaskField>>? BriefForm { get; init; }

    /// <summary>How accounts are connected by OAuth 2.0; null: the connector takes API keys, and tokens that somebody else renews.</summary>
    public OAuthShape? OAuth { get; init; }

    /// <summary>Its name in the addresses at which its accounts are connected.</summary>
    public string OAuthName => OAuth?.PathName ?? Name;

    /// <summary>Operation that reads a location, and path of its time zone (an IANA name) in the answer; null: locations have none.</summary>
    public (string Operation, string Path)? LocationZone { get; init; }
}

/// <summary>A budget of calls.</summary>
/// <param name="Calls">Calls per <paramref name="Window"/>.</param>
/// <param name="Window">Length of the window.</param>
/// <param name="PerDay">Calls per day; null: no daily limit.</param>
public sealed record RateLimit(int Calls, TimeSpan Window, int? PerDay);
