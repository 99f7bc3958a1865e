using System.Security.Cryptography;
using System.Text;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Automation.Runtime.Webhooks;

/// <summary>
/// Secrets of the addresses at which flows are started by others. One belongs to a trigger (definition and activity), so that it survives republishing; it is made at publish, is never in a definition or an
/// export, and can be replaced. The row has its hash, to find it by, and itself encrypted, to show it to those who may.
/// </summary>
public sealed class HookSecrets(IWebhookStore store, IDataProtectionProvider protection, TimeProvider clock)
{
    private const int Bytes = 24;
    private readonly IDataProtector protector = protection.CreateProtector("Automation.Hooks.v1");

    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("hook\u001f" + secret)));

    /// <summary>A new secret for a trigger; it is not stored.</summary>
    public HookRecord Make(string triggerId)
    {
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));
        return new HookRecord(triggerId, HashOf(secret), protector.Protect(Encoding.UTF8.GetBytes(secret)), clock.GetUtcNow());
    }

    /// <summary>A trigger's secret; null: its key is not this installation's any more, and it has to be replaced.</summary>
    public async Task<string?> FindAsync(string triggerId, CancellationToken cancellationToken) => Open(await store.FindHookAsync(triggerId, cancellationToken) ?? await store.EnsureHookAsync(Make(triggerId), cancellationToken));

    /// <summary>Another secret: what was sent to the old address is answered 404 from now on.</summary>
    public async Task<string?> RotateAsync(string triggerId, CancellationToken cancellationToken)
    {
        var made = Make(triggerId);
        return await store.RotateHookAsync(made, cancellationToken) ? Open(made) : Open(await store.EnsureHookAsync(made, cancellationToken));
    }

    /// <summary>Secrets of all triggers, by their ids.</summary>
    public async Task<IReadOnlyDictionary<string, string?>> ListAsync(CancellationToken cancellationToken) =>
        (await store.ListHooksAsync(cancellationToken)).ToDictionary(hook => hook.TriggerId, Open, StringComparer.Ordinal);

    private string? Open(HookRecord hook)
    {
        try
        {
            return Encoding.UTF8.GetString(protector.Unprotect(hook.Secret));
        }
        catch (CryptographicException)
        {
            // The keys were lost: the address goes on working, for it is found by its hash, and nobody can be shown it.
            return null;
        }
    }
}
