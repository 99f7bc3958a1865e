using System.Data.Common;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Definitions and their versions.</summary>
internal sealed class DefinitionStore : IDefinitionStore
{
    private readonly SqlDatabase database;
    private readonly SharedLookup<(string DefinitionId, string Kind), DefinitionVersion> current;

    public DefinitionStore(SqlDatabase database)
    {
        this.database = database;
        current = new(FindCurrentAsync);
    }

    private const string Fields =
        "id, definition_id, version, name, description, is_latest, is_published, is_readonly, is_system, provider, tool_version, created_at";

    /// <summary>What the JSON of a workflow that is usable as an activity has somewhere; the schema's script looks for the same.</summary>
    private const string OffersActivity = "\"usableAsActivity\":true";

    private const string Upsert =
        $"""
        INSERT INTO definition_versions ({Fields}, json, offers_activity)
        VALUES (@id, @definition_id, @version, @name, @description, @is_latest, @is_published, @is_readonly, @is_system, @provider, @tool_version, @created_at, @json, @offers_activity)
        ON CONFLICT (id) DO UPDATE SET
            definition_id = excluded.definition_id, version = excluded.version, name = excluded.name, description = excluded.description, is_latest = excluded.is_latest, is_published = excluded.is_published,
            is_readonly = excluded.is_readonly, is_system = excluded.is_system, provider = excluded.provider, tool_version = excluded.tool_version, created_at = excluded.created_at, json = excluded.json, offers_activity = excluded.offers_activity
        """;

    /// <remarks>Of a flow one version is the latest and at most one is published: every start asks for it.</remarks>
    public Task<DefinitionVersion?> FindAsync(string definitionId, VersionOptions version, CancellationToken cancellationToken) => version.Kind is "Latest" or "Published"
        ? current.FindAsync((definitionId, version.Kind), cancellationToken)
        : database.ReadAsync(
            session => session.First(Read, $"SELECT {Fields}, json FROM definition_versions WHERE definition_id = @id AND {Condition(version)} ORDER BY version DESC LIMIT 1", definitionId),
            cancellationToken);

    private Task<IReadOnlyDictionary<(string DefinitionId, string Kind), DefinitionVersion>> FindCurrentAsync((string DefinitionId, string Kind)[] keys) =>
        database.ReadAsync<IReadOnlyDictionary<(string, string), DefinitionVersion>>(
            session => keys.GroupBy(key => key.Kind).SelectMany(kind => session.List(
                reader => (Kind: kind.Key, Version: Read(reader)),
                $"SELECT {Fields}, json FROM definition_versions WHERE definition_id IN (#each @ids#) AND {Condition(new VersionOptions(kind.Key))}",
                (object)kind.Select(key => key.DefinitionId).ToArray())).ToDictionary(row => (row.Version.DefinitionId, row.Kind), row => row.Version),
            CancellationToken.None);

    public Task<DefinitionVersion?> FindVersionAsync(string versionId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"SELECT {Fields}, json FROM definition_versions WHERE id = @id", versionId), cancellationToken);

    public Task<PageOf<DefinitionVersion>> ListAsync(DefinitionFilter filter, bool withJson, CancellationToken cancellationToken)
    {
        var where = new Where();
        where.AddIf(true, Condition(filter.Version));
        where.AddIf(filter.DefinitionIds is not null, "definition_id IN (#each @definitions#)", (object)(filter.DefinitionIds ?? []).ToArray());
        where.AddIf(filter.Ids is not null, "id IN (#each @ids#)", (object)(filter.Ids ?? []).ToArray());
        where.AddIf(filter.Name is not null, "name = @name", filter.Name);
        where.AddIf(filter.Mentions is not null, "#instr#(json, @mentions) > 0", filter.Mentions);
        where.AddIf(filter.OffersActivity, "offers_activity = 1");
        where.AddIf(filter.IsSystem is not null, "is_system = @system", filter.IsSystem);
        where.AddIf(
            !string.IsNullOrWhiteSpace(filter.Search),
            @"(name #like# @search ESCAPE '\' OR description #like# @search ESCAPE '\' OR definition_id #like# @search ESCAPE '\' OR id #like# @search ESCAPE '\')",
            Columns.Contains(filter.Search ?? ""));
        var direction = filter.Descending ? "DESC" : "ASC";
        var order = filter.OrderBy switch
        {
            _ when string.Equals(filter.OrderBy, "Created", StringComparison.OrdinalIgnoreCase) => $"created_at {direction}",
            _ when string.Equals(filter.OrderBy, "Version", StringComparison.OrdinalIgnoreCase) => $"version {direction}",
            _ when string.Equals(filter.OrderBy, "DefinitionId", StringComparison.OrdinalIgnoreCase) => $"definition_id {direction}",
            _ => $"name COLLATE nocase {direction}",
        };
        // The page is found in an index that has all it needs, and only its rows are read: the planner does not know how small a page is, and would else rather sort all versions.
        var ordered = $"ORDER BY {order}{(order.StartsWith("definition_id", StringComparison.Ordinal) ? "" : ", definition_id")}, version DESC";
        return database.ReadAsync(
            session =>
            {
                var page = session.List(
                    Read,
                    $"SELECT {Fields}, {(withJson ? "json" : "''")} FROM definition_versions WHERE id IN (SELECT id FROM definition_versions {where} {ordered} LIMIT @limit OFFSET @offset) {ordered}",
                    where.With(filter.PageSize, (long)filter.Page * filter.PageSize));
                return new PageOf<DefinitionVersion>(page, Where.Total(filter.Page, filter.PageSize, page.Count, () => session.Long($"SELECT COUNT(*) FROM definition_versions {where}", where.With())));
            },
            cancellationToken);
    }

    public Task SaveAsync(IReadOnlyList<DefinitionVersion> versions, CancellationToken cancellationToken) => versions.Count == 0
        ? Task.CompletedTask
        : database.WriteAsync(
            session =>
            {
                session.LockAll("triggers");
                ChangeStore.Note(session, Topics.Definitions);
                foreach (var v in versions)
                {
                    if (v.IsLatest)
                    {
                        session.Post("UPDATE definition_versions SET is_latest = 0 WHERE definition_id = @definition AND is_latest = 1 AND id <> @id", v.DefinitionId, v.Id);
                    }

                    if (v.IsPublished)
                    {
                        session.Run("UPDATE definition_versions SET is_published = 0 WHERE definition_id = @definition AND is_published = 1 AND id <> @id", v.DefinitionId, v.Id);
                    }

                    session.Post(
                        Upsert,
                        v.Id,
                        v.DefinitionId,
                        v.Version,
                        v.Name,
                        v.Description,
                        v.IsLatest,
                        v.IsPublished,
                        v.IsReadonly,
                        v.IsSystem,
                        v.Provider,
                        v.ToolVersion,
                        Columns.Ticks(v.CreatedAt),
                        v.Json,
                        v.Json.Contains(OffersActivity, StringComparison.Ordinal));
                }
            },
            cancellationToken);

    public Task PublishAsync(Publication publication, CancellationToken cancellationToken) =>
        database.WriteAsync(new PublicationWrite(publication).Write, cancellationToken);

    public Task RetractAsync(string definitionId, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.LockAll("triggers");
            ChangeStore.Note(session, Topics.Definitions);
            session.Run("UPDATE definition_versions SET is_published = 0 WHERE definition_id = @definition AND is_published = 1", definitionId);
            Triggers.Remove(session, definitionId);
        },
        cancellationToken);

    public Task<bool> DeleteAsync(string definitionId, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            Triggers.Remove(session, definitionId);
            ChangeStore.Note(session, Topics.Definitions);
            return session.Run("DELETE FROM definition_versions WHERE definition_id = @definition", definitionId) > 0;
        },
        cancellationToken);

    public Task<bool> DeleteVersionAsync(string versionId, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            session.LockAll("triggers");
            ChangeStore.Note(session, Topics.Definitions);
            string definitionId;
            bool wasLatest, wasPublished;
            using (var reader = session.Query("DELETE FROM definition_versions WHERE id = @id RETURNING definition_id, is_latest, is_published", versionId))
            {
                if (!reader.Read())
                {
                    return false;
                }

                (definitionId, wasLatest, wasPublished) = (reader.GetString(0), reader.Flag(1), reader.Flag(2));
            }

            if (wasLatest)
            {
                session.Run(
                    "UPDATE definition_versions SET is_latest = 1 WHERE id = (SELECT id FROM definition_versions WHERE definition_id = @definition ORDER BY version DESC LIMIT 1)",
                    definitionId);
            }

            if (wasPublished)
            {
                Triggers.Remove(session, definitionId);
            }

            return true;
        },
        cancellationToken);

    private static string Condition(VersionOptions version) => version.Kind switch
    {
        "Latest" => "is_latest = 1",
        "Published" => "is_published = 1",
        "Draft" => "is_published = 0",
        "LatestOrPublished" => "(is_latest = 1 OR is_published = 1)",
        "LatestAndPublished" => "is_latest = 1 AND is_published = 1",
        "Specific" => $"version = {version.Number ?? 0}",
        _ => "1 = 1",
    };

    private static DefinitionVersion Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        DefinitionId = reader.GetString(1),
        Version = reader.GetInt32(2),
        Name = reader.Text(3),
        Description = reader.Text(4),
        IsLatest = reader.Flag(5),
        IsPublished = reader.Flag(6),
        IsReadonly = reader.Flag(7),
        IsSystem = reader.Flag(8),
        Provider = reader.GetString(9),
        ToolVersion = reader.Text(10),
        CreatedAt = reader.Time(11),
        Json = reader.GetString(12),
    };
}
