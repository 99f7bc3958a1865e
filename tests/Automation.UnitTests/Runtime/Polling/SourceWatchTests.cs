using Automation.Runtime.Polling;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>A source that nobody polls, or that fails more slowly than it backs off, is an incident after three intervals, and one only.</summary>
public sealed class SourceWatchTests
{
    [Fact]
    public async Task CheckAsync_SourceThatNobodyPolls_IsAnIncidentAfterThreeIntervals_ResolvedByTheNextPoll()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "10m");
        await world.PollAsync();
        var watch = world.Get<SourceWatch>();

        world.Clock.Advance(TimeSpan.FromMinutes(35));
        await watch.CheckAsync(default);
        (await world.IncidentsAsync()).Should().BeEmpty("it is due since 25 minutes at most");

        world.Clock.Advance(TimeSpan.FromMinutes(20));
        await watch.CheckAsync(default);
        await watch.CheckAsync(default);
        var alarm = (await world.IncidentsAsync()).Should().ContainSingle().Subject;
        alarm.Code.Should().Be("not-polled");
        alarm.Message.Should().Contain("was due at");
        alarm.Action.Should().NotBeNullOrEmpty();
        (await watch.ListSilentAsync(default)).Should().ContainSingle();

        await world.PollAsync();
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.ResolvedAt != null);
        (await watch.ListSilentAsync(default)).Should().BeEmpty();
    }

    [Fact]
    public async Task CheckAsync_SourceThatFailsSlowly_IsTheIncidentThatItsNextFailureWouldMake()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "15m");
        await world.PollAsync();
        world.Server.Before = (context, _) =>
        {
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        world.Clock.Advance(TimeSpan.FromMinutes(15));
        await world.PollAsync();
        (await world.IncidentsAsync()).Should().BeEmpty();

        world.Clock.Advance(TimeSpan.FromMinutes(31));
        await world.Get<SourceWatch>().CheckAsync(default);
        var alarm = (await world.IncidentsAsync()).Should().ContainSingle().Subject;
        alarm.Message.Should().Contain("401");

        await world.PollAsync();
        await world.PollAsync();
        (await world.IncidentsAsync()).Should().ContainSingle();

        world.Server.Before = null;
        await world.PollAsync();
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.ResolvedAt != null);
    }

    [Theory]
    [InlineData("answered")]
    [InlineData("paused")]
    [InlineData("retracted")]
    public async Task CheckAsync_AlarmThatNobodyResolved_EndsWithItsReason(string how)
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "10m");
        await world.PollAsync();
        var watch = world.Get<SourceWatch>();
        world.Clock.Advance(TimeSpan.FromMinutes(55));
        await watch.CheckAsync(default);
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.ResolvedAt == null);

        switch (how)
        {
            case "answered":
                // Killed after the scan's last page, before the incident was resolved.
                await world.PollAsync();
                await world.SqlAsync("UPDATE incidents SET resolved_at = NULL, resolution = NULL; SELECT 1");
                break;
            case "paused":
                await world.Triggers.PauseAsync((await world.TriggerAsync("flow")).Id, default);
                break;
            default:
                await world.Definitions.RetractAsync("flow", default);
                break;
        }

        await watch.CheckAsync(default);

        (await world.IncidentsAsync()).Should().ContainSingle().Which.Resolution.Should().Be(how == "answered" ? "The source answers again." : "Nobody wants the source polled any more.");
    }

    [Fact]
    public async Task CheckAsync_PausedOrJustStarted_IsNoAlarm()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "10m");
        await world.PollAsync();
        await world.CrashAsync();

        await using var next = await PollingWorld.StartAsync(world.Folder, world.Server);
        next.Clock.Advance(TimeSpan.FromHours(5));
        var watch = next.Get<SourceWatch>();
        await watch.CheckAsync(default);
        (await next.IncidentsAsync()).Should().BeEmpty("this process has only begun");

        await next.Triggers.PauseAsync((await next.TriggerAsync("flow")).Id, default);
        next.Clock.Advance(TimeSpan.FromHours(5));
        await watch.CheckAsync(default);
        (await next.IncidentsAsync()).Should().BeEmpty("nobody wants it polled");
    }
}
