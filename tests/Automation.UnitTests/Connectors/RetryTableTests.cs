using Automation.Connectors;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class RetryTableTests
{
    private static readonly ConnectorOptions Options = new();

    [Theory]
    [InlineData(EffectClass.Read, true, true, true)]
    [InlineData(EffectClass.Read, true, false, true)]
    [InlineData(EffectClass.Read, false, false, false)]
    [InlineData(EffectClass.Safe, true, true, true)]
    [InlineData(EffectClass.Safe, false, true, false)]
    [InlineData(EffectClass.Probe, true, true, false)]
    [InlineData(EffectClass.Probe, true, false, true)]
    [InlineData(EffectClass.Unsafe, true, true, false)]
    [InlineData(EffectClass.Unsafe, true, false, true)]
    public void PauseBefore_ByEffectAndFailure(EffectClass effect, bool isTransient, bool mayHaveHappened, bool isTriedAgain)
    {
        var failure = new ConnectorException("x") { Code = "x", IsTransient = isTransient, MayHaveHappened = mayHaveHappened };

        RetryTable.PauseBefore(effect, 1, Options, failure, 0.5).HasValue.Should().Be(isTriedAgain);
    }

    [Theory]
    [InlineData(1, 0.0, 250)]
    [InlineData(1, 1.0, 500)]
    [InlineData(2, 1.0, 1000)]
    [InlineData(3, 1.0, 2000)]
    public void PauseBefore_NothingAsked_DoublesWithJitter(int attempt, double random, double milliseconds) =>
        RetryTable.PauseBefore(EffectClass.Read, attempt, Options, new ConnectorException("x") { Code = "x", IsTransient = true }, random)
            .Should().Be(TimeSpan.FromMilliseconds(milliseconds));

    [Fact]
    public void PauseBefore_RetryAfter_IsHonoured() =>
        RetryTable.PauseBefore(EffectClass.Unsafe, 1, Options, new ConnectorException("x") { Code = "rate-limited", IsTransient = true, RetryAfter = TimeSpan.FromSeconds(7) }, 0)
            .Should().Be(TimeSpan.FromSeconds(7));

    [Fact]
    public void PauseBefore_RetryAfterTooLong_IsLeftToTheRun() =>
        RetryTable.PauseBefore(EffectClass.Read, 1, Options, new ConnectorException("x") { Code = "rate-limited", IsTransient = true, RetryAfter = TimeSpan.FromMinutes(5) }, 0)
            .Should().BeNull();

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void PauseBefore_NoConnection_RunsTryForHalfAMinute(bool isRun, bool isTriedAgain)
    {
        var refused = new ConnectorException("x") { Code = "unreachable", IsTransient = true };

        RetryTable.PauseBefore(EffectClass.Unsafe, 7, Options, refused, 1, isRun).HasValue.Should().Be(isTriedAgain);
        RetryTable.PauseBefore(EffectClass.Unsafe, 8, Options, refused, 1, isRun).Should().BeNull();
        Enumerable.Range(1, 7).Sum(attempt => RetryTable.PauseBefore(EffectClass.Unsafe, attempt, Options, refused, 0, isRun: true)!.Value.TotalSeconds).Should().BeGreaterThan(20);
    }

    [Fact]
    public void PauseBefore_TriesUsedUp_EndsIt() =>
        RetryTable.PauseBefore(EffectClass.Read, 4, Options, new ConnectorException("x") { Code = "x", IsTransient = true }, 0).Should().BeNull();
}
