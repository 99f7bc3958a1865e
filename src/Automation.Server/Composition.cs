using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Hosting;

namespace Automation.Server;

/// <summary>Puts the program together: which activities, which connectors, which endpoints.</summary>
public static class ServerComposition
{
    /// <summary>The whole server, not yet started.</summary>
    /// <param name="args">Settings of the command line, as <c>--Automation:DataDirectory=/srv/automation</c>.</param>
    public static WebApplication Build(string[] args)
    {
        var builder = CreateBuilder(args);
        var automation = builder.AddAutomation();
        automation.AddGoHighLevel().AddFlocksy();

        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapAutomation();
        return app;
    }

    private static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(ServerComposition).Assembly.GetName().Name,
            ContentRootPath = NamesContentRoot(args) ? null : SourceRoot(),
        });

        // Defaults that come with the program lie beside it, wherever the content root is; everything else goes before them.
        builder.Configuration.Sources.Insert(0, new Microsoft.Extensions.Configuration.Json.JsonConfigurationSource
        {
            FileProvider = new Microsoft.Extensions.FileProviders.PhysicalFileProvider(AppContext.BaseDirectory),
            Path = "appsettings.json",
            Optional = true,
        });
        builder.WebHost.UseStaticWebAssets();
        return builder;
    }

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
