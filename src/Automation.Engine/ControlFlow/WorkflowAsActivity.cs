using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Finds the workflow that an activity is, by the activity's JSON; null: it is none.</summary>
public delegate WorkflowDefinition? WorkflowLookup(JObject activity);

/// <summary>
/// A workflow used as an activity: its inputs become variables of the workflow inside, its outputs are set there, and it ends with the outcomes that the workflow
/// inside ends with. That is compiled into the plan of the workflow which uses it.
/// </summary>
public sealed class WorkflowAsActivity : Activity
{
    private PlannedActivity inner = null!;
    private string[] inputs = [];

    /// <summary>Type name of a workflow used as an activity: its name in Pascal case.</summary>
    public static string TypeNameOf(WorkflowDefinition definition) => Expressions.ScriptGlobals.Pascal(definition.Name is { Length: > 0 } name ? name : definition.DefinitionId);

    /// <summary>Whether the definition offers itself as an activity.</summary>
    public static bool IsUsable(WorkflowDefinition definition) =>
        definition.Options["usableAsActivity"] is JValue { Value: true } || definition.Json["usableAsActivity"] is JValue { Value: true };

    /// <summary>The activity type that a definition is.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="typeName">The type as written where it is used; null: that of its name.</param>
    public static ActivityDescriptor Describe(WorkflowDefinition definition, string? typeName = null)
    {
        var workflow = new PlannedWorkflow(definition, null);
        var type = typeName ?? TypeNameOf(definition);
        var identity = new JObject { ["WorkflowDefinitionId"] = definition.DefinitionId, ["WorkflowDefinitionVersionId"] = definition.Id };
        return new ActivityDescriptor
        {
            TypeName = type,
            Version = definition.Version,
            Category = definition.Options["activityCategory"].AsText() is { Length: > 0 } category ? category : "Workflows",
            DisplayName = definition.Name ?? type,
            Description = definition.Json["description"].AsText() ?? "",
            Inputs =
            [
                .. workflow.Inputs.Select((input, order) => new InputDescriptor
                {
                    Name = input.Name,
                    TypeName = ValueConverter.AliasOf(input.Type),
                    ValueType = input.Type,
                    DisplayName = input.Json["displayName"].AsText() is { Length: > 0 } shown ? shown : input.Name,
                    Description = input.Json["description"].AsText(),
                    Category = input.Json["category"].AsText() is { Length: > 0 } group ? group : null,
                    UIHint = input.Json["uiHint"].AsText() is { Length: > 0 } hint ? hint : "singleline",
                    Order = order,
                    IsSynthetic = true,
                }),
            ],
            Outputs =
            [
                .. workflow.Outputs.Select(output => new OutputDescriptor
                {
                    Name = output.Name,
                    TypeName = ValueConverter.AliasOf(output.Type),
                    DisplayName = output.Json["displayName"].AsText() is { Length: > 0 } shown ? shown : output.Name,
                    Description = output.Json["description"].AsText(),
                    IsSynthetic = true,
                }),
            ],
            Ports =
            [
                new PortDescriptor("Root", "Root", IsEmbedded: true, IsBrowsable: false),
                .. DefinitionReader.Items(definition.Json["outcomes"]).Select(o => o.AsText()).OfType<string>().Select(o => new PortDescriptor(o, o, IsEmbedded: false)),
            ],
            CustomProperties = new JObject(identity) { ["RootType"] = "WorkflowDefinitionActivity" },
            ConstructionProperties = new JObject(identity) { ["Version"] = definition.Version },
            Create = _ => new WorkflowAsActivity { Definition = definition },
        };
    }

    /// <summary>The workflow inside.</summary>
    internal WorkflowDefinition Definition { get; private init; } = null!;

    public override void Compile(ActivityCompilation compilation)
    {
        inner = compilation.Workflow(Definition);
        inputs = [.. inner.Variables.Take(inner.ProvidedVariables).Select(v => v.Name)];
    }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var values = new object?[inputs.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = context.GetInput(inputs[i]) ?? inner.Variables[i].Initial;
        }

        context.Schedule(inner, values, null, false);
        return ValueTask.FromResult(ActivityResult.Waiting);
    }

    public override ValueTask<ActivityResult> ChildCompletedAsync(ActivityContext context, ChildCompletion child, CancellationToken cancellationToken)
    {
        // Each output is a variable inside: what scripts and bound outputs left there is the output.
        foreach (var output in inner.Workflow.Outputs)
        {
            if (child.Context!.Find(output.Name, out var owner, out var index) && owner == child.Context)
            {
                context.SetOutput(output.Name, owner.Variables![index]);
            }
        }

        return ValueTask.FromResult(ActivityResult.Completed([.. child.Outcomes]));
    }
}
