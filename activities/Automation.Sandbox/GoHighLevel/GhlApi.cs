using System.Globalization;
using Automation.Activities.GoHighLevel;
using Microsoft.AspNetCore.WebUtilities;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>The stand-in of the GoHighLevel API.</summary>
internal static class GhlApi
{
    /// <summary>Its name in paths.</summary>
    public const string Name = "ghl";

    public static ApiProfile Profile(SandboxSettings settings) => new()
    {
        Name = Name,
        Operations = [.. GoHighLevelConnector.Create().Operations, OAuthBehaviours.TokenEndpoint],
        Tokens = settings.GhlTokens,
        OAuth = true,
        Anonymous = new HashSet<string> { ApiProfile.KeyOf(OAuthBehaviours.TokenEndpoint) },
        Limit = settings.GhlLimit,
        LimitByLocation = true,
        TraceIdInBody = true,
        RefuseUnknown = true,

        // The vendor's own client sends this one to every operation.
        VersionsOfAll = new HashSet<string> { "2023-02-21" },

        // The one operation whose specification does not name the header.
        WithoutVersion = new HashSet<string> { "GET /conversations/messages/email/{id}" },
        Nullable = new Dictionary<string, IReadOnlySet<string>> { ["POST /contacts/bulk/business"] = new HashSet<string> { "businessId" } },
        Bodies = BodyTable.Read("gohighlevel.bodies.json"),
        Behaviours = GhlBehaviours.Table(),
        Collections = GhlCollections.All,
        Aliases = GhlNames.Aliases,
        Complete = GhlNames.Complete,
        Seed = SeedData.Ghl,
        WriteError = (status, refusal, traceId) =>
        {
            // A failed validation lists its messages; everything else says one.
            var error = new JObject
            {
                ["statusCode"] = status,
                ["message"] = status == 422 ? new JArray(refusal.Messages) : string.Join("; ", refusal.Messages),
                ["error"] = ReasonPhrases.GetReasonPhrase(status),
                ["traceId"] = traceId,
            };
            foreach (var property in refusal.Meta?.Properties() ?? [])
            {
                error[property.Name] = property.Value.DeepClone();
            }

            return error;
        },
        WriteLimit = (headers, limit, use) =>
        {
            headers["X-RateLimit-Limit-Daily"] = Text(limit.PerDay ?? 0);
            headers["X-RateLimit-Daily-Remaining"] = Text(Math.Max(0, use.RemainingToday));
            headers["X-RateLimit-Interval-Milliseconds"] = Text((int)limit.Window.TotalMilliseconds);
            headers["X-RateLimit-Max"] = Text(limit.Calls);
            headers["X-RateLimit-Remaining"] = Text(Math.Max(0, use.Remaining));
        },
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
