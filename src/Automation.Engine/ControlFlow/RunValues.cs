using Newtonsoft.Json.Linq;

namespace Automation.Engine;

[Activity("Elsa.SetVariable", "Primitives", "Sets a variable.")]
internal sealed class SetVariable : Activity
{
    private string name = "";

    [Input(TypeName = "Elsa.Workflows.Memory.Variable, Elsa.Workflows.Core", UIHint = "variable-picker", Description = "The variable.")]
    public JToken? Variable { get; init; }

    [Input(Description = "The value.")]
    public Input<object> Value { get; init; } = default!;

    public override void Compile(ActivityCompilation compilation)
    {
        name = Variable switch
        {
            JObject variable => variable["id"].AsText() ?? variable["name"].AsText() ?? "",
            JValue { Value: string text } => text,
            _ => "",
        };
        if (Variable is JObject { } named && named["name"].AsText() is { } byName && !compilation.IsInScope(name))
        {
            name = byName;
        }

        if (name.Length == 0 || !compilation.IsInScope(name))
        {
            compilation.Report(ProblemSeverity.Warning, "unknown-variable", name.Length == 0 ? "No variable is chosen: the run would fault there." : $"There is no variable '{name}' here. Declare it on the workflow or on a container around the activity.", "variable");
        }
    }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("No variable is chosen to be set.") { Code = "missing-input", Property = "variable", Action = "Choose a variable." }));
        }

        context.SetVariable(name, context.Get(Value));
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.SetOutput", "Composition", "Sets an output of the workflow.")]
internal sealed class SetOutput : Activity
{
    [Input(DisplayName = "Output", UIHint = "output-picker", Description = "Name of the output.")]
    public Input<string> OutputName { get; init; } = default!;

    [Input(Description = "The value.")]
    public Input<object> OutputValue { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.Get(OutputName) is not { Length: > 0 } output)
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("No output is chosen to be set.") { Code = "missing-input", Property = "outputName", Action = "Choose an output of the workflow." }));
        }

        context.SetWorkflowOutput(output, context.Get(OutputValue));
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.SetName", "Primitives", "Names the workflow instance.")]
internal sealed class SetName : Activity
{
    [Input(Description = "The name.")]
    public Input<string> Value { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.Run.Name = context.Get(Value);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

[Activity("Elsa.Correlate", "Primitives", "Sets the correlation id of the workflow instance.")]
internal sealed class Correlate : Activity
{
    [Input(Description = "The correlation id.")]
    public Input<string> CorrelationId { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.Run.CorrelationId = context.Get(CorrelationId);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}
