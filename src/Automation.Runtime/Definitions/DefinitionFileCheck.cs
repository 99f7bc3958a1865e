using Automation.Engine;
using Automation.Runtime.Templates;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>A problem with its place in the file.</summary>
/// <param name="Problem">The problem; its own line and column are those of a script where it has an activity and a property.</param>
/// <param name="Line">Line of the file, from 1; null: it is of the whole file.</param>
/// <param name="Column">Column of the file, from 1.</param>
public sealed record FileProblem(DefinitionProblem Problem, int? Line, int? Column)
{
    public override string ToString() => IsOfScript
        ? $"{Problem} of the script, which stands at line {Line}, column {Column}"
        : Problem.Line is not null || Line is null ? Problem.ToString() : $"{Problem} (line {Line}, column {Column})";

    /// <summary>The problem's own position counts within a script of the file.</summary>
    public bool IsOfScript => Problem is { Line: not null, ActivityId: not null, Property: not null } && Line is not null;
}

/// <summary>Checks definition files before they are loaded anywhere, as a build of a repository does. Templates are checked as far as their slots and inputs leave it open.</summary>
public sealed class DefinitionFileCheck(DefinitionService definitions, TemplateService templates)
{
    private readonly Dictionary<string, string> fileOf = new(StringComparer.Ordinal);

    /// <summary>All problems of one file; of several files also that they name the same definition.</summary>
    public async Task<IReadOnlyList<FileProblem>> CheckAsync(string fileName, byte[] content, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = ImportFiles.TextOf(fileName, content);
        }
        catch (DefinitionRejectedException rejected)
        {
            return [.. rejected.Problems.Select(problem => new FileProblem(problem, null, null))];
        }

        var (definition, problems) = DefinitionReader.Read(text);
        if (definition is null)
        {
            return [.. problems.Select(problem => new FileProblem(problem, problem.Line, problem.Column))];
        }

        if (DefinitionModel.WrongTypes(definition.Json) is { Count: > 0 } wrong)
        {
            return [.. wrong.Select(problem => new FileProblem(problem, problem.Line, problem.Column))];
        }

        var isTemplate = definition.Json["customProperties"]?["template"] is JObject;
        List<DefinitionProblem> all = [.. Twice(fileName, definition.Json), .. isTemplate ? templates.Check(definition.Json, fileName) : [], .. await definitions.ValidateAsync(text, cancellationToken)];
        return [.. all.Where(problem => !isTemplate || !IsOpen(definition.Json, problem)).Select(problem => Place(definition.Json, problem)).OrderBy(problem => problem.Line ?? 0).ThenBy(problem => problem.Column ?? 0)];
    }

    private IEnumerable<DefinitionProblem> Twice(string fileName, JObject model)
    {
        if ((string?)(model["definitionId"] as JValue) is { Length: > 0 } id && !fileOf.TryAdd(id, fileName))
        {
            yield return new DefinitionProblem(ProblemSeverity.Error, "duplicate-definition", $"{fileOf[id]} has the same definitionId '{id}'. Give one of the two another.") { Property = "definitionId" };
        }
    }

    /// <summary>The problem is of a value that the template's installation fills in.</summary>
    private static bool IsOpen(JObject model, DefinitionProblem problem) =>
        problem is { ActivityId: { } id }
        && Find(model, id) is { } activity
        && (problem.Property is { } property ? activity[property] is { } value && Mentions(value) : problem.Severity != ProblemSeverity.Warning && Mentions(activity));

    private static bool Mentions(JToken value) => Json.Write(value) is var text && (text.Contains("{{input:", StringComparison.Ordinal) || text.Contains("{{slot:", StringComparison.Ordinal));

    private static FileProblem Place(JObject model, DefinitionProblem problem)
    {
        var isOfScript = problem is { Line: not null, ActivityId: not null, Property: not null };
        if (problem.Line is not null && !isOfScript)
        {
            return new FileProblem(problem, problem.Line, problem.Column);
        }

        JToken? token = problem.ActivityId is { } id ? Find(model, id) : model;
        token = problem.Property is { } property && token?[property] is { } value ? Script(value, isOfScript) : token;
        return token is not null && token != model && (IJsonLineInfo)token is var place && place.HasLineInfo() ? new FileProblem(problem, place.LineNumber, place.LinePosition) : new FileProblem(problem, null, null);
    }

    private static JToken Script(JToken value, bool isOfScript) => isOfScript && value is JObject && value["expression"]?["value"] is { } script ? script : value;

    private static JObject? Find(JObject model, string activityId) =>
        model["root"] is JObject root ? ActivityTree.Walk(root).FirstOrDefault(entry => (string?)(entry.Json["id"] as JValue) == activityId)?.Json : null;
}
