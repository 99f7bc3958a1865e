namespace Automation.Server.Pages.Layout;

/// <summary>The reader's time zone: app.js keeps the browser's in a cookie.</summary>
internal static class ReaderZone
{
    public const string Name = "zone";

    public static TimeZoneInfo Of(HttpContext context) =>
        context.Request.Cookies[Name] is { Length: > 0 and < 64 } id && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;
}
