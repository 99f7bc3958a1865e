using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>What publishing a version would change, and what speaks against it.</summary>
internal sealed record PublishPlan(IReadOnlyList<DefinitionProblem> Problems, IReadOnlyList<TriggerRecord> Triggers, IReadOnlyList<SourceRecord> Sources)
{
    public IReadOnlyList<DefinitionProblem> Refusals => [.. Problems.Where(problem => problem.Severity != ProblemSeverity.Warning)];
}

/// <summary>Checks a version for publishing: problems of its plan, of each activity's own check, of its triggers, and cycles of workflows as activities. Changes nothing.</summary>
internal sealed class PublishCheck(IDefinitionStore definitions, TriggerBuilder triggers, IServiceProvider services)
{
    public async Task<PublishPlan> CheckAsync(WorkflowPlan plan, DefinitionVersion version, CancellationToken cancellationToken)
    {
        var starting = plan.Triggers.Select(trigger => trigger.Id).ToHashSet(StringComparer.Ordinal);
        var problems = plan.Problems.Select(problem => Promote(problem, starting)).ToList();
        foreach (var activity in plan.Activities)
        {
            if (activity.Descriptor.CheckAsync is { } check)
            {
                var context = new PublishCheckContext
                {
                    Activity = activity,
                    Literals = Literals.Of(activity),
                    SetInputs = Literals.Names(activity),
                    Services = services,
                    CancellationToken = cancellationToken,
                };
                await check(context);
                problems.AddRange(context.Problems);
            }
            else
            {
                problems.AddRange(MissingInputs(activity));
            }
        }

        if (!problems.Exists(problem => problem.Code == "workflow-cycle") && await FindCycleAsync(version, plan, cancellationToken) is { } cycle)
        {
            problems.Add(cycle);
        }

        problems.AddRange(UnusedVariables(plan.Definition.Json));
        var built = await triggers.BuildAsync(plan, version, problems, cancellationToken);
        problems.AddRange(built.Problems);
        return new PublishPlan(problems, built.Triggers, built.Sources);
    }

    /// <summary>Required inputs that are not set. Elsa's own activities are taken as Elsa takes them: what they lack is an incident when they run.</summary>
    private static IEnumerable<DefinitionProblem> MissingInputs(PlannedActivity activity)
    {
        if (activity.Descriptor.Namespace == "Elsa" || !activity.Descriptor.Inputs.Any(input => input.Required))
        {
            return [];
        }

        var set = Literals.Names(activity);
        return activity.Descriptor.Inputs.Where(input => input.Required && !set.Contains(Literals.Camel(input.Name))).Select(input =>
            new DefinitionProblem(ProblemSeverity.PublishError, "missing-input", $"{activity.Descriptor.DisplayName} needs '{input.DisplayName ?? input.Name}', which is not set.")
            {
                ActivityId = activity.Id,
                ActivityType = activity.Descriptor.TypeName,
                Property = Literals.Camel(input.Name),
            });
    }

    /// <summary>Variables that nothing names: neither an input, an output nor the text of a script.</summary>
    private static IEnumerable<DefinitionProblem> UnusedVariables(JObject definition)
    {
        if (definition["root"] is not JObject root)
        {
            yield break;
        }

        var declared = new List<(JObject Variable, string? ActivityId, string? ActivityType)>();
        var texts = new List<string>();
        declared.AddRange(Declared(definition, null, null));
        foreach (var entry in ActivityTree.Walk(root))
        {
            declared.AddRange(Declared(entry.Json, (string?)entry.Json["id"], (string?)entry.Json["type"]));
        }

        if (declared.Count == 0)
        {
            yield break;
        }

        Gather(root);
        foreach (var (variable, activityId, activityType) in declared)
        {
            var (id, name) = ((string?)(variable["id"] as JValue), (string?)(variable["name"] as JValue));
            if (string.IsNullOrEmpty(name) || texts.Exists(text => text == id || text.Contains(name, StringComparison.OrdinalIgnoreCase) || text.Contains(name.Replace(" ", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            yield return new DefinitionProblem(ProblemSeverity.Warning, "unused-variable", $"Nothing uses the variable '{name}'. Use it, or remove it.")
            {
                ActivityId = activityId,
                ActivityType = activityType,
                Property = "variables",
            };
        }

        static IEnumerable<(JObject, string?, string?)> Declared(JObject holder, string? activityId, string? activityType) =>
            (holder["variables"] as JArray ?? []).OfType<JObject>().Select(variable => (variable, activityId, activityType));

        void Gather(JToken token)
        {
            switch (token)
            {
                case JValue { Value: string text }:
                    texts.Add(text);
                    break;
                case JObject json:
                    foreach (var property in json.Properties().Where(property => property.Name is not ("variables" or "metadata")))
                    {
                        Gather(property.Value);
                    }

                    break;
                case JArray items:
                    foreach (var item in items)
                    {
                        Gather(item);
                    }

                    break;
            }
        }
    }

    /// <summary>A flow whose trigger cannot be read would be published and never start: for a trigger's input a script that does not parse stops publishing.</summary>
    private static DefinitionProblem Promote(DefinitionProblem problem, HashSet<string> starting) =>
        problem is { Severity: ProblemSeverity.Warning, Line: not null, Property: not null, ActivityId: { } id } && starting.Contains(id)
            ? problem with { Severity = ProblemSeverity.PublishError }
            : problem;

    private async Task<DefinitionProblem?> FindCycleAsync(DefinitionVersion version, WorkflowPlan plan, CancellationToken cancellationToken)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var activity in plan.Activities)
        {
            // Plain text names the workflow that an activity is; an input object of that name (Dispatch Workflow) starts a run of its own, which may well be this workflow's.
            if (activity.Json["workflowDefinitionId"] is JValue { Value: string { Length: > 0 } used } && await ReachesAsync(used, version.DefinitionId, seen, cancellationToken))
            {
                return new DefinitionProblem(ProblemSeverity.PublishError, "workflow-cycle",
                    $"This activity runs the workflow '{used}', which comes back to the workflow '{version.Name ?? version.DefinitionId}' itself: it would never end. Remove one of the two, or start the other by Dispatch Workflow.")
                {
                    ActivityId = activity.Id,
                    ActivityType = (string?)activity.Json["type"],
                    Property = "workflowDefinitionId",
                };
            }
        }

        return null;
    }

    private async Task<bool> ReachesAsync(string from, string target, HashSet<string> seen, CancellationToken cancellationToken)
    {
        if (from == target)
        {
            return true;
        }

        // A workflow that is not published yet counts as it will be: of several imported together, each would else be the first.
        if (!seen.Add(from)
            || (await definitions.FindAsync(from, VersionOptions.Published, cancellationToken) ?? await definitions.FindAsync(from, VersionOptions.Latest, cancellationToken)) is not { } version)
        {
            return false;
        }

        var model = Json.Parse(version.Json, Json.DefinitionDepth);
        foreach (var used in model.SelectTokens("$..workflowDefinitionId").OfType<JValue>().Select(value => value.Value as string).OfType<string>().Distinct().ToList())
        {
            if (await ReachesAsync(used, target, seen, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }
}
