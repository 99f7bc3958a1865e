using Automation.Engine;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>What the designer asks to draw its palette and editors. Only what is built is offered.</summary>
internal static class DescriptorEndpoints
{
    private static readonly (string Alias, string Display, string Category, string? Description)[] VariableTypes =
    [
        ("Object", "Object", "Primitives", "Any value."),
        ("String", "String", "Primitives", null),
        ("Boolean", "Boolean", "Primitives", null),
        ("Int32", "Integer", "Primitives", null),
        ("Int64", "Long", "Primitives", null),
        ("Double", "Double", "Primitives", null),
        ("Decimal", "Decimal", "Primitives", null),
        ("Guid", "Guid", "Primitives", null),
        ("DateTime", "Date/Time", "Primitives", null),
        ("DateTimeOffset", "Date/Time with offset", "Primitives", null),
        ("TimeSpan", "Time span", "Primitives", null),
        ("ObjectDictionary", "Object dictionary", "Dynamic", "Names and values."),
        ("JsonObject", "JSON object", "Dynamic", null),
        ("JsonArray", "JSON array", "Dynamic", null),
        ("String[]", "String array", "Arrays", null),
        ("Object[]", "Object array", "Arrays", null),
    ];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/descriptors");
        group.MapGet("/activities", (HttpContext context, ActivityDescriptors activities) => activities.ReplyAsync(context));
        group.MapGet("/activities/{typeName}", async (string typeName, HttpContext context, ActivityDescriptors activities) =>
            await activities.FindAsync(typeName, context.RequestAborted) is { } descriptor ? (IResult)new Reply(descriptor) : Problem.NotFound($"There is no activity type '{typeName}'."));
        group.MapGet("/expression-descriptors", () => new Reply(Expressions()));
        group.MapGet("/storage-drivers", () => new Reply(Shapes.Counted([StorageDriver("WorkflowInstanceStorageDriver", "Workflow Instance", 5), StorageDriver("MemoryStorageDriver", "Memory", 0)])));
        group.MapGet("/variables", () => new Reply(Shapes.Counted(VariableTypes.Select(t => new JObject { ["typeName"] = t.Alias, ["displayName"] = t.Display, ["category"] = t.Category, ["description"] = t.Description }))));
        group.MapGet("/workflow-activation-strategies", () => new Reply(Shapes.Counted(
        [
            Strategy("Elsa.Workflows.ActivationValidators.AllowAlwaysStrategy, Elsa.Workflows.Core", "Always", "Every start makes a new run."),
            Strategy("Elsa.Workflows.Runtime.ActivationValidators.SingletonStrategy, Elsa.Workflows.Runtime", "Singleton", "One run at a time."),
            Strategy("Elsa.Workflows.Runtime.ActivationValidators.CorrelationStrategy, Elsa.Workflows.Runtime", "Correlation", "One run at a time, of any workflow, for each correlation id."),
            Strategy("Elsa.Workflows.Runtime.ActivationValidators.CorrelatedSingletonStrategy, Elsa.Workflows.Runtime", "Correlated singleton", "One run at a time for each correlation id."),
        ])));
        group.MapGet("/incident-strategies", () => new Reply(Shapes.Counted(
        [
            Strategy("Elsa.Workflows.IncidentStrategies.FaultStrategy, Elsa.Workflows.Core", "Fault", "A fault ends the run."),
            Strategy("Elsa.Workflows.IncidentStrategies.ContinueWithIncidentsStrategy, Elsa.Workflows.Core", "Continue with incidents", "A fault ends its branch; the others go on."),
        ])));
        group.MapGet("/log-persistence-strategies", () => new Reply(Shapes.Counted(
        [
            Strategy("Elsa.Workflows.LogPersistence.Strategies.Include, Elsa.Workflows.Core", "Include", "Inputs and outputs are kept in the journal."),
            Strategy("Elsa.Workflows.LogPersistence.Strategies.Exclude, Elsa.Workflows.Core", "Exclude", "Inputs and outputs are kept out of the journal."),
            Strategy("Elsa.Workflows.LogPersistence.Strategies.Inherit, Elsa.Workflows.Core", "Inherit", "As the activity or the workflow around it says."),
        ])));
        group.MapGet("/commit-strategies/workflows", () => new Reply(Shapes.Counted(CommitStrategyDescription.ForWorkflows.Select(Commit))));
        group.MapGet("/commit-strategies/activities", () => new Reply(Shapes.Counted(CommitStrategyDescription.ForActivities.Select(Commit))));
        group.MapGet("/output-converters", (ActivityRegistry activities) => new Reply(Shapes.Counted(activities.Converters.Values.Select(Converter))));

        routes.MapGet("/features/installed", () => new Reply(Shapes.Counted([LiveUpdates()])));
        routes.MapGet("/features/installed/{name}", (string name) => name == InstanceHub.Feature ? (IResult)new Reply(LiveUpdates()) : Problem.NotFound($"The feature '{name}' is not installed."));
        routes.MapGet("/resilience/strategies", () => new Reply(Shapes.Counted([])));
        routes.MapGet("/resilience/retries/{activityInstanceId}", () => new Reply(new JObject { ["items"] = new JArray(), ["totalCount"] = 0 }));
        routes.MapGet("/package/version", () => new Reply(new JObject { ["packageVersion"] = "3.8.2" }));
        routes.MapPost("/scripting/javascript/type-definitions/{definitionId}", ScriptDeclarations.ReplyAsync);
    }

    private static JObject Commit(CommitStrategyDescription strategy) => new() { ["name"] = strategy.Name, ["displayName"] = strategy.DisplayName, ["description"] = strategy.Description };

    private static JObject Converter(OutputConverter converter) => new()
    {
        ["id"] = converter.Id,
        ["displayName"] = converter.DisplayName,
        ["description"] = converter.Description,
        ["sourceTypeName"] = "Object",
        ["resultTypeName"] = "Object",
        ["settingsSchema"] = converter.SettingsSchema,
    };

    private static JObject LiveUpdates() => new()
    {
        ["name"] = "RealTimeWorkflowUpdates",
        ["namespace"] = "Elsa",
        ["fullName"] = InstanceHub.Feature,
        ["displayName"] = "Live updates",
        ["description"] = "A run that is being looked at is shown as it goes on.",
    };

    private static JObject Expressions() => Shapes.Counted(
    [
        Expression("Literal", "Literal", isBrowsable: false),
        Expression("Object", "Object", isBrowsable: false, ("MonacoLanguage", "json")),
        Expression("Variable", "Variable", isBrowsable: true, ("UIHint", "variable-picker")),
        Expression("Input", "Input", isBrowsable: true, ("UIHint", "input-picker")),
        Expression("JavaScript", "JavaScript", isBrowsable: true, ("MonacoLanguage", "javascript")),
        Expression("Liquid", "Liquid", isBrowsable: true, ("MonacoLanguage", "liquid")),
    ]);

    private static JObject Expression(string type, string displayName, bool isBrowsable, params (string Name, string Value)[] properties) => new()
    {
        ["type"] = type,
        ["displayName"] = displayName,
        ["isSerializable"] = true,
        ["isBrowsable"] = isBrowsable,
        ["properties"] = new JObject(properties.Select(p => new JProperty(p.Name, p.Value))),
    };

    private static JObject StorageDriver(string name, string displayName, double priority) => new()
    {
        ["typeName"] = $"Elsa.Workflows.{name}, Elsa.Workflows.Core",
        ["displayName"] = displayName,
        ["priority"] = priority,
        ["deprecated"] = false,
    };

    private static JObject Strategy(string typeName, string displayName, string description) => new()
    {
        ["typeName"] = typeName,
        ["displayName"] = displayName,
        ["description"] = description,
    };
}
