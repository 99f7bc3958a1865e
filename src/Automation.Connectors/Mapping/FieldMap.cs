using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A saved way to make one object of another: which field comes from where.</summary>
public sealed class FieldMap
{
    private const int FieldLimit = 500;

    /// <summary>Before each script, on its first line: positions in messages are counted without it.</summary>
    private const string Prelude = "const item = args.item; ";

    private readonly IReadOnlyList<Rule> rules;

    private FieldMap(string name, JObject json, IReadOnlyList<Rule> rules)
    {
        Name = name;
        Json = json;
        this.rules = rules;
    }

    public string Name { get; }

    /// <summary><c>{name, description?, fields: [{target, source | script | value, default?}]}</c>. Targets are dotted paths; sources are paths of the item, alternatives divided by <c>|</c>; scripts see <c>item</c>.</summary>
    public JObject Json { get; }

    /// <summary>Reads a map and prepares its scripts.</summary>
    /// <exception cref="FaultException">It is no map; the fault's property names the place (<c>fields[2].script</c>).</exception>
    public static FieldMap Read(JObject json, ExpressionFactory expressions)
    {
        if (Text(json["name"]) is not { Length: > 0 and <= 100 } name)
        {
            throw Wrong("The map needs a name of at most 100 characters.", "name");
        }

        if (json["fields"] is not JArray { Count: > 0 and <= FieldLimit } fields)
        {
            throw Wrong($"The map needs from one to {FieldLimit} fields.", "fields");
        }

        var rules = fields.Select((field, index) => ReadRule(field, $"fields[{index}]", expressions)).ToList();
        foreach (var rule in rules)
        {
            if (rules.Find(other => other != rule && (other.Target + ".").StartsWith(rule.Target + ".", StringComparison.Ordinal)) is { } other)
            {
                throw Wrong($"Two fields fill the same place: '{rule.Target}' and '{other.Target}'.", other.Place + ".target");
            }
        }

        return new FieldMap(name, json, rules);
    }

    /// <summary>The item's object. A field whose source is not there, and has no default, is left out.</summary>
    /// <exception cref="FaultException">A script failed; the fault names the field.</exception>
    public JObject Apply(JToken item, ExpressionSession session, IExpressionScope scope, CancellationToken cancellationToken)
    {
        var result = new JObject();
        var arguments = new ArgumentScope(scope, new JObject { ["item"] = item });
        foreach (var rule in rules)
        {
            if ((ValueOf(rule, item, session, arguments, cancellationToken) ?? rule.Default) is { } value)
            {
                Set(result, rule.Target, value.DeepClone());
            }
        }

        return result;
    }

    private static JToken? ValueOf(Rule rule, JToken item, ExpressionSession session, IExpressionScope scope, CancellationToken cancellationToken)
    {
        if (rule.Script is null)
        {
            return rule.Source is null ? rule.Value : JsonPaths.Find(item, rule.Source) is { Type: not JTokenType.Null } found ? found : null;
        }

        try
        {
            return rule.Script.Evaluate(session, scope, typeof(object), cancellationToken) is { } value ? ValueConverter.ToJson(value) : null;
        }
        catch (FaultException error)
        {
            throw new FaultException(error.Fault with { Message = $"The field '{rule.Target}' cannot be filled: {error.Fault.Message}", Property = rule.Place + ".script" }, error);
        }
    }

    private static Rule ReadRule(JToken token, string place, ExpressionFactory expressions)
    {
        if (token is not JObject field || Text(field["target"]) is not { Length: > 0 } target || target.Split('.').Any(part => part.Length == 0))
        {
            throw Wrong("A field needs a target: a name, or names divided by dots.", place + ".target");
        }

        var (source, script, value) = (Text(field["source"]), Text(field["script"]), field["value"]);
        if ((source is null ? 0 : 1) + (script is null ? 0 : 1) + (value is null ? 0 : 1) != 1)
        {
            throw Wrong($"The field '{target}' needs one of 'source', 'script' and 'value'.", place);
        }

        try
        {
            return new Rule(place, target, source, script is null ? null : expressions.Prepare("JavaScript", Prelude + script), value, field["default"] is { Type: not JTokenType.Null } fallback ? fallback : null);
        }
        catch (ExpressionSyntaxException error)
        {
            throw Wrong($"{error.Message} (line {error.Line}, column {(error.Line == 1 ? Math.Max(1, error.Column - Prelude.Length) : error.Column)})", place + ".script");
        }
    }

    private static void Set(JObject root, string target, JToken value)
    {
        var parts = target.Split('.');
        var at = root;
        foreach (var part in parts[..^1])
        {
            if (at[part] is not JObject next)
            {
                at[part] = next = [];
            }

            at = next;
        }

        at[parts[^1]] = value;
    }

    private static string? Text(JToken? token) => token is JValue { Value: string text } ? text : null;

    private static FaultException Wrong(string message, string property) => new(new Fault(message) { Code = "invalid-mapping", Property = property, Action = "Correct the map." });

    private sealed record Rule(string Place, string Target, string? Source, PreparedExpression? Script, JToken? Value, JToken? Default);

    /// <summary>A scope with arguments of its own.</summary>
    private sealed class ArgumentScope(IExpressionScope inner, JObject arguments) : IExpressionScope
    {
        public JObject? Arguments => arguments;
        public IReadOnlyList<string> VariableNames => inner.VariableNames;
        public IReadOnlyList<string> InputNames => inner.InputNames;
        public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => inner.ActivityOutputs;
        public object? LastResult => inner.LastResult;
        public JToken? TriggerEvent => inner.TriggerEvent;
        public string InstanceId => inner.InstanceId;
        public string DefinitionId => inner.DefinitionId;
        public string DefinitionVersionId => inner.DefinitionVersionId;
        public int DefinitionVersion => inner.DefinitionVersion;
        public string? CorrelationId { get => inner.CorrelationId; set => inner.CorrelationId = value; }
        public string? InstanceName { get => inner.InstanceName; set => inner.InstanceName = value; }
        public TimeProvider Clock => inner.Clock;
        public object? GetVariable(string name) => inner.GetVariable(name);
        public void SetVariable(string name, object? value) => inner.SetVariable(name, value);
        public object? GetInput(string name) => inner.GetInput(name);
        public object? GetOutputFrom(string activityIdOrName, string? output) => inner.GetOutputFrom(activityIdOrName, output);
    }
}

/// <summary>Finds saved field maps.</summary>
public interface IFieldMaps
{
    /// <summary>A map by name, in any case; null: there is none.</summary>
    Task<FieldMap?> FindAsync(string name, CancellationToken cancellationToken);
}

/// <summary>The scope of an expression that is tried without a run: it has nothing but its arguments.</summary>
public sealed class NoRunScope(TimeProvider clock) : IExpressionScope
{
    public IReadOnlyList<string> VariableNames => [];
    public IReadOnlyList<string> InputNames => [];
    public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => [];
    public object? LastResult => null;
    public JToken? TriggerEvent => null;
    public string InstanceId => "";
    public string DefinitionId => "";
    public string DefinitionVersionId => "";
    public int DefinitionVersion => 0;
    public string? CorrelationId { get; set; }
    public string? InstanceName { get; set; }
    public TimeProvider Clock => clock;
    public object? GetVariable(string name) => null;
    public void SetVariable(string name, object? value)
    {
        // There is no run to keep it.
    }

    public object? GetInput(string name) => null;
    public object? GetOutputFrom(string activityIdOrName, string? output) => null;
}
