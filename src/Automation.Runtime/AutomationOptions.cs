using System.ComponentModel.DataAnnotations;

namespace Automation.Runtime;

/// <summary>Settings of an installation, bound from the section <c>Automation</c>.</summary>
public sealed class AutomationOptions
{
    /// <summary>Folder of the SQLite file, keys and files; relative to the content root.</summary>
    [Required]
    public string DataDirectory { get; set; } = "data";
    public StorageOptions Storage { get; set; } = new();
    public SecurityOptions Security { get; set; } = new();
    public SandboxOptions Sandbox { get; set; } = new();
    public DefinitionOptions Definitions { get; set; } = new();
    public FlowchartOptions Flowchart { get; set; } = new();
    public PollingOptions Polling { get; set; } = new();
    public HttpOptions Http { get; set; } = new();
    public RunnerOptions Runner { get; set; } = new();
    public WebhookOptions Webhooks { get; set; } = new();
}

public sealed class StorageOptions
{
    /// <summary><c>Sqlite</c>: a file in the data folder; <c>PostgreSql</c>: the database of <c>ConnectionStrings:Automation</c>.</summary>
    public string Provider { get; set; } = "Sqlite";

    public bool IsPostgreSql => string.Equals(Provider, "PostgreSql", StringComparison.OrdinalIgnoreCase);

    /// <summary>Of SQLite: <c>Normal</c> survives a killed process, <c>Full</c> also power loss. PostgreSQL is as durable as it is set up (<c>synchronous_commit</c>).</summary>
    public string Durability { get; set; } = "Full";
}

public sealed class SecurityOptions
{
    /// <summary>An administrator's API key, accepted as it stands.</summary>
    public string? BootstrapApiKey { get; set; }

    /// <summary>
    /// On PostgreSQL: the file that encrypts the keys in the database, the same on every server. Null: <c>keys/installation.key</c> in the data folder, made by the first server.
    /// </summary>
    public string? KeyFile { get; set; }

    /// <summary>Password of the first user <c>admin</c>.</summary>
    public string? BootstrapPassword { get; set; }
}

public sealed class SandboxOptions
{
    /// <summary>Mounts the stand-ins and makes a connection to each. Null: in Development.</summary>
    public bool? Enabled { get; set; }

    /// <summary>Changes a tag now and then, so that runs appear.</summary>
    public bool Demo { get; set; } = true;
}

public sealed class DefinitionOptions
{
    /// <summary>Folder of definitions and templates; relative to the content root.</summary>
    public string Directory { get; set; } = "workflow-definitions";
}

public sealed class FlowchartOptions
{
    /// <summary><c>Token</c> or <c>Counter</c>.</summary>
    public string Mode { get; set; } = "Token";
}

public sealed class PollingOptions
{
    /// <summary>Shortest interval a flow may ask for.</summary>
    public TimeSpan MinimumInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Shortest interval on a sandbox connection.</summary>
    public TimeSpan SandboxMinimumInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Sources polled at the same time by one node.</summary>
    [Range(1, 256)]
    public int Concurrency { get; set; } = 8;
}

public sealed class HttpOptions
{
    /// <summary>Lets connections and HTTP activities reach private and loopback addresses. Null: in Development.</summary>
    public bool? AllowPrivateNetworks { get; set; }

    /// <summary>Address under which people and other services reach this installation, such as <c>https://automation.example.com</c>. Null: as each request says.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Requests of HTTP endpoints, webhooks and secret addresses worked on at the same time on one node; as many again wait, more get 503.</summary>
    public int Concurrency { get; set; } = 512;
}

public sealed class WebhookOptions
{
    /// <summary>Public keys of senders by the name of their format (<c>ghl</c>), in place of the published ones: as PEM, or in base 64.</summary>
    public Dictionary<string, string> PublicKeys { get; set; } = new(StringComparer.OrdinalIgnoreCase);
}

public sealed class RunnerOptions
{
    /// <summary>Runs in progress at the same time on one node.</summary>
    [Range(1, 4096)]
    public int Concurrency { get; set; } = 64;

    /// <summary>How long a lease lasts without renewal.</summary>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often leases are renewed.</summary>
    public TimeSpan LeaseRenewal { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often rows are swept for work that no doorbell rang for.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Finished runs older than this are deleted; null: kept.</summary>
    public TimeSpan? Retention { get; set; } = TimeSpan.FromDays(30);
}

/// <summary>This process among those that share a database.</summary>
public sealed record Node(string Id);
