using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The paging styles: what is asked for, and where the next page begins.</summary>
internal static class Paging
{
    private const int Slack = 1000;

    /// <summary>Times one scan goes back because its list shrinks while it is read; after that the next scan finds what this one has missed.</summary>
    private const int MostStepsBack = 5;

    /// <summary>Pages shorter than this do not overlap.</summary>
    private const int ShortPage = 10;

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
        if (pageSize == 0)
        {
            return null;
        }

        var page = PageHash(good);
        if (token is { Marks.Count: > 0 } && StepBack(token, good, pageSize, page) is { } back)
        {
            return back;
        }

        if (pagination.Style == "pageLimit" && token is not null && PagesBack(token, TotalOf(body), pageSize, page) is { } pagesBack)
        {
            return pagesBack;
        }

        if (items.Count == 0)
        {
            return null;
        }

        // Pages that are counted by items overlap by one: see StepBack.
        var overlap = pagination.Style == "skipLimit" && pageSize >= ShortPage && token is not { IsAligned: true } ? 1 : 0;
        var seen = (token?.Seen ?? 0) + items.Count - (token is null ? 0 : overlap);
        if (pagination.MorePath is { } more && JsonPaths.Find(body, more) is JValue { Value: false })
        {
            return null;
        }

        // A server may give fewer than asked for: where it says how many there are, that counts.
        if (items.Count < pageSize && !(TotalOf(body) > seen))
        {
            return null;
        }

        // A page full of items of one moment would come again and again, for the cursor goes back to that moment: the next page is behind it.
        if (pagination.CursorOverlap != 0 && token is not null && FromAnswer(pagination, body, items[^1]) is { } still && JToken.DeepEquals(still, token.Next))
        {
            return FromAnswer(pagination with { CursorOverlap = 0 }, body, items[^1]) is { } behind && !JToken.DeepEquals(behind, token.Next) ? PageToken.After(token, behind, seen, page) : null;
        }

        if (token is not null && token.Page == page && good.Count > 0)
        {
            // The same page again: the API does not page this list, or its cursor stands still. What it gives has been read; unless it only rounds to whole pages.
            return overlap == 0 ? null : new PageToken((long)token.Next + overlap, token.Seen, page) { Anchor = page, IsAligned = true };
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
            "skipLimit" => new JValue(((long?)token?.Next ?? 0) + items.Count - overlap),
            "pageLimit" => new JValue((long?)token?.Next + 1 ?? 2),
            "startAfter" => StartAfter(pagination, body),
            _ => FromAnswer(pagination, body, items[^1]),
        };
        return next is null || (token is not null && JToken.DeepEquals(next, token.Next))
            ? null
            : PageToken.After(token, next, seen, page) with { Marks = overlap == 0 || good.Count == 0 ? [] : [good[^1].Id, good[good.Count / 2].Id, good[0].Id], Total = TotalOf(body) ?? 0 };
    }

    /// <summary>
    /// A list that is counted by items and shrinks while it is read moves items to pages that were read already. The page begins with the last item of the one before, then: if that is
    /// not there, the scan goes back until it meets an item that it knows, and goes on from there. Null: nothing was passed over.
    /// </summary>
    private static PageToken? StepBack(PageToken token, IReadOnlyList<PolledItem> good, int pageSize, string page)
    {
        var at = (long)token.Next;
        if (at == 0 || token.Back >= MostStepsBack || good.Any(item => token.Marks.Contains(item.Id, StringComparer.Ordinal)))
        {
            return null;
        }

        var earlier = Math.Max(0, at - ((pageSize - 1) << (int)token.Back));
        return new PageToken(earlier, token.Seen, page) { Anchor = page, Marks = token.Marks, Back = token.Back + 1 };
    }

    /// <summary>
    /// Whole pages cannot overlap; but a list that says how many items it has tells that it has shrunk, and by how many they may have moved up: as many pages are read again. Null: it has not shrunk, or does not say.
    /// Where as many were added at its end meanwhile nothing shows, and the next scan finds what this one has missed.
    /// </summary>
    private static PageToken? PagesBack(PageToken token, long? total, int pageSize, string page)
    {
        var at = (long)token.Next;
        if (at <= 1 || token.Back >= MostStepsBack || !(total < token.Total))
        {
            return null;
        }

        var earlier = Math.Max(1, at - ((token.Total - total.Value + pageSize - 1) / pageSize));
        return new PageToken(earlier, (earlier - 1) * pageSize, page) { Anchor = page, Back = token.Back + 1, Total = total.Value };
    }

    private static JToken? FromAnswer(Pagination pagination, JToken? body, JToken last)
    {
        foreach (var path in (pagination.NextPath ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries))
        {
            var found = path.StartsWith("$last.", StringComparison.Ordinal) ? JsonPaths.Find(last, path["$last.".Length..]) : JsonPaths.Find(body, path);
            switch (found)
            {
                case JArray { Count: 1 } single when pagination.Style == "cursor":
                    return Inclusive(pagination, single[0]);
                case JArray { Count: > 0 } list:
                    return list.DeepClone();
                case JValue value when JsonPaths.Text(value) is not null:
                    return Inclusive(pagination, value);
                default:
                    break;
            }
        }

        return null;
    }

    /// <summary>A cursor moved back by the operation's overlap, so that items which share the last one's time are read again and none is passed over.</summary>
    private static JToken Inclusive(Pagination pagination, JToken cursor) =>
        pagination.CursorOverlap != 0 && JsonPaths.Text(cursor) is { } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number + pagination.CursorOverlap
            : cursor.DeepClone();

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
