using Automation.Connectors;

namespace Automation.Activities.GoHighLevel;

/// <summary>The GoHighLevel connector: 126 catalogued operations and more, from <c>operations.json</c>, and triggers in a user's words over their lists, from <c>triggers.json</c>.</summary>
public static class GoHighLevelConnector
{
    /// <summary>Name by which connections and operations refer to it.</summary>
    public const string Name = "gohighlevel";

    /// <summary>Adds the connector: every operation becomes an activity.</summary>
    public static AutomationBuilder AddGoHighLevel(this AutomationBuilder builder) => builder.AddConnector(Create()).AddWebhooks(new GhlWebhooks(), "GoHighLevel");

    /// <summary>The connector with its operations.</summary>
    public static Connector Create() => new()
    {
        Name = Name,
        DisplayName = "GoHighLevel",
        DefaultBaseUrl = new Uri("https://services.leadconnectorhq.com"),
        Operations = OperationFile.WithMeanings(OperationFile.Read(typeof(GoHighLevelConnector).Assembly, "gohighlevel.operations.json", Name), typeof(GoHighLevelConnector).Assembly, "gohighlevel.triggers.json"),
        Samples = new OperationSamples(typeof(GoHighLevelConnector).Assembly, "gohighlevel.samples.json"),

        // Published limits per app and location; see "Rate limits" in HighLevel's developer documentation.
        Limit = new RateLimit(100, TimeSpan.FromSeconds(10), 200_000),

        // Every connection of a location may read that location.
        TestOperation = "GoHighLevel.Locations.FindLocationByID",
        AgencyTestOperation = "GoHighLevel.Locations.ListLocations",
        OAuth = new OAuthShape
        {
            // An app's redirect address may not mention the vendor.
            PathName = "crm",
            AuthorizeUrl = new Uri("https://marketplace.gohighlevel.com/v2/oauth/chooselocation"),
            AuthorizePath = "/v2/oauth/chooselocation",

            // Who is not signed in does so in the same tab.
            AuthorizeParameters = new Dictionary<string, string> { ["loginWindowOpenMode"] = "self" },
            LocationTokenOperation = "GoHighLevel.OAuth.GetLocationToken",
            AgencyScopes = ["oauth.write", "oauth.readonly"],
        },
        LocationZone = ("GoHighLevel.Locations.FindLocationByID", "location.timezone|timezone"),
    };
}
