using Automation.Activities;
using Automation.Engine;
using Automation.UnitTests.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

/// <summary>Wait For and Wait Until. The clock stands at 2030-01-01T00:00Z, a Tuesday.</summary>
public sealed class TimingTests : IDisposable
{
    private readonly LeafHarness harness = new();

    public void Dispose() => harness.Dispose();

    private static JObject Activity(string type, params (string Name, JToken Value)[] inputs) =>
        inputs.Aggregate(Def.Activity(type, "w"), (activity, input) => activity.With(input.Name, Def.Literal(input.Value.Type == JTokenType.Array ? input.Value.ToString(Newtonsoft.Json.Formatting.None) : (string?)input.Value)));

    private static JObject Flow(JObject activity, params string[] outcomes) =>
        Def.Of(Def.Flowchart([.. outcomes.Select(o => $"w:{o} -> {o}")], [activity, .. outcomes.Select(o => Def.Activity("Elsa.WriteLine", o).With("text", Def.Literal(o)))]));

    private async Task<DateTimeOffset?> WaitedForAsync(params (string, JToken)[] inputs)
    {
        var run = await harness.RunAsync(Flow(Activity("Automation.WaitUntil", inputs), "Done", "Passed"));
        run.Incidents.Should().BeEmpty();
        return run.Bookmarks.SingleOrDefault()?.DueAt;
    }

    [Theory]
    [InlineData("2030-01-03T10:00:00Z", "", "", "", "2030-01-03T10:00:00Z")]
    [InlineData("2030-01-03T10:00:00+02:00", "", "", "America/New_York", "2030-01-03T08:00:00Z")]
    [InlineData("2030-01-03T10:00:00", "", "", "America/New_York", "2030-01-03T15:00:00Z")]
    [InlineData("2030-01-03", "", "", "Europe/Berlin", "2030-01-02T23:00:00Z")]
    [InlineData("09:30", "", "", "", "2030-01-01T09:30:00Z")]
    [InlineData("18:30", "", "", "America/New_York", "2030-01-01T23:30:00Z")] // It is 19:00 there on the day before.
    [InlineData("2030-01-03T10:00:00Z", "-2h", "", "", "2030-01-03T08:00:00Z")]
    [InlineData("2030-01-03T10:00:00Z", "1d 12h", "", "", "2030-01-04T22:00:00Z")]
    [InlineData("", "45m", "", "", "2030-01-01T00:45:00Z")]
    [InlineData("2030-04-01T09:00:00", "-1d", "", "Europe/Berlin", "2030-03-31T07:00:00Z")]
    [InlineData("2030-04-01T09:00:00", "-24h", "", "Europe/Berlin", "2030-03-31T07:00:00Z")]
    [InlineData("2030-03-31T09:00:00", "-1d", "", "Europe/Berlin", "2030-03-30T08:00:00Z")] // The clocks go forward in between: a day before nine is nine, 24 hours before it is eight.
    [InlineData("2030-03-31T09:00:00", "-24h", "", "Europe/Berlin", "2030-03-30T07:00:00Z")]
    [InlineData("2030-03-31T02:30:00", "", "", "Europe/Berlin", "2030-03-31T01:30:00Z")] // No such time: the clock goes from two to three.
    [InlineData("2030-10-27T02:30:00", "", "", "Europe/Berlin", "2030-10-27T00:30:00Z")] // Twice: the first counts.
    [InlineData("", "", "Mon-Fri 09:00-17:00", "", "2030-01-01T09:00:00Z")]
    [InlineData("2030-01-04T18:00:00Z", "", "Mon-Fri 09:00-17:00", "", "2030-01-07T09:00:00Z")]
    [InlineData("2030-01-04T16:59:00Z", "", "Mon-Fri 09:00-17:00", "", "2030-01-04T16:59:00Z")]
    [InlineData("2030-01-04T18:00:00Z", "", "Mon-Fri 09:00-17:00, Sat 10:00-14:00", "", "2030-01-05T10:00:00Z")]
    [InlineData("2030-01-02T12:30:00Z", "", "Mon-Fri 13:00-17:00; Mon-Fri 09:00-12:00", "", "2030-01-02T13:00:00Z")]
    [InlineData("2030-01-05T03:00:00Z", "", "Fri 22:00-06:00", "", "2030-01-05T03:00:00Z")] // The night from Friday.
    [InlineData("2030-01-05T07:00:00Z", "", "Sat-Mon 08:00-24:00", "", "2030-01-05T08:00:00Z")]
    [InlineData("2030-03-29T18:00:00", "", "Mon-Fri 09:00-17:00", "Europe/Berlin", "2030-04-01T07:00:00Z")] // Summer time by then.
    public async Task WaitUntil_WaitsForTheTime(string time, string offset, string hours, string zone, string expected) =>
        (await WaitedForAsync(("time", time), ("offset", offset), ("businessHours", hours), ("timeZone", zone))).Should().Be(DateTimeOffset.Parse(expected));

    [Fact]
    public async Task WaitUntil_PassesOverHolidays() =>
        (await WaitedForAsync(("businessHours", "daily 09:00-17:00"), ("holidays", new JArray("2030-01-01", "2030-01-02")))).Should().Be(DateTimeOffset.Parse("2030-01-03T09:00:00Z"));

    [Theory]
    [InlineData("GoOn", "Done")]
    [InlineData("TakePassed", "Passed")]
    public async Task WaitUntil_TimeThatHasPassed_GoesTheChosenWay(string whenPassed, string outcome)
    {
        await harness.RunAsync(Flow(Activity("Automation.WaitUntil", ("time", "2030-01-01T10:00:00Z"), ("offset", "-1d"), ("whenPassed", whenPassed)), "Done", "Passed"));

        harness.Written.Should().Equal(outcome);
    }

    [Theory]
    [InlineData("time", "soon", "bad-time")]
    [InlineData("time", "31.01.2030", "bad-time")]
    [InlineData("offset", "two days", "bad-span")]
    [InlineData("offset", "5", "bad-span")]
    [InlineData("businessHours", "Mon-Fri 9 to 5", "bad-business-hours")]
    [InlineData("businessHours", "Mon-Fry 09:00-17:00", "bad-business-hours")]
    [InlineData("timeZone", "Mars/Olympus", "bad-time-zone")]
    public async Task WaitUntil_WhatCannotBeRead_SaysWhatIsWanted(string input, string value, string code)
    {
        var run = await harness.RunAsync(Def.Of(Activity("Automation.WaitUntil", (input, value))));

        var fault = run.Incidents.Should().ContainSingle().Subject.Fault;
        (fault.Code, fault.Property).Should().Be((code, input));
        fault.Message.Should().Contain(value.Split(' ')[0]);
        fault.Action.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task WaitFor_EventFirst_TakesReceived_AndForgetsTheTime()
    {
        var run = await harness.RunAsync(Flow(Activity("Automation.WaitFor", ("eventName", "paid:7"), ("timeOut", "2d")), "Received", "TimedOut"));
        var (waiting, due) = (run.Bookmarks.Single(b => b.Key == "paid:7"), run.Bookmarks.Single(b => b.DueAt != null));
        due.DueAt.Should().Be(harness.Clock.GetUtcNow().AddDays(2));

        // Both at once, in one burst: the first decides.
        await harness.BurstAsync(run, new Stimulus("e", waiting.Id, new JObject { ["amount"] = 3 }), new Stimulus("t", due.Id, null));

        harness.Written.Should().Equal("Received");
        run.Bookmarks.Should().BeEmpty();
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        ((int?)harness.Journal.Single(r => r is { ActivityId: "w", EventName: "Completed" }).Outputs!["Result"]!["amount"]).Should().Be(3);
    }

    [Fact]
    public async Task WaitFor_TimeFirst_TakesTimedOut_AndHearsTheEventNoMore()
    {
        var run = await harness.RunAsync(Flow(Activity("Automation.WaitFor", ("eventName", "paid"), ("timeOut", "00:30:00")), "Received", "TimedOut"));
        var reloaded = harness.Engine.Load(run.Plan, run.SaveState());

        await harness.BurstAsync(reloaded, new Stimulus("t", reloaded.Bookmarks.Single(b => b.DueAt != null).Id, null));

        harness.Written.Should().Equal("TimedOut");
        reloaded.Bookmarks.Should().BeEmpty();
    }
}
