using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>The document of our own API says what the server takes and answers: held against the answers themselves.</summary>
public sealed class OpenApiTests(RunningServer server) : IClassFixture<RunningServer>
{

    [Fact]
    public async Task Document_DescribedOperations_HaveTheSchemasOfTheirAnswerAndOfTheProblem_AndEveryReferenceLeadsSomewhere()
    {
        var document = await DocumentAsync();

        var described = Operations(document).Where(entry => entry.Operation.SelectToken("responses.default.content.['application/problem+json'].schema") is not null).ToList();
        described.Should().HaveCountGreaterThan(50).And.OnlyContain(entry => Answer(entry.Operation) != null);
        described.Where(entry => entry.Operation["requestBody"] is not null).Should().HaveCountGreaterThan(12).And.OnlyContain(entry => entry.Operation.SelectToken("requestBody.content.['application/json'].schema") != null);
        document.SelectTokens("$..$ref").Select(reference => (string)reference!).Distinct().Should().OnlyContain(reference => document.SelectToken(reference.TrimStart('#', '/').Replace('/', '.')) != null);
    }

    [Fact]
    public async Task Answers_OfEveryRead_AreOfTheDocumentsSchema()
    {
        await server.PublishAsync(Models.Sequence("documented", Models.Activity("get", "GoHighLevel.Contacts.GetContact", ("connectionId", "Literal", "sandbox-ghl"), ("contactId", "Literal", "nobody"))));
        await server.PostAsync("/elsa/api/workflow-definitions/documented/execute", new JObject());
        await server.PostAsync("/api/mappings", JObject.Parse("""{"name":"m","fields":[{"target":"a","source":"b"}]}"""));
        await server.PostAsync("/api/keys", JObject.Parse("""{"name":"k","role":"operator"}"""));
        var trigger = Models.Activity("watch", "GoHighLevel.SocialPlanner.ListSocialPlannerTags", ("connectionId", "Literal", "sandbox-ghl"), ("locationId", "Literal", "loc-1"), ("interval", "Literal", "1h"));
        trigger["customProperties"] = new JObject { ["canStartWorkflow"] = true };
        var flow = Models.Sequence("watching", trigger);
        flow["root"]!["type"] = "Elsa.Flowchart";
        await server.PublishAsync(flow);
        var (_, runs) = await server.GetAsync("/api/runs?definitionId=documented");
        var (_, incidents) = await server.GetAsync("/api/incidents");
        var (_, triggers) = await server.GetAsync("/api/triggers?definitionId=watching");
        var ids = new Dictionary<string, string>
        {
            ["/api/runs/{id}"] = (string)runs["items"]![0]!["id"]!,
            ["/api/incidents/{id}"] = (string)incidents["items"]![0]!["id"]!,
            ["/api/triggers/{id}"] = (string)triggers["items"]![0]!["id"]!,
            ["/api/connections/{id}"] = "sandbox-ghl",
            ["/api/mappings/{name}"] = "m",
            ["/api/operations/{activityType}"] = "GoHighLevel.Contacts.GetContact",
            ["/api/definitions/{definitionId}"] = "documented",
        };

        var document = await DocumentAsync();
        var (read, wrong) = (0, new List<string>());
        foreach (var (method, path, operation) in Operations(document).Where(entry => entry.Method == "get" && entry.Operation.SelectToken("responses.default") is not null && !entry.Path.EndsWith("/hook", StringComparison.Ordinal)))
        {
            var known = ids.FirstOrDefault(id => path.StartsWith(id.Key, StringComparison.Ordinal));
            if (path.Contains('{', StringComparison.Ordinal) && known.Key is null)
            {
                continue;
            }

            var (status, answer) = await server.GetAsync((known.Key is null ? path : path.Replace(known.Key, known.Key[..known.Key.IndexOf('{', StringComparison.Ordinal)] + Uri.EscapeDataString(known.Value), StringComparison.Ordinal)) + (path.EndsWith("/explain", StringComparison.Ordinal) ? "?key=x" : ""));
            read++;
            if (status != 200)
            {
                wrong.Add($"{path}: {status} {answer}");
                continue;
            }

            Check(answer, Answer(operation)!, path, document, wrong);
        }

        read.Should().BeGreaterThan(20);
        string.Join('\n', wrong.Distinct()).Should().BeEmpty();
    }

    private async Task<JObject> DocumentAsync() => (JObject)(await server.GetAsync("/openapi/v1.json")).Body;

    private static IEnumerable<(string Method, string Path, JObject Operation)> Operations(JObject document) =>
        ((JObject)document["paths"]!).Properties().SelectMany(path => ((JObject)path.Value).Properties().Where(member => member.Value is JObject).Select(member => (member.Name, path.Name, (JObject)member.Value)));

    /// <summary>Schema of a good answer; an empty one where there is none by intent (204).</summary>
    private static JObject? Answer(JObject operation) => ((JObject)operation["responses"]!).Properties().FirstOrDefault(response => response.Name.StartsWith('2')) switch
    {
        { Name: "204" } => [],
        { } response => response.Value["content"]?["application/json"]?["schema"] as JObject,
        null => null,
    };

    private static void Check(JToken value, JObject schema, string path, JObject document, List<string> wrong)
    {
        if ((string?)schema["$ref"] is { } reference)
        {
            Check(value, (JObject)document.SelectToken(reference.TrimStart('#', '/').Replace('/', '.'))!, path, document, wrong);
            return;
        }

        if (schema["oneOf"] is JArray choices)
        {
            if (value.Type != JTokenType.Null)
            {
                Check(value, (JObject)choices[0], path, document, wrong);
            }

            return;
        }

        var types = schema["type"] switch { null => [], JArray several => several.Select(type => (string)type!).ToList(), var one => new List<string> { (string)one! } };
        if (types.Count > 0 && !types.Exists(type => Is(value, type)))
        {
            wrong.Add($"{path} is {value.Type}, not {string.Join('|', types)}");
            return;
        }

        if (value is JArray items && schema["items"] is JObject item)
        {
            foreach (var one in items)
            {
                Check(one, item, path + "[]", document, wrong);
            }
        }

        if (value is JObject members && schema["properties"] is JObject properties)
        {
            wrong.AddRange((schema["required"] as JArray ?? []).Select(name => (string)name!).Where(name => !members.ContainsKey(name)).Select(name => $"{path}.{name} is missing"));
            foreach (var member in members.Properties())
            {
                // A member more is allowed by JSON Schema, and no client breaks by it.
                if (properties[member.Name] is JObject own)
                {
                    Check(member.Value, own, $"{path}.{member.Name}", document, wrong);
                }
            }
        }
    }

    private static bool Is(JToken value, string type) => type switch
    {
        "null" => value.Type == JTokenType.Null,
        "string" => value.Type == JTokenType.String,
        "integer" => value.Type == JTokenType.Integer,
        "number" => value.Type is JTokenType.Integer or JTokenType.Float,
        "boolean" => value.Type == JTokenType.Boolean,
        "array" => value is JArray,
        _ => value is JObject,
    };
}
