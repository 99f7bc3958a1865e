using System.Collections.Concurrent;

namespace Automation.Connectors;

/// <summary>The API budgets of this process: one per connector, app (or bearer) and location. Callers wait for their turn: actions, then polls, then backfills.</summary>
public sealed class RateBudget(OperationCatalog catalog, TimeProvider clock) : IRateBudget
{
    private readonly ConcurrentDictionary<BudgetKey, RateWindow> windows = new();

    /// <inheritdoc />
    public ValueTask AcquireAsync(Connection connection, CallPriority priority, CancellationToken cancellationToken) =>
        WindowOf(connection).AcquireAsync(priority, cancellationToken);

    /// <inheritdoc />
    public void Observe(Connection connection, int status, IReadOnlyDictionary<string, string> headers)
    {
        var window = WindowOf(connection);
        var news = BudgetNews.Read(status, headers, clock.GetUtcNow());
        window.Learn(news);
        if (news.Pause is { } pause)
        {
            window.Block(pause == BudgetNews.WindowPause ? null : pause);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<BudgetUse>> DescribeAsync(CancellationToken cancellationToken) => new(windows.Values.Select(w => w.Describe()).ToList());

    private RateWindow WindowOf(Connection connection) => windows.GetOrAdd(
        BudgetKey.Of(connection),
        static (_, state) => new RateWindow(state.Connection, state.Limit, state.Clock),
        (Connection: connection, catalog.ConnectorOf(connection.Connector).Limit, Clock: clock));
}

/// <summary>A sliding window of calls, and a day's count.</summary>
internal sealed class RateWindow
{
    private readonly Lock gate = new();
    private readonly Queue<DateTimeOffset> calls = new();
    private readonly PriorityQueue<TaskCompletionSource, (CallPriority Priority, long Order)> waiting = new();
    private readonly ITimer timer;
    private readonly TimeProvider clock;
    private readonly string connector;
    private readonly string connectionId;
    private readonly string connectionName;
    private readonly string? location;
    private int limit;
    private TimeSpan length;
    private int? perDay;
    private DateTimeOffset blockedAt = DateTimeOffset.MinValue;
    private DateTimeOffset blockedUntil = DateTimeOffset.MinValue;
    private DateTimeOffset day;
    private int usedToday;
    private DateTimeOffset? knockAt;
    private long order;

    public RateWindow(Connection connection, RateLimit allowed, TimeProvider clock)
    {
        this.clock = clock;
        connector = connection.Connector;
        connectionId = connection.Id;
        connectionName = connection.Name;
        location = connection.LocationId;
        (limit, length, perDay) = (allowed.Calls, allowed.Window, allowed.PerDay);
        day = DayOf(clock.GetUtcNow());
        timer = clock.CreateTimer(static state => ((RateWindow)state!).Serve(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ValueTask AcquireAsync(CallPriority priority, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource turn;
        lock (gate)
        {
            var now = clock.GetUtcNow();
            Forget(now);
            RefuseSpentDay(now);
            if (waiting.Count == 0 && HasRoom(now))
            {
                Take(now);
                return ValueTask.CompletedTask;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(turn, (priority, order++));
            Schedule(now);
        }

        return new ValueTask(WaitAsync(turn, cancellationToken));
    }

    /// <summary>Takes over what the answer's headers say. Calls that others made with the same app are counted in.</summary>
    public void Learn(BudgetNews news)
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            Forget(now);
            limit = news.Limit ?? limit;
            length = news.Window ?? length;
            perDay = news.PerDay ?? perDay;
            if (news.Remaining is { } left)
            {
                for (var unseen = limit - left - calls.Count; unseen > 0; unseen--)
                {
                    calls.Enqueue(now);
                }
            }

            usedToday = news.UsedToday(usedToday, perDay) ?? usedToday;
        }
    }

    /// <summary>The provider refused a call: nobody calls until the pause is over.</summary>
    public void Block(TimeSpan? pause)
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            var until = now + (pause ?? length);
            if (until > blockedUntil)
            {
                (blockedAt, blockedUntil) = (now, until);
            }

            Schedule(now);
        }
    }

    public BudgetUse Describe()
    {
        lock (gate)
        {
            Forget(clock.GetUtcNow());
            return new BudgetUse(connector, connectionId, location, limit, length, Math.Min(calls.Count, limit), perDay, usedToday);
        }
    }

    private static async Task WaitAsync(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        // A waiter that gives up stays in the queue, completed, and is passed over.
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    private void Serve()
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            Forget(now);
            while (waiting.Count > 0 && HasRoom(now))
            {
                var turn = waiting.Dequeue();
                if (turn.Task.IsCompleted)
                {
                    continue;
                }

                if (IsDaySpent)
                {
                    turn.TrySetException(DaySpent(now));
                }
                else if (turn.TrySetResult())
                {
                    Take(now);
                }
            }

            Schedule(now);
        }
    }

    private bool IsDaySpent => usedToday >= perDay;

    private bool HasRoom(DateTimeOffset now) => now >= blockedUntil && calls.Count < limit;

    private void Take(DateTimeOffset now)
    {
        calls.Enqueue(now);
        usedToday++;
    }

    private void Forget(DateTimeOffset now)
    {
        // What is dated later than now was counted by a clock that has been set back since: it would fill the window until the clock is there again.
        while (calls.TryPeek(out var oldest) && (oldest + length <= now || oldest > now))
        {
            calls.Dequeue();
        }

        if (blockedAt > now)
        {
            (blockedAt, blockedUntil) = (now, DateTimeOffset.MinValue);
        }

        if (DayOf(now) is var today && today != day)
        {
            (day, usedToday) = (today, 0);
        }
    }

    private void Schedule(DateTimeOffset now)
    {
        if (waiting.Count == 0)
        {
            return;
        }

        var free = calls.Count >= limit && calls.TryPeek(out var oldest) ? oldest + length : now;
        var at = free > blockedUntil ? free : blockedUntil;
        var wait = at - now;
        timer.Change(wait > TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private void RefuseSpentDay(DateTimeOffset now)
    {
        if (!IsDaySpent)
        {
            knockAt = null;
            return;
        }

        knockAt ??= now + BudgetNews.KnockEvery;
        if (now < knockAt)
        {
            throw DaySpent(now);
        }

        knockAt = now + BudgetNews.KnockEvery;
    }

    private ConnectorException DaySpent(DateTimeOffset now) => new($"The day's API budget of connection '{connectionName}' is spent: {perDay} calls. It starts anew at midnight UTC, or when the provider counts anew: one call in {BudgetNews.KnockEvery.TotalMinutes:0} minutes asks.")
    {
        Code = "budget-spent",
        Action = "Lengthen the intervals of polls, or wait for the new day.",
        IsTransient = true,
        RetryAfter = (knockAt is { } at && at < DayOf(now).AddDays(1) ? at : DayOf(now).AddDays(1)) - now,
    };

    private static DateTimeOffset DayOf(DateTimeOffset now) => new(now.UtcDateTime.Date, TimeSpan.Zero);
}
