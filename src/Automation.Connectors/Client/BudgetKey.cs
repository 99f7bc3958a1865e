using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Automation.Connectors;

/// <summary>What a budget is kept for: the provider counts by app and location.</summary>
public readonly record struct BudgetKey(string Connector, string App, string Location)
{
    public static BudgetKey Of(Connection connection)
    {
        var credential = connection.Credential;

        // Without an app the token stands for it, as a hash, so that no secret is a key in memory.
        var app = credential.ClientId is { Length: > 0 } client
            ? client
            : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(credential.Bearer ?? connection.Id)).AsSpan(0, 8));
        return new BudgetKey(connection.Connector, app, connection.LocationId ?? connection.CompanyId ?? "");
    }

    public override string ToString() => $"{Connector}/{App}/{Location}";
}

/// <summary>What an answer's headers say of the budget.</summary>
/// <param name="Limit">Calls of a window.</param>
/// <param name="Remaining">Calls left in it.</param>
/// <param name="Window">Its length.</param>
/// <param name="PerDay">Calls of a day.</param>
/// <param name="RemainingToday">Calls left of them.</param>
/// <param name="Pause">Set: the call was refused, and nobody is to call for so long; <see cref="WindowPause"/>: the provider does not say how long.</param>
public sealed record BudgetNews(int? Limit, int? Remaining, TimeSpan? Window, int? PerDay, int? RemainingToday, TimeSpan? Pause)
{
    /// <summary>
    /// When a day's calls are spent, one call is let through so often: a provider's day need not end at midnight UTC, and its answer tells whether it counts anew.
    /// </summary>
    public static readonly TimeSpan KnockEvery = TimeSpan.FromMinutes(15);

    /// <summary>The day's use after an answer. The provider's count is the truth where it says that there is more left than was thought.</summary>
    public int? UsedToday(int before, int? perDay) =>
        RemainingToday is { } left && perDay is { } allowed ? (before >= allowed && left > 0 ? allowed - left : Math.Max(before, allowed - left)) : null;

    /// <summary>A pause whose length nobody told: a window's.</summary>
    public static readonly TimeSpan WindowPause = Timeout.InfiniteTimeSpan;

    public static BudgetNews Read(int status, IReadOnlyDictionary<string, string> headers, DateTimeOffset now)
    {
        var milliseconds = Number(headers, "X-RateLimit-Interval-Milliseconds");
        var daily = Number(headers, "X-RateLimit-Limit-Daily");
        return new BudgetNews(
            Number(headers, "X-RateLimit-Max") is > 0 and var limit ? limit : null,
            Number(headers, "X-RateLimit-Remaining"),
            milliseconds is > 0 and <= 3_600_000 ? TimeSpan.FromMilliseconds(milliseconds.Value) : null,
            daily is > 0 ? daily : null,

            // A limit of none (0) says nothing of what is left.
            daily is 0 ? null : Number(headers, "X-RateLimit-Daily-Remaining"),
            status == 429 ? ErrorMap.RetryAfter(status, headers, now) ?? WindowPause : null);
    }

    private static int? Number(IReadOnlyDictionary<string, string> headers, string name) =>
        int.TryParse(headers.GetValueOrDefault(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number : null;
}
