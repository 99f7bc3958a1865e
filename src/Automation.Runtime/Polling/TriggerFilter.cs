using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>Which events of its source a trigger fires on: its mode, then its filter (an expression over <c>event</c>).</summary>
internal sealed class TriggerFilter
{
    private readonly string mode;
    private readonly string? edgePath;
    private readonly string? edgeValue;
    private readonly PreparedExpression? expression;
    private readonly string? broken;
    private readonly ExpressionFactory factory;
    private readonly EventScope scope;

    private TriggerFilter(TriggerRecord trigger, PollShape? shape, ExpressionFactory factory, TimeProvider clock)
    {
        mode = trigger.Mode;
        edgePath = shape?.EdgePath;
        edgeValue = shape?.EdgeValue;
        this.factory = factory;
        scope = new EventScope(trigger, clock);
        if (trigger.Settings["filter"] is not { } filter || ExpressionOf(filter) is not var (type, value))
        {
            return;
        }

        try
        {
            expression = factory.Prepare(type, value);
        }
        catch (ExpressionSyntaxException exception)
        {
            broken = $"The trigger's filter does not parse: {exception.Message} (line {exception.Line}, column {exception.Column}).";
        }
    }

    /// <summary>Why a filter does not parse; null: it does.</summary>
    public static ExpressionSyntaxException? SyntaxError(JToken filter, ExpressionFactory factory)
    {
        try
        {
            if (ExpressionOf(filter) is var (type, value))
            {
                factory.Prepare(type, value);
            }

            return null;
        }
        catch (ExpressionSyntaxException exception)
        {
            return exception;
        }
    }

    public static TriggerFilter Read(TriggerRecord trigger, PollShape? shape, ExpressionFactory factory, TimeProvider clock) => new(trigger, shape, factory, clock);

    /// <summary>Why an event does not fire; null: it fires.</summary>
    public string? Refuses(EventRecord item, JObject payload, CancellationToken cancellationToken)
    {
        var byMode = mode switch
        {
            "new" when item.Revision != 1 && item.Previous is not null => $"The trigger fires on new items only; this is change number {item.Revision - 1} of an item that was there.",
            "edge" when edgePath is not null => RefusesEdge(item, edgePath),
            _ => null,
        };
        if (byMode is not null || (expression is null && broken is null))
        {
            return byMode;
        }

        if (expression is null)
        {
            return broken;
        }

        try
        {
            scope.TriggerEvent = payload;
            return expression.Evaluate(factory.OpenSession(), scope, typeof(bool), cancellationToken) is true ? null : "The trigger's filter said no.";
        }
        catch (FaultException exception)
        {
            return $"The trigger's filter failed: {exception.Fault.Message}";
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
        return value is null or { Type: JTokenType.Null } or JValue { Value: "" } ? null : (type, value);
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
