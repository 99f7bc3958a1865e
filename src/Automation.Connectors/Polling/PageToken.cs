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

    public override string ToString() => Json.Write(new JObject { ["next"] = Next, ["seen"] = Seen, ["page"] = Page });
}
