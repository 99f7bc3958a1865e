using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Changes a social tag of <c>loc-1</c> now and then, as somebody at work would, so that runs appear.</summary>
internal sealed partial class SandboxDemo(SandboxStore store, SandboxSettings settings, ILogger<SandboxDemo> logger) : BackgroundService
{
    private static readonly string[] Tags = ["tag-1-vip", "tag-1-newsletter", "tag-1-launch", "tag-1-webinar"];
    private static readonly string[] Editors = ["user-1a", "user-1b"];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(settings.DemoDelay, store.Clock, stoppingToken);
        using var timer = new PeriodicTimer(settings.DemoInterval, store.Clock);
        var change = 0;
        do
        {
            try
            {
                Change(change++);
            }
            catch (SqliteException failure)
            {
                // Another process holds the file, or the disk is full: a missed change of the demo must not stop the server.
                LogFailed(logger, failure);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Change(int number)
    {
        var id = Tags[number % Tags.Length];
        using var session = store.BeginWrite("ghl");

        // Deleted by somebody through the control endpoint: then there is nothing to change.
        if (session.Find(GhlCollections.SocialTags, id) is { } tag)
        {
            var editor = Editors[number / Tags.Length % Editors.Length];
            session.Update(GhlCollections.SocialTags, tag, new JObject { ["createdBy"] = editor });
            session.Commit();
            LogChanged(logger, tag.Json["tag"]?.ToString() ?? id);
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "The sandbox's demo changed the social tag '{Tag}'")]
    private static partial void LogChanged(ILogger logger, string tag);

    [LoggerMessage(2, LogLevel.Warning, "The sandbox's demo could not change a social tag; it tries again in its next turn")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
