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
        pages.MapGet("/definitions", (HttpContext context, DesignerFiles files) => Page(context, files, new("Flows", "elsa-workflow-definition-list")));
        pages.MapGet("/edit", (HttpContext context, DesignerFiles files, string? id) => WithId(id, known => Page(context, files, new("Edit flow", "elsa-workflow-definition-editor", "definition-id", known, "/flows/", "About this flow"))));
        pages.MapGet("/instances", (HttpContext context, DesignerFiles files) => Page(context, files, new("Runs", "elsa-workflow-instance-list")));
        pages.MapGet("/instance", (HttpContext context, DesignerFiles files, string? id) => WithId(id, known => Page(context, files, new("Run", "elsa-workflow-instance-viewer", "instance-id", known, "/runs/", "About this run"))));

        // The package is public; without the cookie's check a cache may keep its files.
        var assets = routes.MapGroup("/designer").AllowAnonymous().ExcludeFromDescription();
        assets.MapGet("/appsettings.json", () => Results.Json(new { Logging = new { LogLevel = new { Default = "Warning" } } }));
        assets.MapGet("/{**path}", (string path, HttpContext context, DesignerFiles files) => files.Reply(context, path));
    }

    private static IResult WithId(string? id, Func<string, IResult> page) => string.IsNullOrWhiteSpace(id) ? Results.Redirect("/designer/definitions") : page(id);

    private static RazorComponentResult Page(HttpContext context, DesignerFiles files, DesignerPage page)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        return new RazorComponentResult<DesignerDocument>(new { Page = page, files.IsInstalled })
        {
            StatusCode = files.IsInstalled ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
        };
    }
}

/// <summary>A document of the designer.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Element">The package's element in it.</param>
/// <param name="IdAttribute">Attribute of the element that takes <paramref name="Id"/>.</param>
/// <param name="Id">What it is about.</param>
/// <param name="OwnPage">Path of our own page about the same thing, up to the id.</param>
/// <param name="OwnPageText">Text of the link to it.</param>
public sealed record DesignerPage(string Title, string Element, string? IdAttribute = null, string? Id = null, string? OwnPage = null, string? OwnPageText = null);
