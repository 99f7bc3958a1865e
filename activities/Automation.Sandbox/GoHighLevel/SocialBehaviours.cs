using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Social planner: tags and the statistics of the last seven days.</summary>
internal static class SocialBehaviours
{
    private static readonly string[] Platforms = ["facebook", "instagram", "linkedin", "google", "pinterest", "youtube", "tiktok"];

    public static Answer ListTags(Call call)
    {
        var query = new RecordQuery { Skip = call.Number("skip", 0), Take = call.Number("limit", 10, 1000) }
            .In(call.Location)
            .Where($"coalesce({RecordQuery.Property("deleted")}, 0) = 0")
            .Containing(call.Text("searchText"), GhlCollections.SocialTags.SearchFields);
        return Tags(200, "Fetched Tags", call.Session.List(GhlCollections.SocialTags, query), call.Session.Count(GhlCollections.SocialTags, query));
    }

    public static Answer TagDetails(Call call)
    {
        var ids = call.Fields["tagIds"]!.Select(id => (object)id.ToString()).ToArray();
        var found = ids.Length == 0 ? [] : call.Session.List(GhlCollections.SocialTags, new RecordQuery().In(call.Location).Where($"key in ({string.Join(", ", ids.Select(_ => "?"))})", ids));
        return Tags(201, "Fetched Tags by Tag IDs", found, found.Count);
    }

    /// <summary>Numbers that rise from day to day and differ by location; a record of the collection <c>statistics</c> replaces the totals.</summary>
    public static Answer Statistics(Call call)
    {
        var location = call.Query["locationId"];
        if (call.Session.Find(GhlCollections.Locations, location) is null)
        {
            return Answer.NotFound("Location", location);
        }

        var totals = call.Session.Find(GhlCollections.Statistics, location)?.Json["totals"] as JObject ?? [];
        var profiles = call.Fields["profileIds"]!.Count();
        var chosen = call.Fields["platforms"] is JArray { Count: > 0 } given ? given.Select(p => p.ToString()).ToArray() : Platforms;
        int Total(string metric, int fallback) => totals[metric]?.Value<int>() ?? fallback * profiles * chosen.Length;
        int[] Days(int total) => [.. Enumerable.Range(0, 7).Select(day => (total / 7) + (day < total % 7 ? 1 : 0))];
        var posts = Total("posts", 2);
        var likes = Total("likes", 21);
        var followers = Total("followers", 140);
        var impressions = Total("impressions", 350);
        var comments = Total("comments", 9);
        JObject Shares(int total) => new(chosen.Select((platform, i) => new JProperty(platform, new JObject { ["value"] = (total / chosen.Length) + (i < total % chosen.Length ? 1 : 0), ["change"] = 0 })));
        JObject Breakdown(int total) => new() { ["total"] = total, ["totalChange"] = 0, ["platforms"] = Shares(total) };
        var today = DateTimeOffset.FromUnixTimeMilliseconds(call.Now);
        return new Answer(201, new JObject
        {
            ["results"] = new JObject
            {
                ["dayRange"] = new JArray(Enumerable.Range(0, 7).Select(day => today.AddDays(day - 7).ToString("ddd", CultureInfo.InvariantCulture))),
                ["totals"] = new JObject { ["posts"] = posts, ["likes"] = likes, ["followers"] = followers, ["impressions"] = impressions, ["comments"] = comments },
                ["postPerformance"] = new JObject
                {
                    ["posts"] = new JObject(chosen.Select(platform => new JProperty(platform, new JArray(Days(posts / chosen.Length))))),
                    ["impressions"] = new JArray(Days(impressions)),
                    ["likes"] = new JArray(Days(likes)),
                    ["comments"] = new JArray(Days(comments)),
                },
                ["breakdowns"] = new JObject
                {
                    ["posts"] = Breakdown(posts),
                    ["impressions"] = Breakdown(impressions),
                    ["reach"] = Breakdown(impressions / 2),
                    ["engagement"] = new JObject(chosen.Select(platform => new JProperty(platform, new JObject { ["likes"] = likes / chosen.Length, ["comments"] = comments / chosen.Length, ["shares"] = 0, ["change"] = 0 }))),
                },
                ["platformTotals"] = new JObject { ["impressions"] = Breakdown(impressions), ["followers"] = Breakdown(followers), ["likes"] = Breakdown(likes) },
            },
            ["message"] = "Successfully retrieved analytics data",
        });
    }

    private static Answer Tags(int status, string message, List<RecordText> tags, int count) => new(status, new JObject
    {
        ["success"] = true,
        ["statusCode"] = status,
        ["message"] = message,
        ["results"] = new JObject { ["tags"] = Raw.Array(tags), ["count"] = count },
    });
}
