using Newtonsoft.Json.Linq;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about contacts: one per e-mail or phone, tags, followers, campaigns and workflows.</summary>
internal static class ContactBehaviours
{
    private static readonly JObject Succeeded = new() { ["succeded"] = true };

    public static Answer Create(Call call)
    {
        if (FindDuplicate(call, call.Fields) is var (duplicate, field))
        {
            return new Answer(400, null)
            {
                Refusal = new Refusal("duplicate", ["This location does not allow duplicated contacts."], field, new JObject { ["meta"] = new JObject { ["contactId"] = duplicate.Key, ["matchingField"] = field } }),
            };
        }

        return new Answer(call.Operation.Response.Status, new JObject { ["contact"] = call.Session.Insert(Contacts, New(CustomFieldValues.Merge(call, call.Fields, null, "contact"))).Json });
    }

    public static Answer Upsert(Call call)
    {
        var fields = call.Fields;
        var always = fields["createNewIfDuplicateAllowed"]?.Value<bool>() == true;
        fields.Remove("createNewIfDuplicateAllowed");
        var existing = always ? null : FindDuplicate(call, fields);
        var contact = existing is var (found, _) ? call.Session.Update(Contacts, found, CustomFieldValues.Merge(call, fields, found.Json, "contact")) : call.Session.Insert(Contacts, New(CustomFieldValues.Merge(call, fields, null, "contact")));
        return new Answer(call.Operation.Response.Status, new JObject { ["new"] = existing is null, ["contact"] = contact.Json });
    }

    public static Answer Update(Call call)
    {
        if (call.Session.Find(Contacts, call.Path["contactId"]) is not { } contact)
        {
            return Behaviours.Missing(call, Contacts, "contactId");
        }

        var owner = new JObject { ["locationId"] = contact.Json["locationId"], ["email"] = call.Fields["email"], ["phone"] = call.Fields["phone"] };
        if (FindDuplicate(call, owner) is var (other, field) && other.Key != contact.Key)
        {
            return new Answer(400, null) { Refusal = new Refusal("duplicate", ["This location does not allow duplicated contacts."], field) };
        }

        return new Answer(call.Operation.Response.Status, new JObject { ["succeded"] = true, ["contact"] = call.Session.Update(Contacts, contact, CustomFieldValues.Merge(call, call.Fields, contact.Json, "contact")).Json });
    }

    public static Answer Duplicate(Call call) => new(
        call.Operation.Response.Status,
        new JObject { ["contact"] = FindDuplicate(call, new JObject { ["locationId"] = call.Location, ["email"] = call.Text("email"), ["phone"] = call.Text("number") })?.Contact.Json });

    public static Answer List(Call call)
    {
        var size = call.Number("limit", 20, 100);
        var query = new RecordQuery { Take = size, Order = "created_at desc, key desc" }.In(call.Location).Containing(call.Text("query"), Contacts.SearchFields);
        if (Timestamps.Read(call.Text("startAfter")) is { } after)
        {
            query.After = new RecordQuery().Where("(created_at, key) < (?, ?)", after, call.Text("startAfterId") ?? "");
        }

        var found = call.Session.List(Contacts, query);
        var total = call.Session.Count(Contacts, query);
        return new Answer(call.Operation.Response.Status, new JObject { ["contacts"] = Raw.Array(found), ["count"] = total, ["meta"] = Paging.Meta(found, size, total) });
    }

    public static Answer AddTags(Call call) => ChangeTags(call, (tags, given) => tags.Union(given));

    public static Answer RemoveTags(Call call) => ChangeTags(call, (tags, given) => tags.Except(given));

    public static Answer BulkTags(Call call)
    {
        if (call.Path["type"] is not ("add" or "remove"))
        {
            return Answer.Refuse(422, "invalid", "type must be one of the following values: add, remove", "type");
        }

        var given = Words(call.Fields["tags"]);
        var adds = call.Path["type"] == "add";
        var missing = 0;
        var answers = new JArray();
        foreach (var id in call.Fields["contacts"]!.Select(id => id.ToString()))
        {
            if (call.Session.Find(Contacts, id) is { } contact)
            {
                var tags = Words(contact.Json["tags"]);
                var changed = adds ? tags.Union(given) : call.Fields["removeAllTags"]?.Value<bool>() == true ? [] : tags.Except(given);
                call.Session.Update(Contacts, contact, new JObject { ["tags"] = new JArray(changed) });
                answers.Add(new JObject { ["contactId"] = id, ["message"] = "Tags updated", ["type"] = "success" });
            }
            else
            {
                missing++;
                answers.Add(new JObject { ["contactId"] = id, ["message"] = "Contact not found", ["type"] = "error" });
            }
        }

        return new Answer(call.Operation.Response.Status, new JObject { ["succeded"] = true, ["errorCount"] = missing, ["responses"] = answers });
    }

    public static Answer BulkBusiness(Call call)
    {
        var business = call.Fields["businessId"] ?? JValue.CreateNull();
        var changed = new JArray();
        foreach (var id in call.Fields["ids"]!.Select(id => id.ToString()))
        {
            if (call.Session.Find(Contacts, id) is { } contact)
            {
                call.Session.Update(Contacts, contact, new JObject { ["businessId"] = business });
                changed.Add(id);
            }
        }

        return new Answer(call.Operation.Response.Status, new JObject { ["success"] = true, ["ids"] = changed });
    }

    /// <summary>Followers of a contact or an opportunity.</summary>
    public static Behaviour Followers(Collection collection, string id, bool adds) => call =>
    {
        if (call.Session.Find(collection, call.Path[id]) is not { } record)
        {
            return Behaviours.Missing(call, collection, id);
        }

        var before = record.Json["followers"]?.Select(f => f.ToString()).ToList() ?? [];
        var given = call.Fields["followers"]?.Select(f => f.ToString()).ToList() ?? [];
        if (call.Text("isRemoveAllFollowers") is "true" or "True")
        {
            given = before;
        }

        var after = adds ? before.Union(given).ToList() : before.Except(given).ToList();
        call.Session.Update(collection, record, new JObject { ["followers"] = new JArray(after) });
        var changed = adds ? after.Except(before) : before.Intersect(given);
        return new Answer(call.Operation.Response.Status, new JObject
        {
            ["followers"] = new JArray(after),
            [adds ? "followersAdded" : "followersRemoved"] = new JArray(changed),
        });
    };

    /// <summary>Puts a contact into a campaign or a workflow. Done twice, it is in it twice: that is why this call is unsafe.</summary>
    public static Behaviour Enrol(Collection enrolments, Collection target, string targetId) => call =>
    {
        if (call.Session.Find(Contacts, call.Path["contactId"]) is not { } contact)
        {
            return Behaviours.Missing(call, Contacts, "contactId");
        }

        if (call.Session.Find(target, call.Path[targetId]) is null)
        {
            return Behaviours.Missing(call, target, targetId);
        }

        var record = (JObject)call.Fields.DeepClone();
        record["contactId"] = contact.Key;
        record["locationId"] = contact.Json["locationId"];
        record[targetId] = call.Path[targetId];
        call.Session.Insert(enrolments, record);
        return new Answer(call.Operation.Response.Status, Succeeded.DeepClone());
    };

    /// <summary>Takes a contact out of one campaign or workflow, or of all.</summary>
    public static Behaviour Withdraw(Collection enrolments, string? targetId) => call =>
    {
        if (call.Session.Find(Contacts, call.Path["contactId"]) is null)
        {
            return Behaviours.Missing(call, Contacts, "contactId");
        }

        var query = new RecordQuery().Of(call.Path["contactId"]);
        if (targetId is not null)
        {
            query.Equal(targetId, call.Path[targetId]);
        }

        call.Session.DeleteAll(enrolments, query);
        return new Answer(call.Operation.Response.Status, Succeeded.DeepClone());
    };

    private static Answer ChangeTags(Call call, Func<IReadOnlyList<string>, IReadOnlyList<string>, IEnumerable<string>> change)
    {
        if (call.Session.Find(Contacts, call.Path["contactId"]) is not { } contact)
        {
            return Behaviours.Missing(call, Contacts, "contactId");
        }

        var tags = new JArray(change(Words(contact.Json["tags"]), Words(call.Fields["tags"])));
        var updated = call.Session.Update(Contacts, contact, new JObject { ["tags"] = tags });
        return new Answer(call.Operation.Response.Status, new JObject { ["tags"] = updated.Json["tags"]!.DeepClone() });
    }

    private static (StoredRecord Contact, string Field)? FindDuplicate(Call call, JObject fields)
    {
        foreach (var field in (string[])["email", "phone"])
        {
            if (fields[field]?.ToString() is { Length: > 0 } value
                && call.Session.First(Contacts, new RecordQuery().In(fields["locationId"]?.ToString() ?? "").Where($"{field} = ?", field == "email" ? value.Trim().ToLowerInvariant() : value)) is { } found)
            {
                return (found, field);
            }
        }

        return null;
    }

    private static JObject New(JObject fields)
    {
        var contact = (JObject)fields.DeepClone();
        contact["type"] ??= "lead";
        contact["dnd"] ??= false;
        contact["deleted"] ??= false;
        contact["customFields"] ??= new JArray();
        return contact;
    }

    private static List<string> Words(JToken? list) => list?.Select(word => word.ToString().Trim()).Distinct(StringComparer.Ordinal).ToList() ?? [];
}

/// <summary>What the lists with a start-after cursor say about their next page.</summary>
internal static class Paging
{
    public static JObject Meta(List<RecordText> found, int size, int total, int? page = null)
    {
        var more = found.Count == size && size > 0 && total > found.Count;
        return new JObject
        {
            ["total"] = total,
            ["startAfterId"] = found.Count > 0 ? found[^1].Key : null,
            ["startAfter"] = found.Count > 0 ? found[^1].CreatedAt : null,
            ["currentPage"] = page ?? 1,
            ["nextPage"] = more ? (page ?? 1) + 1 : null,
            ["prevPage"] = page > 1 ? page - 1 : null,
        };
    }
}
