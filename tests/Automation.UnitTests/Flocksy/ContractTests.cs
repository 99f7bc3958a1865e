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

        Connector.Operations.Select(o => o.Method + " " + o.Path).Should().BeEquivalentTo(calls);
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

            operation.Inputs.Select(i => (i.Name, i.Place.ToString().ToLowerInvariant(), i.Required)).Should().BeEquivalentTo(parameters.Concat(body), operation.ActivityType);
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
    public void References_Resolve()
    {
        foreach (var reference in Contract.Descendants().OfType<JProperty>().Where(p => p.Name == "$ref").Select(p => (string)p.Value!))
        {
            Contract.SelectToken(reference[2..].Replace('/', '.')).Should().NotBeNull(reference);
        }
    }
}
