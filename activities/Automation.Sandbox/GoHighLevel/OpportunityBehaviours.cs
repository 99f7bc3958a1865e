using System.Globalization;
using Newtonsoft.Json.Linq;
using static Automation.Sandbox.Behaviours;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about opportunities: their search, their contact in the answer, upsert and status.</summary>
internal static class OpportunityBehaviours
{
    public static Answer Search(Call call)
    {
        var size = call.Number("limit", 20, 100);
        var descending = call.Text("order") is not "added_asc";
        var direction = descending ? "desc" : "asc";
        var query = call.Indexed(new RecordQuery { Take = size, Order = $"created_at {direction}, key {direction}" })
            .In(call.Location)
            .Containing(call.Text("q"), Opportunities.SearchFields)
            .Equal("pipelineId", call.Text("pipeline_id"))
            .Equal("pipelineStageId", call.Text("pipeline_stage_id"))
            .Equal("contactId", call.Text("contact_id"))
            .Equal("assignedTo", call.Text("assigned_to"))
            .Equal("campaignId", call.Text("campaignId"))
            .Equal("status", call.Text("status") is "all" ? null : call.Text("status"))
            .Equal("id", call.Text("id"));
        foreach (var (input, sign, days) in (IEnumerable<(string, string, int)>)[("date", ">=", 0), ("endDate", "<", 1)])
        {
            if (call.Text(input) is { } text)
            {
                if (!DateTimeOffset.TryParseExact(text, "MM-dd-yyyy", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date))
                {
                    return Answer.Refuse(422, "invalid", $"{input} must be a date in the form mm-dd-yyyy", input);
                }

                query.Where($"created_at {sign} ?", date.AddDays(days).ToUnixTimeMilliseconds());
            }
        }

        int? page = null;
        if (Timestamps.Read(call.Text("startAfter")) is { } after)
        {
            query.After = new RecordQuery().Where($"(created_at, key) {(descending ? "<" : ">")} (?, ?)", after, call.Text("startAfterId") ?? "");
        }
        else
        {
            page = Math.Max(1, call.Number("page", 1));
            query.Skip = (page.Value - 1) * size;
        }

        var found = call.Session.List(Opportunities, query);
        var total = call.Session.Count(Opportunities, query);
        return new Answer(200, new JObject
        {
            ["opportunities"] = new JArray(found.Select(o => WithContact(call, SandboxSession.Parse(o).Json))),
            ["meta"] = Paging.Meta(found, size, total, page),
            ["aggregations"] = new JObject(),
        });
    }

    public static Answer Read(Call call) => call.Session.Find(Opportunities, call.Path["id"]) is { } found
        ? new Answer(200, new JObject { ["opportunity"] = WithContact(call, found.Json) })
        : Missing(call, Opportunities, "id");

    public static Answer Create(Call call)
    {
        if (call.Session.Find(Contacts, call.Text("contactId")) is null)
        {
            return Answer.NotFound("Contact", call.Text("contactId"));
        }

        return Insert(call, call.Fields) is { } made
            ? new Answer(call.Operation.Response.Status, new JObject { ["opportunity"] = WithContact(call, made) })
            : Answer.NotFound("Pipeline", call.Text("pipelineId"));
    }

    public static Answer Update(Call call)
    {
        if (call.Session.Find(Opportunities, call.Path["id"]) is not { } found)
        {
            return Missing(call, Opportunities, "id");
        }

        return new Answer(200, new JObject { ["opportunity"] = WithContact(call, Change(call, found, call.Fields)) });
    }

    public static Answer UpdateStatus(Call call)
    {
        if (call.Session.Find(Opportunities, call.Path["id"]) is not { } found)
        {
            return Missing(call, Opportunities, "id");
        }

        Change(call, found, call.Fields);
        return new Answer(200, new JObject { ["succeded"] = true });
    }

    /// <summary>Finds by id, else by name within the pipeline: sent twice, it makes one.</summary>
    public static Answer Upsert(Call call)
    {
        var fields = call.Fields;
        var followers = fields["followers"] is JArray list ? list : new JArray();
        var removesAll = fields["isRemoveAllFollowers"]?.Value<bool>() == true;
        var adds = fields["followersActionType"]?.ToString() != "remove";
        fields.Remove("isRemoveAllFollowers");
        fields.Remove("followersActionType");
        fields.Remove("followers");
        var existing = call.Session.Find(Opportunities, fields["id"]?.ToString())
            ?? call.Session.First(Opportunities, new RecordQuery().In(call.Location).Equal("pipelineId", call.Text("pipelineId")).Equal("name", call.Text("name")));
        var before = removesAll ? [] : existing?.Json["followers"]?.Select(f => f.ToString()).ToList() ?? [];
        var given = followers.Select(f => f.ToString());
        fields["followers"] = new JArray(adds ? before.Union(given) : before.Except(given));
        var opportunity = existing is null ? Insert(call, fields) : Change(call, existing, fields);
        return opportunity is null
            ? Answer.NotFound("Pipeline", call.Text("pipelineId"))
            : new Answer(200, new JObject { ["opportunity"] = opportunity, ["new"] = existing is null });
    }

    private static JObject? Insert(Call call, JObject fields)
    {
        if (call.Session.Find(Pipelines, fields["pipelineId"]?.ToString()) is not { } pipeline)
        {
            return null;
        }

        var record = CustomFieldValues.Merge(call, (JObject)fields.DeepClone(), null, "opportunity");
        record["customFields"] ??= new JArray();
        record["pipelineStageId"] ??= pipeline.Json.SelectToken("stages[0].id")?.DeepClone();
        record["status"] ??= "open";
        record["monetaryValue"] ??= 0;
        record["lastStatusChangeAt"] = record["lastStageChangeAt"] = Timestamps.Iso(call.Now);
        return call.Session.Insert(Opportunities, record).Json;
    }

    private static JObject Change(Call call, StoredRecord found, JObject changes)
    {
        foreach (var (property, stamp) in (IEnumerable<(string, string)>)[("status", "lastStatusChangeAt"), ("pipelineStageId", "lastStageChangeAt")])
        {
            if (changes[property] is { } value && !JToken.DeepEquals(value, found.Json[property]))
            {
                changes[stamp] = Timestamps.Iso(call.Now);
            }
        }

        return call.Session.Update(Opportunities, found, CustomFieldValues.Merge(call, changes, found.Json, "opportunity")).Json;
    }

    private static JObject WithContact(Call call, JObject opportunity)
    {
        if (call.Session.Find(Contacts, opportunity["contactId"]?.ToString())?.Json is { } contact)
        {
            opportunity["contact"] = new JObject
            {
                ["id"] = contact["id"],
                ["name"] = $"{contact["firstName"]} {contact["lastName"]}".Trim(),
                ["companyName"] = contact["companyName"],
                ["email"] = contact["email"],
                ["phone"] = contact["phone"],
                ["tags"] = contact["tags"],
            };
        }

        return opportunity;
    }
}
