using Automation.Connectors;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class ScheduleTests
{
    private static readonly DateTimeOffset Monday = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("30s", 30)]
    [InlineData("5m", 300)]
    [InlineData("1h", 3600)]
    [InlineData("1d", 86400)]
    [InlineData("00:00:05", 5)]
    public void Parse_Interval_ComesEverySoOften(string text, int seconds) =>
        Schedule.Parse(text).Next(Monday).Should().Be(Monday.AddSeconds(seconds));

    [Theory]
    [InlineData("0 9 * * *", null, "2026-03-03T09:00:00Z")]
    [InlineData("*/10 * * * * *", null, "2026-03-02T12:00:10Z")]
    [InlineData("0 0 L * *", null, "2026-03-31T00:00:00Z")]
    [InlineData("0 0 LW * *", null, "2026-03-31T00:00:00Z")]
    [InlineData("0 0 L-3 * *", null, "2026-03-28T00:00:00Z")]
    [InlineData("0 0 15W * *", null, "2026-03-16T00:00:00Z")]
    [InlineData("0 0 * * 5#2", null, "2026-03-13T00:00:00Z")]
    [InlineData("0 0 * * FRI#5", null, "2026-05-29T00:00:00Z")]
    [InlineData("0 0 * * 5L", null, "2026-03-27T00:00:00Z")]
    [InlineData("0 30 9 ? * MON-FRI", null, "2026-03-03T09:30:00Z")]
    [InlineData("0 0 29 2 *", null, "2028-02-29T00:00:00Z")]
    [InlineData("0 0 * * 7", null, "2026-03-08T00:00:00Z")]
    [InlineData("0 0 13 * 5", null, "2026-03-13T00:00:00Z")]
    [InlineData("0 9 * * *", "Europe/Berlin", "2026-03-03T08:00:00Z")]
    public void Parse_Cron_ComesAtItsTimesInItsZone(string text, string? zone, string next) =>
        Schedule.Parse(text, zone).Next(Monday).Should().Be(DateTimeOffset.Parse(next));

    [Theory]
    [InlineData("soon")]
    [InlineData("0s")]
    [InlineData("-5m")]
    [InlineData("99999h")]
    [InlineData("* * *")]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("5 minutes")]
    [InlineData("400d")]
    [InlineData("99999999.00:00:00")]
    [InlineData("61 * * * *")]
    public void Parse_AnythingElse_SaysWhatItExpects(string text) =>
        FluentActions.Invoking(() => Schedule.Parse(text)).Should().Throw<FormatException>();

    [Fact]
    public void Parse_UnknownZone_NamesIt() =>
        FluentActions.Invoking(() => Schedule.Parse("0 9 * * *", "Mars/Olympus")).Should().Throw<FormatException>().WithMessage("*Mars/Olympus*IANA*");

    [Theory]
    [InlineData("5m", 300)]
    [InlineData("*/15 * * * * *", 15)]
    [InlineData("0 9,10 * * *", 3600)]
    public void Shortest_IsTheLeastDistanceOfTwoTimes(string text, int seconds) => Schedule.Parse(text).Shortest(Monday).Should().Be(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Once_AfterItsTime_ComesNoMore() => Schedule.Once(Monday).Next(Monday).Should().BeNull();
}
