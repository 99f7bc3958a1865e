using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>Keeps connections, their credentials encrypted.</summary>
public sealed class ConnectionVault : IConnections
{
    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Adds a connection, or replaces the one of the same id.</summary>
    public Task<ConnectionRecord> SaveAsync(Connection connection, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<bool> DeleteAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Calls the connector's test operation.</summary>
    public Task<ConnectionTest> TestAsync(string idOrName, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Published and draft definitions that use a connection.</summary>
    public Task<IReadOnlyList<ConnectionUse>> UsageAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc />
    public ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>Outcome of a test call.</summary>
public sealed record ConnectionTest(bool Succeeded, string Message, int? Status, string? Action, TimeSpan Duration);

/// <summary>A definition that uses a connection.</summary>
public sealed record ConnectionUse(string DefinitionId, string? Name, bool IsPublished, IReadOnlyList<string> ActivityIds);
