using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>What most operations do: read, list, create, update and delete records of a collection.</summary>
internal static class Behaviours
{
    /// <summary>Reads one record.</summary>
    /// <param name="collection">Of which.</param>
    /// <param name="id">Placeholder with its id.</param>
    /// <param name="wrap">Property of the answer that holds it; null: the answer is the record.</param>
    /// <param name="parent">Placeholder that must name what it belongs to.</param>
    public static Behaviour Read(Collection collection, string id, string? wrap = null, string? parent = null) =>
        call => Find(call, collection, id, parent) is { } found ? new Answer(call.Operation.Response.Status, Wrap(found.Json, wrap)) : Missing(call, collection, id);

    /// <summary>Lists records of the location that the request names.</summary>
    /// <param name="collection">Of which.</param>
    /// <param name="list">Property of the answer that holds them; null: the answer is the list.</param>
    /// <param name="parent">Input that names what they belong to.</param>
    /// <param name="of">Collection in which the parent must be.</param>
    /// <param name="equal">Inputs that filter, with the property they filter by.</param>
    /// <param name="text">Input with a text to search for.</param>
    /// <param name="skip">Input with the number of records to pass over.</param>
    /// <param name="page">Page size where the request names none.</param>
    /// <param name="total">Property of the answer that holds the number of all; null: none does.</param>
    public static Behaviour List(
        Collection collection, string? list, string? parent = null, Collection? of = null, IReadOnlyList<(string Input, string Property)>? equal = null, string text = "query",
        string skip = "skip", int page = 1000, string? total = null) => call =>
    {
        if (parent is not null && of is not null && call.Session.Find(of, call.Path[parent]) is null)
        {
            return Missing(call, of, parent);
        }

        var query = new RecordQuery { Skip = call.Number(skip, 0), Take = call.Number("limit", page, 1000) }.In(call.Location).Containing(call.Text(text), collection.SearchFields);
        if (parent is not null && call.Text(parent) is { } parentId)
        {
            query.Of(parentId);
        }

        foreach (var (input, property) in equal ?? [])
        {
            query.Equal(property, Value(call, input));
        }

        var found = Raw.Array(call.Session.List(collection, query));
        if (list is null)
        {
            return new Answer(call.Operation.Response.Status, found);
        }

        var answer = new JObject { [list] = found };
        if (total is not null)
        {
            answer[total] = call.Session.Count(collection, query);
        }

        return new Answer(call.Operation.Response.Status, answer);
    };

    /// <summary>Makes a record of the body.</summary>
    /// <param name="collection">Of which.</param>
    /// <param name="wrap">Property of the answer that holds it; null: the answer is the record.</param>
    /// <param name="parent">Placeholder whose value it belongs to.</param>
    /// <param name="of">Collection in which the parent must be.</param>
    /// <param name="defaults">Properties it has when the body does not say.</param>
    /// <param name="extra">More of the answer.</param>
    public static Behaviour Create(
        Collection collection, string? wrap = null, string? parent = null, Collection? of = null, JObject? defaults = null, JObject? extra = null) => call =>
    {
        var record = (JObject)call.Fields.DeepClone();
        if (parent is not null)
        {
            if (of is not null)
            {
                if (call.Session.Find(of, call.Path[parent]) is not { } owner)
                {
                    return Missing(call, of, parent);
                }

                record["locationId"] ??= owner.Json["locationId"]?.DeepClone();
            }

            record[collection.ParentProperty ?? parent] = call.Path[parent];
        }

        foreach (var property in defaults?.Properties() ?? [])
        {
            record[property.Name] ??= property.Value.DeepClone();
        }

        return new Answer(call.Operation.Response.Status, Wrap(call.Session.Insert(collection, record).Json, wrap, extra));
    };

    /// <summary>Merges the body into a record.</summary>
    /// <param name="collection">Of which.</param>
    /// <param name="id">Placeholder with its id.</param>
    /// <param name="wrap">Property of the answer that holds it; null: the answer is the record.</param>
    /// <param name="parent">Placeholder that must name what it belongs to.</param>
    /// <param name="extra">More of the answer.</param>
    /// <param name="answer">The whole answer, where it does not hold the record.</param>
    public static Behaviour Update(Collection collection, string id, string? wrap = null, string? parent = null, JObject? extra = null, JObject? answer = null) => call =>
    {
        if (Find(call, collection, id, parent) is not { } found)
        {
            return Missing(call, collection, id);
        }

        var updated = call.Session.Update(collection, found, call.Fields);
        return new Answer(call.Operation.Response.Status, answer?.DeepClone() ?? Wrap(updated.Json, wrap, extra));
    };

    /// <summary>Deletes a record.</summary>
    public static Behaviour Delete(Collection collection, string id, JObject answer, string? parent = null) => call =>
    {
        if (Find(call, collection, id, parent) is not { } found)
        {
            return Missing(call, collection, id);
        }

        call.Session.Delete(collection, found.Key);
        return new Answer(call.Operation.Response.Status, answer.DeepClone());
    };

    public static StoredRecord? Find(Call call, Collection collection, string id, string? parent = null)
    {
        var found = call.Session.Find(collection, call.Path[id]);
        return found is not null && parent is not null && collection.ParentProperty is { } property && found.Json[property]?.ToString() != call.Path[parent] ? null : found;
    }

    public static Answer Missing(Call call, Collection collection, string id)
    {
        var words = collection.Name.Replace('-', ' ');
        var singular = words.EndsWith("ies", StringComparison.Ordinal) ? words[..^3] + "y" : words.TrimEnd('s');
        return Answer.NotFound(char.ToUpperInvariant(singular[0]) + singular[1..], call.Path[id]);
    }

    public static JToken Wrap(JObject record, string? wrap, JObject? extra = null)
    {
        var answer = wrap is null ? record : new JObject { [wrap] = record };
        foreach (var property in extra?.Properties() ?? [])
        {
            answer[property.Name] = property.Value.DeepClone();
        }

        return answer;
    }

    /// <summary>An input's value as SQLite compares it: booleans are 0 and 1 in stored JSON.</summary>
    private static object? Value(Call call, string input) => call.Text(input) switch
    {
        null or "" => null,
        "true" => 1,
        "false" => 0,
        var text => text,
    };
}
