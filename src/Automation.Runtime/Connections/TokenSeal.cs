using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection;
using Newtonsoft.Json;

namespace Automation.Runtime.Connections;

/// <summary>Encrypts tokens for their rows, and opens them again.</summary>
public sealed class TokenSeal(IDataProtectionProvider protection)
{
    private readonly IDataProtector protector = protection.CreateProtector("Automation.Tokens.v1");

    public byte[] Close(string? access, string? refresh) => protector.Protect(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(new Pair(access, refresh), Json.Settings)));

    /// <exception cref="CryptographicException">Not with the keys of this installation.</exception>
    public (string? Access, string? Refresh) Open(TokenRecord token)
    {
        if (token.Secret is not { } secret)
        {
            return (null, null);
        }

        var pair = JsonConvert.DeserializeObject<Pair>(Encoding.UTF8.GetString(protector.Unprotect(secret)), Json.Settings)!;
        return (pair.Access, pair.Refresh);
    }

    /// <summary>The same, encrypted with the newest key.</summary>
    public byte[] Renew(byte[] secret) => protector.Protect(protector.Unprotect(secret));

    private sealed record Pair(string? Access, string? Refresh)
    {
        public override string ToString() => "tokens";
    }
}
