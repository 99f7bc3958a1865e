using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>
/// A version of a workflow definition in Elsa 3 JSON. <see cref="Json"/> is kept as it came, so that what we do not know survives a round trip;
/// the properties read from it.
/// </summary>
public sealed class WorkflowDefinition
{
    /// <summary>The model, as GET and export show it.</summary>
    public required JObject Json { get; init; }

    /// <summary>Id of the version.</summary>
    public string Id => Json["id"].AsText() ?? "";

    public string DefinitionId => Json["definitionId"].AsText() ?? "";
    public string? Name => Json["name"].AsText();
    public int Version => Json["version"] is JValue { Value: long version and > 0 and <= int.MaxValue } ? (int)version : 1;
    public JObject? Root => Json["root"] as JObject;
    public JObject CustomProperties => Json["customProperties"] as JObject ?? [];
    public JObject Options => Json["options"] as JObject ?? [];
}

/// <summary>How bad a problem is.</summary>
public enum ProblemSeverity
{
    /// <summary>Kept and shown; publishing goes on.</summary>
    Warning,

    /// <summary>Kept on save; refused on publish.</summary>
    PublishError,

    /// <summary>Refused on save and import.</summary>
    Error,
}

/// <summary>Something wrong in a definition: what, where, what to do.</summary>
/// <param name="Severity">What it stops.</param>
/// <param name="Code">Short stable code, as <c>unknown-activity-type</c>.</param>
/// <param name="Message">What and why, and what to do.</param>
public sealed record DefinitionProblem(ProblemSeverity Severity, string Code, string Message)
{
    public string? ActivityId { get; init; }
    public string? ActivityType { get; init; }

    /// <summary>Property of the activity, camelCase as in the JSON.</summary>
    public string? Property { get; init; }

    /// <summary>Line in the file or in the script, from 1.</summary>
    public int? Line { get; init; }

    public int? Column { get; init; }

    /// <summary>The message with its place in front.</summary>
    public override string ToString()
    {
        var place = ActivityId is null ? "" : Property is null ? $"Activity '{ActivityId}': " : $"Activity '{ActivityId}', property '{Property}': ";
        var position = Line is null ? "" : $" (line {Line}, column {Column ?? 1})";
        return place + Message + position;
    }
}
