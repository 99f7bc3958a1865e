using System.Data.Common;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Incidents.</summary>
internal sealed class IncidentStore(SqlDatabase database) : IIncidentStore
{
    private const string Fields =
        "id, kind, instance_id, definition_id, activity_id, activity_type, source_id, effect_key, location_id, code, message, detail, action, created_at, resolved_at, resolution";

    private const string InsertSql =
        $"""
        INSERT INTO incidents ({Fields})
        VALUES (@id, @kind, @instance_id, @definition_id, @activity_id, @activity_type, @source_id, @effect_key, @location_id, @code, @message, @detail, @action, @created_at, @resolved_at, @resolution)
        ON CONFLICT (id) DO NOTHING
        """;

    public const string ResolveSql = "UPDATE incidents SET resolved_at = @at, resolution = @resolution WHERE id = @id AND resolved_at IS NULL";

    /// <summary>Inserts incidents; those there already are kept as they are. Returns how many are new.</summary>
    public static int Insert(Session session, IReadOnlyList<IncidentRecord> incidents)
    {
        var inserted = 0;
        foreach (var i in incidents)
        {
            inserted += session.Run(
                InsertSql,
                i.Id,
                i.Kind,
                i.InstanceId,
                i.DefinitionId,
                i.ActivityId,
                i.ActivityType,
                i.SourceId,
                i.EffectKey,
                i.LocationId,
                i.Code,
                i.Message,
                i.Detail,
                i.Action,
                Columns.Ticks(i.CreatedAt),
                Columns.Ticks(i.ResolvedAt),
                i.Resolution);
        }

        return inserted;
    }

    /// <summary>Inserts incidents that come outside of a commit of their run, and counts them there.</summary>
    public static void InsertAndCount(Session session, IReadOnlyList<IncidentRecord> incidents)
    {
        foreach (var incident in incidents)
        {
            if (Insert(session, [incident]) == 1 && incident.InstanceId is not null)
            {
                session.Run("UPDATE instances SET incident_count = incident_count + 1, error = @error WHERE id = @id", incident.Message, incident.InstanceId);
            }
        }
    }

    public Task AddAsync(IReadOnlyList<IncidentRecord> incidents, CancellationToken cancellationToken) =>
        incidents.Count == 0 ? Task.CompletedTask : database.WriteAsync(session => InsertAndCount(session, incidents), cancellationToken);

    public Task<IncidentRecord?> FindAsync(string id, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"SELECT {Fields} FROM incidents WHERE id = @id", id), cancellationToken);

    public Task<PageOf<IncidentRecord>> ListAsync(IncidentFilter filter, CancellationToken cancellationToken)
    {
        var where = new Where();
        where.AddIf(filter.Open is true, "resolved_at IS NULL");
        where.AddIf(filter.Open is false, "resolved_at IS NOT NULL");
        where.AddIf(filter.InstanceId is not null, "instance_id = @instance", filter.InstanceId);
        where.AddIf(filter.SourceId is not null, "source_id = @source", filter.SourceId);
        where.AddIf(filter.DefinitionId is not null, "definition_id = @definition", filter.DefinitionId);
        where.AddIf(filter.Since is not null, "created_at >= @since", filter.Since is { } since ? Columns.Ticks(since) : null);
        where.AddIf(
            !string.IsNullOrWhiteSpace(filter.Search),
            """
            (message #like# @search ESCAPE '\' OR detail #like# @search ESCAPE '\' OR code #like# @search ESCAPE '\'
                OR definition_id IN (SELECT definition_id FROM definition_versions WHERE is_latest = 1 AND name #like# @search ESCAPE '\'))
            """,
            Columns.Contains(filter.Search ?? ""));
        return database.ReadAsync(
            session => new PageOf<IncidentRecord>(
                session.List(Read, $"SELECT {Fields} FROM incidents {where} ORDER BY created_at DESC, id DESC LIMIT @limit OFFSET @offset", where.With(filter.PageSize, (long)filter.Page * filter.PageSize)),
                session.Long($"SELECT COUNT(*) FROM incidents {where}", where.With()) ?? 0),
            cancellationToken);
    }

    public Task<bool> ResolveAsync(string id, string resolution, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(session => Resolve(session, id, resolution, at), cancellationToken);

    /// <summary>Resolves an open incident; false: there is none of this id.</summary>
    public static bool Resolve(Session session, string id, string resolution, DateTimeOffset at) => session.Run(ResolveSql, Columns.Ticks(at), resolution, id) == 1;

    /// <inheritdoc />
    public Task<int> ResolveSourcesAsync(DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var idle = session.Run(
                "UPDATE incidents SET resolved_at = @at, resolution = 'Nobody wants the source polled any more.' WHERE kind = 'source' AND resolved_at IS NULL AND NOT EXISTS (SELECT 1 FROM sources s WHERE s.id = incidents.source_id AND s.is_active = 1)",
                Columns.Ticks(at));
            return idle + session.Run(
                "UPDATE incidents SET resolved_at = @at, resolution = 'The source answers again.' WHERE kind = 'source' AND resolved_at IS NULL AND EXISTS (SELECT 1 FROM sources s WHERE s.id = incidents.source_id AND s.failures = 0 AND s.last_success_at > incidents.created_at)",
                Columns.Ticks(at));
        },
        cancellationToken);

    private static IncidentRecord Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        Kind = reader.GetString(1),
        InstanceId = reader.Text(2),
        DefinitionId = reader.Text(3),
        ActivityId = reader.Text(4),
        ActivityType = reader.Text(5),
        SourceId = reader.Text(6),
        EffectKey = reader.Text(7),
        LocationId = reader.Text(8),
        Code = reader.GetString(9),
        Message = reader.GetString(10),
        Detail = reader.Text(11),
        Action = reader.Text(12),
        CreatedAt = reader.Time(13),
        ResolvedAt = reader.TimeOrNull(14),
        Resolution = reader.Text(15),
    };
}
