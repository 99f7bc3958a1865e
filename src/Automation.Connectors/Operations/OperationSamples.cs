using System.Reflection;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A sample answer of each operation, for pages and editors. They are read when the first is asked for, and cost a start nothing.</summary>
public sealed class OperationSamples(Assembly assembly, string resource)
{
    private readonly Lazy<JObject> samples = new(() =>
    {
        using var stream = assembly.GetManifestResourceStream(resource) ?? throw new InvalidDataException($"There is no embedded file '{resource}' in {assembly.GetName().Name}.");
        using var reader = new JsonTextReader(new StreamReader(stream)) { DateParseHandling = DateParseHandling.None };
        return JObject.Load(reader);
    });

    /// <summary>The sample of an operation, the caller's to keep; null: it answers nothing, or a file.</summary>
    public JToken? Of(string activityType) => samples.Value[activityType]?.DeepClone();
}

/// <summary>What an operation gives to the activities after it: each output with its JSON schema and a sample.</summary>
public static class OperationOutputs
{
    /// <param name="operation">The operation.</param>
    /// <param name="samples">Samples of its connector; null: there are none.</param>
    public static JArray Describe(Operation operation, OperationSamples? samples)
    {
        var result = operation.Response.Binary
            ? new JObject { ["contentType"] = "audio/mpeg", ["size"] = 3, ["base64"] = "AAAA" }
            : samples?.Of(operation.ActivityType) ?? (operation.Poll?.Source is { } list ? samples?.Of(list) : null);
        var outputs = new JArray { Output("result", operation.Response.Binary ? "The file: text where it is one, else base64." : "The answer.", result) };
        if (operation.Poll is not null)
        {
            outputs.Add(Output("event", "As a trigger: the item that fired.", new JObject
            {
                ["key"] = "item-id@1",
                ["item"] = ItemOf(operation, result),
                ["previous"] = null,
                ["revision"] = 1,
                ["sourceId"] = "source-id",
                ["observedAt"] = "2026-01-05T09:00:00.0000000Z",
                ["sample"] = true,
            }));
        }

        return outputs;
    }

    /// <summary>A JSON schema that a value fits: what was seen, and nothing of what may be left out.</summary>
    public static JObject SchemaOf(JToken? value) => value switch
    {
        JObject fields => new JObject { ["type"] = "object", ["properties"] = new JObject(fields.Properties().Select(p => new JProperty(p.Name, SchemaOf(p.Value)))) },
        JArray { Count: > 0 } list => new JObject { ["type"] = "array", ["items"] = SchemaOf(list[0]) },
        JArray => new JObject { ["type"] = "array" },
        { Type: JTokenType.Integer or JTokenType.Float } => new JObject { ["type"] = "number" },
        { Type: JTokenType.Boolean } => new JObject { ["type"] = "boolean" },
        { Type: JTokenType.String } => new JObject { ["type"] = "string" },
        _ => [],
    };

    private static JObject Output(string name, string description, JToken? sample) =>
        new() { ["name"] = name, ["description"] = description, ["schema"] = SchemaOf(sample), ["sample"] = sample };

    private static JToken? ItemOf(Operation operation, JToken? answer)
    {
        var found = operation.Response.CollectionPath is { } path ? (JsonPaths.Find(answer, path) as JArray)?.FirstOrDefault() : JsonPaths.Find(answer, operation.Response.RecordPath);
        return found is JValue plain && operation.Response.IdPath == "$value" ? new JObject { ["id"] = plain.DeepClone(), ["value"] = plain.DeepClone() } : found?.DeepClone();
    }
}
