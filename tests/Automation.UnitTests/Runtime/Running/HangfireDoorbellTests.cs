using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using FluentAssertions;
using Hangfire;
using Hangfire.Common;
using Hangfire.States;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Automation.UnitTests.Runtime.Running;

public sealed class HangfireDoorbellTests : IDisposable
{
    private readonly FakeTimeProvider clock = new();
    private readonly RunQueue queue = new();
    private readonly Jobs jobs = new();
    private readonly HangfireDoorbell doorbell;

    public HangfireDoorbellTests() => doorbell = new HangfireDoorbell(queue, new DueClock(clock), jobs, clock, NullLogger<HangfireDoorbell>.Instance);

    public void Dispose() => doorbell.Dispose();

    [Fact]
    public void RingSources_RingsOfOneMoment_BecomeJobsOfAHundredIds()
    {
        foreach (var batch in Enumerable.Range(0, 250).Select(i => $"source-{i}").Chunk(7))
        {
            doorbell.RingSources(batch);
        }

        jobs.Made.Should().BeEmpty();
        clock.Advance(TimeSpan.FromMilliseconds(20));

        jobs.Made.Select(job => job.Method.Name).Should().AllBe("PollAsync");
        jobs.Made.Select(job => ((string[])job.Args[0]).Length).Should().Equal(100, 100, 50);
    }

    [Fact]
    public void RingRuns_TakenByThisNode_MakesNoJob()
    {
        doorbell.RingRuns(["a", "b", "c"]);
        queue.Take(2).Should().Equal("a", "b");

        clock.Advance(TimeSpan.FromMilliseconds(20));

        var job = jobs.Made.Should().ContainSingle().Subject;
        job.Method.Name.Should().Be("RunAsync");
        ((string[])job.Args[0]).Should().Equal("c");
    }

    [Fact]
    public void RingRuns_TheSameRunAgain_IsQueuedOnce()
    {
        doorbell.RingRuns(["a"]);
        doorbell.RingRuns(["a", "b"]);

        queue.Take(10).Should().Equal("a", "b");
    }

    [Fact]
    public void Ring_HangfireIsDown_IsNoFailure()
    {
        jobs.IsDown = true;
        doorbell.RingSources(["a"]);
        var fire = () => clock.Advance(TimeSpan.FromMilliseconds(20));

        fire.Should().NotThrow();
        jobs.IsDown = false;
        doorbell.RingSources(["b"]);
        clock.Advance(TimeSpan.FromMilliseconds(20));
        ((string[])jobs.Made.Single().Args[0]).Should().Equal("b");
    }

    private sealed class Jobs : IBackgroundJobClient
    {
        public List<Job> Made { get; } = [];
        public bool IsDown { get; set; }

        public string Create(Job job, IState state)
        {
            if (IsDown)
            {
                throw new BackgroundJobClientException("down", new TimeoutException());
            }

            Made.Add(job);
            return Made.Count.ToString();
        }

        public bool ChangeState(string jobId, IState state, string expectedState) => throw new NotSupportedException();
    }
}
