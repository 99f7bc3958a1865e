using System.CommandLine;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Server.Commands;

/// <summary><c>validate</c>: checks definition files and names every problem with its place. For a build of a repository of definitions.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("files") { Description = "Definition files and templates, or folders of them.", Arity = ArgumentArity.OneOrMore };
        var json = new Option<bool>("--json") { Description = "Prints the problems as JSON." };
        var command = new Command("validate", "Checks definition files and templates: file, activity, property, line and column of every problem.") { files, json };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(services => ValidateAsync(services, parsed.GetValue(files)!, parsed.GetValue(json), cancellationToken), needsDatabase: true, cancellationToken));
        return command;
    }

    private static async Task<int> ValidateAsync(IServiceProvider services, string[] paths, bool asJson, CancellationToken cancellationToken)
    {
        var check = services.GetRequiredService<DefinitionFileCheck>();
        var files = paths.SelectMany(Expand).ToList();
        var (failed, report) = (0, new JArray());
        foreach (var file in files)
        {
            var problems = File.Exists(file)
                ? await check.CheckAsync(file, await File.ReadAllBytesAsync(file, cancellationToken), cancellationToken)
                : [new FileProblem(new DefinitionProblem(ProblemSeverity.Error, "no-file", "There is no such file."), null, null)];
            failed += problems.Any(IsError) ? 1 : 0;
            foreach (var problem in problems)
            {
                report.Add(Describe(file, problem));
                if (!asJson)
                {
                    Console.WriteLine($"{file}: {(IsError(problem) ? "error" : "warning")} {problem.Problem.Code}: {problem}");
                }
            }

            if (!asJson && !problems.Any(IsError))
            {
                Console.WriteLine($"{file}: ok");
            }
        }

        if (asJson)
        {
            Console.WriteLine(report.ToString(Formatting.Indented));
        }

        return failed == 0 ? CommandLine.Done : CommandLine.Fail($"{failed} of {files.Count} files cannot be published as they are.");
    }

    private static bool IsError(FileProblem problem) => problem.Problem.Severity != ProblemSeverity.Warning;

    private static IEnumerable<string> Expand(string path) =>
        Directory.Exists(path) ? Directory.EnumerateFiles(path, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [path];

    private static JObject Describe(string file, FileProblem problem)
    {
        var json = new JObject
        {
            ["file"] = file,
            ["severity"] = IsError(problem) ? "error" : "warning",
            ["code"] = problem.Problem.Code,
            ["message"] = problem.Problem.Message,
            ["activityId"] = problem.Problem.ActivityId,
            ["activityType"] = problem.Problem.ActivityType,
            ["property"] = problem.Problem.Property,
            ["line"] = problem.Line,
            ["column"] = problem.Column,
        };
        if (problem.IsOfScript)
        {
            json["scriptLine"] = problem.Problem.Line;
            json["scriptColumn"] = problem.Problem.Column;
        }

        return json;
    }
}
