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
}

public sealed record TemplateSlot(string Name, string Connector);

/// <summary>An input of a template.</summary>
/// <param name="Name">Its name in placeholders.</param>
/// <param name="Type"><c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>array</c>, <c>object</c>, <c>interval</c>.</param>
/// <param name="Default">Value where none is given.</param>
/// <param name="Required">Must be given, or have a default.</param>
public sealed record TemplateInput(string Name, string Type, JToken? Default, bool Required);
