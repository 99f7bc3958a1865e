namespace Automation.Server;

/// <summary>Headers that keep a page to itself: what it may load, and who may frame it. Pages that bring their own policy (the designer's) keep it.</summary>
internal static class PageHeaders
{
    /// <summary>Nothing from elsewhere, and no script in the page: a text that slips in as markup cannot act. Styles are inline because MudBlazor writes its theme into the page.</summary>
    private const string Policy =
        "default-src 'none'; base-uri 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Pages that are not ours: those of flows, and Hangfire's, whose scripts are inline.</summary>
    private static readonly string[] Foreign = ["/workflows", "/hangfire", "/api", "/elsa", "/sandbox", "/openapi"];

    public static void UsePageHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            if (context.Response.ContentType?.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) == true && !Foreign.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)))
            {
                headers.XContentTypeOptions = "nosniff";
                headers.TryAdd("Referrer-Policy", "same-origin");
                if (string.IsNullOrEmpty(headers.ContentSecurityPolicy))
                {
                    headers.ContentSecurityPolicy = Policy;
                }

                if (string.IsNullOrEmpty(headers.CacheControl))
                {
                    headers.CacheControl = "no-store";
                }
            }

            return Task.CompletedTask;
        });
        return next(context);
    });
}
