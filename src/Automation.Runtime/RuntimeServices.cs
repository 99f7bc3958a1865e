using Automation.Connectors;
using Automation.Runtime.Running;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Runtime;

/// <summary>Registers the durable life of an installation.</summary>
public static class RuntimeServices
{
    /// <summary>Adds runner, polling, effects, vault, definitions, templates. The stores come from Persistence.</summary>
    public static IServiceCollection AddAutomationRuntime(this IServiceCollection services) => services.AddPolling().AddRunning();
}
