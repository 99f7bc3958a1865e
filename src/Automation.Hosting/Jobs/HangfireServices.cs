using Hangfire;
using Hangfire.Common;
using Hangfire.Dashboard;
using Hangfire.InMemory;
using Hangfire.States;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Automation.Hosting.Jobs;

/// <summary>Hangfire as the doorbell: in memory beside SQLite, in PostgreSQL where servers share one. Rows are the truth, and the sweep rings again for what it loses.</summary>
internal static class HangfireServices
{
    /// <param name="services">The services.</param>
    /// <param name="connectionString">The PostgreSQL that servers share; null: one server, in memory.</param>
    public static void AddHangfireDoorbell(this IServiceCollection services, string? connectionString)
    {
        // Own instances instead of Hangfire's statics: several hosts may live in one process (embedding, tests).
        if (connectionString is null)
        {
            services.AddSingleton<JobStorage>(_ => new InMemoryStorage(new InMemoryStorageOptions { MaxExpirationTime = TimeSpan.FromMinutes(5) }));
            services.AddSingleton(new HangfireSize(Math.Clamp(Environment.ProcessorCount * 2, 4, 16)));
        }
        else
        {
            services.AddSingleton(_ => new SharedBell(connectionString));
            services.AddSingleton<JobStorage>(provider => provider.GetRequiredService<SharedBell>().Open());
            services.AddSingleton(new HangfireSize(SharedBell.Workers));
        }

        // No filters: retry is decided in one place, and that is not here.
        services.AddSingleton<IJobFilterProvider>(_ => new JobFilterProviderCollection(new JobFilterAttributeFilterProvider()));
        services.AddSingleton<IBackgroundJobClient>(provider => new BackgroundJobClient(provider.GetRequiredService<JobStorage>(), provider.GetRequiredService<IJobFilterProvider>()));
        services.AddHostedService<HangfireHost>();
        services.AddSingleton<IGlobalConfiguration>(GlobalConfiguration.Configuration);
        services.AddSingleton(DashboardRoutes.Routes);
    }
}

/// <summary>Hangfire's own page, for administrators, to look at only: there is nothing to settle in it, since rows are the truth.</summary>
internal static class HangfirePage
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapHangfireDashboard("/hangfire", new DashboardOptions { Authorization = [], IsReadOnlyFunc = _ => true, AppPath = "/", DashboardTitle = "Doorbell" }, routes.ServiceProvider.GetRequiredService<JobStorage>())
            .RequireAuthorization(Security.Access.Administrators);
}

/// <summary>Workers of the Hangfire server: each serves one batch of ids at a time, and a batch runs many in parallel.</summary>
internal sealed record HangfireSize(int Workers);

/// <summary>Runs the Hangfire server with the host's services as activator.</summary>
internal sealed class HangfireHost(IServiceProvider services, IJobFilterProvider filters, HangfireSize size, IServiceScopeFactory scopes, TimeProvider clock) : IHostedService, IDisposable
{
    private BackgroundJobServer? server;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var options = new BackgroundJobServerOptions
        {
            WorkerCount = size.Workers,
            Queues = [EnqueuedState.DefaultQueue],
            Activator = new ScopeActivator(scopes),
            FilterProvider = filters,
            SchedulePollingInterval = TimeSpan.FromMinutes(1),
            HeartbeatInterval = TimeSpan.FromMinutes(1),
            ServerCheckInterval = TimeSpan.FromMinutes(5),
            ShutdownTimeout = TimeSpan.FromSeconds(15),
        };
        // Opened here and not before: what it stores its jobs in is made by the preparation.
        server = new BackgroundJobServer(options, services.GetRequiredService<JobStorage>());
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (server is null)
        {
            return;
        }

        server.SendStop();
        await server.WaitForShutdownAsync(cancellationToken).WaitAsync(TimeSpan.FromSeconds(20), clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => server?.Dispose();

    private sealed class ScopeActivator(IServiceScopeFactory scopes) : JobActivator
    {
        public override JobActivatorScope BeginScope(JobActivatorContext context) => new Scope(scopes.CreateAsyncScope());

        private sealed class Scope(AsyncServiceScope scope) : JobActivatorScope
        {
            public override object Resolve(Type type) => ActivatorUtilities.GetServiceOrCreateInstance(scope.ServiceProvider, type);

            public override void DisposeScope() => scope.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }
}
