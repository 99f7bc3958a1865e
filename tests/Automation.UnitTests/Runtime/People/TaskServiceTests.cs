using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.People;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Running;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.People;

/// <summary>The activity Task for a Person on the real runner and stores, over killed nodes.</summary>
public sealed class TaskServiceTests : IDisposable
{
    private static readonly JArray Form = JArray.Parse("""[{"name":"url","label":"Where is it?","type":"url","required":true},{"name":"pages","type":"number"}]""");
    private readonly TestDatabase database = new();
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2030, 1, 1, 9, 0, 0, TimeSpan.Zero));

    public void Dispose() => database.Dispose();

    private static JObject Answers => new() { ["url"] = "https://x.test/brief", ["pages"] = "3" };

    private static async Task<string> StartAsync(TestNode node, params (string, object)[] inputs)
    {
        await node.PublishAsync("flow", Activity("Automation.Task", [("title", "Write the brief"), ("assignee", "ann"), ("fields", Form), .. inputs]), Activity("Test.Note"));
        return (await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None)).InstanceId;
    }

    private static async Task<TaskRecord> TaskOfAsync(TestNode node, string run) =>
        (await node.Get<ITaskStore>().ListAsync(new TaskFilter { InstanceId = run }, CancellationToken.None)).Items.Single();

    private static async Task<JournalRecord> EndAsync(TestNode node, string run) =>
        (await node.Store.ReadJournalAsync(run, CancellationToken.None)).Single(line => line is { ActivityType: "Automation.Task", EventName: "Completed" });

    [Fact]
    public async Task Complete_AfterTheNodeWasKilled_ResumesTheRunOnAnother_Once()
    {
        var run = await StartAsync(await database.StartNodeAsync());

        // The first node is never heard of again. On the second somebody does the task, and it dies before it rings.
        var second = await database.StartNodeAsync();
        var task = await TaskOfAsync(second, run);
        task.Should().BeEquivalentTo(new { Status = "open", InstanceId = run, ActivityId = "a1" });
        var service = second.Get<TaskService>();
        var done = await service.CompleteAsync(task.Id, Answers, null, " fine ", "ann", CancellationToken.None);
        var third = await database.StartNodeAsync();
        (await third.Store.ListRunnableAsync(10, CancellationToken.None)).Should().Equal(run);
        await third.WorkAsync(run);

        (done.Status, done.FinishedBy, done.Comment).Should().Be(("done", "ann", "fine"));
        JToken.DeepEquals(done.Answers, JObject.Parse("""{"url":"https://x.test/brief","pages":3}""")).Should().BeTrue();
        (await third.FindAsync(run)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        var end = await EndAsync(third, run);
        end.Outcomes.Should().Equal("Done");
        ((string?)end.Outputs!["Result"]!["url"]).Should().Be("https://x.test/brief");
        ((string?)end.Outputs["FinishedBy"]).Should().Be("ann");
        (await third.Store.ReadJournalAsync(run, CancellationToken.None)).Count(line => line is { ActivityType: "Test.Note", EventName: "Completed" }).Should().Be(1);
    }

    [Fact]
    public async Task Complete_Again_IsAnsweredTheSame_ToTheSamePerson_AndRefusedToOthers()
    {
        var node = await database.StartNodeAsync();
        var run = await StartAsync(node);
        var task = await TaskOfAsync(node, run);
        var service = node.Get<TaskService>();
        var first = await service.CompleteAsync(task.Id, Answers, null, null, "ann", CancellationToken.None);

        (await service.CompleteAsync(task.Id, Answers, null, null, "ann", CancellationToken.None)).Should().BeEquivalentTo(first, o => o.Excluding(t => t.Answers));
        await FluentActions.Awaiting(() => service.CompleteAsync(task.Id, Answers, null, null, "bob", CancellationToken.None)).Should().ThrowAsync<TaskEndedException>().WithMessage("*done already by ann*");
        await FluentActions.Awaiting(() => service.CompleteAsync(task.Id, [], null, null, "ann", CancellationToken.None)).Should().ThrowAsync<TaskEndedException>();
        await FluentActions.Awaiting(() => service.CancelAsync(task.Id, null, "ann", CancellationToken.None)).Should().ThrowAsync<TaskEndedException>();
        await node.WorkAsync(run);
        (await node.FindAsync(run)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Complete_WithWrongAnswers_NamesEach_AndKeepsTheTaskOpen()
    {
        var node = await database.StartNodeAsync();
        var task = await TaskOfAsync(node, await StartAsync(node));

        var complete = () => node.Get<TaskService>().CompleteAsync(task.Id, JObject.Parse("""{"pages":"many","colour":"red"}"""), null, null, "ann", CancellationToken.None);

        (await complete.Should().ThrowAsync<TaskFormException>()).Which.Errors.Keys.Should().BeEquivalentTo("answers.url", "answers.pages", "answers.colour");
        (await TaskOfAsync(node, task.InstanceId)).Status.Should().Be("open");
    }

    [Fact]
    public async Task Due_ByTheDueTimeService_TakesTheOutcomeOverdue()
    {
        var node = await database.StartNodeAsync(clock);
        var run = await StartAsync(node, ("due", "2h"));
        (await TaskOfAsync(node, run)).Request.DueAt.Should().Be(clock.GetUtcNow().AddHours(2));

        clock.Advance(TimeSpan.FromHours(2));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);
        await node.WorkAsync(run);

        (await EndAsync(node, run)).Outcomes.Should().Equal("Overdue");
        (await TaskOfAsync(node, run)).Status.Should().Be("overdue");
    }

    [Fact]
    public async Task Due_OfATaskThatIsKeptOpen_OnlyMakesItLate()
    {
        var node = await database.StartNodeAsync(clock);
        var run = await StartAsync(node, ("due", "2030-01-01"), ("timeZone", "America/New_York"), ("whenOverdue", "KeepOpen"));

        clock.Advance(TimeSpan.FromDays(3));
        await node.Get<DueTimeService>().PassAsync(CancellationToken.None);

        var task = await TaskOfAsync(node, run);
        (task.Status, task.IsOverdueAt(clock.GetUtcNow())).Should().Be(("open", true));
        task.Request.DueAt.Should().Be(new DateTimeOffset(2030, 1, 2, 5, 0, 0, TimeSpan.Zero)); // The end of the day over there.
    }

    [Fact]
    public async Task Cancel_OfTheTask_TakesTheOutcomeCancelled_OfTheRun_WithdrawsTheTask()
    {
        var node = await database.StartNodeAsync();
        var (given, withdrawn) = (await StartAsync(node), await StartAsync(node));

        await node.Get<TaskService>().CancelAsync((await TaskOfAsync(node, given)).Id, "not needed", "ann", CancellationToken.None);
        await node.WorkAsync(given);
        await node.Runs.CancelAsync(withdrawn, CancellationToken.None);

        (await EndAsync(node, given)).Outcomes.Should().Equal("Cancelled");
        (await TaskOfAsync(node, given)).Should().BeEquivalentTo(new { Status = "cancelled", FinishedBy = "ann", Comment = "not needed" });
        (await TaskOfAsync(node, withdrawn)).Should().BeEquivalentTo(new { Status = "cancelled", FinishedBy = (string?)null });
    }

    [Theory]
    [InlineData("Automation.Task")]
    [InlineData("Automation.Approval")]
    public async Task DryRun_AsksNobody_AndGoesOn(string type)
    {
        var node = await database.StartNodeAsync();
        await node.PublishAsync("flow", Activity(type, ("title", "Look at it"), ("approvers", new JArray("ann@x.test")), ("assignee", "ann@x.test"), ("sendEmail", true)), Activity("Test.Note"));

        var run = await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow", IsDryRun = true }, CancellationToken.None);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.Get<ITaskStore>().ListAsync(new TaskFilter(), CancellationToken.None)).Items.Should().BeEmpty();
        (await node.Store.ReadJournalAsync(run.InstanceId, CancellationToken.None)).Should().Contain(line => line.EventName == "DryRun" && line.Message!.Contains("ann@x.test"));
    }

    [Fact]
    public async Task Form_AsTextOfJson_IsReadAsTheDesignersEditorSavesIt()
    {
        var node = await database.StartNodeAsync();

        var task = await TaskOfAsync(node, await StartAsync(node, ("fields", Form.ToString())));

        task.Request.Fields.Select(field => field.Name).Should().Equal("url", "pages");
    }

    [Theory]
    [InlineData("""[{"name":"a","type":"colour"}]""", "*unknown type 'colour'*")]
    [InlineData("""[{"name":"a"},"A"]""", "*Two fields*")]
    [InlineData("""[{"name":"a","type":"select"}]""", "*without options*")]
    [InlineData("""[{"label":"a"}]""", "*no name*")]
    [InlineData("{}", "*not a list*")]
    public void Form_ThatIsNone_SaysWhatIsWrong(string form, string message) =>
        FluentActions.Invoking(() => TaskForm.Read(JToken.Parse(form))).Should().Throw<FaultException>().WithMessage(message).Which.Fault.Action.Should().Contain("multiline");

    [Theory]
    [InlineData("date", "2030-02-30", false)]
    [InlineData("date", "2030-02-28", true)]
    [InlineData("number", "1.5", true)]
    [InlineData("number", "NaN", false)]
    [InlineData("email", "ann@x.test", true)]
    [InlineData("email", "Ann <ann@x.test>", false)]
    [InlineData("url", "javascript:alert(1)", false)]
    [InlineData("checkbox", "on", true)]
    [InlineData("checkbox", "false", false)] // Required: it is to be ticked.
    [InlineData("select", "b", true)]
    [InlineData("select", "c", false)]
    [InlineData("text", "   ", false)]
    public void Answer_IsHeldAgainstItsType(string type, string answer, bool isRight) =>
        (TaskForm.Check([new TaskField("f", "F", type, true, null, ["a", "b"])], new JObject { ["f"] = answer }).Errors.Count == 0).Should().Be(isRight);
}
