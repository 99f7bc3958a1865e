using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Values of a location's own fields: written as <c>{id | key, field_value}</c>; read as <c>{id, value}</c> from contacts and as <c>{id, fieldValue}</c> from opportunities.</summary>
internal static class CustomFieldValues
{
    /// <summary>Fields named by key get their id, and those that are not named keep their values.</summary>
    public static JObject Merge(Call call, JObject given, JObject? before, string model)
    {
        if (given["customFields"] is not JArray fields)
        {
            return given;
        }

        foreach (var field in fields.OfType<JObject>().Where(f => f["id"] is null && f["key"] is not null))
        {
            var key = field["key"]!.ToString();
            var query = new RecordQuery { Take = 1 }.In((given["locationId"] ?? before?["locationId"])?.ToString()).Where($"{RecordQuery.Property("fieldKey")} in (?, ?)", key, $"{model}.{key}");
            field["id"] = call.Session.List(GhlCollections.CustomFields, query).Select(found => found.Key).FirstOrDefault() ?? key;
        }

        var named = fields.OfType<JObject>().Select(f => f["id"]?.ToString()).ToHashSet();
        given["customFields"] = new JArray((before?["customFields"] as JArray ?? []).Where(f => !named.Contains(f["id"]?.ToString())).Concat(fields));
        return given;
    }

    /// <summary>Gives the values of a record their form for reading.</summary>
    /// <param name="record">The record.</param>
    /// <param name="property">Property that holds a value when it is read.</param>
    public static void Normalise(JObject record, string property)
    {
        if (record["customFields"] is JArray fields)
        {
            record["customFields"] = new JArray(fields.OfType<JObject>().Select(field => new JObject { ["id"] = field["id"] ?? field["key"], [property] = field[property] ?? field["field_value"] }));
        }
    }
}
