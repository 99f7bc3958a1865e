using System.Globalization;
using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Lists of runs: the filter as SQL, so that an index serves what is asked most (newest first, of a definition, not done, by subject).</summary>
internal static class RunQueries
{
    /// <summary>
    /// Runs that have a text somewhere. Each part is answered from a small index of its own: ids, names and correlation ids without their rows, errors only of runs that have one,
    /// and workflows by name or id instead of all their runs.
    /// </summary>
    private const string FoundByText =
        """
        no IN (
            SELECT no FROM instances WHERE id #like# @search ESCAPE '\'
            UNION ALL SELECT no FROM instances WHERE name IS NOT NULL AND name #like# @search ESCAPE '\'
            UNION ALL SELECT no FROM instances WHERE correlation_id IS NOT NULL AND correlation_id #like# @search ESCAPE '\'
            UNION ALL SELECT no FROM instances WHERE error IS NOT NULL AND error #like# @search ESCAPE '\'
            UNION ALL SELECT no FROM instances WHERE definition_id IN (
                SELECT definition_id FROM definition_versions WHERE name #like# @search ESCAPE '\'
                UNION SELECT definition_id FROM definition_versions WHERE definition_id #like# @search ESCAPE '\'))
        """;

    public static PageOf<InstanceRecord> List(Session session, RunFilter filter)
    {
        var where = Conditions(filter);
        var (all, arguments) = (where.ToString(), where.With());
        if (filter.Cursor is { } cursor)
        {
            var (at, no) = Position(cursor);
            where.AddIf(true, "created_at <= @before", at);
            where.AddIf(true, "(created_at < @beforeTie OR no < @beforeNo)", at, no);
        }

        // One more than a page says whether there is a next one.
        var rows = session.List(
            Instances.Read,
            $"SELECT {Instances.Fields} FROM instances {where} ORDER BY {(filter.Cursor is null ? Order(filter) : "created_at DESC, no DESC")} LIMIT @limit OFFSET @offset",
            where.With(filter.PageSize + 1, filter.Cursor is null ? (long)filter.Page * filter.PageSize : 0L));
        var page = rows.Count > filter.PageSize ? rows.Take(filter.PageSize).ToList() : rows;
        long? Count() => session.Long($"SELECT COUNT(*) FROM instances {all}", arguments);
        var total = !filter.WithTotal ? -1 : filter.Cursor is null ? Where.Total(filter.Page, filter.PageSize, page.Count, Count) : Count() ?? 0;
        return new PageOf<InstanceRecord>(Instances.WithSubjects(session, page), total)
        {
            NextCursor = rows.Count > filter.PageSize ? string.Create(CultureInfo.InvariantCulture, $"{page[^1].Item2.CreatedAt.UtcTicks}.{page[^1].Item1}") : null,
        };
    }

    public static IReadOnlyList<RunCount> Count(Session session, DateTimeOffset since, TimeSpan span) => session.List(
        reader => new RunCount(new DateTimeOffset(reader.GetInt64(0) * span.Ticks, TimeSpan.Zero), (WorkflowSubStatus)reader.GetInt64(1), reader.GetInt64(2)),
        $"SELECT created_at / @span AS span_no, {Instances.SubStatus}, COUNT(*) FROM instances WHERE created_at >= @since GROUP BY 1, 2 ORDER BY 1",
        span.Ticks,
        Columns.Ticks(since));

    private static (long At, long No) Position(string cursor) =>
        cursor.Split('.') is [var at, var no] && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && long.TryParse(no, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (ticks, number)
            : throw new FormatException($"'{cursor}' is no cursor of this list. Take it from the answer before, as it is.");

    private static Where Conditions(RunFilter filter)
    {
        var where = new Where();
        where.AddIf(filter.Ids is not null, "id IN (#each @ids#)", (object)(filter.Ids ?? []).ToArray());
        if (filter.DefinitionIds is [var only])
        {
            where.AddIf(true, "definition_id = @definition", only);
        }
        else
        {
            where.AddIf(filter.DefinitionIds is not null, "definition_id IN (#each @definitions#)", (object)(filter.DefinitionIds ?? []).ToArray());
        }

        where.AddIf(filter.CorrelationId is not null, "correlation_id = @correlation", filter.CorrelationId);
        where.AddIf(filter.Version is not null, "version = @version", filter.Version);
        where.AddIf(filter.Statuses is not null, $"status IN ({Numbers(filter.Statuses)})");
        where.AddIf(filter.SubStatuses is not null, $"{Instances.SubStatus} IN ({Numbers(filter.SubStatuses)})");

        // Says to the planner what follows from the above: the small index of what is not done serves it.
        where.AddIf(
            filter.Statuses is not null && !filter.Statuses.Contains(WorkflowStatus.Finished) || filter.SubStatuses is not null && !filter.SubStatuses.Contains(WorkflowSubStatus.Finished),
            "sub_status <> 3");
        where.AddIf(filter.HasIncidents is true, "incident_count > 0");
        where.AddIf(filter.HasIncidents is false, "incident_count = 0");
        where.AddIf(filter.Subject is not null, "no IN (SELECT instance_no FROM subjects WHERE subject = @subject)", Columns.Subject(filter.Subject ?? ""));
        where.AddIf(filter.LocationId is not null, "location_id = @location", filter.LocationId);
        where.AddIf(filter.TriggerId is not null, "trigger_id = @trigger", filter.TriggerId);
        where.AddIf(filter.ParentInstanceId is not null, "parent_instance_id = @parent", filter.ParentInstanceId);
        where.AddIf(filter.Since is not null, "created_at >= @since", Columns.Ticks(filter.Since));
        where.AddIf(filter.Name is not null, "name = @name", filter.Name);
        foreach (var (time, number) in filter.Times.Select((time, number) => (time, number)))
        {
            where.AddIf(true, $"{Column(time.Time)} {Operator(time.Comparison)} @time{number}", Columns.Ticks(time.At));
        }

        where.AddIf(!string.IsNullOrWhiteSpace(filter.Search), FoundByText, Columns.Contains(filter.Search ?? ""));
        return where;
    }

    private static string Column(RunTime time) => time switch
    {
        RunTime.Updated => "updated_at",
        RunTime.Finished => "finished_at",
        _ => "created_at",
    };

    private static string Operator(TimeComparison comparison) => comparison switch
    {
        TimeComparison.IsNot => "<>",
        TimeComparison.LessThan => "<",
        TimeComparison.GreaterThan => ">",
        TimeComparison.LessThanOrEqual => "<=",
        TimeComparison.GreaterThanOrEqual => ">=",
        _ => "=",
    };

    private static string Numbers<T>(IReadOnlyList<T>? values)
        where T : struct, Enum => string.Join(',', (values ?? []).Select(v => Convert.ToInt32(v, System.Globalization.CultureInfo.InvariantCulture)));

    private static string Order(RunFilter filter)
    {
        var column = filter.OrderBy switch
        {
            "LastExecuted" or "UpdatedAt" => "updated_at",
            "Finished" => "finished_at",
            "Name" => "name",
            _ => "created_at",
        };
        var direction = filter.Descending ? "DESC" : "ASC";
        return $"{column} {direction}, no {direction}";
    }
}
