using System.CommandLine;

namespace Automation.Server.Commands;

/// <summary>The program's command line. Exit codes: 0 done, 1 failed, 2 wrong usage.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    public static async Task<int> InvokeAsync(string[] args)
    {
        var root = new RootCommand("Workflow automation for GoHighLevel and Flocksy. Without a command it serves.");
        var serve = new Command("serve", "Serves pages, APIs and triggers (the default).") { TreatUnmatchedTokensAsErrors = false };
        serve.SetAction((_, cancellationToken) => ServeCommand.RunAsync(args.Skip(args.FirstOrDefault() == "serve" ? 1 : 0).ToArray(), cancellationToken));
        root.Subcommands.Add(serve);
        root.Subcommands.Add(SandboxCommand.Create());
        root.Subcommands.Add(ValidateCommand.Create());
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(ImportCommand.Create());
        root.Subcommands.Add(ExportCommand.Create());
        root.Subcommands.Add(OperationsCommand.Create());
        root.Subcommands.Add(ConnectionsCommand.Create());
        root.Subcommands.Add(KeysCommand.Create());
        root.Subcommands.Add(HealthCommand.Create());
        root.Subcommands.Add(MoveCommand.Create());

        // Host settings such as --urls or --environment without a command mean serve.
        if (args.Length == 0 || (args[0].StartsWith("--", StringComparison.Ordinal) && args[0] is not ("--help" or "--version")))
        {
            return await ServeCommand.RunAsync(args, CancellationToken.None);
        }

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message);
            }

            await Console.Error.WriteLineAsync("See --help for what there is.");
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written is no bug of ours: no stack trace.
            return Fail(error.Message);
        }
    }

    /// <summary>Prints a failure and its exit code.</summary>
    public static int Fail(string message)
    {
        Console.Error.WriteLine(message);
        return Failed;
    }
}
