using Automation.Connectors;

namespace Automation.Activities.Flocksy;

/// <summary>The Flocksy connector. Its contract, <c>flocksy.openapi.json</c>, is this project's own: Flocksy publishes no API.</summary>
public static class FlocksyConnector
{
    /// <summary>Name by which connections and operations refer to it.</summary>
    public const string Name = "flocksy";

    /// <summary>Adds the connector: every operation becomes an activity.</summary>
    public static AutomationBuilder AddFlocksy(this AutomationBuilder builder) => builder.AddConnector(Create());

    /// <summary>The connector with its operations.</summary>
    public static Connector Create() => new()
    {
        Name = Name,
        DisplayName = "Flocksy",
        DefaultBaseUrl = new Uri("https://api.flocksy.example"),
        Operations = OperationFile.Read(typeof(FlocksyConnector).Assembly, "flocksy.operations.json", Name),
        Samples = new OperationSamples(typeof(FlocksyConnector).Assembly, "flocksy.samples.json"),
        IdempotencyHeader = "Idempotency-Key",
        Limit = new RateLimit(10, TimeSpan.FromSeconds(1), null),
        TestOperation = "Flocksy.TagMappings.ListTagMappings",
        BriefForm = new BriefForms(Newtonsoft.Json.Linq.JObject.Parse(ReadContract())).Of,
    };

    /// <summary>The contract, as OpenAPI 3.1 JSON.</summary>
    public static string ReadContract()
    {
        using var stream = typeof(FlocksyConnector).Assembly.GetManifestResourceStream("flocksy.openapi.json")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
