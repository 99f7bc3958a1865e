using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Persistence.Sql;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>What a commit writes, and that it is all or nothing.</summary>
public abstract class RunCommitCompliance : StoreCompliance
{
    [SkippableFact]
    public async Task Commit_Suspended_KeepsStateJournalBookmarksAndSubjects()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        var state = Enumerable.Range(0, 5000).Select(i => (byte)(i % 7)).ToArray();

        var waiting = await Runs.CommitAsync(
            Commit("i1", claimed.Lease, new RunChanges { Journal = [Journal(1), Journal(2)], BookmarksAdded = [Bookmark("b1", dueAt: T0.AddHours(1))], Subjects = [" A@B.c", "a@b.C "] }) with { State = state, CorrelationId = "order-7", Name = "Order 7" },
            default);

        waiting.Should().BeFalse();
        (await Runs.GetStateAsync("i1", default)).Should().Equal(state);
        (await Runs.ReadJournalAsync("i1", default)).Select(r => r.Sequence).Should().Equal(1, 2);
        var bookmark = (await Runs.ListBookmarksAsync("i1", default)).Single();
        bookmark.CorrelationId.Should().Be("order-7");
        bookmark.Bookmark.Should().BeEquivalentTo(Bookmark("b1", dueAt: T0.AddHours(1)), o => o.Excluding(b => b.Payload));
        bookmark.Bookmark.Payload!["p"]!.Value<bool>().Should().BeTrue();
        var record = (await Runs.FindAsync("i1", default))!;
        record.SubStatus.Should().Be(WorkflowSubStatus.Suspended);
        record.Subjects.Should().Equal("a@b.c");
        record.StartedAt.Should().Be(T0.AddSeconds(1));
        record.UpdatedAt.Should().Be(T0.AddMinutes(1));
        record.FinishedAt.Should().BeNull();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Commit_Finished_DropsBookmarksAndStimuli()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { BookmarksAdded = [Bookmark("b1")] }) with { Release = false }, default);
        await Runs.EnqueueAsync([], [Stimulus("s1", "i1")], default);

        (await Runs.CommitAsync(Finish("i1", claimed.Lease), default)).Should().BeFalse();
        await Runs.EnqueueAsync([], [Stimulus("s2", "i1")], default);

        (await Runs.FindBookmarkAsync("b1", default)).Should().BeNull();
        (await Runs.ListRunnableAsync(10, default)).Should().BeEmpty();
        (await Runs.FindAsync("i1", default))!.FinishedAt.Should().Be(T0.AddMinutes(1));
    }

    [SkippableFact]
    public async Task Commit_Insert_MakesTheRowUnderItsLease()
    {
        var lease = new Lease("node-1", 1);
        await Runs.CommitAsync(Commit("i1", lease) with { Insert = Instance("i1", "k"), Release = false, SubStatus = WorkflowSubStatus.Executing }, default);

        (await Runs.ClaimAsync(["i1"], "node-2", LeaseTime, 1, default)).Should().BeEmpty();
        (await Runs.FindAsync("i1", default))!.Subjects.Should().Equal("k");
        await Runs.CommitAsync(Finish("i1", lease), default);
        (await Runs.FindAsync("i1", default))!.Status.Should().Be(WorkflowStatus.Finished);
    }

    [SkippableFact]
    public async Task Commit_InsertOfAnExistingRow_IsALostLease()
    {
        await EnqueueAsync(Instance("i1"));

        await FluentActions.Awaiting(() => Runs.CommitAsync(Commit("i1", new Lease("node-1", 1)) with { Insert = Instance("i1") }, default)).Should().ThrowAsync<LeaseLostException>();

        (await Runs.GetStateAsync("i1", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Commit_InsertPendingAndReleased_IsRunnableWithItsState()
    {
        await Runs.CommitAsync(Commit("i1", new Lease("node-1", 1)) with { Insert = Instance("i1"), SubStatus = WorkflowSubStatus.Pending }, default);

        (await Runs.ListRunnableAsync(10, default)).Should().Equal("i1");
        (await ClaimAsync("i1")).State.Should().NotBeNull();
    }

    [SkippableFact]
    public async Task Commit_Children_ArePendingAndStimuliReachOthers()
    {
        await EnqueueAsync(Instance("i1"), Instance("other"));
        await Runs.CommitAsync(Commit("other", (await ClaimAsync("other")).Lease), default);
        var claimed = await ClaimAsync("i1");

        await Runs.CommitAsync(Finish("i1", claimed.Lease) with { Children = [Instance("child") with { ParentBookmarkId = "pb" }], Stimuli = [Stimulus("s1", "other")] }, default);

        (await Runs.ListRunnableAsync(10, default)).Should().BeEquivalentTo("child", "other");
        (await ClaimAsync("child")).ParentBookmarkId.Should().Be("pb");
        (await ClaimAsync("other")).Stimuli.Single().Input!["n"]!.Value<int>().Should().Be(1);
    }

    [SkippableFact]
    public async Task Commit_Incidents_AreCountedOnce()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Commit("i1", claimed.Lease) with { Incidents = [Incident("a", "i1"), Incident("b", "i1")], Release = false }, default);
        await Runs.CommitAsync(Commit("i1", claimed.Lease) with { Incidents = [Incident("b", "i1")] }, default);

        var record = (await Runs.FindAsync("i1", default))!;
        record.IncidentCount.Should().Be(2);
        record.Error.Should().Be("It failed: b");
        (await Incidents.ListAsync(true, "i1", null, 0, 10, default)).Total.Should().Be(2);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadJournalPage_OfSeveralCommits_HasWhatIsOnIt(bool isOfAnOlderProgram)
    {
        await EnqueueAsync(Instance("i1"), Instance("i2"), Instance("i3"));
        var (claimed, other) = (await ClaimAsync("i1"), await ClaimAsync("i2"));
        foreach (var records in new[] { Enumerable.Range(1, 3), [4], Enumerable.Range(5, 6) })
        {
            await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { Journal = [.. records.Select(number => Journal(number))] }) with { Release = false }, default);
            await Runs.CommitAsync(Commit("i2", other.Lease, new RunChanges { Journal = [.. records.Select(number => Journal(number))] }) with { Release = false }, default);
        }

        if (isOfAnOlderProgram)
        {
            await ((SqlDatabase)Database).WriteAsync(session => { session.Run("UPDATE journal_segments SET first_record = NULL WHERE first_record < 5"); }, default);
        }

        for (var skip = 0; skip <= 11; skip++)
        {
            for (var take = 0; take <= 11; take++)
            {
                var page = await Runs.ReadJournalPageAsync("i1", skip, take, default);
                page.Total.Should().Be(10);
                page.Items.Select(record => (int)record.Sequence).Should().Equal(Enumerable.Range(1, 10).Skip(skip).Take(take), "{0} of {1}", take, skip);
            }
        }

        (await Runs.ReadJournalPageAsync("i3", 0, 10, default)).Total.Should().Be(0);
        (await Runs.ReadJournalPageAsync("nobody", 0, 10, default)).Items.Should().BeEmpty();
    }

    [SkippableFact]
    public async Task StreamJournal_OverPages_GivesEachRecordOnce_AndTheLastIsFoundFromTheEnd()
    {
        const int count = (2 * Journals.PageSize) + 7;
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        foreach (var records in Enumerable.Range(1, count).Chunk(700))
        {
            await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { Journal = [.. records.Select(number => Journal(number, number == 3 ? "Faulted" : "Completed"))] }) with { Release = false }, default);
        }

        var streamed = new List<int>();
        await foreach (var record in Runs.StreamJournalAsync("i1", default))
        {
            streamed.Add((int)record.Sequence);
        }

        streamed.Should().Equal(Enumerable.Range(1, count));
        (await Runs.FindLastInJournalAsync("i1", record => record.EventName == "Completed", default))!.Sequence.Should().Be(count);
        (await Runs.FindLastInJournalAsync("i1", record => record.EventName == "Faulted", default))!.Sequence.Should().Be(3);
        (await Runs.FindLastInJournalAsync("i1", record => record.EventName == "Canceled", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Commit_JournalValueOver64KB_IsStoredApartAndOver8MBCut()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");
        var outputs = new JObject { ["large"] = new string('x', JournalSegment.ApartFrom + 1), ["huge"] = new string('y', JournalSegment.CutFrom + 1), ["small"] = 1 };

        await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { Journal = [Journal(1, outputs: outputs)] }), default);

        var read = (await Runs.ReadJournalAsync("i1", default)).Single().Outputs!;
        read["large"]!.ToString().Should().Be((string?)outputs["large"]);
        read["huge"]!["$cut"]!.Value<bool>().Should().BeTrue();
        read["huge"]!["length"]!.Value<int>().Should().Be(JournalSegment.CutFrom + 3);
        read["small"]!.Value<int>().Should().Be(1);
    }

    [SkippableFact]
    public async Task Commit_ManyAtOnceWithStaleOnes_FailsOnlyThose()
    {
        var ids = Enumerable.Range(0, 300).Select(i => $"i{i:000}").ToList();
        await EnqueueAsync(ids.Select(id => Instance(id)).ToArray());
        var claimed = (await Runs.ClaimAsync(null, "node-1", LeaseTime, 300, default)).ToDictionary(c => c.Instance.Id, c => c.Lease);

        var commits = ids.Select((id, index) => Task.Run(async () =>
        {
            var lease = index % 3 == 0 ? new Lease("node-2", 9) : claimed[id];
            try
            {
                await Runs.CommitAsync(Finish(id, lease) with { Changes = new RunChanges { Journal = [Journal(1)] }, Children = [Instance(id + "-child")] }, default);
                return true;
            }
            catch (LeaseLostException)
            {
                return false;
            }
        })).ToList();
        var done = await Task.WhenAll(commits);

        for (var i = 0; i < ids.Count; i++)
        {
            var stale = i % 3 == 0;
            done[i].Should().Be(!stale);
            (await Runs.FindAsync(ids[i], default))!.Status.Should().Be(stale ? WorkflowStatus.Running : WorkflowStatus.Finished);
            (await Runs.FindAsync(ids[i] + "-child", default) is null).Should().Be(stale);
        }
    }

    [SkippableFact]
    public async Task Commit_Cancelled_BeforeItsTurn_WritesNothing()
    {
        await EnqueueAsync(Instance("i1"));
        var claimed = await ClaimAsync("i1");

        await FluentActions.Awaiting(() => Runs.CommitAsync(Finish("i1", claimed.Lease), new CancellationToken(true))).Should().ThrowAsync<OperationCanceledException>();

        (await Runs.FindAsync("i1", default))!.Status.Should().Be(WorkflowStatus.Running);
    }

    [SkippableFact]
    public async Task Reopen_AfterCommits_FindsAllOfThem()
    {
        await EnqueueAsync(Instance("i1", "who"));
        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Commit("i1", claimed.Lease, new RunChanges { Journal = [Journal(1)], BookmarksAdded = [Bookmark("b1")] }), default);

        await ReopenAsync();

        (await Runs.ReadJournalAsync("i1", default)).Should().ContainSingle();
        (await Runs.FindBookmarksAsync(Bookmark("b1").Hash, default)).Should().ContainSingle();
        (await Runs.ListBookmarkKeysAsync("Elsa.Event", default)).Should().Equal("paid");
        (await Runs.ListAsync(new RunFilter { Subject = " WHO " }, default)).Total.Should().Be(1);
    }
}
