using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The paging styles: what is asked for, and where the next page begins.</summary>
internal static class Paging
{
    private const int Slack = 1000;

    /// <summary>Puts a page's inputs into a request's; returns how many items a full page has, 0 when the list has no pages.</summary>
    public static int Apply(Pagination pagination, JObject inputs, PageToken? token)
    {
        var names = pagination.Params;
        switch (pagination.Style)
        {
            case "skipLimit":
                inputs[names[0]] = token?.Next.DeepClone() ?? 0;
                break;
            case "pageLimit":
                inputs[names[0]] = token?.Next.DeepClone() ?? 1;
                break;
            case "searchAfter" or "cursor":
                Put(inputs, names[0], token?.Next);
                break;
            case "startAfter":
                foreach (var name in names.SkipLast(1))
                {
                    Put(inputs, name, (token?.Next as JObject)?[name]);
                }

                break;
            default:
                return 0;
        }

        var size = names[^1];
        if (JsonPaths.Text(inputs[size]) is { } wanted && int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var own) && own > 0)
        {
            return own;
        }

        inputs[size] = pagination.PageSize;
        return pagination.PageSize;
    }

    /// <summary>Where the next page begins; null: this was the last.</summary>
    public static PageToken? Next(Pagination pagination, PageToken? token, JToken? body, IReadOnlyList<JToken> items, IReadOnlyList<PolledItem> good, int pageSize)
    {
        if (pageSize == 0 || items.Count == 0)
        {
            return null;
        }

        var seen = (token?.Seen ?? 0) + items.Count;
        if (pagination.MorePath is { } more && JsonPaths.Find(body, more) is JValue { Value: false })
        {
            return null;
        }

        // A server may give fewer than asked for: where it says how many there are, that counts.
        if (items.Count < pageSize && !(TotalOf(body) > seen))
        {
            return null;
        }

        var page = PageHash(good);
        if (token is not null && token.Page == page && good.Count > 0)
        {
            // The same page again: the API does not page this list, or its cursor stands still. What it gives has been read.
            return null;
        }

        // Lists grow while they are read, but not to twice what the answer says there is.
        var isCircle = token is not null && good.Count > 0 && token.Anchor == page;
        if (isCircle || (TotalOf(body) is { } total && seen > (2 * total) + Slack))
        {
            throw new ConnectorException(isCircle ? $"The list has no end: after {seen} items its pages come again." : $"The list has no end: it says that there are {TotalOf(body)} items, and has given {seen}.")
            {
                Code = "endless-scan",
                Action = "Report it to the provider; the flow goes on by itself when the list has an end again.",
            };
        }

        var next = pagination.Style switch
        {
            "skipLimit" => new JValue((long?)token?.Next + items.Count ?? items.Count),
            "pageLimit" => new JValue((long?)token?.Next + 1 ?? 2),
            "startAfter" => StartAfter(pagination, body),
            _ => FromAnswer(pagination, body, items[^1]),
        };
        return next is null || (token is not null && JToken.DeepEquals(next, token.Next)) ? null : PageToken.After(token, next, seen, page);
    }

    private static JToken? FromAnswer(Pagination pagination, JToken? body, JToken last)
    {
        foreach (var path in (pagination.NextPath ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            var found = path.StartsWith("$last.", StringComparison.Ordinal) ? JsonPaths.Find(last, path["$last.".Length..]) : JsonPaths.Find(body, path);
            switch (found)
            {
                case JArray { Count: 1 } single when pagination.Style == "cursor":
                    return single[0].DeepClone();
                case JArray { Count: > 0 } list:
                    return list.DeepClone();
                case JValue value when JsonPaths.Text(value) is not null:
                    return value.DeepClone();
                default:
                    break;
            }
        }

        return null;
    }

    private static JObject? StartAfter(Pagination pagination, JToken? body)
    {
        var source = JsonPaths.Find(body, pagination.NextPath) as JObject;
        var next = new JObject();
        foreach (var name in pagination.Params.SkipLast(1))
        {
            if (source?[name] is JValue { Value: not null } value)
            {
                next[name] = value.DeepClone();
            }
        }

        return next.Count == pagination.Params.Count - 1 ? next : null;
    }

    private static void Put(JObject inputs, string name, JToken? value)
    {
        if (value is null)
        {
            inputs.Remove(name);
        }
        else
        {
            inputs[name] = value.DeepClone();
        }
    }

    private static long? TotalOf(JToken? body) =>
        JsonPaths.Find(body, "total|count|meta.total|results.total|results.count") is JValue { Type: JTokenType.Integer } total ? (long)total : null;

    private static string PageHash(IReadOnlyList<PolledItem> items) =>
        items.Count == 0 ? "" : ContentHash.Of(new JArray(items.Select(i => i.Id)), [])[..16];
}
