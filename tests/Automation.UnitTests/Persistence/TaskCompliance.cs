using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Tasks for people: made, ended and withdrawn together with their bookmarks.</summary>
public abstract class TaskCompliance : StoreCompliance
{
    private static readonly TaskAnswer Answer = new() { Status = "done", Answers = new JObject { ["url"] = "https://x.test" }, By = "ann", At = T0.AddHours(1) };

    private static Bookmark Of(TaskRequest task, string bookmarkId = "b1", bool endsWhenDue = true)
    {
        var request = task.ToBookmark(endsWhenDue);
        return Bookmark(bookmarkId, request.Name, request.Key, request.DueAt) with { Payload = request.Payload };
    }

    private static TaskRequest Request(string id, string? assignee = null, DateTimeOffset? dueAt = null) => new()
    {
        Id = id,
        Title = "Write the brief " + id,
        Assignee = assignee,
        DueAt = dueAt,
        Fields = TaskForm.Read(JArray.Parse("""[{"name":"url","type":"url","required":true}]""")),
    };

    private async Task<Lease> SuspendedAsync(string instance, params Bookmark[] bookmarks)
    {
        await EnqueueAsync(Instance(instance));
        var lease = (await ClaimAsync(instance)).Lease;
        await Runs.CommitAsync(Commit(instance, lease, new RunChanges { BookmarksAdded = bookmarks }), default);
        return lease;
    }

    private async Task<TaskRecord> TaskAsync(string id) => await Tasks.FindAsync(id, default) ?? throw new InvalidOperationException($"No task {id}.");

    [SkippableFact]
    public async Task Commit_OfATasksBookmark_MakesTheTask()
    {
        await SuspendedAsync("i1", Of(Request("t1", "ann", T0.AddDays(1))));

        var task = await TaskAsync("t1");

        task.Should().BeEquivalentTo(new { BookmarkId = "b1", InstanceId = "i1", DefinitionId = "def-1", DefinitionName = "Tag sync", ActivityId = "a1", LocationId = "loc-1", Status = "open", CreatedAt = T0 });
        task.Request.Should().BeEquivalentTo(Request("t1", "ann", T0.AddDays(1)));
    }

    [SkippableFact]
    public async Task Commit_WithAStaleLease_MakesNone()
    {
        var stale = await SuspendedAsync("i1");
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);
        await ClaimAsync("i1");

        await FluentActions.Awaiting(() => Runs.CommitAsync(Commit("i1", stale, new RunChanges { BookmarksAdded = [Of(Request("t1"))] }), default)).Should().ThrowAsync<LeaseLostException>();

        (await Tasks.FindAsync("t1", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task End_ByManyAtOnce_OneDoes_AndItsRunGetsOneStimulus()
    {
        await SuspendedAsync("i1", Of(Request("t1", dueAt: T0.AddDays(1))));
        var task = await TaskAsync("t1");

        var ended = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => Tasks.EndAsync(task, Answer with { By = "p" + i }, default))));

        ended.Count(won => won).Should().Be(1);
        (await ClaimAsync("i1")).Stimuli.Should().ContainSingle().Which.BookmarkId.Should().Be("b1");
        (await TaskAsync("t1")).Status.Should().Be("done");

        // Its due time is off: nothing resumes the run a second time.
        (await Due.ResumeDueBookmarksAsync(T0.AddDays(2), 10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Due_EndsTheTask_SoThatNobodyCanDoItAnyMore()
    {
        await SuspendedAsync("i1", Of(Request("t1", dueAt: T0.AddDays(1))));
        var task = await TaskAsync("t1");

        (await Due.ResumeDueBookmarksAsync(T0.AddDays(2), 10, default)).Should().Equal("i1");

        (await TaskAsync("t1")).Should().BeEquivalentTo(new { Status = "overdue", FinishedAt = T0.AddDays(2) });
        (await Tasks.EndAsync(task, Answer, default)).Should().BeFalse();
        (await ClaimAsync("i1")).Stimuli.Should().ContainSingle().Which.Id.Should().Be("due:b1");
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Bookmark_ThatGoes_WithdrawsItsOpenTask(bool withItsRun)
    {
        await SuspendedAsync("i1", Of(Request("t1"), "b1"), Of(Request("t2"), "b2"));
        await Tasks.EndAsync(await TaskAsync("t2"), Answer, default);
        var lease = (await ClaimAsync("i1")).Lease;

        await Runs.CommitAsync(withItsRun ? Finish("i1", lease) : Commit("i1", lease, new RunChanges { BookmarksRemoved = ["b1", "b2"] }), default);

        var withdrawn = await TaskAsync("t1");
        (withdrawn.Status, withdrawn.FinishedBy).Should().Be(("cancelled", null));
        withdrawn.FinishedAt.Should().NotBeNull();
        (await TaskAsync("t2")).Status.Should().Be("done");
    }

    [SkippableFact]
    public async Task Bookmark_OpenedAgainByAReplay_OpensTheTaskAgain()
    {
        await SuspendedAsync("i1", Of(Request("t1")));
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);
        var lease = (await ClaimAsync("i1")).Lease;
        await Runs.CommitAsync(Finish("i1", lease), default);

        await SuspendedAsync("i2", Of(Request("t1")));

        (await TaskAsync("t1")).Should().BeEquivalentTo(new { InstanceId = "i2", Status = "open", FinishedAt = (DateTimeOffset?)null });
    }

    [SkippableFact]
    public async Task List_Filters_AndOrdersOpenTasksByDueTime()
    {
        await SuspendedAsync("i1", Of(Request("late", "Ann", T0.AddHours(1)), "b1", endsWhenDue: false), Of(Request("later", "bob", T0.AddDays(3)), "b2"), Of(Request("whenever", "ann"), "b3"));
        await SuspendedAsync("i2", Of(Request("done", "bob"), "b4"));
        await Tasks.EndAsync(await TaskAsync("done"), Answer, default);

        async Task<IEnumerable<string>> IdsAsync(TaskFilter filter) => (await Tasks.ListAsync(filter, default)).Items.Select(t => t.Id);

        (await IdsAsync(new TaskFilter { Status = "open" })).Should().Equal("late", "later", "whenever");
        (await IdsAsync(new TaskFilter { Status = "open", Assignee = "ANN" })).Should().Equal("late", "whenever");
        (await IdsAsync(new TaskFilter { OverdueAt = T0.AddDays(1) })).Should().Equal("late");
        (await IdsAsync(new TaskFilter { Status = "done" })).Should().Equal("done");
        (await IdsAsync(new TaskFilter { InstanceId = "i2" })).Should().Equal("done");
        (await IdsAsync(new TaskFilter { DefinitionId = "other" })).Should().BeEmpty();
        (await Tasks.ListAsync(new TaskFilter { PageSize = 1, Page = 1 }, default)).Should().Match<PageOf<TaskRecord>>(p => p.Total == 4 && p.Items.Count == 1);
    }

    [SkippableFact]
    public async Task Delete_OfTheRun_TakesItsTasks()
    {
        await SuspendedAsync("i1", Of(Request("t1")));
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);
        await Runs.CommitAsync(Finish("i1", (await ClaimAsync("i1")).Lease), default);

        await Runs.DeleteAsync(["i1"], default);

        (await Tasks.FindAsync("t1", default)).Should().BeNull();
    }
}
