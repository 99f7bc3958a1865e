using System.Security.Claims;
using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Hosting.Security;

/// <summary>Registers schemes, policies and the key ring.</summary>
internal static class SecurityServices
{
    public static void AddAutomationSecurity(this IServiceCollection services, HostPaths paths, bool isShared)
    {
        services.AddSingleton<SetupLink>();
        services.AddSingleton<Accounts>();
        services.AddSingleton<ApiKeys>();
        services.AddSingleton<Tokens>();
        services.AddSingleton<KeyRotation>();
        var protection = services.AddDataProtection().SetApplicationName("Automation");
        if (isShared)
        {
            services.AddSingleton<InstallationKey>();
            services.AddSingleton<KeyImport>();
            services.AddOptions<KeyManagementOptions>().Configure<InstallationKey, IKeyStore, TimeProvider>((keys, file, store, clock) =>
            {
                keys.XmlRepository = new DatabaseKeyRing(store, clock);
                keys.XmlEncryptor = new KeyFileEncryptor(file);
            });
        }
        else
        {
            protection.PersistKeysToFileSystem(new DirectoryInfo(paths.Keys));
        }

        services.AddAuthentication(Access.Scheme)
            .AddPolicyScheme(Access.Scheme, null, options => options.ForwardDefaultSelector = Choose)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(Access.ApiKeyScheme, null)
            .AddJwtBearer(Access.BearerScheme, ConfigureBearer)
            .AddCookie(Access.CookieScheme, ConfigureCookie);
        services.AddOptions<JwtBearerOptions>(Access.BearerScheme).Configure<Tokens>((options, tokens) => options.TokenValidationParameters = tokens.Parameters());
        services.AddAuthorizationBuilder()
            .AddPolicy(Access.SignedIn, policy => policy.AddAuthenticationSchemes(Access.Scheme).RequireAuthenticatedUser())
            .AddPolicy(Access.Administrators, policy => policy.AddAuthenticationSchemes(Access.Scheme).RequireRole(Access.AdministratorRole));
    }

    private static string Choose(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        return header.StartsWith("ApiKey ", StringComparison.OrdinalIgnoreCase) ? Access.ApiKeyScheme
            : header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? Access.BearerScheme
            : Access.CookieScheme;
    }

    private static void ConfigureBearer(JwtBearerOptions options)
    {
        options.MapInboundClaims = false;
        options.Events = new JwtBearerEvents
        {
            OnTokenValidated = async context =>
            {
                if (!await IsCurrentAsync(context.HttpContext, context.Principal))
                {
                    context.Fail("The user is gone, or has another password or role by now.");
                }
            },
            OnChallenge = context =>
            {
                context.HandleResponse();
                return Problem.Unauthorized().ExecuteAsync(context.HttpContext);
            },
            OnForbidden = context => Problem.Forbidden().ExecuteAsync(context.HttpContext),
        };
    }

    private static void ConfigureCookie(CookieAuthenticationOptions options)
    {
        options.Cookie.Name = "automation";
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.ExpireTimeSpan = TimeSpan.FromDays(7);
        options.SlidingExpiration = true;
        options.LoginPath = "/login";

        // Programs get problem details; a page that a person opens, and a form of one, are sent to the sign-in page.
        options.Events.OnRedirectToLogin = context => WantsPage(context.HttpContext) ? Redirect(context) : Problem.Unauthorized().ExecuteAsync(context.HttpContext);
        options.Events.OnRedirectToAccessDenied = context => WantsPage(context.HttpContext) ? Deny(context) : Problem.Forbidden().ExecuteAsync(context.HttpContext);
        options.Events.OnValidatePrincipal = async context =>
        {
            // A user who was deleted, or has another password or role by now, signs in again.
            if (!await IsCurrentAsync(context.HttpContext, context.Principal))
            {
                context.RejectPrincipal();
            }
        };
    }

    private static async Task<bool> IsCurrentAsync(HttpContext context, ClaimsPrincipal? principal) =>
        principal is not null && await context.RequestServices.GetRequiredService<Accounts>().IsCurrentAsync(principal, context.RequestAborted);

    private static Task Deny(RedirectContext<CookieAuthenticationOptions> context)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return AccountEndpoints.DeniedPage().ExecuteAsync(context.HttpContext);
    }

    private static bool WantsPage(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<ProgramEndpoint>() is null
        && context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private static Task Redirect(RedirectContext<CookieAuthenticationOptions> context)
    {
        context.Response.Redirect(context.RedirectUri);
        return Task.CompletedTask;
    }
}

/// <summary>Marks endpoints for programs: they answer with problem details, never with a redirect to a page.</summary>
internal sealed class ProgramEndpoint;
