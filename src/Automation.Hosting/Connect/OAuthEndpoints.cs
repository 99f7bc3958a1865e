using Automation.Connectors;
using Automation.Hosting.Web;
using Automation.Runtime;
using Automation.Runtime.Connections;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Connect;

/// <summary><c>/oauth/{connector}</c>, by the connector's name or the one that stands for it in addresses: sends a person to the provider's chooser, and takes them back where they were sent from. The state of the way is bound to the browser by a cookie, used once, and ends by itself.</summary>
internal static class OAuthEndpoints
{
    private const string Cookie = "automation-connect";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/oauth/{connector}").WithTags("connections");
        group.MapGet("/authorize", AuthorizeAsync).WithSummary("Sends the browser to the provider's page on which an account is chosen: ?connectionId=, and &scopes= for more than the published flows need.");
        group.MapGet("/callback", ReturnAsync).AllowAnonymous().WithSummary("Where the provider sends the browser back to.");
    }

    private static async Task<IResult> AuthorizeAsync(string connector, HttpContext context, Authorizations authorizations, OperationCatalog operations, AutomationOptions options)
    {
        var folder = context.Request.PathBase + context.Request.Path.Value!.TrimEnd('/')[..^"/authorize".Length];
        var path = folder + "/callback";
        var redirect = options.Http.PublicUrl is { Length: > 0 } url ? url.TrimEnd('/') + path : $"{context.Request.Scheme}://{context.Request.Host}{path}";

        // The same for all connections that a person connects at a time.
        var session = context.Request.Cookies[Cookie] is { Length: 64 } known ? known : Authorizations.NewSecret();
        try
        {
            var more = Query.Text(context, "scopes")?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) ?? [];
            var page = await authorizations.BeginAsync(NameOf(connector, operations), Query.Text(context, "connectionId"), redirect, session, context.User.Identity?.Name, more, context.RequestAborted);
            context.Response.Cookies.Append(Cookie, session, new CookieOptions
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Lax,
                Secure = context.Request.IsHttps,
                Path = folder,
                MaxAge = Authorizations.Patience,
            });
            context.Response.Headers.CacheControl = "no-store";
            return Results.Redirect(page.AbsoluteUri);
        }
        catch (AuthorizationException error)
        {
            return Refuse(context, error.Code == "no-connection" ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest, error.Code, error.Message, error.Action);
        }
    }

    private static async Task<IResult> ReturnAsync(string connector, HttpContext context, Authorizations authorizations, OperationCatalog operations)
    {
        var back = new AuthorizationReturn(
            Query.Text(context, "state"),
            context.Request.Cookies[Cookie],
            context.User.Identity is { IsAuthenticated: true, Name: { } name } ? name : null,
            Query.Text(context, "code"),
            Query.Text(context, "error"),
            Query.Text(context, "error_description"));
        context.Response.Headers.CacheControl = "no-store";

        // The address holds a code: no page that follows gets to see it.
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        try
        {
            var connected = await authorizations.CompleteAsync(NameOf(connector, operations), back, context.RequestAborted);
            var text = $"The connection '{connected.Name}' is connected{(connected.LocationId is { } location ? $" to location {location}" : connected.CompanyId is { } company ? $" to agency {company}" : "")}.";
            return WantsPage(context)
                ? Page("Connected", text, $"{Root(context)}/connections/{Uri.EscapeDataString(connected.Id)}?test=true", "Test it", StatusCodes.Status200OK)
                : new Reply(new JObject { ["connectionId"] = connected.Id, ["name"] = connected.Name, ["locationId"] = connected.LocationId, ["companyId"] = connected.CompanyId, ["message"] = text });
        }
        catch (AuthorizationException error)
        {
            return Refuse(context, StatusCodes.Status400BadRequest, error.Code, error.Message, error.Action);
        }
        catch (ConnectorException error)
        {
            return Refuse(context, error.IsTransient ? StatusCodes.Status502BadGateway : StatusCodes.Status400BadRequest, error.Code == "reconnect" ? "exchange-refused" : error.Code, error.Message, "Choose Connect again. If it stays: check the client id, the secret, and that the app's redirect address is the one of this server.");
        }
    }

    private static string NameOf(string path, OperationCatalog operations) => operations.Connectors.FirstOrDefault(connector => connector.OAuthName == path)?.Name ?? path;

    private static IResult Refuse(HttpContext context, int status, string code, string message, string action) => WantsPage(context)
        ? Page("Not connected", $"{message} {action}", $"{Root(context)}/connections", "Connections", status)
        : new Problem { Status = status, Code = code, Title = "The account was not connected.", Detail = message, Action = action };

    private static bool WantsPage(HttpContext context) => context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>Address that this API is mounted at.</summary>
    private static string Root(HttpContext context)
    {
        var path = context.Request.PathBase + context.Request.Path.Value!;
        return path[..path.LastIndexOf("/oauth/", StringComparison.Ordinal)];
    }

    private static IResult Page(string title, string text, string link, string label, int status) =>
        PlainPage.Of(title, $"<p role=\"status\">{PlainPage.Encode(text)}</p><p><a href=\"{PlainPage.Encode(link)}\">{label}</a></p>", status);
}
