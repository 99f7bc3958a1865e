using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>
/// Which events of its source a trigger fires on: what its type stands for (a tag was added), its mode, and its own filter: simple conditions, or an expression over <c>event</c>. With a filter an item
/// counts as new when it passes it for the first time, so that the filter comes before "seen already".
/// </summary>
internal sealed class TriggerFilter
{
    private const int LongestQuote = 160;

    private readonly string mode;
    private readonly string? edgePath;
    private readonly string? edgeValue;
    private readonly ItemConditions? meaning;
    private readonly ItemConditions? conditions;
    private readonly PreparedExpression? expression;
    private readonly string quote = "";
    private readonly string? broken;
    private readonly ExpressionFactory factory;
    private readonly EventScope scope;

    private TriggerFilter(TriggerRecord trigger, PollShape? shape, ExpressionFactory factory, TimeProvider clock)
    {
        mode = trigger.Mode;
        edgePath = shape?.EdgePath;
        edgeValue = shape?.EdgeValue;
        meaning = shape?.When is { } when ? ItemConditions.Read(when) : null;
        this.factory = factory;
        scope = new EventScope(trigger, clock);
        if (trigger.Settings["filter"] is not { } filter || ExpressionOf(filter) is not var (type, value))
        {
            return;
        }

        try
        {
            quote = value is JValue { Value: string text } ? text : Json.Write(value);
            quote = quote.Length > LongestQuote ? quote[..LongestQuote] + "…" : quote;
            if (ItemConditions.AreMeant(value))
            {
                conditions = ItemConditions.Read(value);
            }
            else
            {
                expression = factory.Prepare(type, value);
            }
        }
        catch (ExpressionSyntaxException exception)
        {
            broken = $"The trigger's filter does not parse: {exception.Message} (line {exception.Line}, column {exception.Column}).";
        }
        catch (FormatException exception)
        {
            broken = $"The trigger's filter cannot be read: {exception.Message}";
        }
    }

    /// <summary>What is wrong with a filter, with its place where it is a script; null: nothing.</summary>
    public static (string Message, int? Line, int? Column)? Defect(JToken filter, ExpressionFactory factory)
    {
        try
        {
            if (ExpressionOf(filter) is not var (type, value))
            {
                return null;
            }

            if (ItemConditions.AreMeant(value))
            {
                ItemConditions.Read(value);
            }
            else
            {
                factory.Prepare(type, value);
            }

            return null;
        }
        catch (ExpressionSyntaxException exception)
        {
            return ($"The filter does not parse: {exception.Message}", exception.Line, exception.Column);
        }
        catch (FormatException exception)
        {
            return ($"The filter cannot be read: {exception.Message}", null, null);
        }
    }

    public static TriggerFilter Read(TriggerRecord trigger, PollShape? shape, ExpressionFactory factory, TimeProvider clock) => new(trigger, shape, factory, clock);

    /// <summary>The verdict on an event.</summary>
    public Verdict Judge(EventRecord item, JObject payload, CancellationToken cancellationToken)
    {
        var isFirst = item.Revision == 1 || item.Previous is null;
        var hasFilter = conditions is not null || expression is not null || broken is not null;
        if (mode == "new" && !isFirst && !hasFilter)
        {
            return Verdict.No($"The trigger fires on new items only; this is change number {item.Revision - 1} of an item that was there.");
        }

        if (ByMeaning(item) is { } reason)
        {
            return Verdict.No(reason);
        }

        if (!hasFilter)
        {
            return Verdict.Yes;
        }

        if (ByFilter(item.Item, item.Previous, payload, cancellationToken) is { } refusal)
        {
            return Verdict.No(refusal);
        }

        if (mode != "new" || isFirst)
        {
            return Verdict.Yes;
        }

        var before = new JObject(payload) { ["item"] = item.Previous!.DeepClone(), ["previous"] = null, ["revision"] = item.Revision - 1 };
        return ByFilter(item.Previous, null, before, cancellationToken) is null
            ? Verdict.No($"The trigger fires on new items only; this one passed its filter before its change number {item.Revision - 1} already.")
            : Verdict.YesUnlessFiredBefore;
    }

    private string? ByMeaning(EventRecord item)
    {
        if (mode == "edge" && edgePath is not null && RefusesEdge(item, edgePath) is { } still)
        {
            return still;
        }

        return meaning?.Refuses(item.Item, item.Previous) is { } missed ? $"It is not what this trigger fires on: {missed}" : null;
    }

    private string? ByFilter(JObject item, JObject? previous, JObject payload, CancellationToken cancellationToken)
    {
        if (broken is not null)
        {
            return broken;
        }

        if (conditions is not null)
        {
            return conditions.Refuses(item, previous) is { } refusal ? $"The trigger's filter said no: {refusal}" : null;
        }

        try
        {
            scope.TriggerEvent = payload;
            return expression!.Evaluate(factory.OpenSession(), scope, typeof(bool), cancellationToken) is true ? null : $"The trigger's filter said no: {quote}";
        }
        catch (FaultException exception)
        {
            return $"The trigger's filter failed: {exception.Fault.Message} The filter: {quote}";
        }
    }

    private string? RefusesEdge(EventRecord item, string path)
    {
        if (edgeValue == "*")
        {
            return item.Previous is not { } old ? $"It is new: '{path}' was not something else before."
                : JToken.DeepEquals(old.SelectToken(path), item.Item.SelectToken(path)) ? $"'{path}' is what it was before."
                : null;
        }

        var wanted = edgeValue is null ? "true" : $"'{edgeValue}'";
        return !Holds(item.Item, path) ? $"'{path}' is not {wanted} in the item."
            : item.Previous is { } previous && Holds(previous, path) ? $"'{path}' was {wanted} before already."
            : null;
    }

    private bool Holds(JObject item, string path) => edgeValue is null ? IsTrue(item, path) : (string?)(item.SelectToken(path) as JValue) == edgeValue;

    /// <summary>The expression of a filter: wrapped as an input, or a bare text of JavaScript; null: there is none.</summary>
    private static (string Type, JToken Value)? ExpressionOf(JToken filter)
    {
        var (type, value) = filter is JObject wrapped && wrapped["expression"] is JObject given ? ((string?)given["type"] ?? "JavaScript", given["value"]) : ("JavaScript", filter);

        // A text where a script is expected is one, however the editor has marked it.
        return value is null or { Type: JTokenType.Null } || (value is JValue { Value: string text } && string.IsNullOrWhiteSpace(text)) ? null : (type == "Literal" && value is JValue { Value: string } ? "JavaScript" : type, value);
    }

    private static bool IsTrue(JObject item, string path) => item.SelectToken(path) switch
    {
        null => false,
        { Type: JTokenType.Null or JTokenType.Undefined } => false,
        JValue { Value: bool value } => value,
        JValue { Value: string text } => text.Length > 0 && !text.Equals("false", StringComparison.OrdinalIgnoreCase),
        JValue { Value: long number } => number != 0,
        JValue { Value: double number } => number != 0,
        JArray items => items.Count > 0,
        _ => true,
    };

    /// <summary>Whether an event fires; where it does only as an item's first, and why not.</summary>
    public readonly record struct Verdict(bool Fires, bool OnlyFirst, string? Reason)
    {
        public static Verdict Yes => new(true, false, null);
        public static Verdict YesUnlessFiredBefore => new(true, true, null);

        public static Verdict No(string reason) => new(false, false, reason);
    }

    /// <summary>A filter sees the event, and no run.</summary>
    private sealed class EventScope(TriggerRecord trigger, TimeProvider clock) : IExpressionScope
    {
        public JToken? TriggerEvent { get; set; }
        public IReadOnlyList<string> VariableNames => [];
        public IReadOnlyList<string> InputNames => [];
        public IReadOnlyList<(string Activity, string Output)> ActivityOutputs => [];
        public object? LastResult => null;
        public string InstanceId => "";
        public string DefinitionId => trigger.DefinitionId;
        public string DefinitionVersionId => trigger.VersionId;
        public int DefinitionVersion => 0;
        public string? CorrelationId { get; set; }
        public string? InstanceName { get; set; }
        public TimeProvider Clock => clock;

        public object? GetVariable(string name) => null;

        public void SetVariable(string name, object? value)
        {
        }

        public object? GetInput(string name) => null;
        public object? GetOutputFrom(string activityIdOrName, string? output) => null;
    }
}
