using System.Security.Cryptography;
using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Hosting.Security;

/// <summary>Keys by which programs call the API. Only their hashes are stored: a key is shown once, when it is made.</summary>
public sealed class ApiKeys(IAccessStore access, TimeProvider clock)
{
    /// <summary>Role as it is stored; null: it is none.</summary>
    public static string? RoleOf(string? text) => text is Access.AdministratorRole or Access.OperatorRole ? text : null;

    public Task<IReadOnlyList<ApiKeyRecord>> ListAsync(CancellationToken cancellationToken) => access.ListApiKeysAsync(cancellationToken);

    /// <summary>Makes a key.</summary>
    public async Task<(ApiKeyRecord Record, string Key)> CreateAsync(string name, string role, CancellationToken cancellationToken)
    {
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var record = new ApiKeyRecord(Ids.New(clock), name.Trim(), ApiKeyHandler.HashOf(key), role, clock.GetUtcNow());
        await access.SaveApiKeyAsync(record, cancellationToken);
        return (record, key);
    }

    public Task<bool> RevokeAsync(string id, CancellationToken cancellationToken) => access.DeleteApiKeyAsync(id, cancellationToken);
}
