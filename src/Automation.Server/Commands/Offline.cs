using Automation.Hosting.Startup;
using Automation.Runtime.Storage;

namespace Automation.Server.Commands;

/// <summary>The server's services without the server: for commands that do their work and end. Nothing listens, polls or runs.</summary>
internal static class Offline
{
    /// <summary>Runs a command with the installation's services, on a database that is up to date.</summary>
    public static async Task<int> RunAsync(Func<IServiceProvider, Task<int>> command, bool needsDatabase, CancellationToken cancellationToken)
    {
        try
        {
            return await TryAsync(command, needsDatabase, cancellationToken);
        }
        catch (StartRefusedException error)
        {
            return CommandLine.Fail(error.Message);
        }
    }

    private static async Task<int> TryAsync(Func<IServiceProvider, Task<int>> command, bool needsDatabase, CancellationToken cancellationToken)
    {
        var builder = ServerComposition.CreateBuilder([]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var app = builder.Build();
        await using var scope = app.Services.CreateAsyncScope();
        if (needsDatabase)
        {
            await scope.ServiceProvider.GetRequiredService<Preparation>().RunAsync(cancellationToken);
        }

        return await command(scope.ServiceProvider);
    }
}
