using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Where the next page begins. Stored as text in the middle of a scan, so it must survive a restart.</summary>
/// <param name="Next">The style's own token: a number, or what the answer said.</param>
/// <param name="Seen">Items read before this page.</param>
/// <param name="Page">Hash of the ids of the page before: the same again means that the API does not go on.</param>
internal sealed record PageToken(JToken Next, long Seen, string Page)
{
    /// <summary>Hash of an earlier page, moved on ever more rarely: met again, the pages go round in a circle.</summary>
    public string Anchor { get; init; } = "";

    /// <summary>Pages since the anchor was set.</summary>
    public long Steps { get; init; }

    /// <summary>Pages after which the anchor moves on; doubles each time, so that a circle of any length is found with one hash kept.</summary>
    public long Reach { get; init; } = 1;

    /// <summary>Ids of the page before (last, middle, first), where pages are counted by number of items: the next page must begin with the last, or the list has shrunk under the scan.</summary>
    public IReadOnlyList<string> Marks { get; init; } = [];

    /// <summary>The list answers whole pages only, wherever one asks it to begin: its pages cannot overlap.</summary>
    public bool IsAligned { get; init; }

    /// <summary>Times this scan has gone back because the list had shrunk.</summary>
    public long Back { get; init; }

    /// <summary>Items that the list said it has; 0: it did not say.</summary>
    public long Total { get; init; }

    public static PageToken? Read(string? text)
    {
        if (text is null)
        {
            return null;
        }

        try
        {
            return Json.Parse(text) is JObject token && token["next"] is { } next
                ? new PageToken(next, (long?)token["seen"] ?? 0, (string?)token["page"] ?? "")
                {
                    Anchor = (string?)token["anchor"] ?? "",
                    Steps = (long?)token["steps"] ?? 0,
                    Reach = (long?)token["reach"] ?? 1,
                    Marks = token["marks"] is JArray marks ? [.. marks.Select(mark => mark.ToString())] : [],
                    Back = (long?)token["back"] ?? 0,
                    IsAligned = (bool?)token["aligned"] ?? false,
                    Total = (long?)token["total"] ?? 0,
                }
                : throw new FormatException();
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new ConnectorException($"The stored page token '{InputBinding.Cut(text, 60)}' cannot be read.", exception)
            {
                Code = "invalid-input",
                Action = "Rewind the trigger, so that its scan begins anew.",
            };
        }
    }

    public override string ToString()
    {
        var token = new JObject { ["next"] = Next, ["seen"] = Seen, ["page"] = Page, ["anchor"] = Anchor, ["steps"] = Steps, ["reach"] = Reach };
        if (Marks.Count > 0)
        {
            token["marks"] = new JArray(Marks);
        }

        if (Back > 0)
        {
            token["back"] = Back;
        }

        if (IsAligned)
        {
            token["aligned"] = true;
        }

        if (Total > 0)
        {
            token["total"] = Total;
        }

        return Json.Write(token);
    }

    /// <summary>The token after a page with this hash.</summary>
    public static PageToken After(PageToken? before, JToken next, long seen, string page)
    {
        var token = new PageToken(next, seen, page) { Anchor = before?.Anchor ?? page, Steps = (before?.Steps ?? 0) + 1, Reach = before?.Reach ?? 1, Back = before?.Back ?? 0, IsAligned = before?.IsAligned ?? false };
        return token.Steps < token.Reach ? token : token with { Anchor = page, Steps = 0, Reach = token.Reach * 2 };
    }
}
