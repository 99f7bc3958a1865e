using System.Globalization;
using System.Text;
using Automation.Activities.Flocksy;
using Newtonsoft.Json.Linq;
using static Automation.Sandbox.Behaviours;

namespace Automation.Sandbox;

/// <summary>The stand-in of the Flocksy contract.</summary>
internal static class FlocksyApi
{
    public static readonly Collection TagMappings = new("tag-mappings")
    {
        SearchFields = ["ghlTag", "flocksyTag"],
        KeyOf = mapping => MappingKey(mapping["locationId"]?.ToString(), mapping["ghlTag"]?.ToString()),
        Normalise = mapping =>
        {
            mapping["flocksyTag"] ??= mapping["ghlTag"]?.DeepClone();
            mapping["contactIds"] ??= new JArray();
            mapping["campaignIds"] ??= new JArray();
        },
    };

    public static readonly Collection Campaigns = Plain("campaigns") with
    {
        Normalise = campaign =>
        {
            campaign["status"] ??= "active";
            campaign["tags"] ??= new JArray();
            campaign["refreshCount"] ??= 0;
            campaign["refreshedAt"] ??= JValue.CreateNull();
        },
    };

    public static readonly Collection Dashboards = Plain("dashboards");

    public static readonly Collection Metrics = Plain("metrics") with
    {
        ParentProperty = "dashboardId",
        KeyOf = metric => $"{metric["dashboardId"]}:{MetricId(metric)}",
        Normalise = metric => metric["id"] = MetricId(metric),
    };

    public static readonly Collection Reports = Plain("reports");
    public static readonly Collection Profiles = Plain("profiles") with { SearchFields = ["name", "email"] };
    public static readonly Collection Segments = Plain("segments");

    public static readonly Collection RelatedRecords = Plain("related-records") with
    {
        ParentProperty = "profileId",
        KeyOf = record => $"{record["profileId"]}:{record["id"]}",
    };

    public static readonly Collection Projects = Plain("projects") with { Normalise = project => project["status"] ??= "open" };
    public static readonly Collection Briefs = Plain("briefs") with { SearchFields = ["title"] };
    public static readonly Collection Files = Plain("files") with { ParentProperty = "projectId" };
    public static readonly Collection Comments = new("comments") { ParentProperty = "projectId", SearchFields = ["text"] };

    public static ApiProfile Profile(SandboxSettings settings) => new()
    {
        Name = "flocksy",
        // Triggers that watch another operation's list are no calls of their own.
        Operations = [.. FlocksyConnector.Create().Operations.Where(operation => operation.Poll?.Source is null)],
        Tokens = settings.FlocksyTokens,
        Limit = settings.FlocksyLimit,
        IdempotencyHeader = "Idempotency-Key",
        Behaviours = Table(),
        Collections = new[] { TagMappings, Campaigns, Dashboards, Metrics, Reports, Profiles, Segments, RelatedRecords, Projects, Briefs, Files, Comments }
            .ToDictionary(collection => collection.Name, StringComparer.Ordinal),
        Seed = SeedData.Flocksy,
        WriteError = (_, refusal, traceId) =>
        {
            var error = new JObject { ["code"] = refusal.Code, ["message"] = string.Join("; ", refusal.Messages), ["traceId"] = traceId };
            if (refusal.Field is { } field)
            {
                error["field"] = field;
            }

            return error;
        },
        WriteLimit = (headers, _, use) =>
        {
            if (!use.Allowed)
            {
                headers["Retry-After"] = Math.Max(1, Math.Ceiling(use.UntilReset.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            }
        },
    };

    private static Dictionary<string, Behaviour> Table() => new(StringComparer.Ordinal)
    {
        ["GET /tag-mappings"] = Items(TagMappings),
        ["GET /tag-mappings/{ghlTag}"] = call => FindMapping(call) is { } mapping ? new Answer(200, mapping.Json) : Missing(call, TagMappings, "ghlTag"),
        ["PUT /tag-mappings/{ghlTag}"] = PutMapping,
        ["GET /campaigns"] = Items(Campaigns, equal: [("status", "status")]),
        ["GET /campaigns/{campaignId}"] = Read(Campaigns, "campaignId"),
        ["POST /campaigns/{campaignId}/refresh"] = RefreshCampaign,
        ["GET /dashboards"] = Items(Dashboards),
        ["GET /dashboards/{dashboardId}/metrics"] = ListMetrics,
        ["PUT /dashboards/{dashboardId}/metrics"] = PutMetrics,
        ["GET /reports"] = Items(Reports),
        ["POST /reports"] = CreateReport,
        ["GET /reports/{reportId}"] = Read(Reports, "reportId"),
        ["GET /reports/{reportId}/csv"] = DownloadReport,
        ["GET /profiles"] = Items(Profiles, equal: [("email", "email")]),
        ["GET /profiles/{profileId}"] = Read(Profiles, "profileId"),
        ["PUT /profiles/{profileId}"] = PutProfile,
        ["GET /segments"] = Items(Segments),
        ["PUT /profiles/{profileId}/segments"] = AssignSegments,
        ["GET /profiles/{profileId}/records"] = Items(RelatedRecords, "profileId", Profiles, equal: [("type", "type")]),
        ["PUT /profiles/{profileId}/records/{recordId}"] = PutRecord,
        ["GET /projects"] = Items(Projects, equal: [("status", "status")]),
        ["POST /projects"] = Create(Projects),
        ["GET /projects/{projectId}"] = Read(Projects, "projectId"),
        ["GET /briefs"] = Items(Briefs, equal: [("projectId", "projectId")]),
        ["POST /briefs"] = CreateBrief,
        ["GET /files"] = Items(Files, equal: [("projectId", "projectId")]),
        ["GET /comments"] = Items(Comments, equal: [("projectId", "projectId")]),
        ["GET /projects/{projectId}/files"] = Items(Files, "projectId", Projects),
        ["GET /projects/{projectId}/comments"] = Items(Comments, "projectId", Projects),
        ["POST /projects/{projectId}/comments"] = Create(Comments, parent: "projectId", of: Projects, defaults: new JObject { ["author"] = "API" }),
    };

    private static Answer PutMapping(Call call)
    {
        var fields = call.Fields;
        fields["ghlTag"] = call.Path["ghlTag"];
        return new Answer(200, call.Session.Upsert(TagMappings, fields).Json);
    }

    private static Answer RefreshCampaign(Call call)
    {
        if (call.Session.Find(Campaigns, call.Path["campaignId"]) is not { } campaign)
        {
            return Missing(call, Campaigns, "campaignId");
        }

        var refreshed = new JObject
        {
            ["refreshCount"] = (campaign.Json["refreshCount"]?.Value<int>() ?? 0) + 1,
            ["refreshedAt"] = Timestamps.Iso(call.Now),
        };
        return new Answer(200, call.Session.Update(Campaigns, campaign, refreshed).Json);
    }

    private static Answer ListMetrics(Call call)
    {
        if (call.Session.Find(Dashboards, call.Path["dashboardId"]) is null)
        {
            return Missing(call, Dashboards, "dashboardId");
        }

        var query = MetricsBetween(call.Path["dashboardId"], call.Text("from"), call.Text("to")).In(call.Location).Equal("metricId", call.Text("metricId"));
        query.Skip = call.Number("skip", 0);
        query.Take = call.Number("limit", 20, 100);
        return new Answer(200, new JObject { ["items"] = Raw.Array(call.Session.List(Metrics, query)), ["total"] = call.Session.Count(Metrics, query) });
    }

    private static Answer PutMetrics(Call call)
    {
        if (call.Session.Find(Dashboards, call.Path["dashboardId"]) is not { } dashboard)
        {
            return Missing(call, Dashboards, "dashboardId");
        }

        var values = (JArray)call.Fields["values"]!;
        if (values.Count > 1000)
        {
            return Answer.Refuse(422, "invalid", "values must hold at most 1000", "values");
        }

        foreach (var (value, index) in values.Select((value, index) => (value, index)))
        {
            var field = value is not JObject ? "" : (string[])["metricId", "date", "locationId"] is var names && names.FirstOrDefault(n => value[n]?.Type != JTokenType.String) is { } missing ? missing
                : value["value"]?.Type is not (JTokenType.Integer or JTokenType.Float) ? "value" : null;
            if (field is not null)
            {
                return Answer.Refuse(422, "invalid", $"values[{index}].{field} is missing or of the wrong type", $"values[{index}].{field}");
            }

            var metric = (JObject)value.DeepClone();
            metric["dashboardId"] = dashboard.Key;
            call.Session.Upsert(Metrics, metric);
        }

        return new Answer(200, new JObject { ["dashboardId"] = dashboard.Key, ["written"] = values.Count, ["updatedAt"] = Timestamps.Iso(call.Now) });
    }

    private static Answer CreateReport(Call call)
    {
        if (call.Session.Find(Dashboards, call.Fields["dashboardId"]?.ToString()) is not { } dashboard)
        {
            return Answer.NotFound("Dashboard", call.Fields["dashboardId"]?.ToString());
        }

        var report = (JObject)call.Fields.DeepClone();
        report["name"] ??= $"{dashboard.Json["name"]} {report["from"]} to {report["to"]}";
        report["status"] = "ready";
        report["rows"] = call.Session.Count(Metrics, MetricsOf(report));
        return new Answer(201, call.Session.Insert(Reports, report).Json);
    }

    private static Answer DownloadReport(Call call)
    {
        if (call.Session.Find(Reports, call.Path["reportId"]) is not { } report)
        {
            return Missing(call, Reports, "reportId");
        }

        var csv = new StringBuilder("metricId,date,value,locationId\r\n");
        foreach (var metric in call.Session.List(Metrics, MetricsOf(report.Json)).Select(text => SandboxSession.Parse(text).Json))
        {
            csv.Append(CultureInfo.InvariantCulture, $"{Cell(metric["metricId"])},{Cell(metric["date"])},{metric["value"]},{Cell(metric["locationId"])}\r\n");
        }

        return new Answer(200, null) { Content = Encoding.UTF8.GetBytes(csv.ToString()), ContentType = "text/csv; charset=utf-8" };
    }

    private static string Cell(JToken? value) => value?.ToString() is { } text ? text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : "";

    private static Answer PutProfile(Call call)
    {
        var fields = call.Fields;
        fields["id"] = call.Path["profileId"];
        return new Answer(200, call.Session.Upsert(Profiles, fields).Json);
    }

    private static Answer AssignSegments(Call call)
    {
        if (call.Session.Find(Profiles, call.Path["profileId"]) is not { } profile)
        {
            return Missing(call, Profiles, "profileId");
        }

        foreach (var id in call.Fields["segmentIds"]!)
        {
            if (call.Session.Find(Segments, id.ToString()) is null)
            {
                return Answer.Refuse(422, "invalid", $"segmentIds: there is no segment {id}", "segmentIds");
            }
        }

        return new Answer(200, call.Session.Update(Profiles, profile, call.Fields).Json);
    }

    private static Answer PutRecord(Call call)
    {
        if (call.Session.Find(Profiles, call.Path["profileId"]) is null)
        {
            return Missing(call, Profiles, "profileId");
        }

        var record = call.Fields;
        record["id"] = call.Path["recordId"];
        record["profileId"] = call.Path["profileId"];
        if (call.Session.Find(RelatedRecords, $"{call.Path["profileId"]}:{call.Path["recordId"]}") is { } existing && existing.Json["fields"] is JObject fields && record["fields"] is JObject changes)
        {
            fields.Merge(changes, new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Replace });
            record["fields"] = fields;
        }

        return new Answer(200, call.Session.Upsert(RelatedRecords, record).Json);
    }

    private static Answer CreateBrief(Call call)
    {
        if (call.Fields["projectId"] is { Type: JTokenType.String } project && call.Session.Find(Projects, project.ToString()) is null)
        {
            return Answer.NotFound("Project", project.ToString());
        }

        return new Answer(201, call.Session.Insert(Briefs, (JObject)call.Fields.DeepClone()).Json);
    }

    private static Behaviour Items(
        Collection collection, string? parent = null, Collection? of = null, IReadOnlyList<(string Input, string Property)>? equal = null) =>
        List(collection, "items", parent, of, equal, text: "", page: 20, total: "total");

    private static StoredRecord? FindMapping(Call call) => call.Session.Find(TagMappings, MappingKey(call.Location, call.Path["ghlTag"]));

    private static RecordQuery MetricsOf(JObject report) =>
        MetricsBetween(report["dashboardId"]!.ToString(), report["from"]?.ToString(), report["to"]?.ToString()).In(report["locationId"]!.ToString());

    private static RecordQuery MetricsBetween(string dashboardId, string? from, string? to)
    {
        var query = new RecordQuery().Of(dashboardId);
        if (!string.IsNullOrEmpty(from))
        {
            query.Where($"{RecordQuery.Property("date")} >= ?", from);
        }

        return string.IsNullOrEmpty(to) ? query : query.Where($"{RecordQuery.Property("date")} <= ?", to);
    }

    private static Collection Plain(string name) => new(name) { CreatedProperty = null };

    private static string MappingKey(string? locationId, string? tag) => $"{locationId}:{tag}";

    private static string MetricId(JObject metric) => $"{metric["metricId"]}:{metric["date"]}:{metric["locationId"]}";
}
