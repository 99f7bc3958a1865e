using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;

namespace Automation.Runtime.Budgets;

/// <summary>This server's part of one shared budget: who waits, and what is left of the portion that was granted last.</summary>
internal sealed class SharedWindow(BudgetKey key, Connection connection, RateLimit limit, IBudgetStore store, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly PriorityQueue<TaskCompletionSource, (CallPriority Priority, long Order)> waiting = new();
    private readonly string connectionName = connection.Name;
    private BudgetAnswer last = new(0, TimeSpan.Zero, false, limit.Calls, limit.Window, limit.PerDay, 0, 0);
    private BudgetNews? news;
    private string? portionId;
    private int portion;
    private long askedAt;
    private TimeSpan lastUse;
    private long order;
    private bool isAsking;

    /// <summary>Calls since the last question: as many may come again.</summary>
    private int recent;

    public ValueTask AcquireAsync(CallPriority priority, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource turn;
        lock (gate)
        {
            if (waiting.Count == 0 && TryUse(isFresh: false))
            {
                return ValueTask.CompletedTask;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(turn, (priority, order++));
            if (!isAsking)
            {
                isAsking = true;
                _ = Task.Run(AskAsync, CancellationToken.None);
            }
        }

        return new ValueTask(WaitAsync(turn, cancellationToken));
    }

    /// <summary>Told to the others with the next question; a refusal at once.</summary>
    public void Learn(BudgetNews heard)
    {
        lock (gate)
        {
            news = heard with { Pause = heard.Pause ?? news?.Pause };
            if (heard.Pause is null)
            {
                return;
            }

            // Nobody calls on what is left of a portion.
            portion = 0;
            if (!isAsking)
            {
                isAsking = true;
                _ = Task.Run(AskAsync, CancellationToken.None);
            }
        }
    }

    private static async Task WaitAsync(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        // A waiter that gives up stays in the queue, completed, and is passed over.
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    /// <summary>Asks until nobody waits.</summary>
    private async Task AskAsync()
    {
        while (true)
        {
            TimeSpan wait;
            try
            {
                if (await AskOnceAsync() is not { } pause)
                {
                    return;
                }

                wait = pause;
            }
            catch (Exception exception)
            {
                // Without the database nobody knows what the others send: callers wait, as they would for anything else of it.
                log.LogWarning(exception, "The API budget {Key} could not be read; calls wait, and it is asked for again in {Pause}.", key, AfterFailure);
                wait = AfterFailure;
            }

            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, clock);
            }
        }
    }

    /// <returns>How long to wait before the next question; null: nobody waits.</returns>
    private async Task<TimeSpan?> AskOnceAsync()
    {
        BudgetQuestion question;
        long asked;
        lock (gate)
        {
            while (waiting.TryPeek(out var gone, out _) && gone.Task.IsCompleted)
            {
                waiting.Dequeue();
            }

            if (waiting.Count == 0 && news?.Pause is null)
            {
                isAsking = false;
                return null;
            }

            asked = clock.GetTimestamp();
            var most = waiting.TryPeek(out _, out var first) ? first.Priority : CallPriority.Backfill;
            question = new BudgetQuestion(Ids.New(clock), waiting.Count == 0 ? 0 : Math.Max(waiting.Count, Math.Min(recent, 5)), most, news, portionId, portion, lastUse);
            (news, portion, portionId, recent) = (null, 0, null, 0);
        }

        BudgetAnswer answer;
        try
        {
            answer = await store.UpdateAsync(
                key.ToString(),
                connection.LocationId,
                (text, now) =>
                {
                    var state = BudgetState.Read(text, limit);
                    state.Connections.Add(connection.Id);
                    var reply = state.Ask(question, now);
                    return (state.Write(), reply);
                },
                CancellationToken.None);
        }
        catch
        {
            lock (gate)
            {
                // What was heard is told with the next question; what was left of the portion stays counted until it is over.
                news ??= question.News;
            }

            throw;
        }

        lock (gate)
        {
            last = answer;
            (portionId, portion, askedAt, lastUse) = (question.Id, answer.Calls, asked, TimeSpan.Zero);
            while (waiting.Count > 0)
            {
                if (waiting.Peek().Task.IsCompleted)
                {
                    waiting.Dequeue();
                }
                else if (answer.IsDaySpent)
                {
                    waiting.Dequeue().TrySetException(DaySpent(answer));
                }
                else if (TryUse(isFresh: true))
                {
                    if (!waiting.Dequeue().TrySetResult())
                    {
                        // It gave up in this moment: the call is somebody else's.
                        portion++;
                    }
                }
                else
                {
                    return answer.Calls > 0 ? TimeSpan.Zero : answer.Wait;
                }
            }

            if (news?.Pause is not null)
            {
                return TimeSpan.Zero;
            }

            isAsking = false;
            return null;
        }
    }

    /// <summary>Uses a call of the portion, while its time lasts: counted from before it was asked for, so that the database, which counts from later, keeps it long enough.</summary>
    private bool TryUse(bool isFresh)
    {
        // Whoever has waited for this answer is served, however slow it was: on a slow database nobody would ever be in time.
        var age = clock.GetElapsedTime(askedAt);
        if (portion == 0 || (!isFresh && age > BudgetState.LifeOf(last.Window)))
        {
            return false;
        }

        portion--;
        recent++;
        lastUse = age;
        return true;
    }

    private ConnectorException DaySpent(BudgetAnswer answer) => new($"The day's API budget of connection '{connectionName}' is spent: {answer.PerDay} calls. It starts anew at midnight UTC, or when the provider counts anew: one call in {BudgetNews.KnockEvery.TotalMinutes:0} minutes asks.")
    {
        Code = "budget-spent",
        Action = "Lengthen the intervals of polls, or wait for the new day.",
        IsTransient = true,
        RetryAfter = answer.Wait,
    };
}
