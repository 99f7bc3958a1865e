namespace Automation.Server.Pages.Layout;

/// <summary>Light, dark, or as the system has it: remembered in a cookie, so that the server renders the right one at once.</summary>
internal static class ThemeCookie
{
    public const string Name = "theme";
    public const string Dark = "dark";
    public const string Light = "light";

    public static string? Of(HttpContext context) => context.Request.Cookies[Name];

    /// <summary>Value of <c>data-theme</c>, which the styles go by.</summary>
    public static string Mark(HttpContext context) => Of(context) is Dark or Light ? Of(context)! : "system";
}
