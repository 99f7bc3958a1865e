using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Numbers that rise when something changes that other processes hold in memory.</summary>
internal sealed class ChangeStore(SqlDatabase database) : IChangeStore
{
    /// <summary>Notes a change, in the transaction that makes it.</summary>
    public static void Note(Session session, string topic) =>
        session.Post("INSERT INTO changes (topic, version) VALUES (@topic, 1) ON CONFLICT (topic) DO UPDATE SET version = changes.version + 1", topic);

    public Task<IReadOnlyDictionary<string, long>> ReadAsync(CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyDictionary<string, long>>(
        session => session.List(reader => (Topic: reader.GetString(0), Version: reader.GetInt64(1)), "SELECT topic, version FROM changes").ToDictionary(change => change.Topic, change => change.Version, StringComparer.Ordinal),
        cancellationToken);
}
