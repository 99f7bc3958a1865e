using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>A value as it stands, converted to the target type.</summary>
internal sealed class LiteralExpression(JToken? value) : PreparedExpression
{
    private Converted? converted;

    public override string Type => "Literal";
    public override bool IsConstant => true;

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken)
    {
        var known = converted;
        if (known is not null && known.Target == target)
        {
            return known.Value;
        }

        // A JSON container could be changed by whoever gets it, so each evaluation has its own; immutable values are converted once.
        var result = ValueConverter.Convert(value is JContainer ? value.DeepClone() : value, target);
        if (result is null or string or ValueType or Uri)
        {
            converted = new Converted(target, result);
        }

        return result;
    }

    private sealed record Converted(Type Target, object? Value);
}

/// <summary>JSON text, read into the target type. Where the target is object the text stays a string, as in Elsa.</summary>
internal sealed class ObjectExpression : PreparedExpression
{
    private readonly string? text;
    private readonly JToken? token;
    private readonly Fault? fault;
    private readonly IReadOnlyList<(string Key, PreparedExpression Value)>? entries;

    private ObjectExpression(string? text, JToken? token, Fault? fault, IReadOnlyList<(string Key, PreparedExpression Value)>? entries)
    {
        this.text = text;
        this.token = token;
        this.fault = fault;
        this.entries = entries;
    }

    public override string Type => "Object";
    public override bool IsConstant => entries is null;

    public static ObjectExpression Create(JToken? value, ExpressionFactory factory)
    {
        if (value is not JValue { Value: string text })
        {
            return new ObjectExpression(null, value, null, EntriesOf(value, factory));
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            return new ObjectExpression(text, null, null, null);
        }

        try
        {
            var token = Json.Parse(text);
            return new ObjectExpression(text, token, null, EntriesOf(token, factory));
        }
        catch (Newtonsoft.Json.JsonReaderException exception)
        {
            // Not a fault yet: where the target is a string or object the text is the value.
            return new ObjectExpression(text, null, new Fault($"The value is not JSON: line {exception.LineNumber}, column {exception.LinePosition}.")
            {
                Code = "conversion",
                Detail = exception.Message,
                Action = "Correct the JSON of this input.",
            }, null);
        }
    }

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken)
    {
        if (text is not null && (target == typeof(object) || target == typeof(string)))
        {
            return text;
        }

        if (fault is not null)
        {
            // A plain word for a list is that one word, as where a designer's text box stands for a list.
            return target.IsArray && target.GetElementType() == typeof(string) ? new[] { text } : throw new FaultException(fault);
        }

        if (entries is not null)
        {
            var result = new JObject();
            foreach (var (key, value) in entries)
            {
                result[key] = ValueConverter.ToJson(value.Evaluate(session, scope, typeof(object), cancellationToken));
            }

            return ValueConverter.Convert(result, target);
        }

        return ValueConverter.Convert(token?.DeepClone(), target);
    }

    /// <summary>A dictionary's entries may each carry an expression of their own; null when none does.</summary>
    private static List<(string, PreparedExpression)>? EntriesOf(JToken? token, ExpressionFactory factory)
    {
        if (token is not JObject map || !map.Properties().Any(property => IsExpression(property.Value)))
        {
            return null;
        }

        return [.. map.Properties().Select(property => (property.Name, property.Value is JObject entry && IsExpression(entry)
            ? factory.Prepare((string)entry["type"]!, entry["value"])
            : factory.Prepare("Literal", property.Value)))];
    }

    private static bool IsExpression(JToken token) =>
        token is JObject { Count: 2 } entry && entry["type"] is JValue { Value: "Literal" or "Object" or "JavaScript" or "Liquid" or "Variable" or "Input" } && entry.ContainsKey("value");
}

/// <summary>The value of a variable, found by id, then by name.</summary>
internal sealed class VariableExpression((string? Id, string? Name) variable) : PreparedExpression
{
    public override string Type => "Variable";

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken)
    {
        var value = string.IsNullOrEmpty(variable.Id) ? null : scope.GetVariable(variable.Id);
        if (value is null && !string.IsNullOrEmpty(variable.Name))
        {
            value = scope.GetVariable(variable.Name);
            if (value is null && !scope.HasVariable(variable.Name) && !(variable.Id is { Length: > 0 } id && scope.HasVariable(id)))
            {
                throw new FaultException(new Fault($"There is no variable '{variable.Name}' here.") { Code = "unknown-variable", Action = "Declare it on the workflow or on a container around the activity, or choose another." });
            }
        }

        return ValueConverter.Convert(value, target);
    }
}

/// <summary>The value of a workflow input.</summary>
internal sealed class InputExpression((string? Id, string? Name) input) : PreparedExpression
{
    public override string Type => "Input";

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken) =>
        ValueConverter.Convert(string.IsNullOrEmpty(input.Name) ? null : scope.GetInput(input.Name), target);
}

/// <summary>An expression type that this engine does not have.</summary>
internal sealed class UnknownExpression(string type) : PreparedExpression
{
    public override string Type => type;

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken) =>
        throw new FaultException(new Fault($"Expressions of type '{type}' are not known here.")
        {
            Code = "unknown-expression",
            Action = "Use Literal, Object, Variable, Input, JavaScript or Liquid.",
        });
}
