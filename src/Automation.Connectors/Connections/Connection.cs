using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>An account: settings and credentials of a connector. Its text form holds no secret.</summary>
public sealed record Connection
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Connector { get; init; }
    public required Uri BaseUrl { get; init; }
    public string? LocationId { get; init; }
    public string? CompanyId { get; init; }
    public required Credential Credential { get; init; }

    /// <summary>Public key by which webhooks to this connection are judged; null: the sender's published ones.</summary>
    public string? WebhookKey { get; init; }

    /// <summary>Points at this server's sandbox: may poll every five seconds, and is badged.</summary>
    public bool IsSandbox { get; init; }

    /// <summary>There is no API behind it: what a flow would write is handed to people, by mail or as a task.</summary>
    public bool IsBrief => Credential.Kind is Credential.Email or Credential.Task;

    public override string ToString() => $"{Connector} connection '{Name}' ({Id})";
}

/// <summary>What authenticates a connection. Only in memory; encrypted in the vault; never in text.</summary>
public sealed record Credential
{
    /// <summary>Not an API: writes become mails to <see cref="Recipient"/>.</summary>
    public const string Email = "email";

    /// <summary>Not an API: writes become tasks for <see cref="Recipient"/>, or for whoever takes them.</summary>
    public const string Task = "task";

    /// <summary><c>apiKey</c>, <c>oauth2</c>, <see cref="Email"/> or <see cref="Task"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>Who gets the briefs of a connection without an API: an e-mail address, for tasks also a user name.</summary>
    public string? Recipient { get; init; }

    public string? ApiKey { get; init; }
    public string? ClientId { get; init; }
    public string? ClientSecret { get; init; }
    public string? AccessToken { get; init; }
    public string? RefreshToken { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What the token may do, as far as is known; null: nobody said.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>Whose token it is: <c>Company</c> (an agency's) or <c>Location</c>; null: nobody said.</summary>
    public string? UserType { get; init; }

    /// <summary>The bearer value of a request.</summary>
    public string? Bearer => Kind == "apiKey" ? ApiKey : AccessToken;

    public override string ToString() => $"{Kind} credential";
}

/// <summary>The vault, as the client sees it.</summary>
public interface IConnections
{
    /// <summary>A connection with its credential; null: there is none of this id or name.</summary>
    ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken);
}
