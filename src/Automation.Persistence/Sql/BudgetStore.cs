using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Shared API budgets.</summary>
internal sealed class BudgetStore(SqlDatabase database) : IBudgetStore
{
    public Task<T> UpdateAsync<T>(string key, string? locationId, Func<string?, DateTimeOffset, (string State, T Answer)> change, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.Post("INSERT INTO budgets (key, location_id, state) VALUES (@key, @location, '') ON CONFLICT (key) DO NOTHING", key, locationId);
            session.Lock("budgets", "key", key);
            string state;
            DateTimeOffset now;
            using (var reader = session.Query($"SELECT state, {Columns.Now} FROM budgets WHERE key = @key", key))
            {
                reader.Read();
                (state, now) = (reader.GetString(0), reader.Time(1));
            }

            var (changed, answer) = change(state.Length == 0 ? null : state, now);
            session.Post("UPDATE budgets SET state = @state WHERE key = @key", changed, key);
            return answer;
        },
        cancellationToken);

    public Task<IReadOnlyList<(string Key, string? LocationId, string State, DateTimeOffset Now)>> ListAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<(string, string?, string, DateTimeOffset)>>(
            session => session.List(reader => (reader.GetString(0), reader.Text(1), reader.GetString(2), reader.Time(3)), $"SELECT key, location_id, state, {Columns.Now} FROM budgets WHERE state <> '' ORDER BY key"),
            cancellationToken);
}
