using Automation.Hosting.Web;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Security;

/// <summary>Finds requests that another site makes with the cookie of somebody who is signed in here.</summary>
internal static class CrossSite
{
    public static Problem Refusal { get; } = new()
    {
        Status = StatusCodes.Status403Forbidden,
        Code = "cross-site",
        Title = "The request comes from another site.",
        Detail = "A page of another origin sent it with your session's cookie.",
        Action = "Use this server's own pages, or an API key.",
    };

    /// <summary>Writes that a browser made from elsewhere with a cookie, or without any credential (a sign-in form).</summary>
    public static bool IsForged(HttpContext context)
    {
        var request = context.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return false;
        }

        // A key or token is never added by a browser on its own; endpoints for anyone are meant to be called from anywhere.
        if (context.User.Identity is not { IsAuthenticated: true, AuthenticationType: Access.CookieScheme } && context.GetEndpoint()?.Metadata.GetMetadata<SignsIn>() is null)
        {
            return false;
        }

        if (request.Headers["Sec-Fetch-Site"] is [{ Length: > 0 } site, ..])
        {
            return site is not ("same-origin" or "none");
        }

        // Browsers without Sec-Fetch-Site name the origin of every write; what names none is no browser.
        return request.Headers.Origin is [{ Length: > 0 } origin, ..]
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Marks endpoints that make a session.</summary>
    internal sealed class SignsIn;
}
