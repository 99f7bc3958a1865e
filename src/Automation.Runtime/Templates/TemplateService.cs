using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>The gallery: template files of the definitions folder, and their installation.</summary>
public sealed partial class TemplateService(DefinitionService definitions, IDefinitionStore store, IConnections connections, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Template> byFile = new(StringComparer.Ordinal);

    public IReadOnlyList<Template> List() => [.. byFile.Values.OrderBy(template => template.Name, StringComparer.Ordinal)];

    public Template? Find(string name) => byFile.Values.FirstOrDefault(template => string.Equals(template.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Takes a template file into the gallery, in place of what the same file held before.</summary>
    /// <exception cref="DefinitionRejectedException">The file has no <c>customProperties.template</c>, or one that cannot be read; or another file has a template of this name.</exception>
    public Template Put(string fileName, JObject definition)
    {
        var template = Read(definition, fileName);
        if (byFile.FirstOrDefault(other => other.Key != fileName && other.Value.Name == template.Name).Key is { } taken)
        {
            throw Rejected("duplicate-template", $"The template name '{template.Name}' is taken by {taken}. Give one of the two another customProperties.template.name.", "customProperties.template.name", fileName);
        }

        return byFile[fileName] = template;
    }

    /// <summary>Takes a file's template out of the gallery. What was installed from it stays.</summary>
    public void Remove(string fileName) => byFile.TryRemove(fileName, out _);

    /// <summary>Fills slots and inputs and saves the definition; publishes it when asked.</summary>
    /// <exception cref="KeyNotFoundException">There is no such template.</exception>
    /// <exception cref="DefinitionRejectedException">A slot or input is missing or wrong, named in the problem's property (<c>connections.ghl</c>, <c>inputs.interval</c>); or publishing is refused. Nothing is kept.</exception>
    public async Task<SavedDefinition> InstallAsync(string template, string? name, IReadOnlyDictionary<string, string> connections, JObject inputs, bool publish, CancellationToken cancellationToken)
    {
        var found = Find(template) ?? throw new KeyNotFoundException($"There is no template '{template}'. There are: {string.Join(", ", List().Select(known => known.Name))}.");
        var problems = new List<DefinitionProblem>();
        var values = new Dictionary<string, JToken>(StringComparer.Ordinal);
        await FillSlotsAsync(found, connections, values, problems, cancellationToken);
        FillInputs(found, inputs, values, problems);
        if (problems.Count > 0)
        {
            throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.Message)), problems);
        }

        var model = (JObject)Replace(found.Definition, values);
        model.Remove("$schema");
        model.Remove("id");
        model["definitionId"] = Ids.New(clock);
        model["name"] = await UniqueNameAsync(string.IsNullOrWhiteSpace(name) ? found.Definition.Value<string>("name") ?? found.Name : name.Trim(), cancellationToken);
        (model["customProperties"] as JObject)?.Remove("template");
        var saved = await definitions.SaveAsync(model, publish: false, new DefinitionService.Origin($"template:{found.Name}"), cancellationToken);
        if (!publish)
        {
            return saved;
        }

        try
        {
            return await definitions.PublishAsync(saved.Version.DefinitionId, cancellationToken) with { WasNew = true };
        }
        catch (DefinitionRejectedException)
        {
            // Installed is all or nothing: a second try would otherwise find the first one's draft in its way.
            await definitions.DeleteAsync(saved.Version.DefinitionId, CancellationToken.None);
            throw;
        }
    }

    private async Task FillSlotsAsync(Template template, IReadOnlyDictionary<string, string> given, Dictionary<string, JToken> values, List<DefinitionProblem> problems, CancellationToken cancellationToken)
    {
        foreach (var slot in template.Slots)
        {
            var property = $"connections.{slot.Name}";
            if (!given.TryGetValue(slot.Name, out var wanted) || string.IsNullOrWhiteSpace(wanted))
            {
                problems.Add(Problem("missing-slot", $"The template '{template.Name}' needs a {slot.Connector} connection in the slot '{slot.Name}'.", property));
            }
            else if (await connections.FindAsync(wanted, cancellationToken) is not { } connection)
            {
                problems.Add(Problem("no-connection", $"There is no connection '{wanted}' for the slot '{slot.Name}'. Choose another, or add it under Connections.", property));
            }
            else if (connection.Connector != slot.Connector)
            {
                problems.Add(Problem("wrong-connector", $"The slot '{slot.Name}' takes a {slot.Connector} connection; '{connection.Name}' is for {connection.Connector}.", property));
            }
            else
            {
                values["slot:" + slot.Name] = connection.Id;
            }
        }

        foreach (var unknown in given.Keys.Where(key => template.Slots.All(slot => slot.Name != key)))
        {
            problems.Add(Problem("unknown-slot", $"The template '{template.Name}' has no slot '{unknown}'. It has: {string.Join(", ", template.Slots.Select(slot => slot.Name))}.", $"connections.{unknown}"));
        }
    }

    private static void FillInputs(Template template, JObject given, Dictionary<string, JToken> values, List<DefinitionProblem> problems)
    {
        foreach (var input in template.Inputs)
        {
            var property = $"inputs.{input.Name}";
            var value = given[input.Name] is { Type: not JTokenType.Null } chosen ? chosen : input.Default;
            if (value is null or { Type: JTokenType.Null } or JValue { Value: "" })
            {
                if (input.Required)
                {
                    problems.Add(Problem("missing-input", $"The template '{template.Name}' needs the input '{input.Name}' ({input.Type}).", property));
                }

                values["input:" + input.Name] = value ?? JValue.CreateNull();
            }
            else if (!Fits(value, input.Type))
            {
                problems.Add(Problem("wrong-input", $"The input '{input.Name}' takes a value of type {input.Type}; {Json.Write(value)} is none.", property));
            }
            else
            {
                values["input:" + input.Name] = value;
            }
        }

        foreach (var unknown in given.Properties().Where(entry => template.Inputs.All(input => input.Name != entry.Name)))
        {
            problems.Add(Problem("unknown-input", $"The template '{template.Name}' has no input '{unknown.Name}'. It has: {string.Join(", ", template.Inputs.Select(input => input.Name))}.", $"inputs.{unknown.Name}"));
        }
    }

    private static bool Fits(JToken value, string type) => type.ToLowerInvariant() switch
    {
        "string" => value.Type == JTokenType.String,
        "interval" => value.Type == JTokenType.String && IsSchedule((string)value!),
        "number" => value.Type is JTokenType.Integer or JTokenType.Float,
        "integer" => value.Type == JTokenType.Integer,
        "boolean" => value.Type == JTokenType.Boolean,
        "array" => value.Type == JTokenType.Array,
        "object" => value.Type == JTokenType.Object,
        _ => true,
    };

    private static bool IsSchedule(string text)
    {
        try
        {
            Polling.Schedule.Parse(text);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>A copy with placeholders replaced: a text that is a placeholder and nothing else takes the value with its type, a longer one takes its text.</summary>
    private static JToken Replace(JToken token, Dictionary<string, JToken> values)
    {
        switch (token)
        {
            case JObject item:
                return new JObject(item.Properties().Select(property => new JProperty(property.Name, Replace(property.Value, values))));
            case JArray items:
                return new JArray(items.Select(item => Replace(item, values)));
            case JValue { Value: string text } when text.Contains("{{", StringComparison.Ordinal):
                var whole = Placeholder().Match(text);
                if (whole.Success && whole.Length == text.Trim().Length && values.TryGetValue(whole.Groups[1].Value, out var value))
                {
                    return value.DeepClone();
                }

                return Placeholder().Replace(text, match => values.TryGetValue(match.Groups[1].Value, out var part) ? AsText(part) : match.Value);
            default:
                return token.DeepClone();
        }
    }

    private static string AsText(JToken value) => value switch
    {
        { Type: JTokenType.Null } => "",
        JValue { Value: string text } => text,
        _ => Json.Write(value),
    };

    private async Task<string> UniqueNameAsync(string name, CancellationToken cancellationToken)
    {
        for (var number = 1; ; number++)
        {
            var candidate = number == 1 ? name : $"{name} {number}";
            if ((await store.ListAsync(new DefinitionFilter { Name = candidate, PageSize = 1 }, withJson: false, cancellationToken)).Total == 0)
            {
                return candidate;
            }
        }
    }

    private static Template Read(JObject definition, string fileName)
    {
        if (definition["customProperties"]?["template"] is not JObject template || (string?)template["name"] is not { Length: > 0 } name)
        {
            throw Rejected("no-template", $"{fileName}: a template needs customProperties.template with a name.", "customProperties.template", fileName);
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

    private static DefinitionProblem Problem(string code, string message, string property) => new(ProblemSeverity.Error, code, message) { Property = property };

    private static DefinitionRejectedException Rejected(string code, string message, string property, string fileName) =>
        new(message, [Problem(code, message, property)], fileName);

    [GeneratedRegex(@"\{\{\s*((?:slot|input):[A-Za-z0-9_-]+)\s*\}\}")]
    private static partial Regex Placeholder();
}

/// <summary>A definition with slots for connections and inputs.</summary>
public sealed record Template
{
    public required string Name { get; init; }
    public string Description { get; init; } = "";
    public IReadOnlyList<TemplateSlot> Slots { get; init; } = [];
    public IReadOnlyList<TemplateInput> Inputs { get; init; } = [];
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Calls a day that the flow makes at its default interval, by its author's estimate.</summary>
    public int? DailyCalls { get; init; }
    public JToken? Sample { get; init; }
    public required JObject Definition { get; init; }
}

public sealed record TemplateSlot(string Name, string Connector);

/// <summary>An input of a template.</summary>
/// <param name="Name">Its name in placeholders.</param>
/// <param name="Type"><c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>array</c>, <c>object</c>, <c>interval</c>.</param>
/// <param name="Default">Value where none is given.</param>
/// <param name="Required">Must be given, or have a default.</param>
public sealed record TemplateInput(string Name, string Type, JToken? Default, bool Required);
