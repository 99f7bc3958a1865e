using Newtonsoft.Json.Linq;
using Automation.Runtime.Definitions;

namespace Automation.Runtime.Templates;

/// <summary>The gallery: template files of the definitions folder, and their installation.</summary>
public sealed class TemplateService
{
    public IReadOnlyList<Template> List() => throw new NotImplementedException();
    public Template? Find(string name) => throw new NotImplementedException();

    /// <summary>Fills slots and inputs and saves the definition; publishes it when asked.</summary>
    /// <exception cref="DefinitionRejectedException">A slot or input is missing or wrong, named in the problem's property.</exception>
    public Task<SavedDefinition> InstallAsync(string template, string? name, IReadOnlyDictionary<string, string> connections, JObject inputs, bool publish, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>A definition with slots for connections and inputs.</summary>
public sealed record Template
{
    public required string Name { get; init; }
    public string Description { get; init; } = "";
    public IReadOnlyList<TemplateSlot> Slots { get; init; } = [];
    public IReadOnlyList<TemplateInput> Inputs { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public int? DailyCalls { get; init; }
    public JToken? Sample { get; init; }
    public required JObject Definition { get; init; }
}

public sealed record TemplateSlot(string Name, string Connector);
public sealed record TemplateInput(string Name, string Type, JToken? Default, bool Required);
