using System.Security.Cryptography;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Engine.Http;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Microsoft.Extensions.Options;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>Makes the trigger and source records of a version from its plan.</summary>
internal sealed partial class TriggerBuilder(
    IPollStore polls,
    IConnections connections,
    OperationCatalog operations,
    LocationZones zones,
    WorkflowEngine engine,
    IOptions<AutomationOptions> options,
    IReadOnlyList<IWebhookFormat> webhooks,
    IServiceProvider services,
    TimeProvider clock)
{
    /// <summary>Type of the trigger with a secret address.</summary>
    private const string HookTriggerType = "Automation.Hook";

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

        var existing = (await polls.ListTriggersAsync(new TriggerQuery { DefinitionId = version.DefinitionId, PageSize = 1000 }, cancellationToken)).Items.ToDictionary(trigger => trigger.Id, StringComparer.Ordinal);
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
                case HookTriggerType:
                    result.Triggers.Add(Listening(build, "hook", null, null, null));
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
                case var _ when webhooks.Select(format => WebhookActivities.TypesOf(format, activity.Descriptor, inputs)).FirstOrDefault(types => types is not null) is { } types:
                    await AddWebhookAsync(build, types, cancellationToken);
                    break;
                default:
                    result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "trigger-not-watched", $"Nothing in this installation starts a flow by '{activity.Descriptor.TypeName}'. The flow can still be started by hand or by the API.", null));
                    break;
            }
        }

        return result;
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
        var taken = result.Triggers.Where(other => other.Kind == "http").Concat(await HttpTriggersOfOthersAsync(version.DefinitionId, cancellationToken))
            .Select(other => HttpEndpointBookmark.RouteOf(other.Configured ?? "")).ToHashSet(StringComparer.Ordinal);
        foreach (var method in Methods(inputs["supportedMethods"]))
        {
            var key = HttpEndpointBookmark.KeyOf(method, path);
            var hash = Bookmark.HashOf(HttpEndpointBookmark.Name, key);
            if (!taken.Add(HttpEndpointBookmark.RouteOf(key)))
            {
                Refuse(result, activity, "http-path-in-use", $"The {path} path and {method.ToLowerInvariant()} method are already in use by another workflow!", "path");
                continue;
            }

            result.Triggers.Add(Listening(build, "http", hash, key, method));
        }
    }

    private async Task<List<TriggerRecord>> HttpTriggersOfOthersAsync(string definitionId, CancellationToken cancellationToken)
    {
        const int pageSize = 500;
        var found = new List<TriggerRecord>();
        for (var page = 0; ; page++)
        {
            var read = await polls.ListTriggersAsync(new TriggerQuery { Kind = "http", Page = page, PageSize = pageSize }, cancellationToken);
            found.AddRange(read.Items.Where(trigger => trigger.DefinitionId != definitionId));
            if (read.Items.Count < pageSize)
            {
                return found;
            }
        }
    }

    /// <summary>One trigger per type: what comes in looks for its type alone.</summary>
    private async Task AddWebhookAsync(Building build, IReadOnlyList<string> types, CancellationToken cancellationToken)
    {
        // A missing connection, or a wrong one, the activity's own check has refused.
        if ((string?)build.Inputs["connectionId"] is not { Length: > 0 } wanted || await connections.FindAsync(wanted, cancellationToken) is not { } connection)
        {
            return;
        }

        var location = (string?)build.Inputs["locationId"] is { Length: > 0 } chosen ? chosen : connection.LocationId;
        foreach (var type in types)
        {
            build.Result.Triggers.Add(Listening(build, "webhook", WebhookIntake.HashOf(connection.Id, type), type, type) with { ConnectionId = connection.Id, LocationId = location });
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
        if ((unchanged ? before!.DueAt : schedule.Next(now)) is null)
        {
            result.Problems.Add(Problem(ProblemSeverity.Warning, activity, "never-due", Schedule.TryReadTime(text, out _) ? $"The time '{text}' has passed: the flow is not started by it." : $"'{text}' never comes: the flow is not started by it.", property));
        }

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

    private static TriggerRecord Listening(Building build, string kind, string? hash, string? configured, string? part)
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
