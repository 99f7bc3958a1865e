using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>An activity of a plan.</summary>
public sealed class PlannedActivity
{
    private string[]? variableNames;

    internal PlannedActivity(int index, string id, string nodeId, PlannedActivity? parent, PlannedWorkflow workflow, JObject json, ActivityDescriptor descriptor, ActivityShape shape, Activity activity)
    {
        Index = index;
        Id = id;
        NodeId = nodeId;
        Parent = parent;
        Workflow = workflow;
        Json = json;
        Descriptor = descriptor;
        Shape = shape;
        Activity = activity;
        Name = json["name"].AsText();
        Version = json["version"] is JValue { Type: JTokenType.Integer } version ? (int)version : 1;
        var custom = json["customProperties"] as JObject;
        Commits = CommitStrategy.OfActivity((custom?["commitStrategyName"]).AsText());
        CanStartWorkflow = IsTrue(custom?["canStartWorkflow"]) || IsTrue(json["canStartWorkflow"]);
        MergeMode = (custom?["mergeMode"]).AsText();
    }

    public string Id { get; }
    public string NodeId { get; }
    public string? Name { get; }
    public ActivityDescriptor Descriptor { get; }

    /// <summary>The activity's own JSON object.</summary>
    public JObject Json { get; }

    /// <summary>Marked as a start of the workflow, in <c>customProperties</c> or, in older files, on the activity.</summary>
    public bool CanStartWorkflow { get; }

    /// <summary>The plan it is of.</summary>
    public WorkflowPlan Plan { get; internal set; } = null!;

    /// <summary>The workflow it is written in.</summary>
    internal PlannedWorkflow Workflow { get; }

    internal int Index { get; }
    internal int Version { get; }

    /// <summary>Place among its container's children, where the container counts them.</summary>
    internal int LocalIndex { get; set; } = -1;
    internal PlannedActivity? Parent { get; }
    internal ActivityShape Shape { get; }
    internal Activity Activity { get; }
    internal string? MergeMode { get; }

    /// <summary>When the burst commits around it; null: as the workflow says.</summary>
    internal CommitStrategy? Commits { get; }
    internal BoundInput[] Inputs { get; set; } = [];
    internal BoundOutput[] Outputs { get; set; } = [];

    /// <summary>Inputs that the journal does not keep; null: it keeps all.</summary>
    internal bool[]? HiddenInputs { get; set; }

    /// <summary>Outputs that the journal does not keep; null: it keeps all.</summary>
    internal bool[]? HiddenOutputs { get; set; }

    /// <summary>Variables of this activity's own scope: those its container provides first, then those it declares.</summary>
    internal DeclaredVariable[] Variables { get; set; } = [];

    /// <summary>How many of <see cref="Variables"/> its container provides.</summary>
    internal int ProvidedVariables { get; set; }

    /// <summary>Names in lexical scope, innermost first, each once.</summary>
    internal IReadOnlyList<string> VariableNames
    {
        get
        {
            if (variableNames is null)
            {
                var names = new List<string>();
                for (var activity = this; activity is not null; activity = activity.Parent)
                {
                    foreach (var variable in activity.Variables)
                    {
                        if (!names.Contains(variable.Name))
                        {
                            names.Add(variable.Name);
                        }
                    }
                }

                variableNames = [.. names];
            }

            return variableNames;
        }
    }

    /// <summary>
    /// Values of the inputs that can be known without a run: literals, objects, and scripts that use no variable, for the triggers' configuration
    /// (path, interval, cron, connection). Keys are camelCase.
    /// </summary>
    /// <exception cref="FaultException">An input cannot be evaluated; the fault names it.</exception>
    public ValueTask<JObject> EvaluateTriggerInputsAsync(WorkflowEngine engine, IServiceProvider services, CancellationToken cancellationToken)
    {
        var values = new JObject();
        ActivityContext? context = null;
        foreach (var input in Inputs)
        {
            if (!input.IsSet || !input.Descriptor.AutoEvaluate)
            {
                continue;
            }

            context ??= engine.ContextForTrigger(this, services);
            values[input.JsonName] = ValueConverter.ToJson(input.Evaluate(context, cancellationToken));
        }

        foreach (var input in Descriptor.Inputs)
        {
            if (!input.IsWrapped && Json[ActivityShape.CamelCase(input.Name)] is { Type: not JTokenType.Null } bare)
            {
                values[ActivityShape.CamelCase(input.Name)] = bare.DeepClone();
            }
        }

        return ValueTask.FromResult(values);
    }

    private static bool IsTrue(JToken? token) => token is JValue { Value: true };
}

/// <summary>An input, bound: its expression prepared, or its constant at hand.</summary>
internal sealed class BoundInput
{
    private readonly object? constant;
    private readonly bool isConstant;

    public BoundInput(InputDescriptor descriptor, PreparedExpression? expression, Fault? fault = null)
    {
        Descriptor = descriptor;
        JsonName = ActivityShape.CamelCase(descriptor.Name);
        Expression = expression;
        Fault = fault;
        if (expression is { IsConstant: true })
        {
            try
            {
                // A constant needs neither session nor scope.
                constant = expression.Evaluate(null!, null!, descriptor.ValueType, CancellationToken.None);

                // A list or map of the CLR may be changed by its activity: each execution gets its own.
                isConstant = constant is null or string or ValueType or Uri or JContainer;
            }
            catch (FaultException)
            {
                // Does not fit its type: faults when run, with its place.
            }
        }
    }

    public InputDescriptor Descriptor { get; }
    public string JsonName { get; }
    public PreparedExpression? Expression { get; }

    /// <summary>Its expression does not parse: faults when evaluated.</summary>
    public Fault? Fault { get; }

    public bool IsSet => Expression is not null || Fault is not null;

    public object? Evaluate(ActivityContext context, CancellationToken cancellationToken) => Evaluate(context, null, cancellationToken);

    /// <param name="context">The execution.</param>
    /// <param name="scope">What the expression sees, where it is more than the execution's own scope.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public object? Evaluate(ActivityContext context, IExpressionScope? scope, CancellationToken cancellationToken)
    {
        if (isConstant)
        {
            return constant is JContainer container ? container.DeepClone() : constant;
        }

        if (Expression is null)
        {
            return Fault is null ? null : throw new FaultException(Failure(Fault));
        }

        try
        {
            return Expression.Evaluate(context.Expressions, scope ?? context.Scope, Descriptor.ValueType, cancellationToken);
        }
        catch (FaultException exception)
        {
            throw new FaultException(Failure(exception.Fault), exception);
        }
    }

    private Fault Failure(Fault cause) => cause with
    {
        Message = $"Failed to evaluate activity input '{Descriptor.Name}': {cause.Message}",
        Property = JsonName,
        ExceptionType = "Elsa.Workflows.Exceptions.InputEvaluationException",
    };
}

/// <summary>An output, and the variable (or workflow output) it is bound to.</summary>
/// <param name="Name">Name in the descriptor.</param>
/// <param name="Target">What it is bound to; null: nothing.</param>
/// <param name="Convert">Makes of the output what its target gets; null: the target gets the output itself.</param>
internal sealed record BoundOutput(string Name, string? Target, Func<object, object?>? Convert = null);

/// <summary>A variable of a scope.</summary>
internal sealed record DeclaredVariable(string Id, string Name, string TypeName, Type Type, object? Default, bool IsStored)
{
    private readonly JToken? shared = Default is null or string or ValueType or Uri ? null : ValueConverter.ToJson(Default);

    /// <summary>Value of a fresh scope; what can be changed is its own.</summary>
    public object? Initial => shared is null ? Default : Convert(shared.DeepClone());

    public object? Convert(object? value) =>
        value is null || Type == typeof(object) || Type.IsInstanceOfType(value) ? value : ValueConverter.Convert(value, Type);
}
