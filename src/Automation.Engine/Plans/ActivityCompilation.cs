using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>What an activity gets to read its own JSON with, once per plan.</summary>
public sealed class ActivityCompilation
{
    private readonly PlanCompiler compiler;

    internal ActivityCompilation(PlanCompiler compiler, PlannedActivity planned)
    {
        this.compiler = compiler;
        Planned = planned;
    }

    /// <summary>The activity being compiled.</summary>
    public PlannedActivity Planned { get; }

    public JObject Json => Planned.Json;
    internal bool IsCounterMode => compiler.IsCounterMode;

    /// <summary>Compiles a child activity.</summary>
    public PlannedActivity Child(JObject json) => compiler.Add(json, Planned);

    /// <summary>Compiles the children of an array property; an array may be wrapped in <c>$values</c>.</summary>
    public IReadOnlyList<PlannedActivity> Children(string property) =>
        [.. DefinitionReader.Items(Json[property]).OfType<JObject>().Select(Child)];

    /// <summary>Compiles a workflow that this activity is, its inputs first among its variables.</summary>
    internal PlannedActivity Workflow(WorkflowDefinition definition) => compiler.AddWorkflow(definition, Planned);

    /// <summary>Prepares an expression <c>{type, value}</c>. One that does not parse is a problem of the plan, and faults when it is evaluated.</summary>
    public PreparedExpression Expression(JToken? json, string property) => compiler.PrepareOrFault(Planned, property, json);

    /// <summary>Declares variables that the activity provides in the scope of a child.</summary>
    public void Provide(PlannedActivity? child, params string[] names)
    {
        if (child is not null)
        {
            child.Variables = [.. names.Select(n => new DeclaredVariable(n, n, "Object", typeof(object), null, false)), .. child.Variables];
            child.ProvidedVariables = names.Length;
        }
    }

    /// <summary>Whether a variable of this name or id is in scope here.</summary>
    public bool IsInScope(string nameOrId) => PlanCompiler.IsInScope(Planned, nameOrId);

    /// <summary>Adds a problem at this activity.</summary>
    public void Report(ProblemSeverity severity, string code, string message, string? property = null) =>
        compiler.Report(severity, code, message, Planned, property);
}
