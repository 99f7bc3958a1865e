using Automation.Engine;
using Automation.Hosting.Security;
using Automation.Runtime;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Automation.Hosting.Startup;

/// <summary>Migrates before anything else runs, makes the first user where a password is given, and says at the end where to look.</summary>
internal sealed class StartupService(
    IDatabase database,
    Accounts accounts,
    SetupLink link,
    Preparation preparation,
    HostPaths paths,
    AutomationOptions options,
    ActivityRegistry activities,
    IServer server,
    ILogger<StartupService> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => preparation.RunAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var url = ServerAddress.Of(server);
        logger.LogInformation("Automation serves {Url} with {Activities} activity types.", url, activities.All.Count);
        logger.LogInformation("Database: {Database}. Data folder: {Data}.", database.Description, paths.Data);
        logger.LogInformation("Keys: {Keys}. Whoever has them and the database can read every credential; without them the credentials are lost. Back both up, apart.", options.Storage.IsPostgreSql ? paths.KeyFile : paths.Keys);
        if (await accounts.NeedsSetupAsync(cancellationToken))
        {
            logger.LogWarning("There is no user yet. Open this one-time link on this machine to choose a password and sign in (from elsewhere: set Automation:Security:BootstrapPassword and start again): {Link}", new Uri(url, $"/setup?token={link.Token}"));
        }
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>The address at which this process can be reached from itself.</summary>
public static class ServerAddress
{
    /// <summary>First address the server listens on, wildcards as loopback. Known once it listens.</summary>
    public static Uri Of(IServer server)
    {
        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "http://localhost:5000";
        var parsed = new Uri(address.Replace("://*", "://localhost", StringComparison.Ordinal).Replace("://+", "://localhost", StringComparison.Ordinal));
        return parsed.Host is "0.0.0.0" or "[::]" ? new UriBuilder(parsed) { Host = "localhost" }.Uri : parsed;
    }
}
