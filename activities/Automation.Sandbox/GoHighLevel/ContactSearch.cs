using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// <c>POST /contacts/search</c>. Windows and sorts on the times go over an index; each contact carries the cursor that continues after it.
/// </summary>
internal static class ContactSearch
{
    private const int DeepestRecord = 10_000;

    public static Answer Search(Call call)
    {
        var body = call.Fields;
        var size = (int)body["pageLimit"]!.Value<double>();
        if (size < 1)
        {
            return Invalid("pageLimit must not be less than 1", "pageLimit");
        }

        if (body["query"]?.ToString().Length > 75)
        {
            return Invalid("query must be shorter than or equal to 75 characters", "query");
        }

        var query = call.Indexed(new RecordQuery { Take = size }.In(body["locationId"]!.ToString()).Containing(body["query"]?.ToString(), GhlCollections.Contacts.SearchFields));
        foreach (var filter in (body["filters"] as JArray)?.OfType<JObject>() ?? [])
        {
            if (AddFilter(query, filter) is { } wrong)
            {
                return Invalid(wrong, "filters");
            }
        }

        var sort = (body["sort"] as JArray)?.OfType<JObject>().FirstOrDefault();
        var field = sort?["field"]?.ToString() ?? "dateAdded";
        var direction = sort?["direction"]?.ToString() ?? "desc";
        if (direction is not ("asc" or "desc") || Column(field) is not { } column)
        {
            return Invalid($"sort: '{field} {direction}' is not a sort", "sort");
        }

        query.Order = $"{column} {direction}, key {direction}";
        if (body["searchAfter"] is JArray after)
        {
            if (body["page"] is not null)
            {
                return Invalid("page and searchAfter cannot be used together", "searchAfter");
            }

            if (after.Count != 2)
            {
                return Invalid("searchAfter must be the searchAfter of the last contact", "searchAfter");
            }

            query.After = new RecordQuery().Where($"({column}, key) {(direction == "asc" ? ">" : "<")} (?, ?)", Scalar(after[0]), after[1].ToString());
        }
        else
        {
            var page = Math.Max(1, (int?)body["page"]?.Value<double>() ?? 1);
            if ((long)page * size > DeepestRecord)
            {
                return Answer.Refuse(400, "too_deep", $"page * pageLimit must not exceed {DeepestRecord}: go on with searchAfter");
            }

            query.Skip = (page - 1) * size;
        }

        var found = call.Session.List(GhlCollections.Contacts, query);
        return new Answer(call.Operation.Response.Status, new JObject
        {
            ["contacts"] = new JArray(found.Select(contact => new JRaw(WithCursor(contact, field)))),
            ["total"] = call.Session.Count(GhlCollections.Contacts, query),
        });
    }

    private static string? AddFilter(RecordQuery query, JObject filter)
    {
        if (filter["group"] is not null || filter["filters"] is not null)
        {
            return AddGroup(query, filter);
        }

        var field = filter["field"]?.ToString() ?? "";
        var name = filter["operator"]?.ToString() ?? "";
        var value = filter["value"];
        if (Column(field) is not { } column)
        {
            return $"filters: unknown field '{field}'";
        }

        if (field == "tags" && name is "eq" or "contains" or "not_eq" or "not_contains")
        {
            // A list of values matches a contact with any of them.
            var values = value is JArray list ? [.. list.Select(v => v.ToString().ToLowerInvariant())] : new[] { value?.ToString().ToLowerInvariant() ?? "" };
            var has = $"exists (select 1 from json_each(records.json, '$.tags') where lower(value) in ({string.Join(", ", values.Select(_ => "?"))}))";
            query.Where(name.StartsWith("not", StringComparison.Ordinal) ? "not " + has : has, values);
            return null;
        }

        switch (name)
        {
            case "eq" or "not_eq" when value is JArray any:
                query.Where($"{column} {(name == "eq" ? "in" : "not in")} ({string.Join(", ", any.Select(_ => "?"))})", [.. any.Select(v => Scalar(v, field))]);
                return null;
            case "eq":
                query.Where($"{column} = ?", Scalar(value, field));
                return null;
            case "not_eq":
                query.Where($"({column} is null or {column} <> ?)", Scalar(value, field));
                return null;
            case "contains":
                query.Where($"{column} like ? escape '\\'", RecordQuery.Like(value?.ToString() ?? ""));
                return null;
            case "not_contains":
                query.Where($"coalesce({column}, '') not like ? escape '\\'", RecordQuery.Like(value?.ToString() ?? ""));
                return null;
            case "exists":
                query.Where($"{column} is not null and {column} <> ''");
                return null;
            case "not_exists":
                query.Where($"{column} is null or {column} = ''");
                return null;
            case "range" when value is JObject range:
                foreach (var bound in range.Properties())
                {
                    var sign = bound.Name switch { "gte" => ">=", "gt" => ">", "lte" => "<=", "lt" => "<", _ => null };
                    if (sign is null)
                    {
                        return $"filters: '{bound.Name}' is no bound of a range; use gte, gt, lte, lt";
                    }

                    if (field is "dateAdded" or "dateUpdated" && Timestamps.Read(bound.Value) is null)
                    {
                        return $"filters: '{bound.Value}' is no time";
                    }

                    query.Where($"{column} {sign} ?", Scalar(bound.Value, field));
                }

                return null;
            default:
                return $"filters: operator '{name}' of '{field}' must be one of the following values: eq, not_eq, contains, not_contains, exists, not_exists, range";
        }
    }

    /// <summary>Filters joined by <c>AND</c> or <c>OR</c>, which may be groups again.</summary>
    private static string? AddGroup(RecordQuery query, JObject group)
    {
        var join = group["group"]?.ToString().ToUpperInvariant();
        if (join is not ("AND" or "OR") || group["filters"] is not JArray { Count: > 0 } filters)
        {
            return "filters: a group must be AND or OR, with filters of its own";
        }

        var parts = new List<string>();
        var values = new List<object>();
        foreach (var filter in filters)
        {
            var part = new RecordQuery();
            if (AddFilter(part, filter as JObject ?? []) is { } wrong)
            {
                return wrong;
            }

            parts.Add("1" + part.Conditions);
            values.AddRange(part.Values);
        }

        query.Where(string.Join(join == "AND" ? " and " : " or ", parts.Select(part => $"({part})")), [.. values]);
        return null;
    }

    /// <summary>SQL of a field; null: it is no property path.</summary>
    private static string? Column(string field) => field switch
    {
        "dateUpdated" => "updated_at",
        "dateAdded" => "created_at",
        "email" or "phone" => field,
        "id" => "key",
        _ => RecordQuery.IsPath(field) ? RecordQuery.Property(field) : null,
    };

    private static object Scalar(JToken? value, string? field = null) => field switch
    {
        "dateUpdated" or "dateAdded" => Timestamps.Read(value) ?? 0,
        "email" => value?.ToString().ToLowerInvariant() ?? "",
        _ => value?.Type switch
        {
            JTokenType.Integer => value.Value<long>(),
            JTokenType.Float => value.Value<double>(),
            JTokenType.Boolean => value.Value<bool>() ? 1 : 0,
            _ => value?.ToString() ?? "",
        },
    };

    private static string WithCursor(RecordText contact, string field)
    {
        var cursor = field switch
        {
            "dateUpdated" => contact.UpdatedAt,
            "dateAdded" => contact.CreatedAt,
            _ => SandboxSession.Parse(contact).Json.SelectToken(field) ?? JValue.CreateNull(),
        };
        return $"{contact.Json.AsSpan(0, contact.Json.Length - 1)},\"searchAfter\":{Engine.Json.Write(new JArray(cursor, contact.Key))}}}";
    }

    private static Answer Invalid(string message, string field) => Answer.Refuse(422, "invalid", message, field);
}
