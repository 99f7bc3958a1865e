using Automation.Activities.Http;
using Automation.Connectors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Automation.Activities;

/// <summary>Adds the activities of this project.</summary>
public static class BuiltInActivities
{
    /// <summary>
    /// Adds the built-in leaves: console, scripting, timers, events, child workflows, HTTP, CSV. Their HTTP client is guarded by <see cref="PrivateNetworkGuard"/>;
    /// the host says with <see cref="OutboundOptions"/> whether private networks are open.
    /// </summary>
    public static AutomationBuilder AddBuiltInActivities(this AutomationBuilder automation)
    {
        automation.Services.AddOptions<OutboundOptions>();
        automation.Services.AddOptions<FilesOptions>();
        automation.Services.AddOptions<SmtpOptions>();
        automation.Services.TryAddSingleton<MailSender>();
        automation.Services.TryAddSingleton<PrivateNetworkGuard>();
        automation.Services.TryAddSingleton<IFileStore, FolderFiles>();
        automation.Services.TryAddSingleton<HttpCaller>();
        automation.Services.AddHttpClient(HttpCaller.ClientName, static client => client.Timeout = Timeout.InfiniteTimeSpan) // The caller sets its own, which covers the answer's body too.
            .ConfigurePrimaryHttpMessageHandler(static services => services.GetRequiredService<PrivateNetworkGuard>().CreateHandler());
        return automation.AddActivitiesFrom<WriteLine>();
    }
}
