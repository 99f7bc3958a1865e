using Automation.Runtime.Connections;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace Automation.Hosting.Security;

/// <summary>Makes a new key and encrypts the vault with it. Old keys stay in the ring: sessions, recorded requests and backups made before go on being readable.</summary>
public sealed class KeyRotation(IKeyManager keys, ConnectionVault vault, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);

    /// <returns>How many credentials were encrypted again.</returns>
    public async Task<int> RotateAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        keys.CreateNewKey(now, now + Lifetime);

        // A crash here: the new key is in the ring, and credentials are still under the old one. The next rotation, or the next save of a connection, takes it.
        return await vault.ReencryptAsync(cancellationToken);
    }
}
