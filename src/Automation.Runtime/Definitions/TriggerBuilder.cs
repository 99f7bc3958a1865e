using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Engine.Http;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>Makes the trigger and source records of a version from its plan.</summary>
internal sealed class TriggerBuilder(
    IPollStore polls,
    IConnections connections,
    OperationCatalog operations,
    WorkflowEngine engine,
    IOptions<AutomationOptions> options,
    IServiceProvider services,
    TimeProvider clock)
{
    private readonly ExpressionFactory expressions = new(engine.Options);

    public sealed record Result(List<TriggerRecord> Triggers, List<SourceRecord> Sources, List<DefinitionProblem> Problems);

    /// <summary>Id of a trigger: the same for as long as definition, activity and location are.</summary>
    public static string TriggerId(string definitionId, string activityId, string? location, string? part = null) =>
        Hash("trigger", definitionId, activityId, location, part);

    /// <summary>Id of a source: connection, location, operation, and the inputs in canonical form.</summary>
    public static string SourceId(string connectionId, string? location, string operation, JObject inputs) =>
        Hash("source", connectionId, location, operation, Json.Write(Canonical(inputs)));

    public async Task<Result> BuildAsync(WorkflowPlan plan, DefinitionVersion version, IReadOnlyList<DefinitionProblem> known, CancellationToken cancellationToken)
    {
        var result = new Result([], [], []);
        if (plan.Triggers.Count == 0)
        {
            return result;
        }

        var existing = (await polls.ListTriggersAsync(version.DefinitionId, null, 0, 1000, cancellationToken)).Items.ToDictionary(trigger => trigger.Id, StringComparer.Ordinal);
        foreach (var activity in plan.Triggers)
        {
            JObject inputs;
            try
            {
                inputs = await activity.EvaluateTriggerInputsAsync(engine, services, cancellationToken);
            }
            catch (FaultException exception)
            {
                Refuse(result, activity, exception.Fault.Code, exception.Fault.Message, exception.Fault.Property);
                continue;
            }

            var build = new Building(activity, version, inputs, existing, result);
            switch (activity.Descriptor.TypeName)
            {
                case HttpEndpointBookmark.Name:
                    await AddHttpAsync(build, cancellationToken);
                    break;
                case "Elsa.Event":
                    AddEvent(build);
                    break;
                case "Elsa.Cron":
                    AddSchedule(build, "cronExpression", text => Schedule.ParseCron(text, TimeZoneOf(build)));
                    break;
                case "Elsa.Timer":
                    AddSchedule(build, "interval", text => Schedule.Parse(text));
                    break;
                case "Elsa.StartAt":
                    AddSchedule(build, "dateTime", text => Schedule.TryReadTime(text, out var time) ? Schedule.Once(time) : throw new FormatException($"'{text}' is no time of ISO 8601, such as 2026-01-31T08:00:00Z."));
                    break;
                case var type when operations.Find(type) is { Poll: { } shape } operation:
                    await AddPollAsync(build, operation, shape, known, cancellationToken);
                    break;
                default:
                    result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "trigger-not-watched", $"Nothing in this installation starts a flow by '{activity.Descriptor.TypeName}'. The flow can still be started by hand or by the API.", null));
                    break;
            }
        }

        return result;
    }

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

        var configured = (string?)inputs["interval"] is { Length: > 0 } text ? text.Trim() : $"{(int)shape.DefaultInterval.TotalSeconds}s";
        var timeZone = TimeZoneOf(build);
        if (!TryParse(result, activity, "interval", () => Schedule.Parse(configured, timeZone), out var schedule))
        {
            return;
        }

        var now = clock.GetUtcNow();
        var minimum = connection.IsSandbox ? options.Value.Polling.SandboxMinimumInterval : options.Value.Polling.MinimumInterval;
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

        var location = (string?)request["locationId"] ?? (string?)request["location_id"] ?? connection.LocationId;
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
            if (TriggerFilter.SyntaxError(filter, expressions) is { } error)
            {
                result.Problems.Add(Problem(ProblemSeverity.PublishError, activity, "expression-syntax", $"The filter does not parse: {error.Message}", "filter") with { Line = error.Line, Column = error.Column });
            }
        }

        if (source is null)
        {
            await CheckBudgetAsync(build, connection, interval, minimum, cancellationToken);
        }
        else if (source.BaselinedAt is not null && await IsDormantAsync(source, now, cancellationToken))
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

    /// <summary>Calls a day that all flows of a connection plan, one page per poll, against what its connector allows.</summary>
    private async Task CheckBudgetAsync(Building build, Connection connection, TimeSpan interval, TimeSpan minimum, CancellationToken cancellationToken)
    {
        if (operations.ConnectorOf(connection.Connector).Limit.PerDay is not { } allowed)
        {
            return;
        }

        static double PerDay(TimeSpan every) => TimeSpan.FromDays(1) / every;
        var all = (await polls.ListTriggersAsync(null, "poll", 0, 1, cancellationToken)).Total;
        if ((all + 1) * PerDay(minimum) <= allowed)
        {
            // Not even all triggers at the shortest interval could spend it.
            return;
        }

        var own = PerDay(interval) + build.Result.Sources.Where(source => source.ConnectionId == connection.Id).Sum(source => PerDay(source.Interval));
        var planned = own;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        const int pageSize = 1000;
        for (var page = 0; page * pageSize < all; page++)
        {
            foreach (var trigger in (await polls.ListTriggersAsync(null, "poll", page, pageSize, cancellationToken)).Items)
            {
                if (trigger.ConnectionId == connection.Id && trigger.DefinitionId != build.Version.DefinitionId && !trigger.IsPaused && seen.Add(trigger.SourceId ?? trigger.Id))
                {
                    planned += PerDay(trigger.EffectiveInterval ?? interval);
                }
            }
        }

        if (planned > allowed)
        {
            // The sandbox's limit is whatever its control says, and trying things out is what it is for: there, what other flows spend only warns.
            var severity = connection.IsSandbox && own <= allowed ? ProblemSeverity.Warning : ProblemSeverity.PublishError;
            build.Result.Problems.Add(Problem(severity, build.Activity, "budget-exceeded",
                $"With this trigger the flows of connection '{connection.Name}' would poll {planned:#,0} times a day; its API allows {allowed:#,0} calls a day. Lengthen the interval, here or in other flows, or watch less.", "interval"));
        }
    }

    /// <summary>Nobody consumes the source, and has not for longer than the store takes for a pause: see <see cref="Publication"/>.</summary>
    private async Task<bool> IsDormantAsync(SourceRecord source, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var pause = 3 * source.Interval < Publication.ShortestDormancy ? Publication.ShortestDormancy : 3 * source.Interval;
        return (source.LastPollAt is not { } last || now - last > pause) && (await polls.ListTriggersOfSourceAsync(source.Id, cancellationToken)).Count == 0;
    }

    private async Task AddHttpAsync(Building build, CancellationToken cancellationToken)
    {
        var (activity, version, inputs, _, result) = build;
        var path = ((string?)inputs["path"])?.Trim();
        if (string.IsNullOrEmpty(path))
        {
            Refuse(result, activity, "missing-input", "The HTTP endpoint has no path. Give it one, such as orders/{id}.", "path");
            return;
        }

        path = "/" + path.Trim('/');
        foreach (var method in Methods(inputs["supportedMethods"]))
        {
            var key = HttpEndpointBookmark.KeyOf(method, path);
            var hash = Bookmark.HashOf(HttpEndpointBookmark.Name, key);
            var taken = result.Triggers.Any(other => other.Hash == hash)
                || (await polls.FindListeningAsync(hash, cancellationToken)).Any(other => other.DefinitionId != version.DefinitionId);
            if (taken)
            {
                Refuse(result, activity, "http-path-in-use", $"The {path} path and {method.ToLowerInvariant()} method are already in use by another workflow!", "path");
                continue;
            }

            result.Triggers.Add(Listening(build, "http", hash, key, method));
        }
    }

    private static void AddEvent(Building build)
    {
        if ((string?)build.Inputs["eventName"] is not { Length: > 0 } name)
        {
            Refuse(build.Result, build.Activity, "missing-input", "The event has no name. Give it the name that the flow listens to.", "eventName");
            return;
        }

        build.Result.Triggers.Add(Listening(build, "event", Bookmark.HashOf("Elsa.Event", name), name, null));
    }

    private void AddSchedule(Building build, string property, Func<string, Schedule> parse)
    {
        var (activity, version, inputs, existing, result) = build;
        if ((string?)inputs[property] is not { Length: > 0 } text)
        {
            Refuse(result, activity, "missing-input", $"The trigger has no {property}.", property);
            return;
        }

        if (!TryParse(result, activity, property, () => parse(text), out var schedule))
        {
            return;
        }

        var now = clock.GetUtcNow();
        var timeZone = TimeZoneOf(build);
        var id = TriggerId(version.DefinitionId, activity.Id, null);

        // Publishing again does not push a schedule back: an unchanged one keeps the time it waits for.
        var before = existing.GetValueOrDefault(id);
        var unchanged = before is { Kind: "schedule" } && before.Configured == text && before.TimeZone == timeZone;
        result.Triggers.Add(new TriggerRecord
        {
            Id = id,
            DefinitionId = version.DefinitionId,
            VersionId = version.Id,
            ActivityId = activity.Id,
            ActivityType = activity.Descriptor.TypeName,
            Kind = "schedule",
            Configured = text,
            TimeZone = timeZone,
            EffectiveInterval = schedule.Every,
            DueAt = unchanged ? before!.DueAt : schedule.Next(now),
            CreatedAt = before?.CreatedAt ?? now,
        });
    }

    private static TriggerRecord Listening(Building build, string kind, string hash, string configured, string? part)
    {
        var id = TriggerId(build.Version.DefinitionId, build.Activity.Id, null, part);
        return new TriggerRecord
        {
            Id = id,
            DefinitionId = build.Version.DefinitionId,
            VersionId = build.Version.Id,
            ActivityId = build.Activity.Id,
            ActivityType = build.Activity.Descriptor.TypeName,
            Kind = kind,
            Hash = hash,
            Configured = configured,
            Settings = build.Inputs,
            CreatedAt = build.Existing.GetValueOrDefault(id)?.CreatedAt ?? build.Version.CreatedAt,
        };
    }

    /// <summary>IANA zone of a cron; also where the activity type does not declare the input.</summary>
    private static string? TimeZoneOf(Building build) =>
        ((string?)build.Inputs["timeZone"] ?? Literals.TextOf(build.Activity.Json["timeZone"])) is { Length: > 0 } zone ? zone.Trim() : null;

    private static IReadOnlyList<string> Methods(JToken? token)
    {
        var methods = token switch
        {
            JArray array => array.Values<string>().OfType<string>().ToList(),
            JValue { Value: string text } when text.StartsWith('[') => JsonConvert.DeserializeObject<List<string>>(text) ?? [],
            JValue { Value: string { Length: > 0 } text } => [text],
            _ => [],
        };
        return methods.Count == 0 ? ["GET"] : [.. methods.Select(method => method.Trim().ToUpperInvariant()).Distinct(StringComparer.Ordinal)];
    }

    private static bool TryParse(Result result, PlannedActivity activity, string property, Func<Schedule> parse, out Schedule schedule)
    {
        try
        {
            schedule = parse();
            return true;
        }
        catch (FormatException exception)
        {
            Refuse(result, activity, "bad-schedule", exception.Message, property);
            schedule = null!;
            return false;
        }
    }

    private static void Refuse(Result result, PlannedActivity activity, string code, string message, string? property) =>
        result.Problems.Add(Problem(ProblemSeverity.PublishError, activity, code, message, property));

    private static DefinitionProblem Problem(ProblemSeverity severity, PlannedActivity activity, string code, string message, string? property) =>
        new(severity, code, message) { ActivityId = activity.Id, ActivityType = activity.Descriptor.TypeName, Property = property };

    private static string Say(TimeSpan span) => span.TotalMinutes >= 1 ? $"{span.TotalMinutes:0.#} min" : $"{span.TotalSeconds:0.#} s";

    private static JToken Canonical(JToken token) => token switch
    {
        JObject item => new JObject(item.Properties().OrderBy(property => property.Name, StringComparer.Ordinal).Select(property => new JProperty(property.Name, Canonical(property.Value)))),
        JArray items => new JArray(items.Select(Canonical)),
        _ => token.DeepClone(),
    };

    private static string Hash(params string?[] parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\u001f', parts))))[..32];

    private sealed record Building(PlannedActivity Activity, DefinitionVersion Version, JObject Inputs, Dictionary<string, TriggerRecord> Existing, Result Result);
}
