using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Compiles one definition into a plan.</summary>
internal sealed class PlanCompiler(WorkflowEngine engine, WorkflowDefinition definition, WorkflowLookup? lookup)
{
    internal const string WorkflowId = "Workflow1";

    private static readonly string[] UnstoredDrivers = ["MemoryStorageDriver"];
    /// <summary>Activities of a plan at most: workflows as activities multiply.</summary>
    private const int MaximumActivities = 50_000;

    private readonly List<DefinitionProblem> problems = [];
    private readonly List<PlannedActivity> activities = [];
    private bool tracksOutputs;

    public bool IsCounterMode { get; } = (definition.CustomProperties["flowchartMode"].AsText() ?? engine.Options.FlowchartMode)
        .Equals("Counter", StringComparison.OrdinalIgnoreCase);

    public WorkflowPlan Compile()
    {
        var workflow = new PlannedWorkflow(definition, null);
        Add(WorkflowJson(definition), null, workflow);
        return new WorkflowPlan(workflow, problems, activities, IsCounterMode, tracksOutputs);
    }

    /// <summary>
    /// Compiles a workflow that an activity is. Its inputs come first among its variables, for the activity gives them their values; its outputs are variables too.
    /// A variable of its own hides an input or output of the same name.
    /// </summary>
    public PlannedActivity AddWorkflow(WorkflowDefinition used, PlannedActivity parent)
    {
        var workflow = new PlannedWorkflow(used, parent.Workflow);
        var own = DefinitionReader.Items(used.Json["variables"]).OfType<JObject>().Select(v => v["name"].AsText()).ToHashSet(StringComparer.Ordinal);
        var inputs = workflow.Inputs.Where(i => !own.Contains(i.Name)).ToList();
        return Add(
            WorkflowJson(used),
            parent,
            workflow,
            [.. inputs.Concat(workflow.Outputs.Where(o => !own.Contains(o.Name) && !workflow.InputNames.Contains(o.Name))).Select(Argument)],
            inputs.Count);
    }

    public PlannedActivity Add(JObject json, PlannedActivity parent) => Add(json, parent, parent.Workflow);

    private PlannedActivity Add(JObject json, PlannedActivity? parent, PlannedWorkflow workflow, DeclaredVariable[]? given = null, int provided = 0)
    {
        var id = json["id"].AsText() ?? "";
        var typeName = json["type"].AsText() ?? "";
        if (id.Length == 0)
        {
            // Elsa numbers activities without an id; the place in the plan is as stable, for it is the place in the JSON.
            id = $"{typeName[(typeName.LastIndexOf('.') + 1)..]}{activities.Count}";
        }

        var descriptor = engine.Activities.Find(typeName) ?? Used(json, id, typeName, workflow);
        if (descriptor is null)
        {
            descriptor = NotFound.Describe(typeName);
            Report(ProblemSeverity.Warning, "unknown-activity-type", $"There is no activity type '{typeName}': the run would fault there. {NotFound.AdviceOn(typeName)}", id, typeName, null);
        }

        var activity = descriptor.Create(engine.Services);
        activity.Id = id;
        var shape = engine.ShapeOf(descriptor, activity.GetType());
        var planned = new PlannedActivity(activities.Count, id, parent is null ? id : parent.NodeId + ":" + id, parent, workflow, json, descriptor, shape, activity)
        {
            Variables = [.. given ?? [], .. DefinitionReader.Items(json["variables"]).OfType<JObject>().Select(v => Variable(v, id)).OfType<DeclaredVariable>()],
            ProvidedVariables = provided,
        };
        activities.Add(planned);
        planned.Inputs = [.. descriptor.Inputs.Select(i => Bind(planned, i))];
        planned.Outputs = [.. descriptor.Outputs.Select(o => Bind(planned, o))];
        planned.HiddenInputs = LogPersistence.Hidden(workflow.Definition.CustomProperties, json["customProperties"] as JObject, "inputs", [.. descriptor.Inputs.Select(i => i.Name)]);
        planned.HiddenOutputs = LogPersistence.Hidden(workflow.Definition.CustomProperties, json["customProperties"] as JObject, "outputs", [.. descriptor.Outputs.Select(o => o.Name)]);
        shape.Bind(activity, json, child => Add(child, planned), (property, message) => Report(ProblemSeverity.Warning, "wrong-value", message, planned, property));
        activity.Compile(new ActivityCompilation(this, planned));
        return planned;
    }

    /// <summary>The workflow that an activity of an unknown type is; null: none, or one that comes back to itself.</summary>
    private ActivityDescriptor? Used(JObject json, string id, string typeName, PlannedWorkflow workflow)
    {
        if (lookup?.Invoke(json) is not { } used)
        {
            return null;
        }

        for (var around = workflow; around is not null; around = around.Outer)
        {
            if (around.Definition.DefinitionId == used.DefinitionId && used.DefinitionId.Length > 0)
            {
                Report(ProblemSeverity.PublishError, "workflow-cycle", $"This activity runs the workflow '{used.Name ?? used.DefinitionId}', which comes back to itself: it would never end. Remove one of the two, or start the other by Dispatch Workflow.", id, typeName, "workflowDefinitionId");
                return null;
            }
        }

        if (activities.Count > MaximumActivities)
        {
            Report(ProblemSeverity.PublishError, "plan-too-large", $"With the workflows it uses as activities the workflow has more than {MaximumActivities:N0} activities. Start some of them by Dispatch Workflow instead.", id, typeName, null);
            return null;
        }

        return WorkflowAsActivity.Describe(used, typeName);
    }

    private static JObject WorkflowJson(WorkflowDefinition definition)
    {
        var json = new JObject { ["id"] = WorkflowId, ["type"] = "Elsa.Workflow", ["version"] = 1, ["name"] = definition.Name };
        if (definition.Json["variables"] is { Type: not JTokenType.Null } variables)
        {
            json["variables"] = variables;
        }

        if (definition.Root is { } root)
        {
            json["root"] = root;
        }

        return json;
    }

    private static DeclaredVariable Argument(WorkflowArgument argument) => new(
        argument.Name,
        argument.Name,
        ValueConverter.AliasOf(argument.Type),
        argument.Type,
        null,
        IsStored: true);

    public PreparedExpression PrepareOrFault(PlannedActivity planned, string property, JToken? json)
    {
        var (prepared, fault) = Prepare(planned, property, json);
        return prepared ?? new FaultingExpression(fault!);
    }

    public void Report(ProblemSeverity severity, string code, string message, PlannedActivity at, string? property) =>
        Report(severity, code, message, at.Id, at.Descriptor.TypeName, property);

    private void Report(ProblemSeverity severity, string code, string message, string? id, string? type, string? property, int? line = null, int? column = null) =>
        problems.Add(new DefinitionProblem(severity, code, message) { ActivityId = id, ActivityType = type, Property = property, Line = line, Column = column });

    private BoundInput Bind(PlannedActivity planned, InputDescriptor descriptor)
    {
        if (!descriptor.IsWrapped)
        {
            return new BoundInput(descriptor, null);
        }

        var name = ActivityShape.CamelCase(descriptor.Name);
        var json = planned.Json[name];
        JToken? expression = json switch
        {
            null or JValue { Value: null } => null,
            JObject wrapped when wrapped.ContainsKey("typeName") => wrapped["expression"] is JObject inner ? inner : null,
            JObject => Ignored(planned, name),
            _ => Literal(json),
        };
        expression ??= descriptor.DefaultValue is { Type: not JTokenType.Null } fallback
            ? Literal(fallback)
            : null;
        if (expression is null)
        {
            return new BoundInput(descriptor, null);
        }

        var (prepared, fault) = Prepare(planned, name, expression);
        return new BoundInput(descriptor, prepared, fault);
    }

    private (PreparedExpression? Prepared, Fault? Fault) Prepare(PlannedActivity planned, string property, JToken? json)
    {
        var type = (json is JObject typed ? typed["type"] : null).AsText() ?? "Literal";
        var value = json is JObject expression ? expression["value"] : json;
        if (value is JValue { Value: string text })
        {
            tracksOutputs |= text.Contains("From", StringComparison.Ordinal) || text.Contains("getLastResult", StringComparison.Ordinal);
        }

        if (type is "Variable" && VariableName(value) is { } name && !IsInScope(planned, name))
        {
            Report(ProblemSeverity.Warning, "unknown-variable", $"There is no variable '{name}' here: the value will be empty. Declare it on the workflow or on a container around the activity.", planned, property);
        }

        // A script that arrives by another expression may ask for anything.
        tracksOutputs |= property == "script" && type != "Literal";
        try
        {
            return (engine.Expressions.Prepare(type, value), null);
        }
        catch (ExpressionSyntaxException exception)
        {
            var isTriggerInput = planned.CanStartWorkflow && planned.Descriptor.Kind == ActivityKind.Trigger;
            Report(
                isTriggerInput ? ProblemSeverity.PublishError : ProblemSeverity.Warning,
                "expression-syntax",
                $"The {type} expression does not parse: {exception.Message}",
                planned.Id,
                planned.Descriptor.TypeName,
                property,
                exception.Line,
                exception.Column);
            return (null, new Fault($"The {type} expression does not parse (line {exception.Line}, column {exception.Column}): {exception.Message}")
            {
                Code = "expression-syntax",
                Property = property,
                Action = "Correct the expression and publish the workflow again.",
            });
        }
    }

    private JObject? Ignored(PlannedActivity planned, string property)
    {
        Report(ProblemSeverity.Warning, "input-without-type", "The value has no 'typeName' and is ignored, as Elsa does. Write {\"typeName\": …, \"expression\": {\"type\": …, \"value\": …}}, or a plain JSON value.", planned, property);
        return null;
    }

    private BoundOutput Bind(PlannedActivity planned, OutputDescriptor output)
    {
        var name = ActivityShape.CamelCase(output.Name);
        var target = Target(planned, output);
        if ((planned.Json[name] as JObject)?["converter"] is not JObject chosen)
        {
            return new BoundOutput(output.Name, target);
        }

        var id = chosen["id"].AsText() ?? "";
        var settings = chosen["settings"] as JObject;
        var converter = engine.Activities.Converters.GetValueOrDefault(id);
        var wrong = target is null || (!IsInScope(planned, target) && !planned.Workflow.DeclaresOutput(target)) ? "a converter can only be configured when the output has a variable or workflow-output destination"
            : converter is null ? $"converter '{id}' is not registered"
            : converter.Check?.Invoke(settings);
        if (wrong is null)
        {
            return new BoundOutput(output.Name, target, value => converter!.Convert(value, settings));
        }

        Report(ProblemSeverity.PublishError, "output-converter", $"Output '{output.Name}' converter: {wrong}.", planned, name);
        var fault = new Fault($"Output '{output.Name}' converter: {wrong}.") { Code = "output-converter", Property = name, Action = "Choose a converter that is installed, or none." };
        return new BoundOutput(output.Name, target, _ => throw new FaultException(fault));
    }

    private string? Target(PlannedActivity planned, OutputDescriptor output)
    {
        var name = ActivityShape.CamelCase(output.Name);
        var target = ((planned.Json[name] as JObject)?["memoryReference"]?["id"]).AsText();
        if (target is not null && !IsInScope(planned, target) && !planned.Workflow.DeclaresOutput(target))
        {
            Report(ProblemSeverity.Warning, "unknown-variable", $"The output is bound to '{target}', which is neither a variable in scope nor an output of the workflow.", planned, name);
        }

        return target;
    }

    private DeclaredVariable? Variable(JObject json, string owner)
    {
        if (json["name"].AsText() is not { Length: > 0 } name)
        {
            return null;
        }

        var type = TypeOf(json);
        var value = json["value"] is JValue plain ? plain.Value : json["value"];
        object? initial = null;
        try
        {
            initial = value is null or "" && type != typeof(string) ? null : ValueConverter.Convert(value is JToken token ? token.DeepClone() : value, type);
        }
        catch (FaultException exception)
        {
            Report(ProblemSeverity.Warning, "wrong-value", $"The default of variable '{name}' does not fit its type {json["typeName"].AsText()}: {exception.Fault.Message} It starts empty.", owner, null, "variables");
        }

        var driver = json["storageDriverTypeName"].AsText();
        var isStored = driver is not null && !UnstoredDrivers.Any(d => driver.Contains(d, StringComparison.Ordinal));
        return new(json["id"].AsText() ?? name, name, json["typeName"].AsText() ?? "Object", type, initial, isStored);
    }

    internal static bool IsInScope(PlannedActivity planned, string nameOrId)
    {
        for (var activity = planned; activity is not null; activity = activity.Parent)
        {
            // What a loop provides is declared only after its children are compiled.
            if (activity.Variables.Any(v => v.Name == nameOrId || v.Id == nameOrId) || (activity.Activity is ILoop or ParallelForEach && nameOrId is "CurrentValue" or "CurrentIndex"))
            {
                return true;
            }
        }

        return false;
    }

    private static string? VariableName(JToken? value)
    {
        if (value is JValue { Value: string text })
        {
            if (!text.StartsWith('{'))
            {
                return text;
            }

            try
            {
                value = Json.Parse(text);
            }
            catch (Newtonsoft.Json.JsonReaderException)
            {
                return null;
            }
        }

        return value is JObject variable ? variable["id"].AsText() ?? variable["name"].AsText() : null;
    }

    private static JObject Literal(JToken json) => new() { ["type"] = "Literal", ["value"] = json };
    private static Type TypeOf(JObject json) => ValueConverter.TypeOf(json["typeName"].AsText() ?? json["type"].AsText(), json["isArray"] is JValue { Value: true });
}

/// <summary>An expression that did not parse.</summary>
internal sealed class FaultingExpression(Fault fault) : PreparedExpression
{
    public override string Type => "Literal";
    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken) => throw new FaultException(fault);
}
