using Automation.Hosting.Security;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Sign-in of Elsa's clients.</summary>
internal static class IdentityEndpoints
{
    private const int BodyLimit = 16 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/identity/login", LoginAsync).AllowAnonymous();
        routes.MapPost("/identity/refresh-token", RefreshAsync).AllowAnonymous();
    }

    private static async Task<IResult> LoginAsync(HttpContext context, Accounts accounts, Tokens tokens)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted, limit: BodyLimit);
        var user = await accounts.SignInAsync((string?)(body["username"] as JValue), (string?)(body["password"] as JValue), AccountEndpoints.AddressOf(context), context.RequestAborted);
        return Answer(user, tokens);
    }

    private static async Task<IResult> RefreshAsync(HttpContext context, Accounts accounts, Tokens tokens)
    {
        const string prefix = "Bearer ";
        var header = context.Request.Headers.Authorization.ToString();
        return header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
            && await tokens.ReadRefreshAsync(header[prefix.Length..].Trim()) is { Identity.Name: { } name } holder
            && await accounts.IsCurrentAsync(holder, context.RequestAborted)
            && await accounts.FindAsync(name, context.RequestAborted) is { } user
            ? Answer(user, tokens)
            : Problem.Unauthorized() with { Detail = "The request carries no refresh token that is still good.", Action = "Sign in again: POST …/identity/login." };
    }

    /// <summary>That nobody was signed in is no error of the call, but its answer: Elsa's clients read it, and throw at a status that is one.</summary>
    private static Reply Answer(UserRecord? user, Tokens tokens)
    {
        if (user is null)
        {
            return new Reply(new JObject { ["isAuthenticated"] = false, ["accessToken"] = null, ["refreshToken"] = null });
        }

        var (access, refresh) = tokens.Issue(user);
        return new Reply(new JObject { ["isAuthenticated"] = true, ["accessToken"] = access, ["refreshToken"] = refresh });
    }
}
