using Automation.Connectors;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Connectors;

/// <summary>Crons in a zone when its clocks are put forward or back.</summary>
public sealed class DaylightSavingTests
{
    [Theory]
    [InlineData("0 9 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z")] // forward on the 29th: nine o'clock is an hour sooner
    [InlineData("0 9 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z")] // back on the 25th
    [InlineData("0 9 * * *", "America/New_York", "2026-03-07T15:00:00Z", "2026-03-08T13:00:00Z", "2026-03-09T13:00:00Z")]
    [InlineData("0 9 * * *", "Australia/Sydney", "2026-10-03T12:00:00Z", "2026-10-03T22:00:00Z", "2026-10-04T22:00:00Z")] // forward on the 4th, in the south
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z")] // a time that does not exist comes when the clocks have been put forward, not never
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")] // a time that comes twice fires once
    [InlineData("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z")] // by half an hour, at two on the 4th
    [InlineData("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z")] // the half hour that comes twice
    [InlineData("0 9 * * *", "Asia/Kathmandu", "2026-03-02T12:00:00Z", "2026-03-03T03:15:00Z", "2026-03-04T03:15:00Z")] // 5:45 ahead, never changed
    [InlineData("30 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:30:00Z")] // forward at midnight
    [InlineData("0 0 L * *", "Europe/Berlin", "2026-10-01T00:00:00Z", "2026-10-30T23:00:00Z", "2026-11-29T23:00:00Z")]
    public void Next_AcrossAChangeOfTheClocks_KeepsTheHourOfTheZone(string cron, string zone, string after, string first, string second)
    {
        var schedule = Schedule.ParseCron(cron, zone);

        var next = schedule.Next(Time(after));
        next.Should().Be(Time(first));
        schedule.Next(next!.Value).Should().Be(Time(second));
    }

    [Theory]
    [InlineData("2026-03-28T23:00:00Z", 23)]
    [InlineData("2026-10-24T22:00:00Z", 25)]
    [InlineData("2026-06-01T22:00:00Z", 24)]
    public void Next_EveryHour_ComesOncePerHourThatThereIs(string midnight, int hours)
    {
        var schedule = Schedule.ParseCron("0 * * * *", "Europe/Berlin");
        var (at, end) = (Time(midnight).AddSeconds(-1), Time(midnight).AddHours(hours));
        var times = new List<DateTimeOffset>();
        while (schedule.Next(at) is { } next && next < end)
        {
            times.Add(at = next);
        }

        times.Should().HaveCount(hours).And.OnlyHaveUniqueItems();
        times.Zip(times.Skip(1)).Should().OnlyContain(pair => pair.Second - pair.First == TimeSpan.FromHours(1));
    }

    [Fact]
    public void Next_AnInterval_IsNoMatterOfZones() =>
        Schedule.Parse("1h", "Europe/Berlin").Next(Time("2026-03-29T00:30:00Z")).Should().Be(Time("2026-03-29T01:30:00Z"));

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
