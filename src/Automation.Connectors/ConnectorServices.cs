using System.Net.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Automation.Connectors;

/// <summary>Registers the kit.</summary>
public static class ConnectorServices
{
    /// <summary>
    /// Adds the client, the budget of this process, and the poll reader. Needs an <see cref="OperationCatalog"/> and an <see cref="IConnections"/>; without another
    /// <see cref="IEffectLedger"/> writes are sent and not recorded. The HTTP client is named <see cref="ConnectorOptions.HttpClientName"/> and guarded by <see cref="PrivateNetworkGuard"/>.
    /// </summary>
    public static IServiceCollection AddAutomationConnectors(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<ConnectorOptions>().ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<PollingLimits>();
        services.AddOptions<SmtpOptions>().ValidateDataAnnotations();
        services.TryAddSingleton<MailSender>();
        services.TryAddSingleton<OperationBrief>();
        services.AddHttpClient(ConnectorOptions.HttpClientName, client => client.DefaultRequestHeaders.UserAgent.ParseAdd("Automation/0.1"))

            // Journal and effects tell what was called, without what a log must not hold.
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(static provider =>
            {
                var handler = provider.GetRequiredService<PrivateNetworkGuard>().CreateHandler();

                // A redirect would take the request, and what is in it, to a host that nobody chose.
                handler.AllowAutoRedirect = false;
                return handler;
            });
        services.AddOptions<OutboundOptions>();
        services.TryAddSingleton<PrivateNetworkGuard>();
        services.TryAddSingleton<IRateBudget, RateBudget>();
        services.TryAddSingleton<TokenClient>();
        services.TryAddSingleton<IAccessTokens, GivenTokens>();
        services.TryAddSingleton<OperationClient>();
        services.TryAddSingleton<IPollReader, PollReader>();
        services.TryAddSingleton<ProbeReader>();
        services.TryAddSingleton<InputOptions>();
        services.TryAddSingleton<LocationZones>();
        services.TryAddSingleton<FieldValues>();
        services.TryAddSingleton<IEffectLedger, SendOnlyLedger>();
        return services;
    }
}
