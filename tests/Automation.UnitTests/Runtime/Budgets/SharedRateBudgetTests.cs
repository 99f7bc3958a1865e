using Automation.Connectors;
using Automation.Runtime.Budgets;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Automation.UnitTests.Runtime.Budgets;

public sealed class SharedRateBudgetTests
{
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly OneText store;
    private readonly OperationCatalog catalog = new();

    public SharedRateBudgetTests()
    {
        store = new OneText(clock);
        catalog.Add(new Connector { Name = "test", DisplayName = "Test", DefaultBaseUrl = new Uri("https://api.test"), Limit = new RateLimit(10, TimeSpan.FromSeconds(10), 1_000), TestOperation = "", Operations = [] });
    }

    [Fact]
    public async Task Acquire_ByTwoServers_SharesTheLimit()
    {
        var servers = new[] { Server(), Server() };
        var calls = Enumerable.Range(0, 30).Select(i => servers[i % 2].AcquireAsync(Connection, CallPriority.Action, CancellationToken.None).AsTask()).ToList();

        await UntilAsync(() => calls.Count(call => call.IsCompletedSuccessfully) == 10);
        store.Questions.Should().BeLessThan(30, "a portion is many calls");

        for (var i = 0; i < 200 && !calls.TrueForAll(call => call.IsCompletedSuccessfully); i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            return calls.TrueForAll(call => call.IsCompletedSuccessfully);
        });
    }

    [Fact]
    public async Task Acquire_ThatGivesUp_LeavesItsCallToTheNext()
    {
        var server = Server();
        var taken = Enumerable.Range(0, 10).Select(_ => server.AcquireAsync(Connection, CallPriority.Action, CancellationToken.None).AsTask()).ToList();
        await Task.WhenAll(taken);
        using var stop = new CancellationTokenSource();
        var first = server.AcquireAsync(Connection, CallPriority.Action, stop.Token).AsTask();
        var second = server.AcquireAsync(Connection, CallPriority.Action, CancellationToken.None).AsTask();

        await stop.CancelAsync();
        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            return second.IsCompletedSuccessfully;
        });

        first.IsCanceled.Should().BeTrue();
    }

    [Fact]
    public async Task DescribeAsync_OnAServerThatHasMadeNoCall_ShowsWhatTheOthersUsed()
    {
        var caller = Server();
        for (var i = 0; i < 4; i++)
        {
            await caller.AcquireAsync(Connection, CallPriority.Action, CancellationToken.None);
        }

        var seen = (await Server().DescribeAsync(CancellationToken.None)).Should().ContainSingle().Subject;
        seen.Should().Match<BudgetUse>(use => use.Connector == "test" && use.ConnectionId == "c1" && use.LocationId == "loc-1" && use.Limit == 10 && use.PerDay == 1_000);
        seen.UsedToday.Should().BeInRange(4, 8, "a portion counts as used until what is left of it is given back");
        seen.Used.Should().Be(seen.UsedToday);

        clock.Advance(TimeSpan.FromMinutes(1));
        (await Server().DescribeAsync(CancellationToken.None)).Should().ContainSingle().Which.Used.Should().Be(0, "they have left the window");
        clock.Advance(TimeSpan.FromDays(1));
        (await Server().DescribeAsync(CancellationToken.None)).Should().BeEmpty();
    }

    private static Connection Connection => new()
    {
        Id = "c1",
        Name = "c1",
        Connector = "test",
        BaseUrl = new Uri("https://api.test"),
        LocationId = "loc-1",
        Credential = new Credential { Kind = "apiKey", ApiKey = "key" },
    };

    private SharedRateBudget Server() => new(catalog, store, clock, NullLogger<SharedRateBudget>.Instance);

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 2_000 && !condition(); i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }

        condition().Should().BeTrue();
    }

    private sealed class OneText(TimeProvider clock) : IBudgetStore
    {
        private readonly Lock gate = new();
        private string? text;

        public int Questions { get; private set; }

        public Task<T> UpdateAsync<T>(string key, string? locationId, Func<string?, DateTimeOffset, (string State, T Answer)> change, CancellationToken cancellationToken)
        {
            lock (gate)
            {
                Questions++;
                var (state, answer) = change(text, clock.GetUtcNow());
                text = state;
                return Task.FromResult(answer);
            }
        }

        public Task<IReadOnlyList<(string Key, string? LocationId, string State, DateTimeOffset Now)>> ListAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<(string, string?, string, DateTimeOffset)>>(text is null ? [] : [("test/app/loc-1", "loc-1", text, clock.GetUtcNow())]);
    }
}
