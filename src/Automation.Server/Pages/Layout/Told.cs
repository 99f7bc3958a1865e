namespace Automation.Server.Pages.Layout;

/// <summary>What the next page says of what was just done: a cookie that it takes away.</summary>
internal static class Told
{
    private const string Name = "told";
    private const int LengthLimit = 300;

    public static void Say(HttpContext context, string text) => context.Response.Cookies.Append(
        Name,
        Uri.EscapeDataString(text.Length > LengthLimit ? text[..LengthLimit] : text),
        new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromMinutes(1) });

    /// <summary>Once.</summary>
    public static string? Take(HttpContext context)
    {
        if (context.Request.Cookies[Name] is not { Length: > 0 } said || context.Response.HasStarted)
        {
            return null;
        }

        context.Response.Cookies.Delete(Name);
        return Uri.UnescapeDataString(said);
    }
}
