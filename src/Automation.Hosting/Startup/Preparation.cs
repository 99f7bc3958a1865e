using System.Data.Common;
using Automation.Hosting.Jobs;
using Automation.Hosting.Security;
using Automation.Runtime;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Automation.Hosting.Startup;

/// <summary>What has to be done before anything uses the database: folders, migration, the key file, what a dead process left, the first user. Done once, however often it is asked for.</summary>
public sealed class Preparation(IServiceProvider services) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private bool isDone;

    /// <exception cref="StartRefusedException">The installation cannot work as it is set up: says why and what to do.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            if (!isDone)
            {
                await PrepareAsync(cancellationToken);
                isDone = true;
            }
        }
        catch (DbException error)
        {
            var database = services.GetRequiredService<IDatabase>();
            throw new StartRefusedException(database.Trouble ?? $"{database.Description} did not do what the start needs: {error.Message.TrimEnd('.')}. Nothing of it is half done; start again when the cause is gone.", error);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var log = services.GetRequiredService<ILogger<Preparation>>();
        var database = services.GetRequiredService<IDatabase>();
        var readiness = services.GetRequiredService<Readiness>();
        services.GetRequiredService<HostPaths>().Create();
        await database.MigrateAsync(cancellationToken);
        if (services.GetService<InstallationKey>() is { } key)
        {
            await key.CheckAsync(cancellationToken);
        }

        if (services.GetService<SharedBell>() is { } bell)
        {
            await bell.PrepareAsync(cancellationToken);
        }

        if (readiness.IsAlone && await database.FreeLeasesAsync(cancellationToken) is > 0 and var left)
        {
            log.LogInformation("The server ended in the middle of its work last time: {Count} runs and poll sources go on where they were.", left);
        }

        if (services.GetRequiredService<AutomationOptions>().Security.BootstrapPassword is { Length: > 0 } password && await services.GetRequiredService<Accounts>().CreateFirstAsync(password, cancellationToken))
        {
            log.LogInformation("User '{User}' was made with the bootstrap password.", Access.FirstUser);
        }

        readiness.Migrated();
    }
}
