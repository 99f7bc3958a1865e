using Newtonsoft.Json.Linq;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about users, locations and custom fields.</summary>
internal static class AccountBehaviours
{
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

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Answer Page(Call call, RecordQuery query) => new(200, new JObject
    {
        ["users"] = Raw.Array(call.Session.List(Users, query)),
        ["count"] = call.Session.Count(Users, query),
    });
}
