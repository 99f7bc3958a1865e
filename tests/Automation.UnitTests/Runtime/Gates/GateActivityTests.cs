using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Running;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.Gates;

/// <summary>Only Once, Throttle and Digest on the real runner and stores: many runs at once, and killed nodes.</summary>
public sealed class GateActivityTests : IDisposable
{
    private readonly TestDatabase database = new();
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero));

    public void Dispose() => database.Dispose();

    private static async Task<string> RunAsync(TestNode node, JObject? input = null) =>
        (await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", Input = input }, CancellationToken.None)).InstanceId;

    /// <summary>The end of a run's first activity.</summary>
    private static async Task<JournalRecord?> EndAsync(TestNode node, string run) =>
        (await node.Store.ReadJournalAsync(run, CancellationToken.None)).SingleOrDefault(line => line is { ActivityId: "a1", EventName: "Completed" });

    private static async Task<string?> WayAsync(TestNode node, string run) => (await EndAsync(node, run))?.Outcomes!.Single();

    private async Task PassTimeAsync(TestNode node, TimeSpan span, params string[] runs)
    {
        clock.Advance(span);
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        await node.WorkAsync(runs);
    }

    [Fact]
    public async Task OnlyOnce_ManyRunsAtOnce_OneIsFirst_PerKeyAndPeriod()
    {
        var node = await database.StartNodeAsync(clock);
        var once = Activity("Automation.OnlyOnce", ("period", "1h"));
        once["key"] = JObject.Parse("""{"typeName":"String","expression":{"type":"JavaScript","value":"getInput('Contact')"}}""");
        await node.PublishAsync("flow", once);

        var runs = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => RunAsync(node, new JObject { ["Contact"] = "c" + (i % 2) }))));
        var ways = new List<string?>();
        foreach (var run in runs)
        {
            ways.Add(await WayAsync(node, run));
        }

        ways.Count(way => way == "First").Should().Be(2);
        ways.Count(way => way == "Repeated").Should().Be(18);
        clock.Advance(TimeSpan.FromHours(1));
        (await WayAsync(node, await RunAsync(node, new JObject { ["Contact"] = "c1" }))).Should().Be("First");
        (await WayAsync(node, await RunAsync(node, new JObject { ["Contact"] = "c1" }))).Should().Be("Repeated");
    }

    [Fact]
    public async Task OnlyOnce_NodeKilledBeforeItsCommit_IsFirstAgain_AndAReplayToo()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity("Automation.OnlyOnce", ("key", "c1")), Activity("Test.Note"));
        database.Outside.OnNote = async _ =>
        {
            reached.TrySetResult();
            await never.Task;
        };
        var run = await node.DispatchAsync("flow");
        _ = node.WorkAsync(run);
        await Soon(reached.Task);

        database.Outside.OnNote = _ => Task.CompletedTask;
        database.ExpireLeases();
        var other = await database.StartNodeAsync();
        var meanwhile = await RunAsync(other);
        await other.WorkAsync(run);
        var replay = await other.Runs.ReplayAsync(run, fromFailed: false, CancellationToken.None);
        await other.WorkAsync(replay);

        (await WayAsync(other, run)).Should().Be("First");
        (await WayAsync(other, meanwhile)).Should().Be("Repeated");
        (await WayAsync(other, replay)).Should().Be("First");
    }

    [Fact]
    public async Task Throttle_LetsTheLimitGoOn_AndTheOthersWhenTheirTurnComes_OverARestart()
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Activity("Automation.Throttle", ("limit", 2), ("period", "10m")));
        var runs = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            runs.Add(await RunAsync(node));
        }

        (await WaitingAsync(node, runs)).Should().Equal(runs[2..]);
        var other = await database.StartNodeAsync(clock);
        await PassTimeAsync(other, TimeSpan.FromMinutes(10), [.. runs]);
        (await WaitingAsync(other, runs)).Should().Equal(runs[4..]);
        await PassTimeAsync(other, TimeSpan.FromMinutes(10), [.. runs]);

        (await WaitingAsync(other, runs)).Should().BeEmpty();
        (await WayAsync(other, runs[4])).Should().Be("Pass");
        ((bool?)(await EndAsync(other, runs[0]))!.Outputs!["Delayed"], (bool?)(await EndAsync(other, runs[4]))!.Outputs!["Delayed"]).Should().Be((false, true));
    }

    [Theory]
    [InlineData("whenFull", "Drop")]
    [InlineData("longestWait", "5m")]
    public async Task Throttle_WhoMayNotWait_IsDropped(string input, string value)
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Activity("Automation.Throttle", ("limit", 1), ("period", "10m"), (input, value)));

        (await WayAsync(node, await RunAsync(node))).Should().Be("Pass");
        (await WayAsync(node, await RunAsync(node))).Should().Be("Dropped");
        clock.Advance(TimeSpan.FromMinutes(10));
        (await WayAsync(node, await RunAsync(node))).Should().Be("Pass");
    }

    private static JObject Collecting(params (string, object)[] inputs)
    {
        var digest = Activity("Automation.Digest", inputs);
        digest["item"] = JObject.Parse("""{"typeName":"Object","expression":{"type":"JavaScript","value":"({ n: getInput('N') })"}}""");
        return digest;
    }

    private static async Task<List<int>> ItemsAsync(TestNode node, string run) => [.. (await EndAsync(node, run))!.Outputs!["Result"]!.Select(item => (int)item["n"]!)];

    [Fact]
    public async Task Digest_ByCount_OneRunGoesOnWithAll_AlsoWhenTheCollectorsNodeWasKilled()
    {
        var first = await database.StartNodeAsync();
        await first.PublishAsync("flow", Collecting(("count", 3)), Activity("Test.Note"));
        var collector = await RunAsync(first, new JObject { ["N"] = 1 });

        var node = await database.StartNodeAsync();
        var others = new[] { await RunAsync(node, new JObject { ["N"] = 2 }), await RunAsync(node, new JObject { ["N"] = 3 }) };
        node.Doorbell.Runs.Should().Contain(collector);
        await node.WorkAsync(collector);
        var next = await RunAsync(node, new JObject { ["N"] = 4 });

        (await WayAsync(node, collector)).Should().Be("Released");
        (await ItemsAsync(node, collector)).Should().Equal(1, 2, 3);
        (await WayAsync(node, others[0]), await WayAsync(node, others[1])).Should().Be(("Collected", "Collected"));
        (await node.FindAsync(next)).SubStatus.Should().Be(WorkflowSubStatus.Suspended, "it collects the next digest");
    }

    [Fact]
    public async Task Digest_ByTime_IsReleasedWhenDue_AndByCountBeforeThat()
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Collecting(("release", "12:00"), ("timeZone", "Europe/Berlin"), ("count", 3)));
        var collector = await RunAsync(node, new JObject { ["N"] = 1 });
        await RunAsync(node, new JObject { ["N"] = 2 });

        await PassTimeAsync(node, TimeSpan.FromHours(1), collector);
        (await EndAsync(node, collector)).Should().BeNull("it is eleven there");
        await PassTimeAsync(node, TimeSpan.FromHours(1), collector);

        (await ItemsAsync(node, collector)).Should().Equal(1, 2);
        var second = await RunAsync(node, new JObject { ["N"] = 3 });
        await RunAsync(node, new JObject { ["N"] = 4 });
        await RunAsync(node, new JObject { ["N"] = 5 });
        await node.WorkAsync(second);
        (await ItemsAsync(node, second)).Should().Equal(3, 4, 5);
    }

    [Fact]
    public async Task Digest_CollectorCancelled_TheNextRunTakesOver()
    {
        var node = await database.StartNodeAsync(clock);
        await node.PublishAsync("flow", Collecting(("release", "1h")));
        var collector = await RunAsync(node, new JObject { ["N"] = 1 });
        await RunAsync(node, new JObject { ["N"] = 2 });
        await node.Runs.CancelAsync(collector, CancellationToken.None);

        var next = await RunAsync(node, new JObject { ["N"] = 3 });
        await PassTimeAsync(node, TimeSpan.FromHours(1), next);

        (await ItemsAsync(node, next)).Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task Digest_ManyRunsAtOnce_EveryItemIsInOneList()
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Collecting(("count", 5)));
        var runs = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => Task.Run(() => RunAsync(node, new JObject { ["N"] = i }))));
        await node.WorkAsync(runs);

        var lists = new List<List<int>>();
        foreach (var run in runs)
        {
            if (await WayAsync(node, run) == "Released")
            {
                lists.Add(await ItemsAsync(node, run));
            }
        }

        lists.Should().HaveCount(6).And.OnlyContain(list => list.Count == 5);
        lists.SelectMany(list => list).Order().Should().Equal(Enumerable.Range(0, 30));
    }

    [Theory]
    [InlineData("Automation.OnlyOnce", "key")]
    [InlineData("Automation.Throttle", "limit")]
    [InlineData("Automation.Digest", "count")]
    public async Task Activity_WithoutWhatItNeeds_SaysSo(string type, string property)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity(type, ("item", "x")));

        var incident = (await node.IncidentsAsync(await RunAsync(node))).Single();

        incident.Action.Should().NotBeNullOrEmpty();
        incident.Message.Should().NotBeNullOrEmpty(property);
    }

    private static async Task<List<string>> WaitingAsync(TestNode node, List<string> runs)
    {
        var waiting = new List<string>();
        foreach (var run in runs)
        {
            if ((await node.FindAsync(run)).SubStatus == WorkflowSubStatus.Suspended)
            {
                waiting.Add(run);
            }
        }

        return waiting;
    }
}
