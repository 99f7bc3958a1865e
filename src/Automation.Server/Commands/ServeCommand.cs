using System.Data.Common;
using Automation.Hosting.Startup;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Options;

namespace Automation.Server.Commands;

/// <summary><c>serve</c>: runs the server until it is stopped.</summary>
internal static class ServeCommand
{
    /// <returns>Exit code: 0 stopped in order, 1 failed.</returns>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        try
        {
            await using var app = ServerComposition.Build(args);
            // Before the host starts: it would print a wrong setting as an error with a stack trace.
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            await using var folder = DataFolderLock.Take(app.Services);
            app.Services.GetRequiredService<Readiness>().IsAlone = folder is not null;
            // Before the host starts, too: what cannot work is told in a sentence.
            await app.Services.GetRequiredService<Preparation>().RunAsync(cancellationToken);
            await RunAsync(app, cancellationToken);
            return CommandLine.Done;
        }
        catch (OptionsValidationException error)
        {
            // A wrong setting is no bug: what is wrong and what to do, without a stack trace.
            foreach (var failure in error.Failures)
            {
                await Console.Error.WriteLineAsync(failure);
            }

            return CommandLine.Failed;
        }
        catch (StartRefusedException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return CommandLine.Failed;
        }
        catch (IOException error)
        {
            // The address is taken, or the data folder is another process's.
            await Console.Error.WriteLineAsync(error.Message);
            return CommandLine.Failed;
        }
    }

    private static async Task RunAsync(WebApplication app, CancellationToken cancellationToken)
    {
        // Taken now: the services are gone when the host has ended.
        var database = app.Services.GetRequiredService<IDatabase>();
        try
        {
            await app.RunAsync(cancellationToken);
        }
        catch (DbException error)
        {
            // It went away, or refused, between the preparation and the last service's start: the log has the details.
            throw new StartRefusedException(database.Trouble ?? $"The database ended the start: {error.Message}", error);
        }
    }
}
