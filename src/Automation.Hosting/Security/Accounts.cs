using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Identity;

namespace Automation.Hosting.Security;

/// <summary>Users and their passwords, and the one-time link of a new installation.</summary>
internal sealed class Accounts(IAccessStore access, SetupLink link, TimeProvider clock)
{
    /// <summary>Shortest password taken.</summary>
    public const int MinimumPasswordLength = 8;

    /// <summary>Failed attempts from one address before it has to wait.</summary>
    private const int AttemptLimit = 10;

    /// <summary>How long failed attempts count.</summary>
    private static readonly TimeSpan AttemptWindow = TimeSpan.FromMinutes(5);

    /// <summary>Addresses remembered at most.</summary>
    private const int AddressLimit = 10_000;

    private readonly PasswordHasher<string> hasher = new();
    private readonly ConcurrentDictionary<string, (int Count, DateTimeOffset Since)> failures = new();

    public async Task<bool> NeedsSetupAsync(CancellationToken cancellationToken) => await access.CountUsersAsync(cancellationToken) == 0;

    public bool IsSetupToken(string? token) =>
        token is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(link.Token));

    /// <summary>Makes the first user; false: there is one already.</summary>
    public async Task<bool> CreateFirstAsync(string password, CancellationToken cancellationToken)
    {
        if (!await NeedsSetupAsync(cancellationToken))
        {
            return false;
        }

        await access.SaveUserAsync(new UserRecord(Access.FirstUser, hasher.HashPassword(Access.FirstUser, password), Access.AdministratorRole, clock.GetUtcNow()), cancellationToken);
        return true;
    }

    /// <summary>The user, when the password is right and the address has not failed too often.</summary>
    public async Task<UserRecord?> SignInAsync(string? name, string? password, string address, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(password) || IsBarred(address))
        {
            return null;
        }

        var user = await access.FindUserAsync(name, cancellationToken);

        // Hashing also for unknown names: the time taken tells nobody which names exist.
        var hash = user?.PasswordHash ?? Nobody.Value;
        var isRight = hasher.VerifyHashedPassword(name, hash, password) != PasswordVerificationResult.Failed;
        if (user is not null && isRight)
        {
            failures.TryRemove(address, out _);
            return user;
        }

        Count(address);
        return null;
    }

    public Task<UserRecord?> FindAsync(string name, CancellationToken cancellationToken) => access.FindUserAsync(name, cancellationToken);

    /// <summary>Who a session's cookie says one is.</summary>
    public static ClaimsPrincipal PrincipalOf(UserRecord user) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, user.Name), new Claim(ClaimTypes.Role, user.Role)], Access.CookieScheme));

    private static Lazy<string> Nobody { get; } = new(() => new PasswordHasher<string>().HashPassword("", Convert.ToHexString(RandomNumberGenerator.GetBytes(16))));

    private bool IsBarred(string address) =>
        failures.TryGetValue(address, out var failed) && failed.Count >= AttemptLimit && clock.GetUtcNow() - failed.Since < AttemptWindow;

    private void Count(string address)
    {
        var now = clock.GetUtcNow();
        if (failures.Count >= AddressLimit)
        {
            failures.Clear();
        }

        failures.AddOrUpdate(address, (1, now), (_, old) => now - old.Since < AttemptWindow ? (old.Count + 1, old.Since) : (1, now));
    }
}

/// <summary>The one-time link of an installation without users: new with every start, good until the first user is there.</summary>
public sealed class SetupLink
{
    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
