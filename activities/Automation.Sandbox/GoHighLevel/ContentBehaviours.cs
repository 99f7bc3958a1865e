using Newtonsoft.Json.Linq;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about associations, relations and blogs.</summary>
internal static class ContentBehaviours
{
    public static Answer AssociationByKey(Call call) =>
        call.Session.First(Associations, new RecordQuery().In(call.Location).Equal("key", call.Path["key_name"])) is { } found
            ? new Answer(200, found.Json)
            : Answer.NotFound("Association", call.Path["key_name"]);

    public static Answer AssociationsOfObject(Call call) => Page(
        call, Associations, "associations", new RecordQuery().In(call.Location).Where("? in (json_extract(json, '$.firstObjectKey'), json_extract(json, '$.secondObjectKey'))", call.Path["objectKey"]));

    public static Answer ListAssociations(Call call) => Page(call, Associations, "associations", new RecordQuery().In(call.Location));

    public static Answer CreateRelation(Call call)
    {
        if (call.Session.Find(Associations, call.Text("associationId")) is null)
        {
            return Answer.NotFound("Association", call.Text("associationId"));
        }

        return new Answer(call.Operation.Response.Status, call.Session.Insert(Relations, (JObject)call.Fields.DeepClone()).Json);
    }

    public static Answer DeleteRelation(Call call)
    {
        if (call.Session.Find(Relations, call.Path["relationId"]) is not { } relation || relation.Json["locationId"]?.ToString() != call.Location)
        {
            return Behaviours.Missing(call, Relations, "relationId");
        }

        call.Session.Delete(Relations, relation.Key);
        return new Answer(200, relation.Json);
    }

    public static Answer RelationsOfRecord(Call call)
    {
        var query = new RecordQuery().In(call.Location).Where("? in (json_extract(json, '$.firstRecordId'), json_extract(json, '$.secondRecordId'))", call.Path["recordId"]);
        if ((call.Text("associationIds") ?? call.Text("associationIds[]")) is { Length: > 0 } ids)
        {
            var list = ids.Split(',');
            query.Where($"json_extract(json, '$.associationId') in ({string.Join(", ", list.Select(_ => "?"))})", list);
        }

        return Page(call, Relations, "relations", query);
    }

    public static Answer SlugExists(Call call)
    {
        var found = call.Session.First(BlogPosts, new RecordQuery().In(call.Location).Equal("urlSlug", call.Text("urlSlug")));
        return new Answer(200, new JObject { ["exists"] = found is not null && found.Key != call.Text("postId") });
    }

    private static Answer Page(Call call, Collection collection, string list, RecordQuery query)
    {
        query.Skip = call.Number("skip", 0);
        query.Take = call.Number("limit", 100, 100);
        return new Answer(200, new JObject { [list] = Raw.Array(call.Session.List(collection, query)), ["total"] = call.Session.Count(collection, query) });
    }
}
