using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Connections;

/// <summary>Keeps connections, their credentials encrypted.</summary>
public sealed class ConnectionVault : IConnections
{
    public Task<IReadOnlyList<ConnectionRecord>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Adds a connection, or replaces the one of the same id.</summary>
    /// <exception cref="InvalidConnectionException">A setting is missing or wrong.</exception>
    public Task<ConnectionRecord> SaveAsync(Connection connection, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Deletes a connection.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="force">Also when published flows use it.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="ConnectionInUseException">Published flows use it.</exception>
    public Task<bool> DeleteAsync(string id, bool force, CancellationToken cancellationToken) => throw new NotImplementedException();

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

/// <summary>A connection was refused; nothing was kept.</summary>
public sealed class InvalidConnectionException(string property, string message) : Exception(message)
{
    /// <summary>Setting at fault, as the API names it: <c>baseUrl</c>, <c>connector</c>, <c>name</c>, <c>auth.apiKey</c>.</summary>
    public string Property { get; } = property;
}

/// <summary>A connection that published flows use was not deleted.</summary>
public sealed class ConnectionInUseException(string name, IReadOnlyList<ConnectionUse> uses)
    : Exception($"The connection '{name}' is used by published flows: {string.Join(", ", uses.Select(use => use.Name ?? use.DefinitionId))}. Retract them or give them another connection first, or delete it with force.")
{
    public IReadOnlyList<ConnectionUse> Uses { get; } = uses;
}
