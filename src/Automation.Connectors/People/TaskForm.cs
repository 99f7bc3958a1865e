using System.Globalization;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A field of a task's form.</summary>
/// <param name="Name">Key of the answer.</param>
/// <param name="Label">What the person reads.</param>
/// <param name="Type">One of <see cref="TaskForm.Types"/>.</param>
/// <param name="Required">Without an answer the task cannot be done.</param>
/// <param name="Help">A hint below the field.</param>
/// <param name="Options">Of <c>select</c>: what may be chosen.</param>
public sealed record TaskField(string Name, string Label, string Type, bool Required, string? Help, IReadOnlyList<string> Options);

/// <summary>Forms of tasks: read from an activity's input, and answers held against them.</summary>
public static class TaskForm
{
    public static readonly IReadOnlyList<string> Types = ["text", "multiline", "list", "number", "date", "checkbox", "select", "email", "url"];

    private const int MostFields = 50;
    private const int LongestAnswer = 20_000;

    /// <summary>Reads a form: a list of names, or of <c>{name, label?, type?, required?, help?, options?}</c>.</summary>
    /// <exception cref="FaultException">It is no form (<c>bad-form</c>).</exception>
    public static IReadOnlyList<TaskField> Read(JToken? form)
    {
        switch (form)
        {
            case null or { Type: JTokenType.Null }:
                return [];
            case JValue { Value: string text }:
                return string.IsNullOrWhiteSpace(text) ? [] : Read(Parse(text));
            case JArray { Count: > MostFields }:
                throw Bad($"A form has at most {MostFields} fields.");
            case JArray list:
                var fields = list.Select(Field).ToList();
                return fields.GroupBy(field => field.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice
                    ? throw Bad($"Two fields are named '{twice.Key}'.")
                    : fields;
            default:
                throw Bad("The form is not a list.");
        }
    }

    /// <summary>The form as <see cref="Read"/> takes it.</summary>
    public static JArray Write(IReadOnlyList<TaskField> fields) => new(fields.Select(field => new JObject
    {
        ["name"] = field.Name,
        ["label"] = field.Label,
        ["type"] = field.Type,
        ["required"] = field.Required,
        ["help"] = field.Help,
        ["options"] = new JArray(field.Options),
    }));

    /// <summary>Answers in the types of their fields, and what is wrong with them by field name. An answer that nobody asked for is wrong, too.</summary>
    public static (JObject Answers, IReadOnlyDictionary<string, string> Errors) Check(IReadOnlyList<TaskField> fields, JObject given)
    {
        var answers = new JObject();
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in fields)
        {
            var value = given[field.Name];
            if (value is null or { Type: JTokenType.Null } || value is JValue { Value: string text } && string.IsNullOrWhiteSpace(text))
            {
                if (field.Required)
                {
                    errors[field.Name] = $"'{field.Label}' needs an answer.";
                }
                else if (field.Type == "checkbox")
                {
                    answers[field.Name] = false;
                }
            }
            else if (Answer(field, value) is not { } answer)
            {
                errors[field.Name] = $"'{field.Label}' {Expected(field)}.";
            }
            else if (field is { Type: "checkbox", Required: true } && answer is JValue { Value: false })
            {
                errors[field.Name] = $"'{field.Label}' must be ticked.";
            }
            else
            {
                answers[field.Name] = answer;
            }
        }

        foreach (var unknown in given.Properties().Where(answer => fields.All(field => field.Name != answer.Name)))
        {
            errors[unknown.Name] = $"The form has no field '{unknown.Name}'.";
        }

        return (answers, errors);
    }

    private static JToken? Answer(TaskField field, JToken value)
    {
        var text = value switch
        {
            JArray lines when field.Type == "list" && lines.All(line => line is JValue { Value: string }) => string.Join('\n', lines),
            JValue { Value: string given } => given,
            JValue { Value: bool flag } => flag ? "true" : "false",
            JValue { Value: IFormattable number } => number.ToString(null, CultureInfo.InvariantCulture),
            _ => null,
        };
        if (text is null || text.Length > LongestAnswer)
        {
            return null;
        }

        var trimmed = text.Trim();
        return field.Type switch
        {
            "number" => value.Type is JTokenType.Integer or JTokenType.Float ? new JValue((JValue)value)
                : long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? new JValue(whole)
                : double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? new JValue(number) : null,
            "date" => DateOnly.TryParseExact(trimmed, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? new JValue(trimmed) : null,
            "checkbox" => trimmed.ToLowerInvariant() switch { "true" or "on" or "yes" => new JValue(true), "false" or "off" or "no" => new JValue(false), _ => null },
            "select" => field.Options.Contains(trimmed, StringComparer.Ordinal) ? new JValue(trimmed) : null,
            "email" => System.Net.Mail.MailAddress.TryCreate(trimmed, out var address) && address.Address == trimmed ? new JValue(trimmed) : null,
            "url" => Uri.TryCreate(trimmed, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? new JValue(trimmed) : null,
            "list" => new JArray(text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)),
            _ => new JValue(text),
        };
    }

    private static string Expected(TaskField field) => field.Type switch
    {
        "number" => "must be a number",
        "date" => "must be a date, as 2030-01-31",
        "checkbox" => "must be true or false",
        "select" => "must be one of " + string.Join(", ", field.Options),
        "email" => "must be an e-mail address",
        "url" => "must be an address that begins with https:// or http://",
        _ => $"must be text of at most {LongestAnswer} characters",
    };

    private static TaskField Field(JToken token)
    {
        var json = token switch
        {
            JValue { Value: string plain } => new JObject { ["name"] = plain },
            JObject given => given,
            _ => throw Bad("A field is neither a name nor an object."),
        };
        var name = Text(json, "name")?.Trim();
        if (string.IsNullOrEmpty(name))
        {
            throw Bad("A field has no name.");
        }

        var type = Text(json, "type") ?? "text";
        if (!Types.Contains(type))
        {
            throw Bad($"The field '{name}' is of the unknown type '{type}'.");
        }

        var options = (json["options"] as JArray ?? []).OfType<JValue>().Select(option => option.ToString(CultureInfo.InvariantCulture)).ToList();
        return type == "select" && options.Count == 0
            ? throw Bad($"The field '{name}' is a choice without options.")
            : new TaskField(name, Text(json, "label") is { Length: > 0 } label ? label : name, type, json["required"] is JValue { Value: true }, Text(json, "help"), options);
    }

    private static string? Text(JObject json, string name) => (json[name] as JValue)?.Value as string;

    private static JToken Parse(string text)
    {
        try
        {
            return Json.Parse(text);
        }
        catch (Newtonsoft.Json.JsonException exception)
        {
            throw Bad($"The form is not JSON: {exception.Message}");
        }
    }

    private static FaultException Bad(string message) => new(new Fault(message)
    {
        Code = "bad-form",
        Property = "fields",
        Action = $"Give a list of fields: [{{\"name\": \"url\", \"label\": \"Where is it?\", \"type\": \"url\", \"required\": true}}]. Types: {string.Join(", ", Types)}.",
    });
}
