using System.Net;
using System.Net.Sockets;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Security;

/// <summary>The session: set-up of a new installation, sign-in, sign-out.</summary>
internal static class AccountEndpoints
{
    private const int FormLimit = 16 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("").AllowAnonymous().ExcludeFromDescription();
        group.MapGet("/setup", SetupPageAsync);
        group.MapPost("/setup", SetupAsync).WithMetadata(new CrossSite.SignsIn()).DisableAntiforgery();
        group.MapGet("/login", (HttpContext context) => PlainPage.Of("Sign in", SignInForm(Query.Text(context, "returnUrl"), null)));
        group.MapPost("/login", LoginAsync).WithMetadata(new CrossSite.SignsIn()).DisableAntiforgery();
        group.MapPost("/logout", async (HttpContext context) =>
        {
            await context.SignOutAsync(Access.CookieScheme);

            // Beside this one, whatever prefix a host has put before both.
            return Results.Redirect(context.Request.PathBase + context.Request.Path.Value![..^"/logout".Length] + "/login");
        }).DisableAntiforgery();

        var session = routes.MapGroup("/api/session").WithMetadata(new ProgramEndpoint()).WithTags("session");
        session.MapGet("", (HttpContext context) => new Reply(new JObject { ["name"] = context.User.Identity?.Name, ["isAdministrator"] = context.User.IsInRole(Access.AdministratorRole) })).WithSummary("Who is signed in.");
        session.MapPost("", SessionAsync).AllowAnonymous().WithMetadata(new CrossSite.SignsIn()).WithSummary("Signs in: {username, password}; answers with the session cookie.");
        session.MapDelete("", async (HttpContext context) =>
        {
            await context.SignOutAsync(Access.CookieScheme);
            return Results.NoContent();
        }).WithSummary("Signs out.");
    }

    /// <summary>Address that failed sign-ins are counted by.</summary>
    /// <remarks>Whoever has an IPv6 address has all of its network.</remarks>
    public static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        null => "",
        { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address => Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8)),
        var address => address.MapToIPv4().ToString(),
    };

    private static async Task<IResult> SetupPageAsync(HttpContext context, Accounts accounts)
    {
        var token = Query.Text(context, "token");
        return await RefuseSetupAsync(context, accounts, token) ?? PlainPage.Of("Set up", SetupForm(token!, null));
    }

    private static async Task<IResult> SetupAsync(HttpContext context, Accounts accounts)
    {
        var form = await PlainPage.ReadFormAsync(context);
        var token = form.GetValueOrDefault("token") ?? Query.Text(context, "token");
        if (await RefuseSetupAsync(context, accounts, token) is { } refusal)
        {
            return refusal;
        }

        var password = form.GetValueOrDefault("password") ?? "";
        if (password.Length < Accounts.MinimumPasswordLength)
        {
            return PlainPage.Of("Set up", SetupForm(token!, $"The password needs at least {Accounts.MinimumPasswordLength} characters."), StatusCodes.Status400BadRequest);
        }

        if (!await accounts.CreateFirstAsync(password, context.RequestAborted) || await accounts.FindAsync(Access.FirstUser, context.RequestAborted) is not { } user)
        {
            return PlainPage.Of("Set up", "<p>The installation is set up already. <a href=\"login\">Sign in</a>.</p>", StatusCodes.Status409Conflict);
        }

        await SignInAsync(context, user);
        return Results.Redirect("/");
    }

    private static async Task<IResult?> RefuseSetupAsync(HttpContext context, Accounts accounts, string? token)
    {
        // A proxy on this machine also comes from loopback: its forwarded requests are not from here.
        if (context.Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address) || context.Request.Headers.ContainsKey("X-Forwarded-For") || context.Request.Headers.ContainsKey("Forwarded"))
        {
            return PlainPage.Of("Set up", "<p>The set-up page can be opened only on the machine that the server runs on, and not through a proxy or from outside a container. There, set <code>Automation__Security__BootstrapPassword</code> and start the server again: it is the password of the user <code>admin</code>.</p>", StatusCodes.Status403Forbidden);
        }

        if (!await accounts.NeedsSetupAsync(context.RequestAborted))
        {
            return PlainPage.Of("Set up", "<p>The installation is set up already. <a href=\"login\">Sign in</a>.</p>", StatusCodes.Status409Conflict);
        }

        return accounts.IsSetupToken(token) ? null : PlainPage.Of("Set up", "<p>The link is not the one that the server printed when it started. Look for it in the server's output.</p>", StatusCodes.Status403Forbidden);
    }

    private static async Task<IResult> LoginAsync(HttpContext context, Accounts accounts)
    {
        var form = await PlainPage.ReadFormAsync(context);
        var returnUrl = form.GetValueOrDefault("returnUrl");
        try
        {
            if (await accounts.SignInAsync(form.GetValueOrDefault("username"), form.GetValueOrDefault("password"), AddressOf(context), context.RequestAborted) is not { } user)
            {
                return PlainPage.Of("Sign in", SignInForm(returnUrl, "The name or the password is wrong."), StatusCodes.Status401Unauthorized);
            }

            await SignInAsync(context, user);
            return Results.Redirect(IsLocal(returnUrl) ? returnUrl! : "/");
        }
        catch (TooManyAttemptsException error)
        {
            return PlainPage.Of("Sign in", SignInForm(returnUrl, $"{error.Message} Wait {Math.Ceiling(error.Wait.TotalMinutes)} min, then try again."), StatusCodes.Status429TooManyRequests);
        }
    }

    private static async Task<IResult> SessionAsync(HttpContext context, Accounts accounts)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted, limit: FormLimit);
        var user = await accounts.SignInAsync((string?)(body["username"] as JValue), (string?)(body["password"] as JValue), AddressOf(context), context.RequestAborted);
        if (user is null)
        {
            return Problem.Unauthorized() with { Detail = "The name or the password is wrong.", Action = "Check both." };
        }

        await SignInAsync(context, user);
        return new Reply(new JObject { ["name"] = user.Name, ["isAdministrator"] = user.Role == Access.AdministratorRole });
    }

    private static Task SignInAsync(HttpContext context, UserRecord user) => context.SignInAsync(Access.CookieScheme, Accounts.PrincipalOf(user));

    /// <summary>Only paths of this server: neither another host nor a scheme.</summary>
    /// <remarks>Browsers leave out tabs and line ends: "/&lt;tab&gt;/host" is another host to them.</remarks>
    internal static bool IsLocal(string? url) => url is ['/', ..] && url is not ['/', '/', ..] && !url.Any(c => c == '\\' || char.IsControl(c));

    /// <summary>What a person sees who may not open a page.</summary>
    internal static IResult DeniedPage() => PlainPage.Of("Not for you", "<p>This page is for administrators. Ask one, or <a href=\"/\">go to the overview</a>.</p>", StatusCodes.Status403Forbidden);

    private static string SetupForm(string token, string? error) => $"""
        {PlainPage.Alert(error)}
        <p>Choose a password for the user <b>{Access.FirstUser}</b>.</p>
        <form method="post">
          <input type="hidden" name="token" value="{PlainPage.Encode(token)}">
          <label>Password <input type="password" name="password" autocomplete="new-password" minlength="{Accounts.MinimumPasswordLength}" required autofocus></label>
          <button>Set up and sign in</button>
        </form>
        """;

    private static string SignInForm(string? returnUrl, string? error) => $"""
        {PlainPage.Alert(error)}
        <form method="post">
          <input type="hidden" name="returnUrl" value="{PlainPage.Encode(returnUrl ?? "/")}">
          <label>User <input name="username" autocomplete="username" value="{Access.FirstUser}" required></label>
          <label>Password <input type="password" name="password" autocomplete="current-password" required autofocus></label>
          <button>Sign in</button>
        </form>
        """;
}
