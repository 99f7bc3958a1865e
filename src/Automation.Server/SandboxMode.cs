using Automation.Connectors;
using Automation.Hosting;
using Automation.Hosting.Security;
using Automation.Hosting.Startup;
using Automation.Runtime.Connections;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.Sandbox;
using Microsoft.AspNetCore.Hosting.Server;
using Newtonsoft.Json.Linq;

namespace Automation.Server;

/// <summary>Sandbox mode: the stand-ins of both APIs in this process, a ready connection to each, and the tag sync running between them.</summary>
internal static class SandboxMode
{
    public static void AddSandboxMode(this WebApplicationBuilder builder)
    {
        var settings = HostingServices.ReadSettings(builder);
        if (settings.Sandbox.Enabled == true)
        {
            builder.Services.AddSandbox(new SandboxSettings { DataDirectory = settings.DataDirectory, Demo = settings.Sandbox.Demo });
            builder.Services.AddHostedService<SandboxStart>();
        }
    }

    public static void MapSandboxMode(this WebApplication app)
    {
        if (app.Services.GetService<SandboxSettings>() is not null)
        {
            app.MapSandbox().RequireAuthorization(Access.Administrators);
        }
    }
}

/// <summary>After the server listens: connections that point at it, and on a first start the tag sync.</summary>
internal sealed class SandboxStart(
    IServer server,
    ConnectionVault vault,
    DefinitionFolder folder,
    TemplateService templates,
    IDefinitionStore definitions,
    IAccessStore settings,
    SandboxSettings sandbox,
    WebhookKeys webhooks,
    Readiness readiness,
    ILogger<SandboxStart> logger) : IHostedLifecycleService
{
    private const string GhlConnection = "sandbox-ghl";
    private const string FlocksyConnection = "sandbox-flocksy";
    private const string Template = "tag-sync";
    private const string InstalledSetting = "sandbox.tag-sync";

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        readiness.Expect();
        return Task.CompletedTask;
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var url = ServerAddress.Of(server);
        await ConnectAsync(GhlConnection, "gohighlevel", new Uri(url, "/sandbox/ghl"), sandbox.GhlTokens[0], webhooks.PublicKey, cancellationToken);
        await ConnectAsync(FlocksyConnection, "flocksy", new Uri(url, "/sandbox/flocksy"), sandbox.FlocksyTokens[0], null, cancellationToken);
        await InstallAsync(cancellationToken);
        logger.LogInformation("Sandbox: stand-ins at {Ghl} and {Flocksy}, what they received at {Control}. Connections {First} and {Second} are ready.", new Uri(url, "/sandbox/ghl"), new Uri(url, "/sandbox/flocksy"), new Uri(url, "/sandbox/control/requests"), GhlConnection, FlocksyConnection);
        readiness.Done();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The connection of this name, pointing at the port that this process listens on now.</summary>
    private async Task ConnectAsync(string name, string connector, Uri baseUrl, string token, string? webhookKey, CancellationToken cancellationToken)
    {
        if (await vault.FindAsync(name, cancellationToken) is { } known && known.BaseUrl == baseUrl && known.WebhookKey == webhookKey)
        {
            return;
        }

        await vault.SaveAsync(new Connection
        {
            Id = name,
            Name = name,
            Connector = connector,
            BaseUrl = baseUrl,
            LocationId = "loc-1",
            CompanyId = "co-1",
            Credential = new Credential { Kind = "apiKey", ApiKey = token },
            WebhookKey = webhookKey,
            IsSandbox = true,
        }, cancellationToken);
    }

    private async Task InstallAsync(CancellationToken cancellationToken)
    {
        if (await settings.GetSettingAsync(InstalledSetting, cancellationToken) is not null)
        {
            return;
        }

        await folder.LoadAsync(cancellationToken);
        if (await templates.FindAsync(Template, cancellationToken) is null)
        {
            logger.LogWarning("There is no template '{Template}' in {Folder}; the demo flow is not installed.", Template, folder.Directory);
            return;
        }

        // A process killed between installing and noting it finds the flow by its origin, and does not install a second one.
        var installed = (await definitions.ListAsync(new DefinitionFilter { PageSize = 1000 }, withJson: false, cancellationToken)).Items.FirstOrDefault(d => d.Provider == $"template:{Template}");
        if (installed is null)
        {
            try
            {
                var connections = new Dictionary<string, string> { ["ghl"] = GhlConnection, ["flocksy"] = FlocksyConnection };
                var saved = await templates.InstallAsync(Template, "Tag sync (sandbox)", connections, new JObject { ["locationId"] = "loc-1", ["interval"] = "5s" }, publish: true, cancellationToken);
                installed = saved.Version;
            }
            catch (DefinitionRejectedException error)
            {
                logger.LogError("The tag sync could not be installed: {Reason} {Problems}", error.Message, string.Join(" ", error.Problems.Select(p => p.ToString())));
                return;
            }
        }

        await settings.SetSettingAsync(InstalledSetting, installed.DefinitionId, cancellationToken);
        logger.LogInformation("The tag sync '{Name}' ({DefinitionId}) is published; its runs appear at /api/runs.", installed.Name, installed.DefinitionId);
    }
}
