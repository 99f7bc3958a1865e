using Automation.Activities.Flocksy;
using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Flocksy;

/// <summary>Holds the Flocksy operations against the contract, which is the project's own.</summary>
public sealed class ContractTests
{
    private static readonly Connector Connector = FlocksyConnector.Create();
    private static readonly JObject Contract = JObject.Parse(FlocksyConnector.ReadContract());

    private static JObject CallOf(Operation operation) => (JObject)Contract["paths"]![operation.Path]![operation.Method.ToLowerInvariant()]!;

    [Fact]
    public void Contract_SaysThatItIsOurs()
    {
        ((string?)Contract["openapi"]).Should().StartWith("3.1");
        Contract["info"]!.ToString().Should().Contain("not one published by Flocksy");
    }

    [Fact]
    public void Operations_AreThoseOfTheContract()
    {
        var calls = ((JObject)Contract["paths"]!).Properties().SelectMany(p => ((JObject)p.Value).Properties().Select(m => m.Name.ToUpperInvariant() + " " + p.Name));

        // Each call is one operation; triggers that fire on a part of what a list shows watch that list's source.
        Connector.Operations.Where(o => o.Poll?.Source is null).Select(o => o.Method + " " + o.Path).Should().BeEquivalentTo(calls);
        Connector.Operations.Where(o => o.Poll?.Source is not null).Should().OnlyContain(o => Connector.Operations.Any(list => list.ActivityType == o.Poll!.Source && list.Path == o.Path && list.Method == o.Method && list.Poll!.Source == null));
        Connector.Operations.Select(o => o.ActivityType).Should().OnlyHaveUniqueItems().And.OnlyContain(t => t.StartsWith("Flocksy."));
    }

    [Fact]
    public void Inputs_AreThoseOfTheContract()
    {
        foreach (var operation in Connector.Operations)
        {
            var call = CallOf(operation);
            var parameters = (call["parameters"] as JArray ?? []).Where(p => p["$ref"] is null).Select(p => ((string)p["name"]!, (string)p["in"]!, (bool)p["required"]!));
            var schema = call["requestBody"]?["content"]?["application/json"]?["schema"] as JObject ?? [];
            var required = (schema["required"] as JArray ?? []).Values<string>().ToHashSet();
            var body = (schema["properties"] as JObject ?? []).Properties().Select(p => (p.Name, "body", required.Contains(p.Name)));

            var inputs = operation.Inputs.Select(i => (i.Name, i.Place.ToString().ToLowerInvariant(), i.Required));
            if (operation.Poll?.Source is null)
            {
                inputs.Should().BeEquivalentTo(parameters.Concat(body), operation.ActivityType);
            }
            else
            {
                inputs.Should().BeSubsetOf(parameters, operation.ActivityType);
            }
        }
    }

    [Fact]
    public void Writes_TakeAnIdempotencyKeyAndAreSafe()
    {
        foreach (var operation in Connector.Operations)
        {
            var takesKey = (CallOf(operation)["parameters"] as JArray ?? []).Any(p => (string?)p["$ref"] == "#/components/parameters/IdempotencyKey");
            takesKey.Should().Be(operation.Method != "GET", operation.ActivityType);
            operation.Effect.Should().Be(operation.Method == "GET" ? EffectClass.Read : EffectClass.Safe, operation.ActivityType);
        }

        ((string?)Contract["components"]!["parameters"]!["IdempotencyKey"]!["name"]).Should().Be(Connector.IdempotencyHeader);
    }

    [Fact]
    public void Lists_AnswerItemsAndTotalAndCanBePolled()
    {
        foreach (var operation in Connector.Operations.Where(o => o.Name.StartsWith("List ", StringComparison.Ordinal)))
        {
            operation.Poll.Should().NotBeNull(operation.ActivityType);
            operation.Response.CollectionPath.Should().Be("items");
            operation.Pagination.Style.Should().Be("skipLimit");
            var answer = CallOf(operation)["responses"]!["200"]!["content"]!["application/json"]!["schema"]!;
            ((JObject)answer["properties"]!).Properties().Select(p => p.Name).Should().Equal("items", "total");
        }
    }

    [Fact]
    public void Operations_CoverWhatFlowsNeed()
    {
        var types = Connector.Operations.Select(o => o.ActivityType);

        foreach (var wanted in new[] { "TagMappings", "Campaigns", "Dashboards", "Reports", "Profiles", "Segments", "Records", "Projects", "Briefs", "Files", "Comments" })
        {
            types.Should().Contain(t => t.StartsWith($"Flocksy.{wanted}."));
        }

        types.Should().Contain(["Flocksy.Dashboards.PutMetricValues", "Flocksy.Reports.DownloadReport", "Flocksy.Reports.ReportReady", "Flocksy.Projects.ProjectStatusChanged", "Flocksy.Comments.CommentAdded", "Flocksy.Files.FileDelivered"]);
        Connector.Operations.Where(o => o.Poll is not null).Should().OnlyContain(o => o.FiresOn != null, "a user reads what a trigger fires on");
    }

    [Fact]
    public void Enums_AreThoseOfTheContract_AndIdsOfferWhatIsThere()
    {
        foreach (var operation in Connector.Operations)
        {
            var call = CallOf(operation);
            foreach (var input in operation.Inputs)
            {
                var schema = (call["parameters"] as JArray ?? []).FirstOrDefault(p => (string?)p["name"] == input.Name)?["schema"] ?? call.SelectToken($"requestBody.content['application/json'].schema.properties.{input.Name}");
                (schema?["enum"]?.Values<string>() ?? []).Should().BeEquivalentTo(input.Enum ?? [], $"{operation.ActivityType}.{input.Name}");

                // The id of a profile that is upserted may well be new.
                if (input.Name is "campaignId" or "campaignIds" or "dashboardId" or "reportId" or "projectId" or "segmentIds" or "profileId" && operation.ActivityType != "Flocksy.Profiles.UpsertProfile")
                {
                    Connector.Operations.Should().Contain(o => o.ActivityType == input.OptionsFrom, $"{operation.ActivityType}.{input.Name} offers what is there");
                }
            }
        }
    }

    [Fact]
    public void References_Resolve()
    {
        foreach (var reference in Contract.Descendants().OfType<JProperty>().Where(p => p.Name == "$ref").Select(p => (string)p.Value!))
        {
            Contract.SelectToken(reference[2..].Replace('/', '.')).Should().NotBeNull(reference);
        }
    }
}
