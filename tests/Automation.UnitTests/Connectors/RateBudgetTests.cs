using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class RateBudgetTests
{
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly RateBudget budget;
    private readonly Connection connection = Kit.Ghl();

    public RateBudgetTests()
    {
        var catalog = new OperationCatalog();
        catalog.Add(new Connector
        {
            Name = "gohighlevel",
            DisplayName = "GHL",
            DefaultBaseUrl = new Uri("https://x.example"),
            Operations = [],
            TestOperation = "",
            Limit = new RateLimit(3, TimeSpan.FromSeconds(10), 20),
        });
        budget = new RateBudget(catalog, clock);
    }

    private Task Acquire(CallPriority priority = CallPriority.Action, Connection? other = null, CancellationToken cancellationToken = default) =>
        budget.AcquireAsync(other ?? connection, priority, cancellationToken).AsTask();

    private void Spend(int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            Acquire().IsCompletedSuccessfully.Should().BeTrue();
        }
    }

    [Fact]
    public void Acquire_ClockSetBack_DoesNotWaitForItToComeAgain()
    {
        clock.Advance(TimeSpan.FromHours(1));
        Spend(3);
        budget.Observe(connection, 429, new Dictionary<string, string>());

        clock.AdjustTime(clock.GetUtcNow() - TimeSpan.FromHours(1));

        Spend(3);
    }

    [Fact]
    public async Task Acquire_WindowFull_WaitsUntilTheOldestCallLeavesIt()
    {
        Spend(1);
        clock.Advance(TimeSpan.FromSeconds(4));
        Spend(2);

        var fourth = Acquire();
        clock.Advance(TimeSpan.FromSeconds(5.9));
        fourth.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.2));

        await fourth;
        Acquire().IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Acquire_ManyWait_ActionsThenPollsThenBackfills()
    {
        Spend(3);
        var served = new List<string>();
        async Task Wait(CallPriority priority, string name)
        {
            await Acquire(priority);
            lock (served)
            {
                served.Add(name);
            }
        }

        var all = new[] { Wait(CallPriority.Backfill, "backfill"), Wait(CallPriority.Poll, "poll 1"), Wait(CallPriority.Poll, "poll 2"), Wait(CallPriority.Action, "action") };

        clock.Advance(TimeSpan.FromSeconds(10.1));
        await Task.WhenAll(all[1], all[2], all[3]);
        all[0].IsCompleted.Should().BeFalse();

        clock.Advance(TimeSpan.FromSeconds(10.1));
        await all[0];
        served.Should().HaveCount(4).And.EndWith("backfill");
    }

    [Fact]
    public void Acquire_OtherLocationOrApp_HasItsOwnBudget()
    {
        Spend(3);

        Acquire(other: connection with { LocationId = "loc-2" }).IsCompleted.Should().BeTrue();
        Acquire(other: connection with { Credential = new Credential { Kind = "apiKey", ApiKey = "pit-other" } }).IsCompleted.Should().BeTrue();
        Acquire(other: connection with { Id = "another connection of the same token" }).IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Acquire_WaiterGivesUp_TheNextIsServed()
    {
        Spend(3);
        using var cancel = new CancellationTokenSource();
        var first = Acquire(cancellationToken: cancel.Token);
        var second = Acquire();
        await cancel.CancelAsync();

        clock.Advance(TimeSpan.FromSeconds(10.1));

        await FluentActions.Awaiting(() => first).Should().ThrowAsync<OperationCanceledException>();
        await second;
        (await budget.DescribeAsync(default)).Single().Used.Should().Be(1);
    }

    [Fact]
    public async Task Observe_TooManyRequests_HoldsEverybodyBack()
    {
        Spend(1);
        budget.Observe(connection, 429, new Dictionary<string, string> { ["Retry-After"] = "30" });

        var call = Acquire();
        clock.Advance(TimeSpan.FromSeconds(29));
        call.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(1.1));
        await call;
    }

    [Fact]
    public async Task Observe_TooManyRequestsThatMayBeRepeatedAtOnce_HoldsNobodyBack()
    {
        budget.Observe(connection, 429, new Dictionary<string, string> { ["Retry-After"] = "0" });
        Acquire().IsCompletedSuccessfully.Should().BeTrue();

        budget.Observe(connection, 429, new Dictionary<string, string>());
        var call = Acquire();
        clock.Advance(TimeSpan.FromSeconds(9));
        call.IsCompleted.Should().BeFalse("nobody told how long: a window");
        clock.Advance(TimeSpan.FromSeconds(1.1));
        await call;
    }

    [Fact]
    public async Task Acquire_ProvidersDayEndsBeforeOurs_OneCallFindsOut()
    {
        Spend(1);
        budget.Observe(connection, 429, new Dictionary<string, string> { ["Retry-After"] = "0", ["X-RateLimit-Limit-Daily"] = "20", ["X-RateLimit-Daily-Remaining"] = "0" });
        await FluentActions.Awaiting(() => Acquire()).Should().ThrowAsync<ConnectorException>();

        clock.Advance(TimeSpan.FromMinutes(15));
        await Acquire();
        await FluentActions.Awaiting(() => Acquire()).Should().ThrowAsync<ConnectorException>("the first has no answer yet");
        budget.Observe(connection, 200, new Dictionary<string, string> { ["X-RateLimit-Limit-Daily"] = "20", ["X-RateLimit-Daily-Remaining"] = "19" });

        await Acquire();
        (await budget.DescribeAsync(default)).Single().UsedToday.Should().Be(2);
    }

    [Fact]
    public async Task Observe_Headers_TeachTheLimitAndOthersCalls()
    {
        Spend(1);
        budget.Observe(connection, 200, new Dictionary<string, string>
        {
            ["X-RateLimit-Max"] = "25",
            ["X-RateLimit-Remaining"] = "5",
            ["X-RateLimit-Interval-Milliseconds"] = "10000",
            ["X-RateLimit-Limit-Daily"] = "10000",
            ["X-RateLimit-Daily-Remaining"] = "9000",
        });

        (await budget.DescribeAsync(default)).Single().Should().Be(new BudgetUse("gohighlevel", "c-ghl", "loc-1", 25, TimeSpan.FromSeconds(10), 20, 10000, 1000));
        Spend(5);
        Acquire().IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Observe_NoDailyLimit_LeavesTheDayAsItWas()
    {
        Spend(1);
        budget.Observe(connection, 200, new Dictionary<string, string> { ["X-RateLimit-Limit-Daily"] = "0", ["X-RateLimit-Daily-Remaining"] = "0" });

        Acquire().IsCompletedSuccessfully.Should().BeTrue();
        (await budget.DescribeAsync(default)).Single().UsedToday.Should().Be(2);
    }

    [Fact]
    public async Task Acquire_DaySpent_FailsUntilMidnight()
    {
        for (var i = 0; i < 20; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            await Acquire();
        }

        var failure = (await FluentActions.Awaiting(() => Acquire()).Should().ThrowAsync<ConnectorException>()).Which;
        failure.Code.Should().Be("budget-spent");
        failure.RetryAfter.Should().Be(BudgetNews.KnockEvery);
        failure.Action.Should().NotBeNull();

        clock.Advance(TimeSpan.FromHours(12));
        await Acquire();
    }
}
