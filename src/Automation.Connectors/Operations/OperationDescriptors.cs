using System.Text.RegularExpressions;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>What the designer shows of an operation.</summary>
internal static partial class OperationDescriptors
{
    private static readonly Dictionary<string, string> Brands = new(StringComparer.Ordinal) { ["gohighlevel"] = "GoHighLevel", ["flocksy"] = "Flocksy" };

    public static ActivityDescriptor Describe(Operation operation)
    {
        var inputs = new List<InputDescriptor>
        {
            ConnectionInput(operation.Connector),
        };
        if (operation.Poll is { } poll)
        {
            inputs.AddRange(OfTriggers(operation, poll));
        }

        var paging = operation.Poll is null ? [] : operation.Pagination.Params;
        inputs.AddRange(operation.Inputs.Select((input, i) => Describe(input, i + 10, paging.Contains(input.Name))));

        var outputs = new List<OutputDescriptor> { new() { Name = "Result", DisplayName = "Result", Description = operation.Poll is null ? "The answer." : "The item that fired; the answer where the activity only reads." } };
        if (operation.Poll is not null)
        {
            outputs.Add(new OutputDescriptor { Name = "Event", DisplayName = "Event", Description = "The event: key, item, previous, revision, sourceId, observedAt, sample." });
        }

        return new ActivityDescriptor
        {
            TypeName = operation.ActivityType,
            Category = $"{Brands.GetValueOrDefault(operation.Connector, operation.Connector)}: {CategoryOf(operation)}",
            DisplayName = operation.Deprecated ? operation.Name + " (deprecated)" : operation.Name,
            Description = string.Join(' ', new[] { operation.FiresOn is { } fires ? fires + "." : null, operation.Description, operation.Notice }.Where(part => !string.IsNullOrEmpty(part))),
            Kind = operation.Poll is null ? ActivityKind.Action : ActivityKind.Trigger,
            Inputs = inputs,
            Outputs = outputs,
            Ports = [new PortDescriptor(Outcome.Done, Outcome.Done, IsEmbedded: false)],
            CustomProperties = new JObject
            {
                ["operation"] = new JObject
                {
                    ["connector"] = operation.Connector,
                    ["method"] = operation.Method,
                    ["path"] = operation.Path,
                    ["scopes"] = new JArray(operation.Scopes),
                    ["effect"] = operation.Effect.ToString().ToLowerInvariant(),
                    ["destructive"] = operation.Destructive,
                    ["docsUrl"] = operation.DocsUrl,
                },
            },
            Create = _ => new OperationActivity(operation),
            CheckAsync = context => OperationChecks.CheckAsync(operation, context),
        };
    }

    /// <summary>Triggers in a user's words come first; those that watch one record by its id stand apart.</summary>
    private static string CategoryOf(Operation operation) => operation switch
    {
        { Poll.Source: not null } => "When…",
        { Poll: not null, Response.CollectionPath: null } => operation.Category + " (advanced)",
        _ => operation.Category,
    };

    /// <summary>Inputs that every poll trigger has.</summary>
    private static IEnumerable<InputDescriptor> OfTriggers(Operation operation, PollShape poll)
    {
        yield return new InputDescriptor
        {
            Name = "Interval",
            TypeName = "String",
            ValueType = typeof(string),
            DisplayName = "Interval",
            Order = 1,
            DefaultValue = IntervalText(poll.DefaultInterval),
            Description = "How often to look: 30s, 5m, 1h, or a cron of five fields, six with seconds.",
        };
        yield return new InputDescriptor
        {
            Name = "Mode",
            TypeName = "String",
            ValueType = typeof(string),
            DisplayName = "Mode",
            Order = 2,
            UIHint = "dropdown",
            DefaultValue = poll.Modes[0],
            Description = "What fires: updated (new or changed), new (seen for the first time; with a filter: passes it for the first time), changed (this record), edge (it becomes true).",
            UISpecifications = Options(poll.Modes),
            IsBrowsable = poll.Modes.Count > 1,
        };
        yield return new InputDescriptor
        {
            Name = "Filter",
            TypeName = "Object",
            ValueType = typeof(object),
            DisplayName = "Filter",
            Order = 3,
            UIHint = "multiline",
            DefaultSyntax = "JavaScript",
            AutoEvaluate = false,
            Description = "Which of them fire. A script that says true or false: event.item.tags.includes('vip'). Or conditions that must all hold: "
                + "[{\"field\":\"tags\",\"operator\":\"added\",\"value\":\"vip\"}]; operators: " + string.Join(", ", ItemConditions.Operators) + ".",
        };
        yield return new InputDescriptor
        {
            Name = "Backfill",
            TypeName = "String",
            ValueType = typeof(string),
            DisplayName = "Backfill",
            Order = 4,
            UIHint = "dropdown",
            DefaultValue = "none",
            Category = "Advanced",
            Description = "What of that which is there already fires: none; or all that passes the filter, once, after the first poll and behind everything else.",
            UISpecifications = Options(["none", "all"]),
        };

        // Free slots have an input of their own by this name.
        if (!operation.Inputs.Any(input => input.Name.Equals("timeZone", StringComparison.OrdinalIgnoreCase)))
        {
            yield return new InputDescriptor
            {
                Name = "TimeZone",
                TypeName = "String",
                ValueType = typeof(string),
                DisplayName = "Time zone",
                Order = 5,
                Category = "Advanced",
                Description = "Of an interval that is a cron: a name such as Europe/Berlin. Left empty, it is the location's, or UTC where that is not known.",
            };
        }
    }

    public static InputDescriptor ConnectionInput(string connector) => new()
    {
        Name = "ConnectionId",
        TypeName = "String",
        ValueType = typeof(string),
        DisplayName = "Connection",
        Required = true,
        UIHint = "dropdown",
        Order = 0,
        Description = "The account to use.",
        UISpecifications = LiveOptions("connections:" + connector),
    };

    private static InputDescriptor Describe(OperationInput input, int order, bool isPaging)
    {
        var name = input.PropertyName;

        // Values reach the client as they are and are fitted there, with errors that name the API's input; only plain text is converted before.
        var (alias, type) = input.Type switch
        {
            "string" => ("String", typeof(string)),
            "number" or "integer" => ("Double", typeof(object)),
            "boolean" => ("Boolean", typeof(object)),
            _ => ("Object", typeof(object)),
        };
        return new InputDescriptor
        {
            Name = char.ToUpperInvariant(name[0]) + name[1..],
            TypeName = alias,
            ValueType = type,
            DisplayName = input.DisplayName ?? Words(input.Name),
            Description = input.Description,
            Required = input is { Required: true, Default: null } && input.Name is not ("locationId" or "location_id" or "companyId"),
            UIHint = input switch
            {
                { Enum: not null, Type: not "array", Several: false } or { Suggestions: not null } or { OptionsFrom: not null, Type: not "array" } => "dropdown",
                { Enum: not null } or { OptionsFrom: not null } => "checklist",
                { Type: "boolean" } => "checkbox",
                { Format: "date" or "us-date" } => "datetime-picker",
                { Type: "array", ItemType: "string" } => "multitext",
                { Type: "array" or "object" } => "json-editor",
                { Name: "body" or "description" or "rawHTML" or "text" or "notes" } => "multiline",
                _ => "singleline",
            },
            UISpecifications = input.OptionsFrom is { } from ? LiveOptions("operation:" + from, input.Type == "array") : (input.Enum ?? input.Suggestions) is { } allowed ? (input.Type == "array" ? CheckList(allowed) : Options(allowed)) : null,
            DefaultValue = isPaging ? null : input.Default,
            DefaultSyntax = input.Type is "array" or "object" ? "Object" : "Literal",
            Category = isPaging ? "Advanced" : null,
            Order = order,
            IsSensitive = input.Sensitive,
        };
    }

    public static JObject Options(IReadOnlyList<string> values) => new()
    {
        ["dropdown"] = new JObject
        {
            ["selectList"] = new JObject { ["items"] = new JArray(values.Select(v => new JObject { ["text"] = v, ["value"] = v })), ["isFlagsEnum"] = false },
            ["providerName"] = null,
        },
    };

    public static JObject CheckList(IReadOnlyList<string> values) => new()
    {
        ["checklist"] = new JObject { ["checkList"] = new JObject { ["items"] = new JArray(values.Select(v => new JObject { ["text"] = v, ["value"] = v, ["isChecked"] = false })) } },
    };

    /// <summary>Options that the server fills in when the designer asks (<see cref="InputOptions"/>): the provider is <c>connections:CONNECTOR</c> or <c>operation:ACTIVITY TYPE</c>.</summary>
    private static JObject LiveOptions(string provider, bool isList = false)
    {
        var options = isList ? CheckList([]) : Options([]);
        options[isList ? "checklist" : "dropdown"]!["providerName"] = provider;
        options["Refresh"] = true;
        return options;
    }

    private static string IntervalText(TimeSpan interval) => interval.TotalSeconds % 60 == 0 ? $"{interval.TotalMinutes:0}m" : $"{interval.TotalSeconds:0}s";

    private static string Words(string name)
    {
        var words = Boundary().Replace(name.Replace('_', ' '), " ");
        return char.ToUpperInvariant(words[0]) + words[1..].Replace(" Id", " id", StringComparison.Ordinal);
    }

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Boundary();
}
