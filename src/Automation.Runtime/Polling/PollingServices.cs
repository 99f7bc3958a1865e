using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Functions;
using Automation.Runtime.Connections;
using Automation.Runtime.Definitions;
using Automation.Runtime.Polling;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.Runtime.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Automation.Runtime;

/// <summary>Registers definitions, templates, connections and polling.</summary>
public static class PollingServices
{
    internal static IServiceCollection AddPolling(this IServiceCollection services)
    {
        services.AddSingleton<WorkflowLibrary>();
        services.AddSingleton<IWorkflowCatalog>(provider => provider.GetRequiredService<WorkflowLibrary>());
        services.AddSingleton<DefinitionService>();
        services.AddSingleton<FieldSearch>();
        services.AddSingleton<TemplateService>();
        services.AddSingleton<FieldMapService>();
        services.AddSingleton<IFieldMaps>(provider => provider.GetRequiredService<FieldMapService>());
        services.AddSingleton(provider =>
        {
            var tables = ActivatorUtilities.CreateInstance<LookupTableService>(provider);
            provider.GetRequiredService<ChangeWatch>().On(Topics.Documents, tables.Reload);
            return tables;
        });
        services.AddSingleton<ILookupTables>(provider => provider.GetRequiredService<LookupTableService>());
        services.AddHostedService(provider => provider.GetRequiredService<LookupTableService>());
        services.AddSingleton<FolderClaims>();
        services.AddSingleton<DefinitionFolder>();
        services.AddTransient<DefinitionFileCheck>();
        services.AddHostedService(provider => provider.GetRequiredService<DefinitionFolder>());
        services.AddSingleton<HintClock>();
        services.AddSingleton<WebhookIntake>();
        services.AddSingleton<HintReader>();
        services.AddSingleton<HookSecrets>();
        services.AddSingleton<HookIntake>();
        services.AddSingleton<ArrivalDeliverer>();
        services.AddSingleton<TokenSeal>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<IAccessTokens>(provider => provider.GetRequiredService<AccessTokens>());
        services.AddSingleton<ConnectionVault>();
        services.AddSingleton<TokenWatch>();
        services.AddSingleton<Authorizations>();
        services.AddSingleton<IConnections>(provider => provider.GetRequiredService<ConnectionVault>());
        services.AddSingleton<Deliverer>();
        services.AddSingleton<Poller>();
        services.AddSingleton<SourceWatch>();
        services.AddSingleton<Budgets.BudgetReport>();
        services.AddSingleton<Backfiller>();
        services.AddSingleton<TriggerService>();
        // The publish checks of operations refuse what polling would not keep up with.
        services.AddOptions<PollingLimits>().Configure<IOptions<AutomationOptions>>((limits, settings) =>
        {
            limits.MinimumInterval = settings.Value.Polling.MinimumInterval;
            limits.SandboxMinimumInterval = settings.Value.Polling.SandboxMinimumInterval;
        });
        return services;
    }
}
