using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Functions;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>What scripts of a definition may name, as TypeScript declarations: the editor completes and explains by them.</summary>
internal static partial class ScriptDeclarations
{
    private const int DepthLimit = 6;
    private const int MemberLimit = 100;

    private const string Globals = """
        /** A variable of the workflow. */
        declare function getVariable(name: string): any;
        declare function setVariable(name: string, value: any): void;
        /** An input of the workflow. */
        declare function getInput(name: string): any;
        /** An output of an activity that ran before, by the activity's id or name. */
        declare function getOutputFrom(activity: string, output?: string): any;
        /** The result of the activity that ran last. */
        declare function getLastResult(): any;
        declare function getWorkflowDefinitionId(): string;
        declare function getWorkflowDefinitionVersionId(): string;
        declare function getWorkflowDefinitionVersion(): number;
        declare function getWorkflowInstanceId(): string;
        declare function getWorkflowInstanceName(): string | null;
        declare function setWorkflowInstanceName(name: string): void;
        declare function getCorrelationId(): string | null;
        declare function setCorrelationId(id: string): void;
        /** In Run JavaScript: the way out to take. */
        declare function setOutcome(name: string): void;
        declare function setOutcomes(names: string[]): void;
        declare function isNullOrEmpty(value: any): boolean;
        declare function isNullOrWhiteSpace(value: any): boolean;
        declare function toJson(value: any): string;
        declare function parseGuid(text: string): string;
        declare function newGuid(): string;
        declare function newGuidString(): string;
        declare function newShortGuid(): string;
        declare function stringToBase64(text: string): string;
        declare function stringFromBase64(text: string): string;
        declare function bytesToString(bytes: any): string;
        declare function bytesFromString(text: string): any;
        declare function bytesToBase64(bytes: any): string;
        declare function bytesFromBase64(text: string): any;
        declare const args: any;

        """;

    public static async Task<IResult> ReplyAsync(string definitionId, HttpContext context, IDefinitionStore definitions, TriggerService triggers, ActivityRegistry activities, OperationCatalog operations)
    {
        var text = new StringBuilder(Globals).Append(FunctionCatalog.Declarations());
        JToken? documented = null;
        if (await definitions.FindAsync(definitionId, VersionOptions.Latest, context.RequestAborted) is { } latest)
        {
            var model = (JObject)Json.Parse(latest.Json, Json.DefinitionDepth);
            AddVariables(text, Named(model, "variables", "typeName"));
            AddInputs(text, Named(model, "inputs", "type"));
            AddOutputs(text, model, activities);
            documented = DocumentedItem(model, operations);
        }

        var seen = await SampleAsync(definitionId, triggers, context.RequestAborted);
        AddEvent(text, seen ?? documented, seen is not null ? "The item, as the newest event has it." : documented is not null ? "The item, as the API's documentation has it: no event has been seen yet." : "The item. No event has been seen yet, so its members are not known.");
        return Results.Text(text.ToString(), "application/x-typescript");
    }

    /// <summary>The item of the newest event of one of the definition's triggers; null: none has fired, or it is not published.</summary>
    private static async Task<JToken?> SampleAsync(string definitionId, TriggerService triggers, CancellationToken cancellationToken)
    {
        foreach (var view in (await triggers.ListAsync(new TriggerQuery { DefinitionId = definitionId, PageSize = 10 }, cancellationToken)).Items)
        {
            if ((await triggers.EventsAsync(view.Trigger.Id, 0, 1, cancellationToken)).Items is [{ } newest, ..])
            {
                return newest.Item;
            }
        }

        return null;
    }

    /// <summary>A sample item of the first trigger that watches a list; null: there is none, or no sample of it.</summary>
    private static JToken? DocumentedItem(JObject model, OperationCatalog operations) =>
        (from entry in model["root"] is JObject root ? ActivityTree.Walk(root) : []
         let operation = operations.Find((string?)(entry.Json["type"] as JValue) ?? "")
         where operation?.Poll is not null
         let samples = operations.Connectors.FirstOrDefault(connector => connector.Name == operation.Connector)?.Samples
         select OperationOutputs.Describe(operation, samples).FirstOrDefault(output => (string?)output["name"] == "event")?["sample"]?["item"]).FirstOrDefault(item => item is JObject);

    private static void AddEvent(StringBuilder text, JToken? item, string comment)
    {
        var type = item is null ? "any" : TypeOf(item, 1);
        text.Append(CultureInfo.InvariantCulture, $$"""
            /** What started this run: the item that its trigger saw. */
            declare const event: {
              key: string;
              /** {{comment}} */
              item: {{type}};
              previous: {{type}} | null;
              revision: number;
              sourceId: string;
              observedAt: string;
              sample?: boolean;
            };

            """);
    }

    private static void AddVariables(StringBuilder text, List<(string Name, string Type)> variables)
    {
        text.Append("declare const variables: {").AppendJoin(' ', variables.Select(v => $"{Member(v.Name)}: {v.Type};")).Append(" [name: string]: any };\n");
        foreach (var (name, type) in variables.Where(v => Identifier().IsMatch(v.Name)))
        {
            text.Append(CultureInfo.InvariantCulture, $"declare function get{Pascal(name)}(): {type};\ndeclare function set{Pascal(name)}(value: {type}): void;\n");
        }
    }

    /// <summary>Accessors of what activities put out: <c>getResultFromFetch()</c>.</summary>
    private static void AddOutputs(StringBuilder text, JObject model, ActivityRegistry activities)
    {
        var outputs =
            from entry in model["root"] is JObject root ? ActivityTree.Walk(root) : []
            let activity = entry.Json
            let name = (string?)(activity["name"] as JValue) is { Length: > 0 } given ? given : (string?)(activity["id"] as JValue)
            where name is not null && Identifier().IsMatch(name) && activity["type"] is JValue { Value: string }
            from output in activities.Find((string)activity["type"]!)?.Outputs ?? []
            select (Accessor: $"get{Pascal(output.Name)}From{Pascal(name)}", Type: Alias(output.TypeName, false));
        foreach (var (accessor, type) in outputs.DistinctBy(o => o.Accessor).Take(MemberLimit * 5))
        {
            text.Append(CultureInfo.InvariantCulture, $"declare function {accessor}(): {type};\n");
        }
    }

    private static void AddInputs(StringBuilder text, List<(string Name, string Type)> inputs)
    {
        foreach (var (name, type) in inputs.Where(i => Identifier().IsMatch(i.Name)))
        {
            text.Append(CultureInfo.InvariantCulture, $"declare function get{Pascal(name)}(): {type};\n");
        }
    }

    private static List<(string Name, string Type)> Named(JObject model, string list, string typeProperty) =>
        (model[list] as JArray ?? []).OfType<JObject>()
            .Select(entry => ((string?)(entry["name"] as JValue) ?? "", Alias((string?)(entry[typeProperty] as JValue), entry["isArray"] is JValue { Value: true })))
            .Where(entry => entry.Item1.Length > 0)
            .DistinctBy(entry => entry.Item1)
            .Take(MemberLimit)
            .ToList();

    private static string Alias(string? alias, bool isArray)
    {
        var element = alias?.TrimEnd('[', ']') switch
        {
            "String" or "Guid" => "string",
            "DateTime" or "DateTimeOffset" => "Date",
            "Boolean" => "boolean",
            "Int16" or "Int32" or "Int64" or "Long" or "Single" or "Double" or "Decimal" => "number",
            _ => "any",
        };
        return isArray || alias?.EndsWith("[]", StringComparison.Ordinal) == true ? element + "[]" : element;
    }

    /// <summary>The type of a sample: only names and kinds leave the item, no values.</summary>
    private static string TypeOf(JToken sample, int depth) => sample switch
    {
        JObject item when depth <= DepthLimit => "{ " + string.Concat(item.Properties().Take(MemberLimit).Select(p => $"{Member(p.Name)}: {TypeOf(p.Value, depth + 1)}; ")) + "[name: string]: any }",
        JArray { Count: > 0 } items when depth <= DepthLimit => $"Array<{TypeOf(items[0], depth + 1)}>",
        JArray => "any[]",
        { Type: JTokenType.String or JTokenType.Date } => "string",
        { Type: JTokenType.Integer or JTokenType.Float } => "number",
        { Type: JTokenType.Boolean } => "boolean",
        _ => "any",
    };

    private static string Member(string name) => Identifier().IsMatch(name) ? name : Json.Write(new JValue(name));

    private static string Pascal(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex Identifier();
}
