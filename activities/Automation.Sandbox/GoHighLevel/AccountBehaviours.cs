using Newtonsoft.Json.Linq;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about users, locations and custom fields.</summary>
internal static class AccountBehaviours
{
    private const long Day = 24 * 3600 * 1000;
    private const long LargestFile = 25 * 1024 * 1024;

    // A user may be in many locations.
    private const string InLocation = "location_id = ? or exists (select 1 from json_each(records.json, '$.roles.locationIds') where value = ?)";

    public static Answer ListUsers(Call call)
    {
        var location = call.Location!;
        return new Answer(200, new JObject { ["users"] = Raw.Array(call.Session.List(Users, new RecordQuery().Where(InLocation, location, location))) });
    }

    public static Answer SearchUsers(Call call)
    {
        var query = new RecordQuery { Skip = call.Number("skip", 0), Take = call.Number("limit", 25, 100) }
            .Where("coalesce(json_extract(json, '$.companyId'), ?) = ?", call.Text("companyId")!, call.Text("companyId")!)
            .Containing(call.Text("query"), Users.SearchFields)
            .Equal("roles.type", call.Text("type"))
            .Equal("roles.role", call.Text("role"));
        if (call.Location is { Length: > 0 } location)
        {
            query.Where(InLocation, location, location);
        }

        if (call.Text("ids") is { Length: > 0 } ids)
        {
            var list = Split(ids);
            query.Where($"key in ({string.Join(", ", list.Select(_ => "?"))})", list);
        }

        return Page(call, query);
    }

    public static Answer FilterUsersByEmail(Call call)
    {
        var emails = Split(call.Text("emails")!.ToLowerInvariant());
        var query = new RecordQuery { Skip = call.Number("skip", 0), Take = call.Number("limit", 25, 100) }
            .Where("coalesce(json_extract(json, '$.companyId'), ?) = ?", call.Text("companyId")!, call.Text("companyId")!)
            .Where($"email in ({string.Join(", ", emails.Select(_ => "?"))})", emails);
        return Page(call, query);
    }

    public static Answer SearchLocations(Call call)
    {
        var query = new RecordQuery { Skip = call.Number("skip", 0), Take = call.Number("limit", 10, 1000), Order = call.Text("order") == "desc" ? "seq desc" : "seq" }
            .Equal("companyId", call.Text("companyId"))
            .Equal("email", call.Text("email"));
        return new Answer(200, new JObject { ["locations"] = Raw.Array(call.Session.List(Locations, query)) });
    }

    public static Answer ListCustomFields(Call call)
    {
        var query = new RecordQuery().In(call.Location);
        if (call.Text("model") is { } model and not "all")
        {
            query.Equal("model", model);
        }

        return new Answer(200, new JObject { ["customFields"] = Raw.Array(call.Session.List(CustomFields, query)) });
    }

    /// <summary>Submissions of forms or surveys, the latest first, in pages that the answer counts. Days are those of UTC.</summary>
    public static Behaviour ListSubmissions(Collection collection, string of) => call =>
    {
        var (page, size) = (Math.Max(1, call.Number("page", 1)), call.Number("limit", 20, 100));
        var from = Timestamps.Read(call.Text("startAt")) ?? call.Now - (31L * Day);
        var query = new RecordQuery { Skip = (page - 1) * size, Take = size, Order = "created_at desc, key desc" }
            .In(call.Location).Equal(of, call.Text(of)).Containing(call.Text("q"), collection.SearchFields)
            .Where("created_at >= ?", from).Where("created_at < ?", (Timestamps.Read(call.Text("endAt")) ?? call.Now) + Day);
        var total = call.Session.Count(collection, query);
        return new Answer(200, new JObject
        {
            ["submissions"] = Raw.Array(call.Session.List(collection, query)),
            ["meta"] = new JObject { ["total"] = total, ["currentPage"] = page, ["nextPage"] = page * size < total ? page + 1 : null, ["prevPage"] = page > 1 ? page - 1 : null },
        });
    };

    /// <summary>Keeps what a file is, and not its content.</summary>
    public static Answer UploadFile(Call call)
    {
        var isHosted = call.Text("hosted")?.Equals("true", StringComparison.OrdinalIgnoreCase) == true;
        if (isHosted ? call.Text("fileUrl") is null : call.Fields["file"] is not JObject)
        {
            return Answer.Refuse(400, "file", isHosted ? "fileUrl is required when hosted is true" : "file is required unless hosted is true", isHosted ? "fileUrl" : "file");
        }

        if (!isHosted && call.Fields["file"]!["size"]?.Value<long>() > LargestFile)
        {
            return Answer.Refuse(413, "too_large", "The file is larger than 25 MB", "file");
        }

        var name = call.Text("name") ?? call.Fields["file"]?["name"]?.ToString() ?? "file";
        var kept = call.Session.Insert(MediaFiles, new JObject { ["name"] = name, ["parentId"] = call.Text("parentId"), ["size"] = call.Fields["file"]?["size"], ["contentType"] = call.Fields["file"]?["contentType"] });
        return new Answer(200, new JObject { ["fileId"] = kept.Key, ["url"] = $"https://files.sandbox.example/{kept.Key}/{Uri.EscapeDataString(name)}" });
    }

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Answer Page(Call call, RecordQuery query) => new(200, new JObject
    {
        ["users"] = Raw.Array(call.Session.List(Users, query)),
        ["count"] = call.Session.Count(Users, query),
    });
}
