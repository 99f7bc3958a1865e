using Automation.Connectors;
using Automation.Runtime.Connections;
using Automation.Runtime.Definitions;
using Automation.Runtime.Effects;
using Automation.Runtime.Gates;
using Automation.Runtime.People;
using Automation.Runtime.Running;
using Automation.Runtime.Polling;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Automation.Runtime;

/// <summary>Registers runner, effects, due times, sweep and doorbell.</summary>
public static class RunningServices
{
    internal static IServiceCollection AddRunning(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<RunQueue>();
        services.AddSingleton<DueClock>();
        services.AddSingleton<EventRouter>();
        services.AddSingleton<HeldEvents>();
        services.AddSingleton<RunCommitter>();
        services.AddSingleton<LeaseKeeper>();
        services.AddSingleton<Runner>();
        services.AddSingleton<RunService>();
        services.AddSingleton<TaskService>();
        services.AddSingleton<IGates, GateService>();
        services.AddSingleton<RequestSeal>();
        services.AddSingleton<RunTransfer>();
        services.AddSingleton<IEffectLedger, EffectLedger>();
        services.AddSingleton<DueTimeService>();
        services.AddSingleton(provider =>
        {
            var watch = ActivatorUtilities.CreateInstance<ChangeWatch>(provider);
            watch.On(Topics.Definitions, provider.GetRequiredService<DefinitionService>().Doubt);
            watch.On(Topics.Connections, provider.GetRequiredService<ConnectionVault>().Forget);
            watch.On(Topics.DueTimes, provider.GetRequiredService<DueClock>().Wake);
            return watch;
        });
        services.AddSingleton<Sweep>();
        services.AddSingleton<Doorbells>();
        services.TryAddSingleton<IDoorbell, HangfireDoorbell>();

        // Hosted services stop in reverse order: the sources of work first, then the bursts, then the leases under them.
        services.AddHostedService(provider => provider.GetRequiredService<ChangeWatch>());
        services.AddHostedService(provider => provider.GetRequiredService<LeaseKeeper>());
        services.AddHostedService(provider => provider.GetRequiredService<Runner>());
        services.AddHostedService(provider => provider.GetRequiredService<DueTimeService>());
        services.AddHostedService(provider => provider.GetRequiredService<HeldEvents>());
        services.AddHostedService(provider => provider.GetRequiredService<Sweep>());
        services.AddHostedService<BackfillService>();
        services.AddHostedService(provider => provider.GetRequiredService<Webhooks.HintReader>());
        return services;
    }
}
