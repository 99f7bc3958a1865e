using Automation.Connectors;

namespace Automation.Sandbox;

/// <summary>Settings of the stand-ins. The defaults are as strict as the APIs they stand for.</summary>
public sealed record SandboxSettings
{
    /// <summary>Folder of <c>sandbox.db</c>; made when it is not there.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Bearer tokens that the GoHighLevel stand-in takes.</summary>
    public IReadOnlyList<string> GhlTokens { get; init; } = ["sandbox-ghl-token"];

    /// <summary>Bearer tokens that the Flocksy stand-in takes.</summary>
    public IReadOnlyList<string> FlocksyTokens { get; init; } = ["sandbox-flocksy-token"];

    /// <summary>Calls per window and token and location; null: none.</summary>
    public RateLimit? GhlLimit { get; init; } = new(100, TimeSpan.FromSeconds(10), 200_000);

    /// <summary>Calls per window and token; null: none.</summary>
    public RateLimit? FlocksyLimit { get; init; } = new(10, TimeSpan.FromSeconds(1), null);

    /// <summary>How long a change stays invisible to the searches of contacts, opportunities and conversations, as a search index that lags. The control endpoint may change it.</summary>
    public TimeSpan SearchLag { get; init; }

    /// <summary>Requests kept for <c>GET /sandbox/control/requests</c>.</summary>
    public int KeptRequests { get; init; } = 50_000;

    /// <summary>Changes a social tag now and then, so that runs appear.</summary>
    public bool Demo { get; init; }

    /// <summary>Time from start to the demo's first change: leaves room for the first poll to baseline.</summary>
    public TimeSpan DemoDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time between the demo's changes.</summary>
    public TimeSpan DemoInterval { get; init; } = TimeSpan.FromSeconds(20);
}
