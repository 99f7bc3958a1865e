namespace Automation.Connectors;

/// <summary>The shortest intervals that flows may ask for; checked at publish.</summary>
public sealed class PollingLimits
{
    /// <summary>Shortest interval. Default 1 min.</summary>
    public TimeSpan MinimumInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Shortest interval on a connection of the sandbox. Default 5 s.</summary>
    public TimeSpan SandboxMinimumInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The limit for a connection.</summary>
    public TimeSpan For(Connection connection) => connection.IsSandbox ? SandboxMinimumInterval : MinimumInterval;
}
