using Automation.Connectors;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class PollIntervalTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 10, TimeSpan.Zero);

    [Theory]
    [InlineData("30s", 30)]
    [InlineData("5m", 300)]
    [InlineData(" 1h ", 3600)]
    [InlineData("1d", 86400)]
    public void TryParse_Span_IsRead(string text, int seconds)
    {
        PollInterval.TryParse(text, out var interval, out _).Should().BeTrue();
        interval!.Every.Should().Be(TimeSpan.FromSeconds(seconds));
        interval.Shortest(Now).Should().Be(TimeSpan.FromSeconds(seconds));
        interval.Next(Now).Should().Be(Now.AddSeconds(seconds));
    }

    [Theory]
    [InlineData("*/5 * * * *", "2026-03-01T12:05:00Z", 300)]
    [InlineData("*/15 * * * * *", "2026-03-01T12:00:15Z", 15)]
    [InlineData("0 9,10 * * *", "2026-03-02T09:00:00Z", 3600)]
    public void TryParse_Cron_IsRead(string text, string next, int shortest)
    {
        PollInterval.TryParse(text, out var interval, out _).Should().BeTrue();
        interval!.IsCron.Should().BeTrue();
        interval.Next(Now).Should().Be(DateTimeOffset.Parse(next));
        interval.Shortest(Now).Should().Be(TimeSpan.FromSeconds(shortest));
    }

    [Fact]
    public void Next_CronWithZone_IsInThatZone()
    {
        PollInterval.TryParse("0 9 * * *", out var interval, out _).Should().BeTrue();
        interval!.Next(Now, TimeZoneInfo.FindSystemTimeZoneById("America/New_York")).Should().Be(DateTimeOffset.Parse("2026-03-01T14:00:00Z"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("0m")]
    [InlineData("-5m")]
    [InlineData("5 minutes")]
    [InlineData("400d")]
    [InlineData("61 * * * *")]
    [InlineData("* * *")]
    public void TryParse_Unreadable_SaysWhatIsWanted(string? text)
    {
        PollInterval.TryParse(text, out var interval, out var problem).Should().BeFalse();
        interval.Should().BeNull();
        problem.Should().NotBeNullOrEmpty();
    }
}
