using Automation.Connectors;
using Newtonsoft.Json;

namespace Automation.Runtime.Budgets;

/// <summary>
/// A budget as servers share it: portions of calls that they were granted, each counted until its last call has left the provider's window. Pure: changed under the database's lock, by its clock.
/// </summary>
internal sealed class BudgetState
{
    /// <summary>How long a refused server's wish keeps those of lower priority back.</summary>
    private static readonly TimeSpan WishLife = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    public int Limit { get; set; }

    public TimeSpan Window { get; set; }

    public int? PerDay { get; set; }

    public DateTimeOffset Day { get; set; }

    public int UsedToday { get; set; }

    /// <summary>When the day's calls are spent: when one is let through to ask whether the provider counts anew.</summary>
    public DateTimeOffset? KnockAt { get; set; }

    public DateTimeOffset BlockedAt { get; set; }

    public DateTimeOffset BlockedUntil { get; set; }

    /// <summary>Until when a server waits with actions, and with polls.</summary>
    public DateTimeOffset[] Wished { get; set; } = new DateTimeOffset[2];

    public List<Grant> Grants { get; set; } = [];

    /// <summary>Connections that call on it: those of one app and location share it.</summary>
    public SortedSet<string> Connections { get; set; } = new(StringComparer.Ordinal);

    /// <summary>How long the calls of a portion may be used. Longer: fewer questions. Shorter: less of the window is kept for calls that are not made.</summary>
    public static TimeSpan LifeOf(TimeSpan window) => window / 10 > TimeSpan.FromMilliseconds(500) ? window / 10 : TimeSpan.FromMilliseconds(500);

    public static BudgetState Read(string? text, RateLimit limit) => text is null
        ? new BudgetState { Limit = limit.Calls, Window = limit.Window, PerDay = limit.PerDay }
        : Read(text);

    public static BudgetState Read(string text) => JsonConvert.DeserializeObject<BudgetState>(text)!;

    public string Write() => JsonConvert.SerializeObject(this);

    public BudgetAnswer Ask(BudgetQuestion question, DateTimeOffset now)
    {
        Forget(now);
        Learn(question.News, now);
        Settle(question);
        var used = Used;
        BudgetAnswer Answer(int calls, TimeSpan wait, bool isDaySpent = false) => new(calls, wait, isDaySpent, Limit, Window, PerDay, used + calls, UsedToday);

        if (question.Wanted == 0)
        {
            return Answer(0, TimeSpan.Zero);
        }

        var isKnock = UsedToday >= PerDay;
        if (isKnock)
        {
            KnockAt ??= now + BudgetNews.KnockEvery;
            if (now < KnockAt)
            {
                return Answer(0, (KnockAt < Day.AddDays(1) ? KnockAt.Value : Day.AddDays(1)) - now, isDaySpent: true);
            }
        }
        else
        {
            KnockAt = null;
        }

        if (BlockedUntil > now)
        {
            return Answer(0, Clamp(BlockedUntil - now));
        }

        for (var higher = 0; higher < (int)question.Priority; higher++)
        {
            if (Wished[higher] > now && Wished[higher] <= now + WishLife)
            {
                return Answer(0, Clamp(Wished[higher] - now));
            }
        }

        // A fifth at most: whoever asks next finds something, too.
        var calls = Math.Min(Math.Min(question.Wanted, Math.Max(1, Limit / 5)), Math.Min(Limit - used, isKnock ? 1 : (PerDay - UsedToday) ?? int.MaxValue));
        if (question.Priority < CallPriority.Backfill)
        {
            Wished[(int)question.Priority] = calls > 0 ? DateTimeOffset.MinValue : now + WishLife;
        }

        if (calls <= 0)
        {
            return Answer(0, Clamp(Grants.Min(grant => grant.Until) - now));
        }

        KnockAt = isKnock ? now + BudgetNews.KnockEvery : null;
        UsedToday += calls;
        Grants.Add(new Grant(question.Id, now, now + LifeOf(Window) + Window, calls));
        return Answer(calls, TimeSpan.Zero);
    }

    /// <summary>What is used of it now, by connection; nothing where nothing is.</summary>
    public IEnumerable<BudgetUse> Describe(string connector, string? locationId, DateTimeOffset now)
    {
        Forget(now);
        return Used == 0 && UsedToday == 0 ? [] : Connections.Select(id => new BudgetUse(connector, id, locationId, Limit, Window, Math.Min(Used, Limit), PerDay, UsedToday));
    }

    private int Used => Grants.Sum(grant => grant.Calls);

    private void Forget(DateTimeOffset now)
    {
        // What is dated later than now was granted by a clock that has been set back since: it would fill the window until the clock is there again.
        Grants.RemoveAll(grant => grant.Until <= now || grant.At > now);
        if (BlockedAt > now)
        {
            (BlockedAt, BlockedUntil) = (now, DateTimeOffset.MinValue);
        }

        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        if (Day != today)
        {
            (Day, UsedToday) = (today, 0);
        }
    }

    private void Learn(BudgetNews? news, DateTimeOffset now)
    {
        if (news is null)
        {
            return;
        }

        Limit = news.Limit ?? Limit;
        Window = news.Window ?? Window;
        PerDay = news.PerDay ?? PerDay;

        // All that servers may have sent is among the grants: what the provider counts beyond them, others have sent with the same app.
        if (news.Remaining is { } left && Limit - left - Used is > 0 and var unseen)
        {
            Grants.Add(new Grant("others", now, now + Window, unseen));
        }

        UsedToday = news.UsedToday(UsedToday, PerDay) ?? UsedToday;

        if (news.Pause is { } pause)
        {
            var until = now + (pause == BudgetNews.WindowPause ? Window : pause);
            (BlockedAt, BlockedUntil) = until > BlockedUntil ? (now, until) : (BlockedAt, BlockedUntil);
        }
    }

    /// <summary>What is left of the portion before goes back, and the rest counts from when its last call was made.</summary>
    private void Settle(BudgetQuestion question)
    {
        var index = Grants.FindIndex(grant => grant.Id == question.SettledId);
        if (question.SettledId is null || index < 0)
        {
            return;
        }

        var grant = Grants[index];
        var calls = grant.Calls - question.Unused;
        UsedToday = Math.Max(0, UsedToday - question.Unused);
        if (calls <= 0)
        {
            Grants.RemoveAt(index);
        }
        else
        {
            Grants[index] = grant with { Calls = calls, Until = grant.At + question.LastUse + Window };
        }
    }

    private static TimeSpan Clamp(TimeSpan wait) => wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait;

    /// <param name="Id">Of the question that it answers.</param>
    /// <param name="At">When it was granted.</param>
    /// <param name="Until">When its last call has left the window.</param>
    /// <param name="Calls">Its calls.</param>
    internal sealed record Grant(string Id, DateTimeOffset At, DateTimeOffset Until, int Calls);
}

/// <summary>A server asks for a portion.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Wanted">Calls that wait; 0: it only tells.</param>
/// <param name="Priority">Of the most urgent of them.</param>
/// <param name="News">What the provider said last.</param>
/// <param name="SettledId">The portion before, which is done with.</param>
/// <param name="Unused">Calls of it that were not made.</param>
/// <param name="LastUse">How long after it was asked for its last call was made.</param>
internal sealed record BudgetQuestion(string Id, int Wanted, CallPriority Priority, BudgetNews? News, string? SettledId, int Unused, TimeSpan LastUse);

/// <param name="Calls">Calls granted.</param>
/// <param name="Wait">None: how long to wait before the next question.</param>
/// <param name="IsDaySpent">Nothing is left of the day.</param>
/// <param name="Limit">Calls of a window.</param>
/// <param name="Window">Its length.</param>
/// <param name="PerDay">Calls of a day.</param>
/// <param name="Used">Calls of the window, of all servers.</param>
/// <param name="UsedToday">Calls of the day.</param>
internal sealed record BudgetAnswer(int Calls, TimeSpan Wait, bool IsDaySpent, int Limit, TimeSpan Window, int? PerDay, int Used, int UsedToday);
