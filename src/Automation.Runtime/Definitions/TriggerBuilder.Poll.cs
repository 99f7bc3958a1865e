using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>Poll triggers: their source, schedule, filter and budget.</summary>
internal sealed partial class TriggerBuilder
{
    private async Task AddPollAsync(Building build, Operation operation, PollShape shape, IReadOnlyList<DefinitionProblem> known, CancellationToken cancellationToken)
    {
        var (activity, version, inputs, existing, result) = build;
        var wanted = (string?)inputs["connectionId"];
        var connection = string.IsNullOrWhiteSpace(wanted) ? null : await connections.FindAsync(wanted, cancellationToken);

        // What the activity's own check has refused is said once.
        bool IsRefused(string property) => known.Any(problem => problem.ActivityId == activity.Id && problem.Property == property && problem.Severity != ProblemSeverity.Warning);
        if (IsRefused("interval") || IsRefused("mode"))
        {
            return;
        }

        if (connection is null || connection.Connector != operation.Connector)
        {
            if (!IsRefused("connectionId"))
            {
                Refuse(result, activity, "no-connection", string.IsNullOrWhiteSpace(wanted) ? $"The trigger has no connection. Choose a {operation.Connector} connection."
                    : connection is null ? $"There is no connection '{wanted}'. Choose another, or add it under Connections."
                    : $"The connection '{connection.Name}' is for {connection.Connector}; this trigger needs one for {operation.Connector}.", "connectionId");
            }

            return;
        }

        var mode = (string?)inputs["mode"] is { Length: > 0 } chosen ? chosen : shape.Modes[0];
        if (!shape.Modes.Contains(mode, StringComparer.Ordinal))
        {
            Refuse(result, activity, "wrong-mode", $"'{mode}' is no mode of this trigger. It takes: {string.Join(", ", shape.Modes)}.", "mode");
            return;
        }

        var backfill = (string?)inputs["backfill"] is { Length: > 0 } wish ? wish : "none";
        if (backfill is not ("none" or "all"))
        {
            Refuse(result, activity, "wrong-enum", $"'{backfill}' is no backfill. It takes: none, all.", "backfill");
            return;
        }

        var configured = (string?)inputs["interval"] is { Length: > 0 } text ? text.Trim() : $"{(int)shape.DefaultInterval.TotalSeconds}s";
        var timeZone = TimeZoneOf(build);
        if (timeZone is not null && !TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out _))
        {
            Refuse(result, activity, "bad-time-zone", $"'{timeZone}' is no time zone; an IANA name such as Europe/Berlin is expected.", "timeZone");
            return;
        }

        if (!TryParse(result, activity, "interval", () => Schedule.Parse(configured, timeZone), out var schedule))
        {
            return;
        }

        var now = clock.GetUtcNow();
        var minimum = connection.IsSandbox ? options.Value.Polling.SandboxMinimumInterval : options.Value.Polling.MinimumInterval;
        if (schedule.Every is null && timeZone is null)
        {
            timeZone = await ZoneOfLocationAsync(build, connection, LocationOf(inputs, connection), cancellationToken);
            schedule = Schedule.Parse(configured, timeZone);
        }

        var interval = schedule.Period(now);
        if (interval < minimum)
        {
            result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "interval-too-short",
                $"The interval '{configured}' is shorter than this installation allows: it polls every {Say(minimum)} instead. The setting Automation:Polling:MinimumInterval changes that.", "interval"));
            interval = minimum;
        }

        var request = new JObject();
        foreach (var input in operation.Inputs)
        {
            if (inputs[input.PropertyName] is { Type: not (JTokenType.Null or JTokenType.Undefined) } value && value is not JValue { Value: "" })
            {
                request[input.Name] = value.DeepClone();
            }
        }

        var location = LocationOf(request, connection);
        var list = shape.Source ?? operation.ActivityType;
        var sourceId = SourceId(connection.Id, location, list, request);
        var id = TriggerId(version.DefinitionId, activity.Id, location);
        var source = await polls.FindSourceAsync(sourceId, cancellationToken);
        if (existing.TryGetValue(id, out var before) && before.SourceId is { } old && old != sourceId)
        {
            result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "source-changed",
                source?.BaselinedAt is null
                    ? "The trigger's connection or inputs have changed, so it watches another list: the first poll of that list takes a baseline and fires nothing. What the old list had not yet delivered is dropped."
                    : "The trigger's connection or inputs have changed, so it watches another list: it fires on what changes there from now on. What the old list had not yet delivered is dropped.", null));
        }

        var settings = new JObject();
        if (activity.Json["filter"] is { Type: not JTokenType.Null } filter)
        {
            settings["filter"] = filter.DeepClone();
            if (!IsRefused("filter") && TriggerFilter.Defect(filter, expressions) is var (message, line, column))
            {
                result.Problems.Add(Problem(ProblemSeverity.PublishError, activity, line is null ? "bad-filter" : "expression-syntax", message, "filter") with { Line = line, Column = column });
            }
        }

        await CheckBudgetAsync(build, connection, operation, source, sourceId, interval, cancellationToken);
        if (source?.BaselinedAt is not null && await IsDormantAsync(source, now, cancellationToken))
        {
            result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "new-baseline",
                $"No flow has watched this list since {source.LastPollAt?.UtcDateTime:yyyy-MM-dd HH:mm} UTC: the next poll takes a new baseline and fires nothing.", null));
        }

        result.Triggers.Add(new TriggerRecord
        {
            Id = id,
            DefinitionId = version.DefinitionId,
            VersionId = version.Id,
            ActivityId = activity.Id,
            ActivityType = operation.ActivityType,
            Kind = "poll",
            LocationId = location,
            ConnectionId = connection.Id,
            SourceId = sourceId,
            Mode = mode,
            Configured = configured,
            TimeZone = timeZone,
            EffectiveInterval = interval,
            Settings = settings,
            Position = source?.LedgerEnd ?? 0,
            Backfill = backfill == "all" ? new BackfillState { State = "wanted" } : null,
            CreatedAt = before?.CreatedAt ?? now,
        });

        // Other flows may watch the same list: the store polls it as often as the most eager of them wants.
        if (result.Sources.All(other => other.Id != sourceId))
        {
            result.Sources.Add(source ?? new SourceRecord
            {
                Id = sourceId,
                ConnectionId = connection.Id,
                LocationId = location,
                Operation = list,
                Inputs = request,
                Interval = interval,
                DueAt = now,
            });
        }
    }

    /// <summary>Calls a day that all flows of a connection plan, this one's sources as they will be, against what its connector allows.</summary>
    private async Task CheckBudgetAsync(Building build, Connection connection, Operation operation, SourceRecord? source, string sourceId, TimeSpan interval, CancellationToken cancellationToken)
    {
        if (operations.ConnectorOf(connection.Connector).Limit.PerDay is not { } allowed || build.Result.Sources.Any(other => other.Id == sourceId))
        {
            return;
        }

        var own = PollCost.PerDay(operation, interval, source?.ItemCount)
            + build.Result.Sources.Where(other => other.ConnectionId == connection.Id).Sum(other => PollCost.PerDay(operations, other));
        var mine = build.Existing.Values.Select(trigger => trigger.SourceId).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var others = 0.0;
        foreach (var other in (await polls.ListSourcesAsync(cancellationToken)).Where(other => other.ConnectionId == connection.Id && other.IsActive && other.Id != sourceId && build.Result.Sources.All(known => known.Id != other.Id)))
        {
            // What only the version before has watched is polled no more.
            if (!mine.Contains(other.Id) || (await polls.ListTriggersOfSourceAsync(other.Id, cancellationToken)).Any(trigger => trigger.DefinitionId != build.Version.DefinitionId))
            {
                others += PollCost.PerDay(operations, other);
            }
        }

        if (own + others > allowed)
        {
            // The sandbox's limit is whatever its control says, and trying things out is what it is for: there, what other flows spend only warns.
            var severity = connection.IsSandbox && own <= allowed ? ProblemSeverity.Warning : ProblemSeverity.PublishError;
            build.Result.Problems.Add(Problem(severity, build.Activity, "budget-exceeded",
                $"With this trigger the flows of connection '{connection.Name}' would make {own + others:#,0} calls a day by polling; its API allows {allowed:#,0}. Lengthen the interval, here or in other flows, or watch less.", "interval"));
        }
    }

    private static string? LocationOf(JObject inputs, Connection connection) => SourceRecord.LocationIn(inputs) ?? connection.LocationId;

    /// <summary>The zone of the location whose list is watched, for crons that name none; null: UTC, where the location has no zone or does not say.</summary>
    private async Task<string?> ZoneOfLocationAsync(Building build, Connection connection, string? location, CancellationToken cancellationToken)
    {
        try
        {
            return location is null ? null : await zones.FindAsync(connection, location, cancellationToken);
        }
        catch (ConnectorException exception)
        {
            build.Result.Problems.Add(Problem(ProblemSeverity.Warning, build.Activity, "time-zone-unknown",
                $"The time zone of location '{location}' could not be read, so the times of this trigger are UTC. Set its time zone, or publish again later. {exception.Message}", "timeZone"));
            return null;
        }
    }

    /// <summary>Nobody consumes the source, and has not for longer than the store takes for a pause: see <see cref="Publication"/>.</summary>
    private async Task<bool> IsDormantAsync(SourceRecord source, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var pause = 3 * source.Interval < Publication.ShortestDormancy ? Publication.ShortestDormancy : 3 * source.Interval;
        return (source.LastPollAt is not { } last || now - last > pause) && (await polls.ListTriggersOfSourceAsync(source.Id, cancellationToken)).Count == 0;
    }
}
