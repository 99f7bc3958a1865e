using System.Data.Common;
using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>The ledger of effects.</summary>
internal sealed class EffectStore(SqlDatabase database) : IEffectStore
{
    private const string Fields =
        "key, instance_id, activity_id, node_id, iteration, operation, class, connection_id, location_id, request, status, response, error, intent_at, outcome_at, attempts";

    private const string InsertIntent =
        $"""
        INSERT INTO effects (key, lineage, instance_id, activity_id, node_id, iteration, operation, class, connection_id, location_id, request, status, response, error, intent_at, outcome_at, attempts)
        VALUES (@key, @lineage, @instance_id, @activity_id, @node_id, @iteration, @operation, @class, @connection_id, @location_id, @request, @status, NULL, NULL, @intent_at, NULL, @attempts)
        {ReplaceWhatDidNotHappen}
        """;

    private const string InsertIntents =
        $"""
        INSERT INTO effects (key, lineage, instance_id, activity_id, node_id, iteration, operation, class, connection_id, location_id, request, status, intent_at, attempts)
        SELECT * FROM unnest(@key, @lineage, @instance_id, @activity_id, @node_id, @iteration, @operation, @class, @connection_id, @location_id, @request, @status, @intent_at, @attempts)
        {ReplaceWhatDidNotHappen}
        """;

    private const string ReplaceWhatDidNotHappen =
        """
        ON CONFLICT (key) DO UPDATE SET
            instance_id = excluded.instance_id, activity_id = excluded.activity_id, node_id = excluded.node_id, iteration = excluded.iteration, operation = excluded.operation,
            class = excluded.class, connection_id = excluded.connection_id, location_id = excluded.location_id, request = excluded.request, status = excluded.status,
            response = NULL, error = NULL, intent_at = excluded.intent_at, outcome_at = NULL, attempts = excluded.attempts
        WHERE effects.status IN ('failed', 'abandoned')
        """;

    /// <summary>Records an intent. False: an effect of this key is on its way or done.</summary>
    public static bool Insert(Session session, EffectRecord effect, byte[] request, string lineage) => session.Run(
        InsertIntent,
        effect.Key,
        lineage,
        effect.InstanceId,
        effect.ActivityId,
        effect.NodeId,
        effect.Iteration,
        effect.Operation,
        (int)effect.Class,
        effect.ConnectionId,
        effect.LocationId,
        request,
        effect.Status,
        Columns.Ticks(effect.IntentAt),
        effect.Attempts) == 1;

    /// <summary>Records several by one statement, a list per column (PostgreSQL). Returns how many could be: those of keys that are on their way or done are not.</summary>
    public static int InsertGroup(Session session, IReadOnlyList<(EffectRecord Effect, byte[] Request, string Lineage)> group)
    {
        T[] Each<T>(Func<EffectRecord, T> value) => [.. group.Select(row => value(row.Effect))];
        return session.Run(
            InsertIntents,
            Each(e => e.Key),
            group.Select(row => row.Lineage).ToArray(),
            Each(e => e.InstanceId),
            Each(e => e.ActivityId),
            Each(e => e.NodeId),
            Each(e => (long)e.Iteration),
            Each(e => e.Operation),
            Each(e => (long)e.Class),
            Each(e => e.ConnectionId),
            Each(e => e.LocationId),
            group.Select(row => row.Request).ToArray(),
            Each(e => e.Status),
            Each(e => Columns.Ticks(e.IntentAt)),
            Each(e => (long)e.Attempts));
    }

    public Task<EffectRecord?> FindAsync(string key, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"SELECT {Fields} FROM effects WHERE key = @key", key), cancellationToken);

    public Task<IReadOnlyList<EffectRecord>> ListAsync(string instanceId, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<EffectRecord>>(
            session => session.List(Read, $"SELECT {Fields} FROM effects WHERE instance_id = @id ORDER BY intent_at, key", instanceId),
            cancellationToken);

    public Task CompleteAsync(EffectRecord effect, IncidentRecord? incident, Lease? lease, CancellationToken cancellationToken)
    {
        var response = effect.Response is null ? null : Payload.PackRecord(effect.Response);
        return database.WriteAsync(
            session =>
            {
                if (lease is { } held)
                {
                    // The row is kept until this is committed: nobody takes the run over in between.
                    session.Lock("instances", effect.InstanceId);
                    if (session.Long("SELECT 1 FROM instances WHERE id = @id AND lease_owner = @owner AND lease_token = @token", effect.InstanceId, held.Owner, held.Token) is null)
                    {
                        throw new LeaseLostException(effect.InstanceId);
                    }
                }

                // What is known to have happened stays known: a later "unknown" or "failed" of a stale owner does not take it back.
                var changed = session.Run(
                    "UPDATE effects SET status = @status, response = @response, error = @error, outcome_at = @at, attempts = @attempts WHERE key = @key AND (status <> 'done' OR @status = 'done')",
                    effect.Status,
                    response,
                    effect.Error,
                    Columns.Ticks(effect.OutcomeAt),
                    effect.Attempts,
                    effect.Key);
                if (changed == 0 && session.Long("SELECT 1 FROM effects WHERE key = @key", effect.Key) is null)
                {
                    throw new InvalidOperationException($"The effect {effect.Key} has no intent: its outcome cannot be recorded.");
                }

                if (changed == 1 && incident is not null)
                {
                    IncidentStore.InsertAndCount(session, [incident]);
                }
            },
            cancellationToken);
    }

    private static EffectRecord Read(DbDataReader reader) => new()
    {
        Key = reader.GetString(0),
        InstanceId = reader.GetString(1),
        ActivityId = reader.GetString(2),
        NodeId = reader.GetString(3),
        Iteration = reader.GetInt32(4),
        Operation = reader.GetString(5),
        Class = (EffectClass)reader.GetInt32(6),
        ConnectionId = reader.Text(7),
        LocationId = reader.Text(8),
        Request = Payload.UnpackRecord<ConnectorRequest>(reader.Blob(9)!),
        Status = reader.GetString(10),
        Response = reader.Blob(11) is { } response ? Payload.UnpackRecord<ConnectorResponse>(response) : null,
        Error = reader.Text(12),
        IntentAt = reader.Time(13),
        OutcomeAt = reader.TimeOrNull(14),
        Attempts = reader.GetInt32(15),
    };
}
