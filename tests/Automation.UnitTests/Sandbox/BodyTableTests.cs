using Automation.Activities.GoHighLevel;
using Automation.Engine;
using Automation.UnitTests.Conventions;
using FluentAssertions;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

/// <summary>The table of bodies is what the official specifications say, and the sandbox holds callers to it.</summary>
public sealed class BodyTableTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    /// <summary>Set, the test writes the table instead of comparing it.</summary>
    internal const string Update = "AUTOMATION_UPDATE_TABLES";

    [SkippableFact]
    public void Table_IsThatOfTheSpecifications()
    {
        var numbered = Shared.Operations().ToDictionary(o => (int)o["number"]!, o => (string)o["specFile"]!);
        var table = new JObject();
        foreach (var operation in GoHighLevelConnector.Create().Operations.Where(o => o.ContentType is not null))
        {
            var file = Shared.Spec(operation.Number is { } number ? numbered[number] : $"openapi/{operation.DocsUrl!.Split('/')[^2]}.json");
            var content = file["paths"]![operation.Path]![operation.Method.ToLowerInvariant()]!["requestBody"]?["content"] as JObject;
            var schema = Shared.Resolve(file, content?.Properties().First().Value["schema"] ?? new JObject());
            var shapes = new JObject();
            if ((string?)schema["type"] == "array")
            {
                shapes["$"] = Shape(file, schema, 0);
            }

            foreach (var property in (schema["properties"] as JObject ?? []).Properties())
            {
                // Lists of plain values are held by the catalogue itself.
                if (Shape(file, property.Value, 0) is JObject nested && nested["list"] is not JValue)
                {
                    shapes[property.Name] = nested;
                }
            }

            if (shapes.Count > 0)
            {
                table[$"{operation.Method} {operation.Path}"] = shapes;
            }
        }

        var path = Path.Combine(Repository.Root, "activities", "Automation.Sandbox", "GoHighLevel", "bodies.json");
        var text = Write(table);
        if (Environment.GetEnvironmentVariable(Update) is not null)
        {
            File.WriteAllText(path, text);
        }

        File.ReadAllText(path).ReplaceLineEndings("\n").Should().Be(text, $"it is written by this test with {Update}=1");
        table.Count.Should().BeGreaterThan(15);
    }

    [Theory]
    [InlineData("POST", "/calendars/", """{"locationId":"loc-1","name":"c","openHours":[{"daysOfTheWeek":["Mon"],"hours":[]}]}""", "openHours.0.daysOfTheWeek.0 must be a number")]
    [InlineData("POST", "/calendars/", """{"locationId":"loc-1","name":"c","openHours":[{"daysOfTheWeek":[1],"hours":[{"openHour":9}]}]}""", "openHours.0.hours.0.openMinute should not be empty")]
    [InlineData("POST", "/calendars/", """{"locationId":"loc-1","name":"c","teamMembers":[{"userId":"u","priority":2}]}""", "teamMembers.0.priority must be one of")]
    [InlineData("POST", "/calendars/", """{"locationId":"loc-1","name":"c","teamMembers":[{"userId":"u","nick":"x"}]}""", "teamMembers.0.property nick should not exist")]
    [InlineData("POST", "/calendars/calendar-1/notifications", """[{"receiverType":"contact","channel":"pigeon","notificationType":"booked"}]""", "body.0.channel must be one of")]
    [InlineData("POST", "/contacts/", """{"locationId":"loc-1","email":"n@x.io","dndSettings":{"SMS":{"status":"maybe"}}}""", "dndSettings.SMS.status must be one of")]
    public async Task Body_WrongBelowItsFirstLevel_IsRefusedWithItsPlace(string method, string path, string body, string says)
    {
        var reply = await fixture.Host.GhlAsync(method, path, Json.Parse(body), path.StartsWith("/calendars", StringComparison.Ordinal) ? "2021-04-15" : "2021-07-28");

        reply.Status.Should().Be(422, reply.Text);
        reply.Json["message"]!.ToString().Should().Contain(says);
    }

    private static JToken Shape(JObject file, JToken token, int depth)
    {
        var schema = Shared.Resolve(file, token);
        var isNullable = schema["nullable"] is JValue { Value: true };
        if ((schema["anyOf"] ?? schema["oneOf"]) is JArray any)
        {
            return new JObject { ["oneOf"] = new JArray(any.Select(one => Shape(file, one, depth + 1)).Distinct(JToken.EqualityComparer)) };
        }

        if (schema["allOf"] is JArray { Count: 1 } all)
        {
            return Shape(file, all[0], depth + 1);
        }

        if (schema["enum"] is JArray allowed && !isNullable)
        {
            return allowed.DeepClone();
        }

        var type = (string?)schema["type"];
        if (type == "array")
        {
            return depth > 8 ? "array" : new JObject { ["list"] = Shape(file, schema["items"] ?? new JObject(), depth + 1) };
        }

        if (type is "object" or null)
        {
            // Some examples of objects are texts or numbers: what the property takes is anybody's guess.
            return schema["properties"] is not JObject { Count: > 0 } properties || schema["additionalProperties"] is not (null or JValue { Value: false }) || depth > 8
                ? type is null || schema["example"] is JValue ? "any" : "object"
                : Object(properties);
        }

        return type + (isNullable ? "?" : "");

        JObject Object(JObject properties)
        {
            var shape = new JObject { ["object"] = new JObject(properties.Properties().Select(p => new JProperty(p.Name, Shape(file, p.Value, depth + 1)))) };
            // Custom fields are named by either, their descriptions say; all the same the id is marked as required.
            if (schema["required"] is JArray { Count: > 0 } required && !(properties["id"] is not null && properties["key"] is not null))
            {
                shape["required"] = required.DeepClone();
            }

            return shape;
        }
    }

    /// <summary>One line for each operation's property.</summary>
    private static string Write(JObject table) =>
        "{\n" + string.Join(",\n", table.Properties().Select(call => $"  {JsonConvert.ToString(call.Name)}: {{\n"
            + string.Join(",\n", ((JObject)call.Value).Properties().Select(p => $"    {JsonConvert.ToString(p.Name)}: {p.Value.ToString(Formatting.None)}")) + "\n  }")) + "\n}\n";
}
