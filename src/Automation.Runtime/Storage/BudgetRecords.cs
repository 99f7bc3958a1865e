namespace Automation.Runtime.Storage;

/// <summary>API budgets that servers share: one text per budget, changed by one server at a time, by the database's clock.</summary>
public interface IBudgetStore
{
    /// <param name="key">Connector, app and location.</param>
    /// <param name="locationId">The location.</param>
    /// <param name="change">Makes the new text and an answer of the present text (null: none yet) and time. May be called again.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    Task<T> UpdateAsync<T>(string key, string? locationId, Func<string?, DateTimeOffset, (string State, T Answer)> change, CancellationToken cancellationToken);

    /// <summary>All of them as they are, and the time.</summary>
    Task<IReadOnlyList<(string Key, string? LocationId, string State, DateTimeOffset Now)>> ListAsync(CancellationToken cancellationToken);
}
