using Automation.Connectors;
using Automation.Runtime.Budgets;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Runtime.Budgets;

public sealed class BudgetStateTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RateLimit Limit = new(100, TimeSpan.FromSeconds(10), 200_000);
    private int questions;

    private BudgetQuestion Question(int wanted, CallPriority priority = CallPriority.Action, BudgetNews? news = null, string? settled = null, int unused = 0, double lastUse = 0) =>
        new($"q{++questions}", wanted, priority, news, settled, unused, TimeSpan.FromSeconds(lastUse));

    [Fact]
    public void Ask_DatabaseClockSetBack_DoesNotWaitForItToComeAgain()
    {
        var state = BudgetState.Read(null, Limit);
        for (var i = 0; i < 10; i++)
        {
            state.Ask(Question(20), Start.AddHours(1));
        }

        state.Ask(Question(0, news: new BudgetNews(null, null, null, null, null, TimeSpan.FromSeconds(30))), Start.AddHours(1));
        state = BudgetState.Read(state.Write(), Limit);

        state.Ask(Question(20, CallPriority.Backfill), Start).Calls.Should().Be(20);
    }

    [Fact]
    public void Ask_ByManyServersAtOnce_NeverGrantsMoreThanTheLimitInAnyWindow()
    {
        var state = BudgetState.Read(null, Limit);
        var granted = new List<(DateTimeOffset LastPossibleUse, DateTimeOffset At, int Calls)>();
        for (var tick = 0; tick < 600; tick++)
        {
            var now = Start.AddMilliseconds(tick * 100);

            // Through its text, as servers hand it to each other.
            state = BudgetState.Read(state.Write(), Limit);
            var answer = state.Ask(Question(1 + (tick % 50)), now);
            granted.Add((now + BudgetState.LifeOf(Limit.Window), now, answer.Calls));
        }

        for (var second = 0; second < 50; second++)
        {
            var (from, to) = (Start.AddSeconds(second), Start.AddSeconds(second + 10));
            granted.Where(g => g.LastPossibleUse >= from && g.At < to && g.At >= from).Sum(g => g.Calls).Should().BeLessThanOrEqualTo(100);
        }

        granted.Sum(g => g.Calls).Should().BeGreaterThan(400);
    }

    [Fact]
    public void Ask_OfOneServer_LeavesSomethingForTheOthers() => BudgetState.Read(null, Limit).Ask(Question(1_000), Start).Calls.Should().Be(20);

    [Fact]
    public void Settle_OfAPortion_GivesBackWhatWasNotUsed()
    {
        var state = BudgetState.Read(null, Limit);
        var first = Question(20);
        state.Ask(first, Start);

        var answer = state.Ask(Question(0, settled: first.Id, unused: 15, lastUse: 0.1), Start.AddSeconds(1));

        answer.Used.Should().Be(5);
        answer.UsedToday.Should().Be(5);
        state.Ask(Question(0), Start.AddSeconds(10.2)).Used.Should().Be(0);
    }

    [Fact]
    public void Ask_OfABackfill_WaitsWhileAServerWaitsWithActions()
    {
        var state = BudgetState.Read(null, Limit);
        for (var i = 0; i < 5; i++)
        {
            state.Ask(Question(20), Start);
        }

        state.Ask(Question(5), Start.AddSeconds(9.5)).Calls.Should().Be(0);
        state.Ask(Question(5, CallPriority.Backfill), Start.AddSeconds(11.1)).Calls.Should().Be(0, "an action waits");
        state.Ask(Question(5), Start.AddSeconds(11.1)).Calls.Should().Be(5);
        state.Ask(Question(5, CallPriority.Backfill), Start.AddSeconds(11.2)).Calls.Should().Be(5);
    }

    [Fact]
    public void News_OfARefusal_StopsEveryServer()
    {
        var state = BudgetState.Read(null, Limit);

        state.Ask(Question(0, news: new BudgetNews(null, null, null, null, null, TimeSpan.FromSeconds(3))), Start);

        state.Ask(Question(1), Start.AddSeconds(2)).Calls.Should().Be(0);
        state.Ask(Question(1), Start.AddSeconds(3)).Calls.Should().Be(1);
    }

    [Fact]
    public void News_OfCallsThatOthersMade_AreCountedIn()
    {
        var state = BudgetState.Read(null, Limit);
        state.Ask(Question(10), Start);

        state.Ask(Question(0, news: new BudgetNews(100, 30, null, null, null, null)), Start.AddSeconds(1)).Used.Should().Be(70);
    }

    [Fact]
    public void Ask_WhenTheDayIsSpent_SaysSoUntilMidnight()
    {
        var state = BudgetState.Read(null, Limit with { PerDay = 15 });
        state.Ask(Question(20), Start).Calls.Should().Be(15);

        var answer = state.Ask(Question(1), Start.AddMinutes(1));

        answer.IsDaySpent.Should().BeTrue();
        answer.Wait.Should().Be(TimeSpan.FromMinutes(15));
        state.Ask(Question(1), Start.AddHours(12)).Calls.Should().Be(1);
    }

    [Fact]
    public void Ask_WhenTheProvidersDayEndsBeforeOurs_OneCallFindsOut()
    {
        var state = BudgetState.Read(null, Limit with { PerDay = 15 });
        state.Ask(Question(20), Start).Calls.Should().Be(15);
        state.Ask(Question(20), Start.AddMinutes(1)).Calls.Should().Be(0);

        state.Ask(Question(20), Start.AddMinutes(16)).Calls.Should().Be(1, "it asks whether the day is over");
        state.Ask(Question(20), Start.AddMinutes(17)).IsDaySpent.Should().BeTrue();
        state = BudgetState.Read(state.Write(), Limit);
        var answer = state.Ask(Question(20, news: new BudgetNews(null, null, null, 15, 14, null)), Start.AddMinutes(18));

        (answer.Calls, answer.UsedToday).Should().Be((14, 15));
    }
}
