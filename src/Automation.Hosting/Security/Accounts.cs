using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Identity;

namespace Automation.Hosting.Security;

/// <summary>Users and their passwords, and the one-time link of a new installation.</summary>
public sealed class Accounts(IAccessStore access, SetupLink link, TimeProvider clock)
{
    /// <summary>Shortest password taken.</summary>
    public const int MinimumPasswordLength = 8;

    /// <summary>Failed attempts from one address before it has to wait.</summary>
    private const int AttemptLimit = 10;

    /// <summary>How long failed attempts count.</summary>
    private static readonly TimeSpan AttemptWindow = TimeSpan.FromMinutes(5);

    /// <summary>Addresses remembered at most.</summary>
    private const int AddressLimit = 10_000;

    internal const string StampClaim = "automation:stamp";
    private const int NameLimit = 100;

    /// <summary>How long a session is taken as good without asking: so long one of a user deleted on another node lives on.</summary>
    private static readonly TimeSpan SessionLife = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<string, (string? Stamp, DateTimeOffset Until)> sessions = new(StringComparer.OrdinalIgnoreCase);
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

    public Task<IReadOnlyList<UserRecord>> ListAsync(CancellationToken cancellationToken) => access.ListUsersAsync(cancellationToken);

    /// <summary>Makes a user.</summary>
    /// <exception cref="InvalidAccountException">The name is taken or no name, or the password too short.</exception>
    public async Task CreateAsync(string? name, string? password, string role, CancellationToken cancellationToken)
    {
        if (name?.Trim() is not { Length: > 0 and <= NameLimit } trimmed)
        {
            throw new InvalidAccountException("name", $"Give the user a name of at most {NameLimit} characters.");
        }

        if (await access.FindUserAsync(trimmed, cancellationToken) is not null)
        {
            throw new InvalidAccountException("name", $"There is a user '{trimmed}' already. Choose another name.");
        }

        await SaveAsync(trimmed, password, role == Access.AdministratorRole ? role : Access.OperatorRole, cancellationToken);
    }

    /// <summary>Gives a user another password; sessions that began with the old one end.</summary>
    /// <exception cref="InvalidAccountException">There is no such user, or the password is too short.</exception>
    public async Task ChangePasswordAsync(string? name, string? password, CancellationToken cancellationToken)
    {
        var user = await access.FindUserAsync(name ?? "", cancellationToken) ?? throw new InvalidAccountException("name", $"There is no user '{name}'.");
        await SaveAsync(user.Name, password, user.Role, cancellationToken);
    }

    /// <summary>Changes one's own password: the present one is asked for, and its attempts are counted as those of signing in. Sessions that began with it end.</summary>
    /// <returns>The user, for a new session.</returns>
    /// <exception cref="InvalidAccountException">The present password is wrong, or the new one too short.</exception>
    public async Task<UserRecord> ChangeOwnPasswordAsync(string name, string? present, string? wanted, string address, CancellationToken cancellationToken)
    {
        if (await SignInAsync(name, present, address, cancellationToken) is null)
        {
            throw new InvalidAccountException("present", "The present password is wrong, or there were too many attempts: wait five minutes.");
        }

        await ChangePasswordAsync(name, wanted, cancellationToken);
        return await FindAsync(name, cancellationToken) ?? throw new InvalidAccountException("name", $"The user '{name}' was deleted meanwhile.");
    }

    /// <summary>Deletes a user; its sessions end.</summary>
    /// <exception cref="InvalidAccountException">It is the last administrator: nobody could make another.</exception>
    public async Task<bool> DeleteAsync(string? name, CancellationToken cancellationToken)
    {
        var users = await access.ListUsersAsync(cancellationToken);
        if (users.Count(user => user.Role == Access.AdministratorRole) == 1 && users.Any(user => user.Role == Access.AdministratorRole && string.Equals(user.Name, name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidAccountException("name", $"'{name}' is the last administrator. Make another one first.");
        }

        sessions.Clear();
        return await access.DeleteUserAsync(name ?? "", cancellationToken);
    }

    /// <summary>Whether a session is still good: its user is there, with the role and the password that it began with. Asked of the store at most every some seconds.</summary>
    public async Task<bool> IsCurrentAsync(ClaimsPrincipal principal, CancellationToken cancellationToken)
    {
        if (principal.Identity?.Name is not { } name || principal.FindFirst(StampClaim)?.Value is not { } stamp)
        {
            return false;
        }

        var now = clock.GetUtcNow();
        if (!sessions.TryGetValue(name, out var known) || known.Until < now)
        {
            known = (await access.FindUserAsync(name, cancellationToken) is { } user ? StampOf(user) : null, now + SessionLife);
            sessions[name] = known;
        }

        return known.Stamp == stamp;
    }

    private async Task SaveAsync(string name, string? password, string role, CancellationToken cancellationToken)
    {
        if (password is not { Length: >= MinimumPasswordLength })
        {
            throw new InvalidAccountException("password", $"The password needs at least {MinimumPasswordLength} characters.");
        }

        await access.SaveUserAsync(new UserRecord(name, hasher.HashPassword(name, password), role, clock.GetUtcNow()), cancellationToken);
        sessions.Clear();
    }

    /// <summary>The user; null: the name or the password is wrong.</summary>
    /// <exception cref="TooManyAttemptsException">There were too many wrong ones from the address.</exception>
    public async Task<UserRecord?> SignInAsync(string? name, string? password, string address, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(password))
        {
            return null;
        }

        // Counted before the password is looked at: many attempts at the same moment are many attempts.
        Count(address);

        var user = await access.FindUserAsync(name, cancellationToken);

        // Hashing also for unknown names: the time taken tells nobody which names exist.
        var hash = user?.PasswordHash ?? Nobody.Value;
        var isRight = hasher.VerifyHashedPassword(name, hash, password) != PasswordVerificationResult.Failed;
        if (user is not null && isRight)
        {
            failures.TryRemove(address, out _);
            return user;
        }

        return null;
    }

    public Task<UserRecord?> FindAsync(string name, CancellationToken cancellationToken) => access.FindUserAsync(name, cancellationToken);

    /// <summary>Who a session's cookie says one is.</summary>
    public static ClaimsPrincipal PrincipalOf(UserRecord user) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, user.Name), new Claim(ClaimTypes.Role, user.Role), new Claim(StampClaim, StampOf(user))], Access.CookieScheme));

    /// <summary>Another one after the password or the role changed. It tells nothing of either.</summary>
    internal static string StampOf(UserRecord user) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{user.Role}\n{user.PasswordHash}")))[..16];

    private static Lazy<string> Nobody { get; } = new(() => new PasswordHasher<string>().HashPassword("", Convert.ToHexString(RandomNumberGenerator.GetBytes(16))));

    private void Count(string address)
    {
        var now = clock.GetUtcNow();
        if (failures.Count >= AddressLimit)
        {
            failures.Clear();
        }

        var (count, since) = failures.AddOrUpdate(address, (1, now), (_, old) => now - old.Since < AttemptWindow ? (Math.Min(old.Count, AttemptLimit) + 1, old.Since) : (1, now));
        if (count > AttemptLimit)
        {
            throw new TooManyAttemptsException(since + AttemptWindow - now);
        }
    }
}

/// <summary>Sign-ins from one address failed too often.</summary>
public sealed class TooManyAttemptsException(TimeSpan wait) : Exception("There were too many failed sign-ins from your address.")
{
    /// <summary>How long the address has to wait.</summary>
    public TimeSpan Wait { get; } = wait;
}

/// <summary>A user was not made or changed as asked.</summary>
public sealed class InvalidAccountException(string field, string message) : Exception(message)
{
    /// <summary><c>name</c>, <c>password</c>, or <c>present</c> (the present password).</summary>
    public string Field { get; } = field;
}

/// <summary>The one-time link of an installation without users: new with every start, good until the first user is there.</summary>
public sealed class SetupLink
{
    public string Token { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
