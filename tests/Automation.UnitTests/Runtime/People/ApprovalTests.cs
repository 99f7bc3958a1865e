using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.People;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.Tests;
using Automation.UnitTests.Runtime.Running;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.People;

/// <summary>The activity Approval on the real runner and stores.</summary>
public sealed class ApprovalTests : IDisposable
{
    private readonly TestDatabase database = new();
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero));

    public void Dispose() => database.Dispose();

    private static JObject Asking(string rule, params (string, object)[] inputs) =>
        Activity("Automation.Approval", [("title", "Publish the post"), ("approvers", new JArray("ann@x.test", "bob", "carl")), ("rule", rule), .. inputs]);

    private static async Task<string> StartAsync(TestNode node, JObject activity)
    {
        await node.PublishAsync("flow", activity);
        return (await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None)).InstanceId;
    }

    private static async Task<Dictionary<string, TaskRecord>> TasksAsync(TestNode node, string run) =>
        (await node.Get<ITaskStore>().ListAsync(new TaskFilter { InstanceId = run }, CancellationToken.None)).Items.ToDictionary(t => t.Request.Assignee!);

    private static async Task DecideAsync(TestNode node, string run, string approver, string outcome)
    {
        var task = (await TasksAsync(node, run))[approver];
        await node.Get<TaskService>().CompleteAsync(task.Id, [], outcome, "by " + approver, approver, CancellationToken.None);
        await node.WorkAsync(run);
    }

    private static async Task<JournalRecord?> EndAsync(TestNode node, string run) =>
        (await node.Store.ReadJournalAsync(run, CancellationToken.None)).SingleOrDefault(line => line is { ActivityType: "Automation.Approval", EventName: "Completed" });

    [Theory]
    [InlineData("Approved")]
    [InlineData("Rejected")]
    public async Task Any_TheFirstAnswerDecides_AndTheOthersAreAskedNoMore(string outcome)
    {
        var node = await database.StartNodeAsync();
        var run = await StartAsync(node, Asking("Any"));

        await DecideAsync(node, run, "bob", outcome);

        var end = (await EndAsync(node, run))!;
        end.Outcomes.Should().Equal(outcome);
        ((string?)end.Outputs!["DecidedBy"], (string?)end.Outputs["Comment"]).Should().Be(("bob", "by bob"));
        (await TasksAsync(node, run)).Values.Select(t => t.Status).Order().Should().Equal("cancelled", "cancelled", "done");
    }

    [Fact]
    public async Task All_WaitsForEverybody_AlsoOverAKilledNode()
    {
        var node = await database.StartNodeAsync();
        var run = await StartAsync(node, Asking("All"));
        await DecideAsync(node, run, "ann@x.test", "Approved");
        var other = await database.StartNodeAsync();
        await DecideAsync(other, run, "carl", "Approved");
        (await EndAsync(other, run)).Should().BeNull();

        await DecideAsync(other, run, "bob", "Approved");

        var end = (await EndAsync(other, run))!;
        end.Outcomes.Should().Equal("Approved");
        end.Outputs!["Result"]!.Select(d => (string?)d["approver"]).Should().Equal("ann@x.test", "carl", "bob");
    }

    [Fact]
    public async Task All_TheFirstWhoRejectsDecides()
    {
        var node = await database.StartNodeAsync();
        var run = await StartAsync(node, Asking("All"));
        await DecideAsync(node, run, "ann@x.test", "Approved");

        await DecideAsync(node, run, "bob", "Rejected");

        (await EndAsync(node, run))!.Outcomes.Should().Equal("Rejected");
        (await TasksAsync(node, run))["carl"].Status.Should().Be("cancelled");
    }

    [Fact]
    public async Task Due_TakesTheOutcomeTimedOut_AndKeepsTheAnswersSoFar()
    {
        var node = await database.StartNodeAsync(clock);
        var run = await StartAsync(node, Asking("All", ("due", "1d")));
        await DecideAsync(node, run, "bob", "Approved");

        clock.Advance(TimeSpan.FromDays(1));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        await node.WorkAsync(run);

        var end = (await EndAsync(node, run))!;
        end.Outcomes.Should().Equal("TimedOut");
        end.Outputs!["Result"]!.Should().ContainSingle();
        (await TasksAsync(node, run)).Values.Select(t => t.Status).Order().Should().Equal("done", "overdue", "overdue");
    }

    [Fact]
    public async Task Mail_GoesToAddressesOnly_IsSealedInTheLedger_AndAReplayAsksAgainUnderTheSameLink()
    {
        await using var server = new SmtpListener();
        database.MailPort = server.Port;
        var node = await database.StartNodeAsync();
        var run = await StartAsync(node, Asking("Any", ("sendEmail", true)));

        var task = (await TasksAsync(node, run))["ann@x.test"];
        server.Mails.Should().ContainSingle().Which.Should().Contain("To: ann@x.test").And.Contain("https://automation.test/decide/" + task.Id);
        (await node.EffectsAsync(run)).Single().Request.Body!.ToString().Should().NotContain(task.Id, "whoever has the link may decide");

        await node.Runs.CancelAsync(run, CancellationToken.None);
        var replay = await node.Runs.ReplayAsync(run, fromFailed: false, CancellationToken.None);
        await node.WorkAsync(replay);

        server.Mails.Should().ContainSingle();
        (await TasksAsync(node, replay))["ann@x.test"].Should().BeEquivalentTo(new { task.Id, Status = "open" });
    }

    [Fact]
    public async Task Decision_WithoutAnOutcome_OrACancellation_IsRefused()
    {
        var node = await database.StartNodeAsync();
        var task = (await TasksAsync(node, await StartAsync(node, Asking("Any"))))["bob"];
        var service = node.Get<TaskService>();

        await FluentActions.Awaiting(() => service.CompleteAsync(task.Id, [], null, null, "bob", CancellationToken.None)).Should().ThrowAsync<TaskFormException>();
        await FluentActions.Awaiting(() => service.CompleteAsync(task.Id, [], "Perhaps", null, "bob", CancellationToken.None)).Should().ThrowAsync<TaskFormException>();
        await FluentActions.Awaiting(() => service.CancelAsync(task.Id, null, "bob", CancellationToken.None)).Should().ThrowAsync<TaskFormException>().WithMessage("*reject it*");
    }
}
