using Automation.Engine;
using Automation.Runtime.Definitions;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>A definition with slots for connections and inputs.</summary>
public sealed record Template
{
    private string? revision;

    public required string Name { get; init; }
    public string Description { get; init; } = "";
    public IReadOnlyList<TemplateSlot> Slots { get; init; } = [];
    public IReadOnlyList<TemplateInput> Inputs { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Calls a day that the flow makes at its default interval, by its author's estimate.</summary>
    public int? DailyCalls { get; init; }
    public JToken? Sample { get; init; }
    public required JObject Definition { get; init; }

    /// <summary>It was saved here, and is no file of the definitions folder.</summary>
    public bool IsSaved { get; init; }

    /// <summary>Names the content: another revision means that something of it changed.</summary>
    public string Revision => revision ??= InstalledFrom.Hash(Definition);

    /// <summary>Reads a definition that is a template.</summary>
    /// <exception cref="DefinitionRejectedException">It has no <c>customProperties.template</c> with a name.</exception>
    public static Template Read(JObject definition, string fileName)
    {
        if (definition["customProperties"]?["template"] is not JObject template || (string?)template["name"] is not { Length: > 0 } name)
        {
            var message = $"{fileName}: a template needs customProperties.template with a name.";
            throw new DefinitionRejectedException(message, [Problem("no-template", message, "customProperties.template")], fileName);
        }

        return new Template
        {
            Name = name,
            Description = (string?)template["description"] ?? "",
            Slots = [.. Objects(template, "slots").Select(slot => new TemplateSlot((string?)slot["name"] ?? "", (string?)slot["connector"] ?? ""))],
            Inputs = [.. Objects(template, "inputs").Select(input => new TemplateInput((string?)input["name"] ?? "", (string?)input["type"] ?? "string", input["default"], (bool?)input["required"] ?? false))],
            Scopes = template["scopes"] is JArray scopes ? [.. scopes.Values<string>().OfType<string>()] : [],
            DailyCalls = (int?)template["dailyCalls"],
            Sample = template["sample"],
            Definition = definition,
        };
    }

    private static IEnumerable<JObject> Objects(JObject template, string property) => (template[property] as JArray)?.OfType<JObject>() ?? [];

    internal static DefinitionProblem Problem(string code, string message, string property) => new(ProblemSeverity.Error, code, message) { Property = property };
}

public sealed record TemplateSlot(string Name, string Connector);

/// <summary>An input of a template.</summary>
/// <param name="Name">Its name in placeholders.</param>
/// <param name="Type"><c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>array</c>, <c>object</c>, <c>interval</c>.</param>
/// <param name="Default">Value where none is given.</param>
/// <param name="Required">Must be given, or have a default.</param>
public sealed record TemplateInput(string Name, string Type, JToken? Default, bool Required);
