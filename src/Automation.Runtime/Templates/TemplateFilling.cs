using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>Fills the slots and inputs of a template.</summary>
internal sealed partial class TemplateFilling(IConnections connections)
{
    /// <summary>The template's definition with slots and inputs filled in, and the mark of where it came from.</summary>
    /// <exception cref="DefinitionRejectedException">A slot or input is missing or wrong; the problems say which.</exception>
    public async Task<JObject> FillAsync(Template template, IReadOnlyDictionary<string, string> connections, JObject inputs, CancellationToken cancellationToken)
    {
        var problems = new List<DefinitionProblem>();
        var values = new Dictionary<string, JToken>(StringComparer.Ordinal);
        await FillSlotsAsync(template, connections, values, problems, cancellationToken);
        FillInputs(template, inputs, values, problems);
        if (problems.Count > 0)
        {
            throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.Message)), problems);
        }

        var model = (JObject)Replace(template.Definition, values);
        model.Remove("$schema");
        model.Remove("id");
        if (model["customProperties"] is not JObject custom)
        {
            model["customProperties"] = custom = [];
        }

        custom.Remove("template");
        var slots = values.Where(value => value.Key.StartsWith("slot:", StringComparison.Ordinal)).ToDictionary(value => value.Key["slot:".Length..], value => (string)value.Value!);
        custom[InstalledFrom.Property] = new InstalledFrom(template.Name, template.Revision, InstalledFrom.HashOf(model), slots, (JObject)inputs.DeepClone()).ToJson();
        return model;
    }

    /// <summary>The slots and inputs that a definition names: <c>slot:ghl</c>, <c>input:interval</c>.</summary>
    public static IEnumerable<string> Placeholders(JObject definition) => Placeholder().Matches(Json.Write(definition)).Select(match => match.Groups[1].Value).Distinct();

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
            Schedule.Parse(text);
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

    private static DefinitionProblem Problem(string code, string message, string property) => Template.Problem(code, message, property);

    [GeneratedRegex(@"\{\{\s*((?:slot|input):[A-Za-z0-9_-]+)\s*\}\}")]
    private static partial Regex Placeholder();
}
