using Automation.Persistence.Sql;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

public sealed class SharedLookupTests : IDisposable
{
    private readonly List<(string[] Keys, TaskCompletionSource<IReadOnlyDictionary<string, string>> Answer)> _rounds = [];
    private readonly SemaphoreSlim _asked = new(0);
    private readonly SharedLookup<string, string> _lookup;

    public SharedLookupTests()
    {
        _lookup = new(keys =>
        {
            var answer = new TaskCompletionSource<IReadOnlyDictionary<string, string>>();
            _rounds.Add((keys, answer));
            _asked.Release();
            return answer.Task;
        });
    }

    public void Dispose() => _asked.Dispose();

    [Fact]
    public async Task Find_WhileAnotherIsOnItsWay_SharesTheNextRound()
    {
        var first = Find("a");
        await RoundAsync();
        var others = new[] { "a", "b", "a", "c" }.Select(Find).ToArray();
        _rounds.Should().HaveCount(1, "what is asked for later must not get an answer that was read before");

        Answer(0, ("a", "old"));
        (await first).Should().Be("old");
        await RoundAsync();
        _rounds[1].Keys.Should().BeEquivalentTo("a", "b", "c");
        Answer(1, ("a", "new"), ("b", "beta"));

        (await Task.WhenAll(others)).Should().Equal("new", "beta", "new", null);
    }

    [Fact]
    public async Task Find_ARoundFails_ItsCallersAreToldAndTheNextGoesOn()
    {
        var first = Find("a");
        await RoundAsync();
        var second = Find("b");
        _rounds[0].Answer.SetException(new InvalidOperationException("away"));
        await first.Invoking(task => task).Should().ThrowAsync<InvalidOperationException>();

        await RoundAsync();
        var third = Find("c");
        _rounds[1].Answer.SetException(new InvalidOperationException("still away"));
        await second.Invoking(task => task).Should().ThrowAsync<InvalidOperationException>();

        await RoundAsync();
        Answer(2, ("c", "gamma"));
        (await third).Should().Be("gamma");

        var alone = Find("d");
        await RoundAsync();
        Answer(3, ("d", "delta"));
        (await alone).Should().Be("delta");
    }

    private Task<string?> Find(string key) => _lookup.FindAsync(key, CancellationToken.None);

    private void Answer(int round, params (string Key, string Value)[] found) => _rounds[round].Answer.SetResult(found.ToDictionary(pair => pair.Key, pair => pair.Value));

    /// <summary>Waits until one more round is asked for.</summary>
    private async Task RoundAsync() => (await _asked.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue("the next round is asked for by itself");
}
