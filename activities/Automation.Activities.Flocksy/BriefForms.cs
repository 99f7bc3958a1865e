using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Flocksy;

/// <summary>Forms in which a person reports what an operation came to, made from what the contract says the operation answers.</summary>
internal sealed class BriefForms(JObject contract)
{
    private static readonly string[] NotAsked = ["locationId", "createdAt", "updatedAt"];

    /// <summary>The properties of the answer that were not given with the call.</summary>
    public IReadOnlyList<TaskField> Of(Operation operation)
    {
        var responses = contract["paths"]?[operation.Path]?[operation.Method.ToLowerInvariant()]?["responses"];
        var schema = Resolve(responses?[operation.Response.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)]?["content"]?["application/json"]?["schema"]);
        return [.. (schema?["properties"] as JObject ?? []).Properties()
            .Where(property => !NotAsked.Contains(property.Name) && operation.Inputs.All(input => input.Name != property.Name))
            .Select(property => Field(property.Name, (JObject)Resolve(property.Value)!))
            .OfType<TaskField>()];
    }

    private static TaskField? Field(string name, JObject schema)
    {
        var options = (schema["enum"] as JArray ?? []).Select(option => option.ToString()).ToList();
        var types = schema["type"] switch { JArray several => several.Values<string>().ToList(), var one => [(string?)one] };
        var type = options.Count > 0 ? "select"
            : types.Contains("string") ? (string?)schema["format"] == "date" ? "date" : "text"
            : types.Contains("integer") || types.Contains("number") ? "number"
            : types.Contains("boolean") ? "checkbox"
            : types.Contains("array") && (string?)schema["items"]?["type"] == "string" ? "list"
            : null;
        return type is null ? null : new TaskField(name, name, type, false, (string?)schema["description"], options);
    }

    private JToken? Resolve(JToken? schema) => (string?)schema?["$ref"] is { } reference ? contract.SelectToken(reference[2..].Replace('/', '.')) : schema;
}
