using System.Globalization;
using System.Security.Cryptography;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Finds the items of an answer and makes them into what sources keep: id, hash, updated-at, subjects.</summary>
internal static class PollItems
{
    /// <summary>The items of a list, or the one record of a read (none, when it is null).</summary>
    /// <exception cref="ConnectorException">There is no list where the operation says.</exception>
    public static IReadOnlyList<JToken> Find(Operation operation, Connection connection, ConnectorResponse response, JObject inputs)
    {
        var shape = operation.Response;
        if (shape.Binary)
        {
            var content = response.Content ?? [];
            return [new JObject { ["contentType"] = response.ContentType, ["size"] = content.Length, ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(content)) }];
        }

        if (shape.CollectionPath is { } path)
        {
            foreach (var alternative in path.Split('|'))
            {
                switch (JsonPaths.Find(response.Body, alternative))
                {
                    case JArray list:
                        return [.. list];
                    case JValue { Value: null }:
                        return [];
                    case JObject single when IdOf(single, shape.IdPath, inputs) is not null:
                        return [single];
                    default:
                        break;
                }
            }

            throw Misplaced(operation, connection, response, $"has no list at '{path}'");
        }

        return JsonPaths.Find(response.Body, shape.RecordPath) switch
        {
            null when response.Body is null => throw Misplaced(operation, connection, response, "is empty"),
            null or JValue { Value: null } => [],
            JObject record when record == response.Body => [WithoutTrace(record)],
            JObject record => [record],
            JArray list => [new JObject { ["items"] = list }],
            _ => throw Misplaced(operation, connection, response, $"has no record at '{shape.RecordPath ?? "$"}'"),
        };
    }

    /// <summary>Takes one item of an answer, as good or as bad.</summary>
    public static void Take(Operation operation, JToken token, JObject inputs, List<PolledItem> good, List<BadItem> bad)
    {
        var shape = operation.Response;
        if (token is JValue && shape.IdPath == "$value" && JsonPaths.Text(token) is { } value)
        {
            token = new JObject { ["id"] = value, ["value"] = token };
        }

        if (token is not JObject item)
        {
            bad.Add(new BadItem("It is not an object.", Excerpt(token)));
            return;
        }

        var id = shape.IdPath == "$value" ? JsonPaths.Text(item["id"]) : IdOf(item, shape.IdPath, inputs);
        if (id is null)
        {
            bad.Add(new BadItem($"It has no '{shape.IdPath}'.", Excerpt(token)));
            return;
        }

        good.Add(new PolledItem(
            id,
            ContentHash.Of(item, operation.Poll?.IgnoreInHash ?? []),
            shape.UpdatedAtPath is null ? null : TimeOf(JsonPaths.Find(item, shape.UpdatedAtPath)),
            item,
            Subjects.Of(operation, item)));
    }

    /// <summary>A time as ISO 8601 or as milliseconds since 1970, in text or as a number; null: it is none. Text without a zone is UTC.</summary>
    public static DateTimeOffset? TimeOf(JToken? token)
    {
        // Milliseconds of the years 1971 to 5138: what lies outside is no such time.
        if (JsonPaths.Text(token) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return number is > 3e10 and < 1e14 ? DateTimeOffset.FromUnixTimeMilliseconds((long)number)
                : number is > 1e8 and <= 3e10 ? DateTimeOffset.FromUnixTimeSeconds((long)number)
                : null;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
    }

    private static string? IdOf(JObject item, string path, JObject inputs)
    {
        foreach (var alternative in path.Split('|'))
        {
            var found = alternative.StartsWith("$input.", StringComparison.Ordinal) ? inputs[alternative["$input.".Length..]] : JsonPaths.Find(item, alternative);
            if (JsonPaths.Text(found) is { } id)
            {
                return id;
            }
        }

        return null;
    }

    /// <summary>Where the record is the whole answer, the answer's own trace id stands in it, another one each time.</summary>
    private static JObject WithoutTrace(JObject answer)
    {
        var record = (JObject)answer.DeepClone();
        record.Remove("traceId");
        return record;
    }

    private static string Excerpt(JToken token) => InputBinding.Cut(Json.Write(Redaction.Clean(token)), 200);

    private static ConnectorException Misplaced(Operation operation, Connection connection, ConnectorResponse response, string what) =>
        new($"{operation.Name}: the answer of {connection.Connector} {what}. It begins: {InputBinding.Cut(response.Body is null ? "" : Json.Write(Redaction.Clean(response.Body, connection.Credential)), 200)}")
        {
            Status = response.Status,
            Code = "provider-error",
            TraceId = response.TraceId,
            Action = "Test the operation on its own. If the provider has changed its answer, the operation's data must follow.",
        };
}
