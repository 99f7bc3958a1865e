using System.Security.Claims;
using System.Security.Cryptography;
using Automation.Runtime.Storage;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Automation.Hosting.Security;

/// <summary>Issues and checks the tokens of <c>/identity/login</c>, signed with a key of the installation.</summary>
internal sealed class Tokens(HostPaths paths, TimeProvider clock, InstallationKey? shared = null)
{
    private const string Issuer = "automation";
    private const string RefreshAudience = "automation-refresh";

    /// <summary>How long an access token is good for.</summary>
    private static readonly TimeSpan AccessLife = TimeSpan.FromHours(1);

    /// <summary>How long a refresh token is good for.</summary>
    private static readonly TimeSpan RefreshLife = TimeSpan.FromDays(1);

    private readonly Lazy<SymmetricSecurityKey> key = new(() => shared is null ? LoadKey(paths.TokenKeyFile) : new SymmetricSecurityKey(shared.Derive("tokens", 64)));
    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };

    public TokenValidationParameters Parameters() => ParametersFor(Issuer);

    public (string Access, string Refresh) Issue(UserRecord user) => (Issue(user, Issuer, AccessLife), Issue(user, RefreshAudience, RefreshLife));

    /// <summary>Whose a refresh token is; null: it is not one, or its time is over.</summary>
    public async Task<ClaimsPrincipal?> ReadRefreshAsync(string token)
    {
        var result = await handler.ValidateTokenAsync(token, ParametersFor(RefreshAudience));
        return result.IsValid ? new ClaimsPrincipal(result.ClaimsIdentity) : null;
    }

    private string Issue(UserRecord user, string audience, TimeSpan life)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + life,
            Subject = new ClaimsIdentity([new Claim("name", user.Name), new Claim("role", user.Role), new Claim(Accounts.StampClaim, Accounts.StampOf(user))]),
            SigningCredentials = new SigningCredentials(key.Value, SecurityAlgorithms.HmacSha256),
        });
    }

    private TokenValidationParameters ParametersFor(string audience) => new()
    {
        ValidIssuer = Issuer,
        ValidAudience = audience,
        IssuerSigningKey = key.Value,
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        NameClaimType = "name",
        RoleClaimType = "role",
        ClockSkew = TimeSpan.FromSeconds(30),
        AuthenticationType = Access.BearerScheme,
    };

    private static SymmetricSecurityKey LoadKey(string file)
    {
        if (!File.Exists(file))
        {
            // Written aside and moved, so that a process killed here leaves no half key; whoever moves first wins.
            var draft = $"{file}.{Environment.ProcessId}";
            File.WriteAllBytes(draft, RandomNumberGenerator.GetBytes(64));
            OnlyOwner(draft);
            try
            {
                File.Move(draft, file, overwrite: false);
            }
            catch (IOException) when (File.Exists(file))
            {
                File.Delete(draft);
            }
        }

        return new SymmetricSecurityKey(File.ReadAllBytes(file));
    }

    private static void OnlyOwner(string file)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
