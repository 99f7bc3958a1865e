using Automation.Engine;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>Each of the 126 operations goes through the real server to a strict stand-in of the official specifications.</summary>
public sealed class OfficialSpecificationTests(RunningServer server) : IClassFixture<RunningServer>
{
    /// <summary>Calls on one connection, tried four times at most: less than its budget of 100 in ten seconds, so that none waits.</summary>
    private const int CallsPerConnection = 22;

    private int calls;
    private string connection = "";

    [SkippableTheory]
    [InlineData("required")]
    [InlineData("everything")]
    [InlineData("texts")]
    public async Task EachOperation_WithTheSpecificationsExamples_IsAccepted(string inputs)
    {
        var specs = SpecFiles.Read();
        await using var mock = await SpecMock.StartAsync(specs);
        var problems = new List<string>();
        foreach (var call in specs.Calls)
        {
            var (status, answer) = await ExecuteAsync(mock, call, InputsOf(call, isWhole: inputs != "required", isText: inputs == "texts"));
            if (status != 200 || (int?)answer["status"] != call.Status || answer["outputs"] is not JObject { Count: > 0 })
            {
                problems.Add($"{call}: {status} {answer.ToString(Newtonsoft.Json.Formatting.None)}");
            }
        }

        string.Join("\n", problems).Should().BeEmpty();
        mock.Taken.Should().Be(126);
    }

    [SkippableTheory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task EachOperation_WithAnAnswerOfAnotherShape_StillGivesItsAnswer(string instead)
    {
        var specs = SpecFiles.Read();
        await using var mock = await SpecMock.StartAsync(specs);
        mock.Instead = instead;
        foreach (var call in specs.Calls)
        {
            var (status, answer) = await ExecuteAsync(mock, call, InputsOf(call, isWhole: false, isText: false));
            status.Should().Be(200, "{0}: {1}", call, answer);
        }
    }

    /// <summary>What was refused is sent again whatever it does; what broke off in the middle only where that is harmless.</summary>
    [SkippableTheory]
    [InlineData(429, 1, "read, safe, probe, unsafe")]
    [InlineData(429, 9, "")]
    [InlineData(500, 1, "read, safe")]
    [InlineData(503, 9, "")]
    public async Task EachOperation_BusyProvider_IsTriedAgainAsItsEffectAllows(int busy, int times, string succeeding)
    {
        var specs = SpecFiles.Read();
        await using var mock = await SpecMock.StartAsync(specs);
        mock.Busy = (busy, times);
        var effects = (await server.GetAsync("/api/operations?connector=gohighlevel")).Body["items"]!.Where(o => o["number"]!.Type != JTokenType.Null).ToDictionary(o => (int)o["number"]!, o => (string)o["effectClass"]!);
        foreach (var call in specs.Calls)
        {
            mock.Tries.Clear();
            var (status, answer) = await ExecuteAsync(mock, call, InputsOf(call, isWhole: false, isText: false));

            var effect = effects[call.Number];
            var isRepeated = busy == 429 || effect is "read" or "safe";
            var succeeds = succeeding.Split(", ").Contains(effect);
            status.Should().Be(succeeds ? 200 : 502, "{0}: {1}", call, answer);
            mock.Tries.Values.Single().Should().Be(succeeds ? 2 : isRepeated ? 4 : 1, "{0} is {1}", call, effect);
            if (!succeeds)
            {
                ((string?)answer["code"], (int?)answer["providerStatus"]).Should().Be((busy == 429 ? "rate-limited" : "provider-error", busy));
                ((string?)answer["action"]).Should().NotBeNullOrEmpty();
                (((string?)answer["title"])!.Contains("may have happened", StringComparison.Ordinal)).Should().Be(!isRepeated, "{0} is {1}", call, effect);
            }
        }
    }

    [SkippableTheory]
    [InlineData(400, "invalid-input")]
    [InlineData(401, "unauthorized")]
    [InlineData(403, "missing-scope")]
    [InlineData(404, "not-found")]
    [InlineData(409, "conflict")]
    [InlineData(422, "invalid-input")]
    public async Task EachOperation_RefusedByTheProvider_SaysStatusMessageTraceAndWhatToDo(int refused, string code)
    {
        var specs = SpecFiles.Read();
        await using var mock = await SpecMock.StartAsync(specs);
        mock.Refusal = (refused, refused == 422 ? new JArray("one thing is wrong", "another too") : new JValue("one thing is wrong"));
        foreach (var call in specs.Calls)
        {
            var (status, answer) = await ExecuteAsync(mock, call, InputsOf(call, isWhole: false, isText: false));

            status.Should().Be(502, "{0}: {1}", call, answer);
            ((string?)answer["code"], (int?)answer["providerStatus"], (string?)answer["traceId"]).Should().Be((code, refused, "trace-of-the-mock"));
            ((string?)answer["providerMessage"]).Should().Be(refused == 422 ? "one thing is wrong; another too" : "one thing is wrong");
            ((string?)answer["detail"]).Should().Contain($"({refused})").And.Contain("one thing is wrong").And.Contain("trace-of-the-mock");
            ((string?)answer["action"]).Should().NotBeNullOrEmpty();
            ((string?)answer["request"]?["url"]).Should().StartWith(mock.Url.ToString());
        }
    }

    [SkippableFact]
    public async Task EachInput_WrongOrMissing_IsRefusedByNameBeforeAnythingIsSent()
    {
        var specs = SpecFiles.Read();
        await using var mock = await SpecMock.StartAsync(specs);
        var (_, made) = await server.PostAsync("/api/connections", new JObject
        {
            ["name"] = Ids.New(TimeProvider.System),
            ["connector"] = "gohighlevel",
            ["baseUrl"] = mock.Url.ToString(),
            ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = "a-key" },
        });
        var catalogue = (await server.GetAsync("/api/operations?connector=gohighlevel")).Body["items"]!.Where(o => o["number"]!.Type != JTokenType.Null).ToDictionary(o => (int)o["number"]!);
        var problems = new List<string>();
        var (missing, wrong, unknown) = (0, 0, 0);
        foreach (var call in specs.Calls)
        {
            var whole = InputsOf(call, isWhole: true, isText: false);
            foreach (var (name, schema, isRequired) in DeclaredInputs(call))
            {
                // What has a value of its own when it is left out is not missing.
                if (isRequired && catalogue[call.Number]["inputs"]!.Single(i => (string?)i["name"] == name)["default"]!.Type == JTokenType.Null)
                {
                    missing++;
                    var less = (JObject)whole.DeepClone();
                    less.Remove(name);
                    await RefusedAsync(call, name, less, null);
                }

                var type = (string?)schema["type"];
                if (type is "number" or "integer" or "boolean" or "array" or "string" && name != "type")
                {
                    wrong++;
                    var other = (JObject)whole.DeepClone();
                    other[name] = type is "string" ? new JObject { ["not"] = "text" } : "neither this nor that";
                    await RefusedAsync(call, name, other, null);
                }

                if ((schema["enum"] ?? (schema["items"] is { } items ? call.Resolve(items)["enum"] : null)) is JArray allowed)
                {
                    unknown++;
                    var stranger = (JObject)whole.DeepClone();
                    stranger[name] = type == "array" ? new JArray("no-such-value") : "no-such-value";
                    await RefusedAsync(call, name, stranger, allowed[0].ToString());
                }
            }
        }

        string.Join("\n", problems).Should().BeEmpty();
        mock.Received.Should().Be(0);
        (missing, wrong, unknown).Should().Match<(int, int, int)>(n => n.Item1 > 150 && n.Item2 > 500 && n.Item3 >= 60, "the specifications were read: {0}", (missing, wrong, unknown));

        async Task RefusedAsync(SpecCall call, string name, JObject inputs, string? allowed)
        {
            var (status, answer) = await server.PostAsync($"/api/operations/{call.ActivityType}/execute", new JObject { ["connectionId"] = made["id"], ["inputs"] = inputs });
            var detail = (string?)answer["detail"] ?? "";
            if (status != 400 || !detail.Contains($"'{name}'", StringComparison.Ordinal) || string.IsNullOrEmpty((string?)answer["action"]) || (allowed is not null && !detail.Contains(allowed, StringComparison.Ordinal)))
            {
                problems.Add($"{call} {name}: {status} {detail}");
            }
        }
    }

    private static IEnumerable<(string Name, JToken Schema, bool IsRequired)> DeclaredInputs(SpecCall call)
    {
        foreach (var parameter in call.Parameters.Where(p => (string?)p["in"] is "path" or "query"))
        {
            yield return ((string)parameter["name"]!, call.Resolve(parameter["schema"]!), (string?)parameter["in"] == "path" || parameter["required"] is JValue { Value: true });
        }

        var required = (call.Body?["required"] as JArray ?? []).Values<string>().ToHashSet();
        foreach (var property in (call.Body?["properties"] as JObject ?? []).Properties())
        {
            yield return (property.Name, call.Resolve(property.Value), required.Contains(property.Name));
        }
    }

    /// <summary>Examples of the specifications that are no examples: the values that their own schemas do not allow, and that cannot be read as one that they do.</summary>
    private static readonly Dictionary<int, string> NoExamples = new()
    {
        [70] = "followers", // a text where a list belongs
        [80] = "scoreProfileMin", // an id where a number belongs
        [123] = "status", // a sentence
    };

    [SkippableFact]
    public async Task EachOperation_WithExamplesAsTheyStand_IsRefusedOnlyWhereTheyAreNone()
    {
        var refused = new Dictionary<int, string>();
        foreach (var call in SpecFiles.Read().Calls)
        {
            var schema = new SpecSchema(call);
            var inputs = InputsOf(call, isWhole: true, isText: false);
            foreach (var parameter in call.Parameters.Where(p => inputs[(string)p["name"]!] is not null && (p["example"] ?? call.Resolve(p["schema"]!)["example"]) is not null))
            {
                inputs[(string)parameter["name"]!] = parameter["example"] ?? call.Resolve(parameter["schema"]!)["example"];
            }

            foreach (var property in (call.Body?["properties"] as JObject ?? []).Properties())
            {
                inputs[property.Name] = schema.AnswerAsGiven(property.Value);
            }

            var (status, answer) = await server.PostAsync($"/api/operations/{call.ActivityType}/execute", new JObject { ["connectionId"] = "sandbox-ghl", ["dryRun"] = true, ["inputs"] = inputs });
            if (status != 200)
            {
                refused[call.Number] = (string?)answer["property"] ?? answer.ToString();
            }
        }

        refused.Should().BeEquivalentTo(NoExamples);
    }

    /// <summary>Inputs by the API's own names; a body that is a list is <c>items</c>.</summary>
    private static JObject InputsOf(SpecCall call, bool isWhole, bool isText)
    {
        var schema = new SpecSchema(call);
        var inputs = new JObject();
        foreach (var parameter in call.Parameters.Where(p => (string?)p["in"] is "path" or "query" && (isWhole || (string?)p["in"] == "path" || p["required"] is JValue { Value: true })))
        {
            inputs[(string)parameter["name"]!] = schema.Example(parameter["schema"], isWhole, parameter["example"] ?? (parameter["examples"] as JObject)?.Properties().First().Value["value"]);
        }

        foreach (var name in call.UndeclaredNames())
        {
            inputs[name] = "text";
        }

        if (call.Body is not null)
        {
            var body = schema.Example(call.Body, isWhole);
            if (body is JArray)
            {
                inputs["items"] = body;
            }

            foreach (var property in (body as JObject ?? []).Properties())
            {
                inputs[property.Name] = property.Value;
            }
        }

        if (isText)
        {
            foreach (var property in inputs.Properties().ToList())
            {
                property.Value = property.Value.Type == JTokenType.Null ? property.Value : property.Value is JContainer ? property.Value.ToString() : (JToken)(property.Value.Type == JTokenType.Boolean ? property.Value.ToString().ToLowerInvariant() : property.Value.ToString(Newtonsoft.Json.Formatting.None).Trim('"'));
            }
        }

        return inputs;
    }

    private async Task<(int Status, JToken Answer)> ExecuteAsync(SpecMock mock, SpecCall call, JObject inputs)
    {
        if (calls++ % CallsPerConnection == 0)
        {
            var (created, made) = await server.PostAsync("/api/connections", new JObject
            {
                ["name"] = Ids.New(TimeProvider.System),
                ["connector"] = "gohighlevel",
                ["baseUrl"] = mock.Url.ToString(),
                ["locationId"] = "ve9EPM428h8vShlRW1KT",
                ["auth"] = new JObject { ["kind"] = "apiKey", ["apiKey"] = "key-" + Ids.New(TimeProvider.System) },
            });
            created.Should().Be(201, "{0}", made);
            connection = (string)made["id"]!;
        }

        return await server.PostAsync($"/api/operations/{call.ActivityType}/execute", new JObject { ["connectionId"] = connection, ["inputs"] = inputs });
    }
}
