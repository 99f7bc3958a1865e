using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Hosting.Elsa;
using Automation.Hosting.Endpoints;
using Automation.Hosting.Jobs;
using Automation.Hosting.People;
using Automation.Hosting.Security;
using Automation.Hosting.Startup;
using Automation.Hosting.Support;
using Automation.Hosting.Web;
using Automation.Persistence;
using Automation.Runtime;
using Automation.Runtime.Budgets;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Hosting;

/// <summary>Takes the engine into a host.</summary>
public static class HostingServices
{
    /// <summary>
    /// Adds the engine with its durable life, API and security. Settings come from the configuration's section <c>Automation</c>, then from <paramref name="configure"/>.
    /// Activities and connectors are added to what this returns.
    /// </summary>
    public static AutomationBuilder AddAutomation(this IHostApplicationBuilder builder, Action<AutomationOptions>? configure = null)
    {
        var services = builder.Services;
        var settings = ReadSettings(builder, configure);
        var paths = HostPaths.Of(settings, builder.Environment.ContentRootPath);

        services.AddSingleton(paths);
        services.AddSingleton<IValidateOptions<AutomationOptions>, OptionsValidation>();
        services.AddOptions<AutomationOptions>().Configure(options => Fill(options, builder, configure)).ValidateOnStart();
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<AutomationOptions>>().Value);
        services.Configure<FilesOptions>(files => files.Directory = Path.Combine(paths.Data, "files"));
        services.AddOptions<SmtpOptions>().Bind(builder.Configuration.GetSection("Automation:Smtp")).ValidateDataAnnotations()
            .Validate(smtp => smtp.Security.ToLowerInvariant() is "auto" or "tls" or "starttls" or "none", "Automation:Smtp:Security must be Auto, Tls, StartTls or None.").ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new Node($"{Environment.MachineName}-{Ids.New(provider.GetRequiredService<TimeProvider>())}"));

        // The first hosted service: nothing runs before the database is as this program wants it.
        services.AddSingleton<Readiness>();
        services.AddSingleton<Preparation>();
        services.AddHostedService<StartupService>();

        var automation = new AutomationBuilder(services);
        services.AddSingleton(automation.Activities);
        services.AddSingleton(automation.Operations);
        services.AddSingleton(new EngineOptions { FlowchartMode = settings.Flowchart.Mode });
        services.TryAddSingleton<WorkflowEngine>();
        services.TryAddSingleton<ExpressionFactory>();
        if (settings.Storage.IsPostgreSql)
        {
            services.AddSingleton<IRateBudget, SharedRateBudget>();
            services.AddPostgreSqlStores(builder.Configuration.GetConnectionString("Automation") ?? "");
        }
        else
        {
            services.AddSqliteStores(paths.Database, string.Equals(settings.Storage.Durability, "Full", StringComparison.OrdinalIgnoreCase));
        }

        services.AddAutomationRuntime();
        services.AddAutomationConnectors();
        services.AddOptions<PollingLimits>().Configure<AutomationOptions>((limits, options) =>
        {
            limits.MinimumInterval = options.Polling.MinimumInterval;
            limits.SandboxMinimumInterval = options.Polling.SandboxMinimumInterval;
        });
        services.AddOptions<OutboundOptions>().Configure<AutomationOptions>((outbound, options) => outbound.AllowPrivateNetworks = options.Http.AllowPrivateNetworks == true);
        services.AddHangfireDoorbell(settings.Storage.IsPostgreSql ? builder.Configuration.GetConnectionString("Automation") ?? "" : null);
        services.AddAutomationSecurity(paths, settings.Storage.IsPostgreSql);
        services.AddSingleton(provider =>
        {
            var table = ActivatorUtilities.CreateInstance<RouteTable>(provider);
            provider.GetRequiredService<ChangeWatch>().On(Topics.Definitions, table.Invalidate);
            return table;
        });
        services.AddSingleton<InboundGate>();
        services.AddSingleton<TaskLinks>();
        services.AddSingleton<ITaskLinks>(provider => provider.GetRequiredService<TaskLinks>());
        services.AddSingleton<ActivityDescriptors>();
        services.AddHostedService(provider => provider.GetRequiredService<ActivityDescriptors>());
        services.AddSingleton<LiveOptions>();
        services.AddSingleton<StartingPoints>();
        services.AddSingleton<RecentLog>();
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<RecentLog>());
        services.AddSingleton<Installation>();
        services.AddSingleton<SupportBundle>();
        services.AddSignalR();
        services.AddSingleton<InstanceWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<InstanceWatch>());
        services.AddTelemetryExport(builder.Configuration);
        services.AddOpenApi("v1", OpenApi.DocumentOptions.Configure);
        return automation;
    }

    /// <summary>The settings as <see cref="AddAutomation"/> sees them, defaults of the environment and absolute paths included.</summary>
    public static AutomationOptions ReadSettings(IHostApplicationBuilder builder, Action<AutomationOptions>? configure = null)
    {
        var settings = new AutomationOptions();
        Fill(settings, builder, configure);
        return settings;
    }

    private static void Fill(AutomationOptions options, IHostApplicationBuilder builder, Action<AutomationOptions>? configure)
    {
        builder.Configuration.GetSection("Automation").Bind(options);
        configure?.Invoke(options);
        Complete(options, builder.Environment, builder.Configuration);
    }

    /// <summary>Settings whose default hangs on the environment, and paths made absolute.</summary>
    private static void Complete(AutomationOptions options, IHostEnvironment environment, IConfiguration configuration)
    {
        options.Sandbox.Enabled ??= environment.IsDevelopment();
        options.Http.AllowPrivateNetworks ??= environment.IsDevelopment();
        if (options.Sandbox.Enabled == true && configuration["Automation:Storage:Durability"] is null)
        {
            // The demo need not survive power loss, and shows what the machine can do.
            options.Storage.Durability = "Normal";
        }

        options.DataDirectory = Path.GetFullPath(options.DataDirectory, environment.ContentRootPath);
        options.Definitions.Directory = Path.GetFullPath(options.Definitions.Directory, environment.ContentRootPath);
    }
}
