namespace Automation.Server.Pages.Layout;

/// <summary>Light, dark, or as the system has it: remembered in a cookie, so that the server renders the right one at once.</summary>
internal static class ThemeCookie
{
    public const string Name = "theme";
    public const string Dark = "dark";
    public const string Light = "light";

    public static string? Of(HttpContext context) => context.Request.Cookies[Name];
}
