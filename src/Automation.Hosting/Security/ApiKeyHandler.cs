using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Automation.Hosting.Web;
using Automation.Runtime;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Automation.Hosting.Security;

/// <summary><c>Authorization: ApiKey KEY</c>: the bootstrap key as it stands, others by their hash.</summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<AuthenticationSchemeOptions> schemeOptions, ILoggerFactory loggers, UrlEncoder encoder, IAccessStore access, AutomationOptions options)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemeOptions, loggers, encoder)
{
    private const string Prefix = "ApiKey ";

    /// <summary>What of a key is stored.</summary>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.NoResult();
        }

        var hash = HashOf(header[Prefix.Length..].Trim());
        if (options.Security.BootstrapApiKey is { Length: > 0 } bootstrap && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(HashOf(bootstrap))))
        {
            return Succeed("bootstrap", Access.AdministratorRole);
        }

        return await access.FindApiKeyAsync(hash, Context.RequestAborted) is { } key
            ? Succeed(key.Name, key.Role)
            : AuthenticateResult.Fail("There is no such API key.");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => Problem.Unauthorized().ExecuteAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Problem.Forbidden().ExecuteAsync(Context);

    private AuthenticateResult Succeed(string name, string role)
    {
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Role, role)], Scheme.Name);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
    }
}
