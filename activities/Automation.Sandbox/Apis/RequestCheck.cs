using System.Globalization;
using Automation.Connectors;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Checks a request against the inputs of its operation, in the words of the API's own validator.</summary>
internal static class RequestCheck
{
    /// <param name="operation">What is called.</param>
    /// <param name="path">Values of the path.</param>
    /// <param name="query">Values of the query.</param>
    /// <param name="body">The body; null: none was sent.</param>
    /// <param name="refuseUnknown">Whether a property that the operation does not know is refused.</param>
    /// <param name="nullable">Required properties that may be null all the same.</param>
    /// <returns>What is wrong, with the field; empty: nothing.</returns>
    public static List<(string Field, string Message)> Check(
        Operation operation, IReadOnlyDictionary<string, string> path, IReadOnlyDictionary<string, string> query, JToken? body, bool refuseUnknown, IReadOnlySet<string> nullable)
    {
        var wrong = new List<(string, string)>();
        var fields = body as JObject;
        var takesBody = operation.Inputs.Any(i => i.Place == InputPlace.Body);
        if (takesBody && body is { Type: not JTokenType.Null } && fields is null)
        {
            wrong.Add(("", "body must be an object"));
            return wrong;
        }

        foreach (var input in operation.Inputs)
        {
            switch (input.Place)
            {
                case InputPlace.Path:
                    CheckText(input, path.GetValueOrDefault(input.Name), wrong);
                    break;
                case InputPlace.Query:
                    CheckText(input, query.GetValueOrDefault(input.Name) ?? query.GetValueOrDefault(input.Name + "[]"), wrong);
                    break;
                case InputPlace.Body:
                    CheckToken(input, fields?.Property(input.Name, StringComparison.Ordinal)?.Value, nullable.Contains(input.Name), wrong);
                    break;
                case InputPlace.WholeBody:
                    CheckToken(input with { Name = "body" }, body, false, wrong);
                    break;
            }
        }

        if (refuseUnknown)
        {
            CheckUnknown(operation, query, takesBody ? fields : null, wrong);
        }

        return wrong;
    }

    private static void CheckUnknown(Operation operation, IReadOnlyDictionary<string, string> query, JObject? fields, List<(string, string)> wrong)
    {
        foreach (var name in query.Keys)
        {
            var plain = name.EndsWith("[]", StringComparison.Ordinal) ? name[..^2] : name;
            if (!operation.Inputs.Any(i => i.Place == InputPlace.Query && i.Name == plain))
            {
                wrong.Add((name, $"property {name} should not exist"));
            }
        }

        foreach (var property in fields?.Properties() ?? [])
        {
            if (!operation.Inputs.Any(i => i.Place == InputPlace.Body && i.Name == property.Name))
            {
                wrong.Add((property.Name, $"property {property.Name} should not exist"));
            }
        }
    }

    private static void CheckText(OperationInput input, string? text, List<(string, string)> wrong)
    {
        if (string.IsNullOrEmpty(text))
        {
            if (input.Required)
            {
                wrong.Add((input.Name, $"{input.Name} should not be empty"));
                wrong.Add((input.Name, MustBe(input.Name, input.Type)));
            }

            return;
        }

        var number = 0d;
        var fits = input.Type switch
        {
            "number" or "integer" => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number),
            "boolean" => text is "true" or "false",
            _ => true,
        };
        if (!fits)
        {
            wrong.Add((input.Name, MustBe(input.Name, input.Type)));
            return;
        }

        CheckRange(input, number, wrong);
        if (input.Type != "array")
        {
            CheckEnum(input, text, wrong);
        }
    }

    private static void CheckToken(OperationInput input, JToken? value, bool nullable, List<(string, string)> wrong)
    {
        if (value is null or { Type: JTokenType.Null })
        {
            if (input.Required && !(nullable && value is not null))
            {
                wrong.Add((input.Name, $"{input.Name} should not be empty"));
                wrong.Add((input.Name, MustBe(input.Name, input.Type)));
            }

            return;
        }

        if (!Fits(value, input.Type))
        {
            wrong.Add((input.Name, MustBe(input.Name, input.Type)));
            return;
        }

        if (input.Required && value is JValue { Type: JTokenType.String, Value: "" })
        {
            wrong.Add((input.Name, $"{input.Name} should not be empty"));
        }

        if (value is JArray items && input.ItemType is { } itemType)
        {
            if (!items.All(item => Fits(item, itemType)))
            {
                wrong.Add((input.Name, $"each value in {input.Name} must be {Article(itemType)}"));
            }
            else if (input.Enum is { } allowed && !items.All(item => allowed.Contains(item.ToString())))
            {
                wrong.Add((input.Name, $"each value in {input.Name} must be one of the following values: {string.Join(", ", allowed)}"));
            }
        }
        else if (value is JValue)
        {
            CheckRange(input, value.Type is JTokenType.Integer or JTokenType.Float ? value.Value<double>() : 0, wrong);
            CheckEnum(input, value.Type == JTokenType.Boolean ? (value.Value<bool>() ? "true" : "false") : value.ToString(), wrong);
        }
    }

    private static void CheckRange(OperationInput input, double number, List<(string, string)> wrong)
    {
        if (input.Maximum is { } maximum && input.Type is "number" or "integer" && number > input.Maximum)
        {
            wrong.Add((input.Name, $"{input.Name} must not be greater than {input.Maximum}"));
        }
    }

    private static void CheckEnum(OperationInput input, string text, List<(string, string)> wrong)
    {
        if (input.Enum is { Count: > 0 } allowed && !(input.Several ? text.Split(',') : [text]).All(allowed.Contains))
        {
            wrong.Add((input.Name, $"{input.Name} must be one of the following values: {string.Join(", ", allowed)}"));
        }
    }

    internal static bool Fits(JToken value, string type) => type switch
    {
        "string" => value.Type == JTokenType.String,
        "number" => value.Type is JTokenType.Integer or JTokenType.Float,
        "integer" => value.Type == JTokenType.Integer,
        "boolean" => value.Type == JTokenType.Boolean,
        "array" => value.Type == JTokenType.Array,
        "object" => value.Type == JTokenType.Object,
        _ => true,
    };

    internal static string MustBe(string name, string type) => type switch
    {
        "number" => $"{name} must be a number conforming to the specified constraints",
        "integer" => $"{name} must be an integer number",
        "boolean" => $"{name} must be a boolean value",
        "array" => $"{name} must be an array",
        "object" => $"{name} must be an object",
        _ => $"{name} must be a string",
    };

    private static string Article(string type) => type switch
    {
        "object" => "an object",
        "integer" => "an integer number",
        "array" => "an array",
        "boolean" => "a boolean value",
        "number" => "a number conforming to the specified constraints",
        _ => $"a {type}",
    };
}
