using Automation.Activities;
using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Hosting;
using Automation.Hosting.Security;
using Automation.Hosting.Startup;
using Automation.Sandbox;
using Automation.Server.Designer;
using Automation.Server.Pages;

namespace Automation.Server;

/// <summary>Puts the program together: which activities, which connectors, which endpoints.</summary>
public static class ServerComposition
{
    private static readonly string[] ForPrograms = ["/api", "/elsa", "/workflows", "/hooks", "/webhooks", "/sandbox", "/oauth", "/health", "/metrics", "/openapi", "/hangfire"];

    /// <summary>The whole server, not yet started.</summary>
    /// <param name="args">Settings of the command line, as <c>--Automation:DataDirectory=/srv/automation</c>.</param>
    public static WebApplication Build(string[] args)
    {
        var builder = CreateBuilder(args);
        builder.Services.AddRazorComponents();
        builder.Services.AddLocalization();
        builder.Services.AddSingleton<Texts>();
        builder.Services.AddCascadingAuthenticationState();
        builder.Services.AddDesigner();
        builder.AddSandboxMode();

        var app = builder.Build();
        app.UsePageHeaders();
        app.UseWhen(context => !IsForPrograms(context), pages => pages.UseRequestLocalization(options => options.SetDefaultCulture(Texts.Languages[0]).AddSupportedCultures(Texts.Languages).AddSupportedUICultures(Texts.Languages)));
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        app.UseFormCheck();
        app.MapStaticAssets().AllowAnonymous();
        app.MapAutomation();
        app.MapRazorComponents<App>().RequireAuthorization(Access.SignedIn);
        app.MapDesigner();
        app.MapSandboxMode();
        return app;
    }

    /// <summary>What programs read is the same in every language.</summary>
    private static bool IsForPrograms(HttpContext context) => ForPrograms.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase));

    /// <summary>The stand-ins of both APIs alone.</summary>
    /// <param name="url">Address to serve on.</param>
    /// <param name="dataDirectory">Folder of their state, relative to the content root.</param>
    public static WebApplication BuildSandbox(string url, string dataDirectory)
    {
        var builder = CreateHostBuilder(["--urls", url]);
        builder.Services.AddSandbox(new SandboxSettings { DataDirectory = Path.GetFullPath(dataDirectory, builder.Environment.ContentRootPath) });
        var app = builder.Build();

        // Alone it has no users: its control is for whoever can reach it, and by default that is this machine.
        app.MapSandbox();
        return app;
    }

    /// <summary>The installation's services with every activity and connector: for the server, and for commands that do not serve.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = CreateHostBuilder(args);
        builder.AddAutomation().AddBuiltInActivities().AddGoHighLevel().AddFlocksy();
        return builder;
    }

    private static WebApplicationBuilder CreateHostBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(ServerComposition).Assembly.GetName().Name,
            ContentRootPath = NamesContentRoot(args) ? null : SourceRoot(),

            // A published program has its styles and scripts beside it, wherever it is started.
            WebRootPath = Beside("wwwroot"),
        });

        // Defaults that come with the program lie beside it, wherever the content root is; everything else goes before them.
        builder.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Json.JsonConfigurationSource
        {
            FileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(AppContext.BaseDirectory),
            Path = "appsettings.json",
            Optional = true,
        });
        if (Beside("workflow-definitions") is { } templates && !Directory.Exists(Path.Combine(builder.Environment.ContentRootPath, "workflow-definitions")))
        {
            builder.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = [new("Automation:Definitions:Directory", templates)] });
        }

        builder.Configuration.AddSettingsFromFiles(Environment.GetEnvironmentVariables());
        builder.WebHost.UseStaticWebAssets();
        return builder;
    }

    /// <summary>A folder of the published program; null: it is none, or was published without it.</summary>
    private static string? Beside(string name) => Path.Combine(AppContext.BaseDirectory, name) is var folder && Directory.Exists(folder) ? folder : null;

    private static bool NamesContentRoot(string[] args) =>
        args.Any(arg => arg.TrimStart('-', '/').StartsWith(WebHostDefaults.ContentRootKey, StringComparison.OrdinalIgnoreCase))
        || Environment.GetEnvironmentVariable("ASPNETCORE_CONTENTROOT") is not null
        || Environment.GetEnvironmentVariable("DOTNET_CONTENTROOT") is not null;

    /// <summary>The repository's root when the program runs from its source tree; null: it is installed, and the working folder counts.</summary>
    private static string? SourceRoot()
    {
        // A process that was started elsewhere on purpose, with the program from a build folder, keeps its own folder.
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
