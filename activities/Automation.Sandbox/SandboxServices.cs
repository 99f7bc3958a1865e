using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Automation.Sandbox;

/// <summary>Adds and mounts the stand-ins. They need nothing of the engine's host.</summary>
public static class SandboxServices
{
    /// <summary>Adds the stand-ins, and the demo when the settings ask for it.</summary>
    public static IServiceCollection AddSandbox(this IServiceCollection services, SandboxSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(WebhookSender.ClientName);
        services.AddSingleton(settings);
        services.AddSingleton<SandboxStore>();
        services.AddSingleton<SandboxApis>();
        services.AddSingleton<WebhookKeys>();
        services.AddSingleton<WebhookSender>();
        if (settings.Demo)
        {
            services.AddHostedService<SandboxDemo>();
        }

        return services;
    }

    /// <summary>
    /// Mounts <c>/sandbox/ghl</c>, <c>/sandbox/flocksy</c> (with their own tokens) and <c>/sandbox/control</c>.
    /// </summary>
    /// <returns>The group of <c>/sandbox/control</c>, which has no authorization of its own: the caller adds one.</returns>
    public static RouteGroupBuilder MapSandbox(this IEndpointRouteBuilder endpoints)
    {
        var apis = endpoints.ServiceProvider.GetRequiredService<SandboxApis>();
        foreach (var api in apis.All.Values)
        {
            endpoints.Map($"/sandbox/{api.Profile.Name}/{{**path}}", context => api.HandleAsync(context, (string?)context.GetRouteValue("path") ?? ""))
                .AllowAnonymous()
                .WithDisplayName($"Sandbox {api.Profile.Name}")
                .ExcludeFromDescription();
        }

        var store = endpoints.ServiceProvider.GetRequiredService<SandboxStore>();
        foreach (var path in (string[])["oauth/chooselocation", "v2/oauth/chooselocation"])
        {
            endpoints.MapGet($"/sandbox/{GhlApi.Name}/{path}", context => ChooserPage.HandleAsync(context, apis.All[GhlApi.Name], store)).AllowAnonymous().ExcludeFromDescription();
        }

        var control = endpoints.MapGroup("/sandbox/control");
        control.ExcludeFromDescription();
        ControlEndpoints.Map(control, store, apis.All, endpoints.ServiceProvider.GetRequiredService<WebhookSender>());
        return control;
    }
}

/// <summary>Both stand-ins, by name.</summary>
internal sealed class SandboxApis(SandboxStore store, SandboxSettings settings)
{
    public IReadOnlyDictionary<string, SandboxApi> All { get; } = new[] { GhlApi.Profile(settings), FlocksyApi.Profile(settings) }
        .ToDictionary(profile => profile.Name, profile => new SandboxApi(profile, store, settings), StringComparer.Ordinal);
}
