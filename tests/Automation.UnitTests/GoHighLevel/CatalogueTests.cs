using System.Text.RegularExpressions;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.UnitTests.Conventions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

/// <summary>Holds the catalogue against itself, and against the facts and official specifications where they are beside the repository.</summary>
public sealed class CatalogueTests
{
    private static readonly Connector Connector = GoHighLevelConnector.Create();
    private static readonly string[] Types = ["string", "number", "integer", "boolean", "array", "object", "any"];
    private static readonly string[] Styles = ["none", "skipLimit", "pageLimit", "searchAfter", "startAfter", "cursor"];
    private static readonly string[] Modes = ["updated", "new", "changed", "edge"];

    private static IEnumerable<Operation> Numbered => Connector.Operations.Where(o => o.Number is not null);

    [Fact]
    public void Operations_AreNumbered1To126_WithUniqueTypes()
    {
        Numbered.Select(o => o.Number).Should().BeEquivalentTo(Enumerable.Range(1, 126).Select(n => (int?)n));
        Connector.Operations.Select(o => o.ActivityType).Should().OnlyHaveUniqueItems();
        Numbered.Count(o => o.Kind == OperationKind.Trigger).Should().Be(55);
        Numbered.GroupBy(o => o.Effect).ToDictionary(g => g.Key, g => g.Count())
            .Should().Equal(new Dictionary<EffectClass, int> { [EffectClass.Read] = 60, [EffectClass.Probe] = 17, [EffectClass.Safe] = 47, [EffectClass.Unsafe] = 2 });
    }

    [Fact]
    public void Operations_AreWhole()
    {
        foreach (var operation in Connector.Operations)
        {
            operation.Description.Should().NotBeNullOrWhiteSpace(operation.ActivityType);
            operation.DocsUrl.Should().StartWith("https://", operation.ActivityType);
            operation.VersionHeader.Should().MatchRegex("^20\\d\\d-\\d\\d-\\d\\d$", operation.ActivityType);
            operation.Scopes.Should().NotBeEmpty(operation.ActivityType);
            operation.Path.Should().StartWith("/", operation.ActivityType);
            operation.SubjectPaths.Should().NotBeEmpty(operation.ActivityType);
            (operation.Kind == OperationKind.Trigger).Should().Be(operation.Poll is not null, operation.ActivityType);
            Styles.Should().Contain(operation.Pagination.Style, operation.ActivityType);
            operation.Inputs.Select(i => i.Name).Should().OnlyHaveUniqueItems(operation.ActivityType);
            foreach (var limit in operation.Inputs.Where(i => operation.Pagination.Params.Contains(i.Name) && i.Name.Contains("imit", StringComparison.Ordinal) && i.Maximum is not null))
            {
                operation.Pagination.PageSize.Should().BeLessThanOrEqualTo((int)limit.Maximum!, operation.ActivityType);
            }

            operation.Inputs.Select(i => i.PropertyName.ToLowerInvariant()).Should().OnlyHaveUniqueItems(operation.ActivityType);
            operation.Inputs.Select(i => i.Type).Should().BeSubsetOf(Types, operation.ActivityType);
            (operation.Poll?.Modes ?? ["new"]).Should().OnlyContain(m => Modes.Contains(m), operation.ActivityType);
            if (operation.Method == "DELETE")
            {
                operation.Destructive.Should().BeTrue(operation.ActivityType);
            }

            if (operation.Deprecated)
            {
                operation.Notice.Should().NotBeNullOrEmpty(operation.ActivityType);
            }
        }
    }

    [Fact]
    public void PageSizesAndDefaults_AreWithinTheBoundsOfTheirInputs()
    {
        foreach (var operation in Connector.Operations)
        {
            foreach (var input in operation.Inputs.Where(i => i.Maximum is not null))
            {
                ((double?)input.Default ?? 0).Should().BeLessThanOrEqualTo(input.Maximum!.Value, $"{operation.ActivityType}: {input.Name}");
                if (operation.Pagination.Params is [.., var size] && input.Name == size)
                {
                    ((double)operation.Pagination.PageSize).Should().BeLessThanOrEqualTo(input.Maximum.Value, $"{operation.ActivityType}: pages by {input.Name}");
                }
            }
        }
    }

    [Fact]
    public void PathParameters_AreDeclaredAsRequiredInputs()
    {
        foreach (var operation in Connector.Operations)
        {
            Regex.Matches(operation.Path, "{(\\w+)}").Select(m => m.Groups[1].Value)
                .Should().BeEquivalentTo(operation.Inputs.Where(i => i.Place == InputPlace.Path && i.Required).Select(i => i.Name), operation.ActivityType);
        }
    }

    [Fact]
    public void References_PointAtOperationsAndInputsThatExist()
    {
        var byType = Connector.Operations.ToDictionary(o => o.ActivityType);
        byType.Should().ContainKey(Connector.TestOperation);
        foreach (var operation in Connector.Operations)
        {
            foreach (var input in operation.Inputs.Where(i => i.OptionsFrom is not null))
            {
                byType.Should().ContainKey(input.OptionsFrom!, operation.ActivityType);
                byType[input.OptionsFrom!].Response.CollectionPath.Should().NotBeNull(operation.ActivityType);
            }

            operation.Pagination.Params.Should().BeSubsetOf(operation.Inputs.Select(i => i.Name), operation.ActivityType);
            var merged = (operation.Poll?.Fixed ?? []).Properties().Concat((operation.Poll?.Window ?? []).Properties()).Select(p => p.Name);
            merged.Should().BeSubsetOf(operation.Inputs.Select(i => i.Name), operation.ActivityType);
            if (operation.Probe is { } probe)
            {
                byType.Should().ContainKey(probe.Operation, operation.ActivityType);
                var read = byType[probe.Operation];
                read.Effect.Should().Be(EffectClass.Read);
                probe.Inputs.Properties().Select(p => p.Name).Should().BeSubsetOf(read.Inputs.Select(i => i.Name), operation.ActivityType);
                read.Inputs.Where(i => i is { Required: true, Default: null } && i.Name is not ("locationId" or "companyId" or "location_id"))
                    .Select(i => i.Name).Should().BeSubsetOf(probe.Inputs.Properties().Select(p => p.Name), operation.ActivityType);
                foreach (var template in probe.Inputs.DescendantsAndSelf().Concat(probe.Match.DescendantsAndSelf()).OfType<JValue>().Select(v => v.ToString()).Where(v => v.StartsWith('$')))
                {
                    var name = template.Contains("body[0]") ? "items" : Regex.Match(template, "(?:body|path|query)\\.(\\w+)").Groups[1].Value;
                    operation.Inputs.Select(i => i.Name).Should().Contain(name, operation.ActivityType);
                }
            }
        }
    }

    [SkippableFact]
    public void Operations_AgreeWithTheFacts()
    {
        foreach (var fact in Shared.Operations())
        {
            var operation = Numbered.Single(o => o.Number == (int)fact["number"]!);
            operation.ActivityType.Should().Be((string?)fact["activityType"]);
            operation.Category.Should().Be((string?)fact["category14"], operation.ActivityType);
            operation.Kind.ToString().ToLowerInvariant().Should().Be((string?)fact["kind"], operation.ActivityType);
            operation.Method.Should().Be((string?)fact["method"], operation.ActivityType);
            operation.Path.Should().Be((string?)fact["path"], operation.ActivityType);
            operation.VersionHeader.Should().Be((string?)fact["versionHeader"], operation.ActivityType);
            operation.TokenType.Should().Be((string?)fact["tokenType"], operation.ActivityType);
            operation.Scopes.Should().Equal(fact["scopes"]!.Values<string>(), operation.ActivityType);
            operation.Effect.ToString().ToLowerInvariant().Should().Be((string?)fact["effectClass"], operation.ActivityType);
            operation.Response.Status.ToString().Should().Be((string?)fact["response"]!["status"], operation.ActivityType);
            (operation.Probe is null ? null : Connector.Operations.Single(o => o.ActivityType == operation.Probe.Operation).Number).Should().Be((int?)fact["probe"]?.SelectToken("operation"), operation.ActivityType);
            if ((string?)fact["poll"]!["kind"] == "watch-single-record")
            {
                operation.Poll!.Modes.Should().Contain("changed", operation.ActivityType);
                operation.Response.CollectionPath.Should().BeNull(operation.ActivityType);
            }

            if ((string?)fact["poll"]!["kind"] == "new-or-updated-list")
            {
                operation.Poll!.Modes.Should().Contain("new", operation.ActivityType);
                operation.Response.CollectionPath.Should().NotBeNull(operation.ActivityType);
            }
        }
    }

    [SkippableFact]
    public void Inputs_AgreeWithTheOfficialSpecifications()
    {
        foreach (var fact in Shared.Operations())
        {
            AgreeWithSpecification(Numbered.Single(o => o.Number == (int)fact["number"]!), (string)fact["specFile"]!);
        }
    }

    [SkippableFact]
    public void OperationsOfOurs_AgreeWithTheOfficialSpecifications()
    {
        var ours = Connector.Operations.Where(o => o.Number is null).ToList();
        ours.Should().HaveCountGreaterThan(15);
        foreach (var operation in ours)
        {
            // Operations are documented per module, whose specification has the module's name.
            var call = AgreeWithSpecification(operation, $"openapi/{operation.DocsUrl!.Split('/')[^2]}.json");
            operation.DocsUrl.Should().EndWith("/" + (string?)call["operationId"]);
            operation.Response.Status.ToString().Should().Be((call["responses"] as JObject)!.Properties().First(p => p.Name.StartsWith('2')).Name, operation.ActivityType);

            // Some of the vendor's own entries name no scope; what is named must be ours.
            var schemes = (call["security"] as JArray ?? []).SelectMany(s => ((JObject)s).Properties()).ToList();
            schemes.SelectMany(s => s.Value.Values<string>()).Distinct().Should().BeSubsetOf(operation.Scopes, operation.ActivityType);
            operation.TokenType.Should().Be(schemes.Any(s => s.Name.StartsWith("Agency", StringComparison.Ordinal)) ? "agency" : "location", operation.ActivityType);
        }
    }

    private static JObject AgreeWithSpecification(Operation operation, string specFile)
    {
        var file = Shared.Spec(specFile);
        var call = file["paths"]?[operation.Path]?[operation.Method.ToLowerInvariant()] as JObject;
        call.Should().NotBeNull($"{operation.Method} {operation.Path} is in {specFile}");

        var parameters = (call!["parameters"] as JArray ?? []).Select(p => Shared.Resolve(file, p)).ToList();
        foreach (var parameter in parameters.Where(p => (string?)p["in"] is "query" or "path"))
        {
            var input = operation.Inputs.SingleOrDefault(i => i.Name == (string?)parameter["name"]);
            input.Should().NotBeNull($"{operation.ActivityType} has the input {parameter["name"]}");
            input!.Place.ToString().ToLowerInvariant().Should().Be((string?)parameter["in"]);
            if (Shared.Resolve(file, parameter["schema"] ?? new JObject())["enum"] is JArray values)
            {
                input.Enum.Should().Equal(values.Select(v => v.ToString()), $"{operation.ActivityType} {input.Name}");
            }

            input.Required.Should().Be(((bool?)parameter["required"] ?? false) || input.Place == InputPlace.Path, $"{operation.ActivityType} {input.Name}");
        }

        var version = parameters.SingleOrDefault(p => (string?)p["in"] == "header" && (string?)p["name"] == "Version");
        if (version?["schema"]?["enum"] is JArray versions)
        {
            versions.Values<string>().Should().Contain(operation.VersionHeader, operation.ActivityType);
        }

        var content = (call["requestBody"]?["content"] as JObject)?.Properties().Single();
        if (content is not null)
        {
            operation.ContentType.Should().Be(content.Name, operation.ActivityType);
        }

        var body = Shared.Resolve(file, content?.Value["schema"] ?? new JObject());
        foreach (var property in (body["properties"] as JObject ?? []).Properties())
        {
            var input = operation.Inputs.SingleOrDefault(i => i.Name == property.Name && i.Place == InputPlace.Body);
            input.Should().NotBeNull($"{operation.ActivityType} has the body input {property.Name}");
            var schema = Shared.Resolve(file, property.Value);
            if ((schema["enum"] ?? Shared.Resolve(file, schema["items"] ?? new JObject())["enum"]) is JArray allowed)
            {
                input!.Enum.Should().Equal(allowed.Select(v => v.ToString()), $"{operation.ActivityType} {property.Name}");
            }

            if ((schema["maximum"] ?? schema["maxLength"] ?? schema["maxItems"]) is { } most)
            {
                input!.Maximum.Should().Be((double)most, $"{operation.ActivityType} {property.Name}");
            }
        }

        foreach (var required in (body["required"] as JArray ?? []).Values<string>())
        {
            operation.Inputs.Single(i => i.Name == required).Required.Should().BeTrue($"{operation.ActivityType} needs {required}");
        }

        return call;
    }
}
