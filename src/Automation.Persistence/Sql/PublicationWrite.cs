using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Publishes a version: its mark, its triggers and their sources, in one transaction.</summary>
internal sealed class PublicationWrite(Publication publication)
{
    private const string InsertSource =
        $"""
        INSERT INTO sources (id, connection_id, location_id, operation, inputs, interval, due_at)
        VALUES (@id, @connection_id, @location_id, @operation, @inputs, @interval, COALESCE(@due_at, {Columns.Now}))
        ON CONFLICT (id) DO NOTHING
        """;

    /// <summary>The next scan takes a baseline. One that is under way loses its lease.</summary>
    public const string NewBaseline =
        $"lease_owner = NULL, lease_token = lease_token + 1, lease_until = 0, baselined_at = NULL, scan_upper = NULL, page_token = NULL, scan_pages = 0, scan_started_at = NULL, failures = 0, last_error = NULL, due_at = {Columns.Now}";

    private const string ForgetDormant =
        $"""
        UPDATE sources SET {NewBaseline}
        WHERE id = @id AND baselined_at IS NOT NULL AND last_poll_at < {Columns.Now} - CASE WHEN @shortest > 3 * interval THEN @shortest ELSE 3 * interval END AND NOT EXISTS (SELECT 1 FROM triggers WHERE source_id = @id)
        """;

    /// <summary>
    /// A trigger that is there keeps position, generation, pause, backfill and history. One that was there before and comes back takes a generation of its own: the ledger may have been pruned meanwhile, and
    /// begin its revisions anew. One whose source changed takes the end of the new ledger, as a new one does. A schedule keeps its next time unless it
    /// was changed: publishing again must not skip it.
    /// </summary>
    private const string UpsertTrigger =
        """
        INSERT INTO triggers (id, definition_id, version_id, activity_id, activity_type, kind, location_id, connection_id, source_id, hash, mode, configured, time_zone, effective_interval, settings,
            position, generation, is_paused, due_at, created_at, backfill)
        VALUES (@id, @definition_id, @version_id, @activity_id, @activity_type, @kind, @location_id, @connection_id, @source_id, @hash, @mode, @configured, @time_zone, @effective_interval, @settings,
            COALESCE((SELECT ledger_end FROM sources WHERE id = @source_id), 0), COALESCE((SELECT MAX(generation) + 1 FROM deliveries WHERE trigger_id = @id), @generation), @is_paused, @due_at, @created_at, @backfill)
        ON CONFLICT (id) DO UPDATE SET
            version_id = excluded.version_id, activity_type = excluded.activity_type, kind = excluded.kind, location_id = excluded.location_id, connection_id = excluded.connection_id, hash = excluded.hash, mode = excluded.mode,
            settings = excluded.settings, effective_interval = excluded.effective_interval,
            position = CASE WHEN triggers.source_id IS NOT DISTINCT FROM excluded.source_id THEN triggers.position ELSE excluded.position END,
            due_at = CASE WHEN triggers.configured IS NOT DISTINCT FROM excluded.configured AND triggers.time_zone IS NOT DISTINCT FROM excluded.time_zone AND triggers.due_at IS NOT NULL THEN triggers.due_at ELSE excluded.due_at END,
            backfill = CASE WHEN triggers.source_id IS NOT DISTINCT FROM excluded.source_id AND triggers.backfill IS NOT NULL THEN triggers.backfill ELSE excluded.backfill END,
            source_id = excluded.source_id, configured = excluded.configured, time_zone = excluded.time_zone
        """;

    /// <exception cref="InvalidOperationException">There is no such version.</exception>
    public void Write(Session session)
    {
        session.LockAll("triggers");
        ChangeStore.Note(session, Topics.Definitions);
        ChangeStore.Note(session, Topics.DueTimes);
        session.Run("UPDATE definition_versions SET is_published = 0 WHERE definition_id = @definition AND is_published = 1", publication.DefinitionId);
        if (session.Run("UPDATE definition_versions SET is_published = 1 WHERE id = @id AND definition_id = @definition", publication.VersionId, publication.DefinitionId) == 0)
        {
            throw new InvalidOperationException($"Version {publication.VersionId} of definition {publication.DefinitionId} is not stored: save it before it is published.");
        }

        foreach (var s in publication.Sources)
        {
            session.Post(InsertSource, s.Id, s.ConnectionId, s.LocationId, s.Operation, Json.Write(s.Inputs), s.Interval.Ticks, Columns.Ticks(s.DueAt));
            session.Post(ForgetDormant, s.Id, Publication.ShortestDormancy.Ticks);
        }

        var touched = session.List(reader => reader.GetString(0), "SELECT DISTINCT source_id FROM triggers WHERE definition_id = @definition AND source_id IS NOT NULL", publication.DefinitionId);
        foreach (var t in publication.Triggers)
        {
            session.Post(
                UpsertTrigger,
                t.Id,
                publication.DefinitionId,
                publication.VersionId,
                t.ActivityId,
                t.ActivityType,
                t.Kind,
                t.LocationId,
                t.ConnectionId,
                t.SourceId,
                t.Hash,
                t.Mode,
                t.Configured,
                t.TimeZone,
                t.EffectiveInterval?.Ticks,
                Json.Write(t.Settings),
                t.Generation,
                t.IsPaused,
                Columns.Ticks(t.DueAt),
                Columns.Ticks(t.CreatedAt),
                t.Backfill?.ToString());
        }

        foreach (var hook in publication.Hooks)
        {
            session.Post("INSERT INTO hooks (trigger_id, hash, secret, created_at) VALUES (@trigger, @hash, @secret, @created) ON CONFLICT DO NOTHING", hook.TriggerId, hook.Hash, hook.Secret, Columns.Ticks(hook.CreatedAt));
        }

        session.Run(
            "DELETE FROM triggers WHERE definition_id = @definition AND id NOT IN (#each @kept#)",
            publication.DefinitionId,
            publication.Triggers.Select(t => t.Id).ToArray());
        foreach (var source in touched.Concat(publication.Sources.Select(s => s.Id)).Distinct(StringComparer.Ordinal))
        {
            Triggers.Refresh(session, source);
        }
    }
}
