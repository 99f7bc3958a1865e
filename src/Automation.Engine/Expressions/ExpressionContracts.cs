using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>What an expression sees of a run: implemented by the run loop for the activity being executed.</summary>
public interface IExpressionScope
{
    /// <summary>Names of the variables in lexical scope, innermost first, each once.</summary>
    IReadOnlyList<string> VariableNames { get; }

    /// <summary>A variable by name (or id); null when there is none.</summary>
    object? GetVariable(string name);

    /// <summary>Whether there is a variable of that name or id.</summary>
    bool HasVariable(string nameOrId) => VariableNames.Contains(nameOrId);

    /// <summary>Writes the nearest variable of that name; makes one at the workflow when there is none.</summary>
    void SetVariable(string name, object? value);

    /// <summary>Names of the workflow's declared inputs; empty inside a composite.</summary>
    IReadOnlyList<string> InputNames { get; }

    object? GetInput(string name);

    /// <summary>Names of the activities of the plan that have outputs, with the outputs' names, for <c>get&lt;Output&gt;From&lt;Activity&gt;</c>. Cached on the plan.</summary>
    IReadOnlyList<(string Activity, string Output)> ActivityOutputs { get; }

    /// <summary>Last output of an activity, by id or name; null output name: its Result or only output.</summary>
    object? GetOutputFrom(string activityIdOrName, string? output);

    /// <summary>Arguments of this one expression; null: it has none.</summary>
    JObject? Arguments => null;

    /// <summary>Result of the activity that completed last.</summary>
    object? LastResult { get; }

    /// <summary>What the trigger brought: the global <c>event</c>.</summary>
    JToken? TriggerEvent { get; }

    string InstanceId { get; }
    string DefinitionId { get; }
    string DefinitionVersionId { get; }
    int DefinitionVersion { get; }
    string? CorrelationId { get; set; }
    string? InstanceName { get; set; }
    TimeProvider Clock { get; }
}

/// <summary>An expression of a definition, prepared once per plan: parsed, its kind decided. Holds no value of a run; safe for many threads.</summary>
public abstract class PreparedExpression
{
    /// <summary>Literal, Object, Variable, Input, JavaScript, Liquid.</summary>
    public abstract string Type { get; }

    /// <summary>The value is the same in every run, and known without one.</summary>
    public virtual bool IsConstant => false;

    /// <summary>
    /// Evaluates for a target type: the value is already converted to it. CLR primitives, string, DateTimeOffset, TimeSpan, Guid, or JToken; JavaScript objects and
    /// arrays come back as JObject and JArray.
    /// </summary>
    /// <exception cref="FaultException">It failed: a script error with line and column, a limit (<c>script-timeout</c>, <c>script-memory</c>, <c>script-statements</c>, <c>script-recursion</c>, <c>script-size</c>), a conversion.</exception>
    public abstract object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken);
}

/// <summary>An expression does not parse.</summary>
public sealed class ExpressionSyntaxException(string message, int line, int column) : Exception(message)
{
    public int Line { get; } = line;
    public int Column { get; } = column;
}
