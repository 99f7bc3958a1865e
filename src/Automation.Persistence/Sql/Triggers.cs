using System.Data.Common;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>SQL on triggers that several stores share.</summary>
internal static class Triggers
{
    public const string Fields =
        "t.id, t.definition_id, t.version_id, t.activity_id, t.activity_type, t.kind, t.location_id, t.connection_id, t.source_id, t.hash, t.mode, t.configured, t.time_zone, t.effective_interval, t.settings, t.position, t.generation, t.is_paused, t.due_at, t.created_at, t.last_fired_at, t.backfill";

    /// <summary>
    /// Brings a source in line with its triggers: polled while one is not paused, as often as the most eager of them asks. When that is more often than before, the next poll comes forward. One that nobody wanted polled for a
    /// while is due from now on, and not since then.
    /// </summary>
    public static void Refresh(Session session, string sourceId) => session.Run(
        $"""
        UPDATE sources SET
            is_active = wanted.is_active,
            due_at = CASE WHEN sources.is_active = 0 AND last_poll_at IS NOT NULL AND due_at < {Columns.Now} THEN {Columns.Now}
                WHEN wanted.interval < sources.interval AND failures = 0 AND last_poll_at + wanted.interval < due_at THEN last_poll_at + wanted.interval ELSE due_at END,
            interval = COALESCE(wanted.interval, sources.interval)
        FROM (SELECT CASE WHEN COUNT(*) > 0 THEN 1 ELSE 0 END AS is_active, MIN(effective_interval) AS interval FROM triggers WHERE source_id = @id AND is_paused = 0) AS wanted
        WHERE id = @id
        """,
        sourceId);

    /// <summary>Removes the triggers of a definition; a source that nobody consumes any more keeps its rows and is not polled.</summary>
    public static void Remove(Session session, string definitionId)
    {
        session.LockAll("triggers");
        var sources = session.List(reader => reader.Text(0), "DELETE FROM triggers WHERE definition_id = @definition RETURNING source_id", definitionId);
        foreach (var source in sources.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            Refresh(session, source);
        }
    }

    public static TriggerRecord Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        DefinitionId = reader.GetString(1),
        VersionId = reader.GetString(2),
        ActivityId = reader.GetString(3),
        ActivityType = reader.GetString(4),
        Kind = reader.GetString(5),
        LocationId = reader.Text(6),
        ConnectionId = reader.Text(7),
        SourceId = reader.Text(8),
        Hash = reader.Text(9),
        Mode = reader.GetString(10),
        Configured = reader.Text(11),
        TimeZone = reader.Text(12),
        EffectiveInterval = reader.IsDBNull(13) ? null : TimeSpan.FromTicks(reader.GetInt64(13)),
        Settings = (JObject)Json.Parse(reader.GetString(14), Json.DefinitionDepth),
        Position = reader.GetInt64(15),
        Generation = reader.GetInt32(16),
        IsPaused = reader.Flag(17),
        DueAt = reader.TimeOrNull(18),
        CreatedAt = reader.Time(19),
        LastFiredAt = reader.TimeOrNull(20),
        Backfill = reader.Text(21) is { } backfill ? BackfillState.Read(backfill) : null,
    };
}
