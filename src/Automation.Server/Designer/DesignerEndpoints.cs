using Automation.Hosting.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Automation.Server.Designer;

/// <summary>
/// <c>/designer/</c>: the Elsa designer, one document for each of its elements. It brings its own framework and styles, so its documents stand apart from the other pages.
/// It calls the Elsa API of this server with the session's cookie; no token is in the page.
/// </summary>
internal static class DesignerEndpoints
{
    /// <summary>
    /// What the designer's documents may load and call. The hashes are of scripts that the editor and the list of runs of package 3.8.2 write into the page (<c>window.editorHotkeys</c>): take
    /// them anew from the browser's console when the package is updated; the browser tests fail otherwise. Inline styles come by the hundred from its components; <c>wasm-unsafe-eval</c> is the .NET runtime.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; base-uri 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-snlP1jz0gjwc5cTz9ErZcliXuCK63+Mmf68RRCeptgc=' 'sha256-vu6sQrKXQHR4Yn3FMMihA/9TxxfIXnCxKwvLrTPJ5ts='; style-src 'self' 'unsafe-inline'; "
        + "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'self'; frame-ancestors 'none'";

    public static void AddDesigner(this IServiceCollection services) =>
        services.AddSingleton(new DesignerFiles(DesignerFiles.FindFolder(AppContext.BaseDirectory)));

    public static void MapDesigner(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/designer").RequireAuthorization(Access.SignedIn).ExcludeFromDescription();
        pages.MapGet("", () => Results.Redirect("/designer/definitions"));
        pages.MapGet("/definitions", (HttpContext context, DesignerFiles files) => Page(context, files, "Flows", "elsa-workflow-definition-list", null, null));
        pages.MapGet("/edit", (HttpContext context, DesignerFiles files, string? id) => WithId(id, () => Page(context, files, "Edit flow", "elsa-workflow-definition-editor", "definition-id", id)));
        pages.MapGet("/instances", (HttpContext context, DesignerFiles files) => Page(context, files, "Runs", "elsa-workflow-instance-list", null, null));
        pages.MapGet("/instance", (HttpContext context, DesignerFiles files, string? id) => WithId(id, () => Page(context, files, "Run", "elsa-workflow-instance-viewer", "instance-id", id)));

        // The package is public; without the cookie's check a cache may keep its files.
        var assets = routes.MapGroup("/designer").AllowAnonymous().ExcludeFromDescription();
        assets.MapGet("/appsettings.json", () => Results.Json(new { }));
        assets.MapGet("/{**path}", (string path, HttpContext context, DesignerFiles files) => files.Reply(context, path));
    }

    private static IResult WithId(string? id, Func<IResult> page) => string.IsNullOrWhiteSpace(id) ? Results.Redirect("/designer/definitions") : page();

    private static RazorComponentResult Page(HttpContext context, DesignerFiles files, string title, string element, string? idAttribute, string? id)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        return new RazorComponentResult<DesignerDocument>(new Dictionary<string, object?>
        {
            [nameof(DesignerDocument.Title)] = title,
            [nameof(DesignerDocument.Element)] = element,
            [nameof(DesignerDocument.IdAttribute)] = idAttribute,
            [nameof(DesignerDocument.Id)] = id,
            [nameof(DesignerDocument.IsInstalled)] = files.IsInstalled,
        })
        {
            StatusCode = files.IsInstalled ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
        };
    }
}
