using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A request as it will be sent, without credentials: what an effect's intent keeps, and what a dry run shows.</summary>
public sealed record ConnectorRequest
{
    public required string Method { get; init; }

    /// <summary>Absolute URL, without secrets.</summary>
    public required string Url { get; init; }

    /// <summary>Headers but for Authorization.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public JToken? Body { get; init; }
}

/// <summary>An answer.</summary>
public sealed record ConnectorResponse
{
    public required int Status { get; init; }
    public JToken? Body { get; init; }

    /// <summary>Bytes of a binary answer.</summary>
    public byte[]? Content { get; init; }

    public string? ContentType { get; init; }

    /// <summary>Headers of the answer, for the HTTP activities; without credentials. Empty for operations.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public string? TraceId { get; init; }
    public TimeSpan Duration { get; init; }
}

/// <summary>A call failed: status, the provider's message and trace id, whether a later try may succeed, and what to do. Never holds a secret.</summary>
public sealed class ConnectorException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>HTTP status; null: no answer came.</summary>
    public int? Status { get; init; }

    /// <summary>Stable code: <c>unauthorized</c>, <c>missing-scope</c>, <c>not-found</c>, <c>invalid-input</c>, <c>rate-limited</c>, <c>unreachable</c>, <c>timeout</c>, <c>not-json</c>, <c>provider-error</c>, <c>budget-spent</c>, <c>conflict</c>, <c>private-network</c>.</summary>
    public required string Code { get; init; }

    public string? ProviderMessage { get; init; }
    public string? TraceId { get; init; }
    public string? Action { get; init; }
    public bool IsTransient { get; init; }
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The request may have reached the other side although no answer came.</summary>
    public bool MayHaveHappened { get; init; }

    /// <summary>Input at fault, when known.</summary>
    public string? Property { get; init; }
}

/// <summary>Who calls, for the order in which the budget serves.</summary>
public enum CallPriority
{
    Action,
    Poll,
    Backfill,
}

/// <summary>The API budget of (connection's app, location): waits instead of failing.</summary>
public interface IRateBudget
{
    /// <summary>Waits for a call's turn.</summary>
    /// <exception cref="ConnectorException">The day's budget is spent (<c>budget-spent</c>).</exception>
    ValueTask AcquireAsync(Connection connection, CallPriority priority, CancellationToken cancellationToken);

    /// <summary>Learns from the answer's rate headers, or from a 429.</summary>
    void Observe(Connection connection, int status, IReadOnlyDictionary<string, string> headers);

    /// <summary>Limits and use by connection, of all that share them, for <c>/api/budget</c>.</summary>
    ValueTask<IReadOnlyList<BudgetUse>> DescribeAsync(CancellationToken cancellationToken);
}

/// <summary>Use of one budget.</summary>
public sealed record BudgetUse(string Connector, string ConnectionId, string? LocationId, int Limit, TimeSpan Window, int Used, int? PerDay, int UsedToday);
