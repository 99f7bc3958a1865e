using System.CommandLine;
using Automation.Engine;
using Automation.Runtime.Definitions;

namespace Automation.Server.Commands;

/// <summary><c>validate</c>: checks definition files and names every problem with its place. For a build of a repository of definitions.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var files = new Argument<FileInfo[]>("files") { Description = "Definition files.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("validate", "Checks definition files: file, activity, property, line and column of every problem.") { files };
        command.SetAction((parsed, cancellationToken) => Offline.RunAsync(services => ValidateAsync(services, parsed.GetValue(files)!, cancellationToken), needsDatabase: true, cancellationToken));
        return command;
    }

    private static async Task<int> ValidateAsync(IServiceProvider services, FileInfo[] files, CancellationToken cancellationToken)
    {
        var definitions = services.GetRequiredService<DefinitionService>();
        var failed = 0;
        foreach (var file in files)
        {
            if (!file.Exists)
            {
                Console.Error.WriteLine($"{file}: there is no such file.");
                failed++;
                continue;
            }

            var problems = await definitions.ValidateAsync(await File.ReadAllTextAsync(file.FullName, cancellationToken), cancellationToken);
            foreach (var problem in problems)
            {
                Console.WriteLine($"{file}: {(problem.Severity == ProblemSeverity.Warning ? "warning" : "error")} {problem.Code}: {problem}");
            }

            if (problems.Any(problem => problem.Severity != ProblemSeverity.Warning))
            {
                failed++;
            }
            else
            {
                Console.WriteLine($"{file}: ok");
            }
        }

        return failed == 0 ? CommandLine.Done : CommandLine.Fail($"{failed} of {files.Length} files cannot be published as they are.");
    }
}
