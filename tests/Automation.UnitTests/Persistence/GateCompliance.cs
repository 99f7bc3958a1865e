using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Gates: exact when many come at once, and answered the same when the same execution asks again.</summary>
public abstract class GateCompliance : StoreCompliance
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static GatePass Pass(string execution, string key = "k", string? instance = null) => new("flow/root:a1", key, execution, instance ?? execution, instance ?? execution);

    private Task<(DigestPlace Place, string? Wakes)> CollectAsync(string execution, JToken item, int limit = 100, string key = "k", string bookmark = "b", DateTimeOffset? due = null) =>
        Gates.CollectAsync(Pass(execution, key), "digest-" + execution, item, limit, due, bookmark, T0, default);

    /// <summary>An instance that waits at a bookmark.</summary>
    private async Task WaitAsync(string instance, string bookmark)
    {
        await EnqueueAsync(Instance(instance));
        await Runs.CommitAsync(Commit(instance, (await ClaimAsync(instance)).Lease, new RunChanges { BookmarksAdded = [Bookmark(bookmark, "Automation.Digest", null)] }), default);
    }

    [SkippableFact]
    public async Task Claim_ByManyAtOnce_OneIsFirst()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => Gates.ClaimAsync(Pass("e" + i), T0, null, default))));

        answers.Count(first => first).Should().Be(1);
    }

    [SkippableFact]
    public async Task Claim_ByTheSameExecution_IsAnsweredTheSame_AlsoLater()
    {
        (await Gates.ClaimAsync(Pass("one"), T0, T0 + Hour, default)).Should().BeTrue();
        (await Gates.ClaimAsync(Pass("two"), T0, T0 + Hour, default)).Should().BeFalse();
        await ReopenAsync();

        (await Gates.ClaimAsync(Pass("one"), T0.AddMinutes(5), T0 + Hour, default)).Should().BeTrue("it is the first");
        (await Gates.ClaimAsync(Pass("other", "k2"), T0, null, default)).Should().BeTrue("another key");
        (await Gates.ClaimAsync(Pass("late"), T0 + Hour, T0 + (2 * Hour), default)).Should().BeTrue("the period is over");
        (await Gates.ClaimAsync(Pass("two"), T0 + (3 * Hour), null, default)).Should().BeFalse("a replay goes the way that the run went");
        (await Gates.ClaimAsync(Pass("never", "k2"), T0.AddYears(9), null, default)).Should().BeFalse("without a period it counts for good");
    }

    [SkippableFact]
    public async Task Admit_ByManyAtOnce_NoPeriodSeesMoreThanTheLimit()
    {
        var grants = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => Gates.AdmitAsync(Pass("e" + i), 3, Hour, T0, null, default))));

        grants.Order().Select(at => (at!.Value - T0).TotalHours).Should().Equal(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6);
    }

    [SkippableFact]
    public async Task Admit_SlidesWithTheTime_AndRefusesWhoMayNotWait()
    {
        (await Gates.AdmitAsync(Pass("a"), 2, Hour, T0, T0, default)).Should().Be(T0);
        (await Gates.AdmitAsync(Pass("b"), 2, Hour, T0.AddMinutes(40), T0.AddMinutes(40), default)).Should().Be(T0.AddMinutes(40));
        (await Gates.AdmitAsync(Pass("c"), 2, Hour, T0.AddMinutes(50), T0.AddMinutes(50), default)).Should().BeNull();
        (await Gates.AdmitAsync(Pass("d"), 2, Hour, T0.AddMinutes(70), T0.AddMinutes(70), default)).Should().Be(T0.AddMinutes(70));
        (await Gates.AdmitAsync(Pass("e"), 2, Hour, T0.AddMinutes(71), T0.AddMinutes(80), default)).Should().BeNull("its turn is at minute 100");
        (await Gates.AdmitAsync(Pass("f"), 2, Hour, T0.AddMinutes(71), T0.AddMinutes(100), default)).Should().Be(T0.AddMinutes(100));

        // Asked again, later: the same.
        (await Gates.AdmitAsync(Pass("c"), 2, Hour, T0.AddDays(1), null, default)).Should().BeNull();
        (await Gates.AdmitAsync(Pass("f"), 2, Hour, T0.AddDays(1), null, default)).Should().Be(T0.AddMinutes(100));
        (await Gates.AdmitAsync(Pass("g", "other"), 2, Hour, T0.AddMinutes(71), T0.AddMinutes(71), default)).Should().NotBeNull("another key counts apart");
    }

    [SkippableFact]
    public async Task Collect_ByManyAtOnce_EachItemIsInOneDigest_AndEachDigestHasOneCollector()
    {
        for (var i = 0; i < 45; i++)
        {
            await WaitAsync("e" + i, "b" + i);
        }

        var places = await Task.WhenAll(Enumerable.Range(0, 45).Select(i => Task.Run(() => CollectAsync("e" + i, i, limit: 10, bookmark: "b" + i))));

        var collectors = places.Select((p, i) => (p.Place, Execution: "e" + i)).Where(p => p.Place.Collects).ToList();
        collectors.Should().HaveCount(5);
        places.Count(p => p.Wakes is not null).Should().Be(4, "four of them are full");
        var items = new List<int>();
        foreach (var (place, execution) in collectors)
        {
            items.AddRange((await Gates.ReleaseAsync(Pass(execution), place.DigestId, default))!.Select(item => (int)item));
        }

        items.Order().Should().Equal(Enumerable.Range(0, 45));
        (await Runs.ListRunnableAsync(100, default)).Should().HaveCount(4);
    }

    [SkippableFact]
    public async Task Collect_AndRelease_AgainAfterACrash_AreTheSame()
    {
        await WaitAsync("e1", "b");
        var first = await CollectAsync("e1", "one", due: T0 + Hour);
        await CollectAsync("e2", "two");
        var again = await CollectAsync("e1", "one", due: T0 + (2 * Hour));

        again.Place.Should().Be(first.Place).And.Be(new DigestPlace("digest-e1", true, false, T0 + Hour));
        (await Gates.ReleaseAsync(Pass("e1"), "digest-e1", default))!.Values<string>().Should().Equal("one", "two");
        (await Gates.ReleaseAsync(Pass("e1"), "digest-e1", default))!.Values<string>().Should().Equal("one", "two");
        (await CollectAsync("e1", "one")).Place.IsReady.Should().BeTrue();
        (await CollectAsync("e3", "three")).Place.Should().Match<DigestPlace>(p => p.Collects && p.DigestId == "digest-e3", "the other was released");
    }

    [SkippableFact]
    public async Task Collect_FullBeforeTheCollectorWaits_IsReadyWhenItAsksAgain_AndItsStimulusIsQueued()
    {
        await EnqueueAsync(Instance("e1"));
        await CollectAsync("e1", 1, limit: 2);
        var (place, wakes) = await CollectAsync("e2", 2, limit: 2);

        (place.Collects, wakes).Should().Be((false, "e1"));
        (await CollectAsync("e1", 1, limit: 2)).Place.Should().Match<DigestPlace>(p => p.Collects && p.IsReady);
        (await ClaimAsync("e1")).Stimuli.Should().ContainSingle().Which.BookmarkId.Should().Be("b");
    }

    [SkippableFact]
    public async Task Collect_WhoseCollectorWasCancelled_PassesToTheNext_WithAllItems()
    {
        await WaitAsync("e1", "b1");
        await CollectAsync("e1", 1, bookmark: "b1", due: T0 + Hour);
        await CollectAsync("e2", 2);
        await Runs.EnqueueAsync([], [Stimulus("s", "e1", "b1")], default);
        await Runs.CommitAsync(Finish("e1", (await ClaimAsync("e1")).Lease), default);

        var (place, _) = await CollectAsync("e3", 3, bookmark: "b3");

        place.Should().Be(new DigestPlace("digest-e1", true, false, T0 + Hour));
        (await Gates.ReleaseAsync(Pass("e1"), "digest-e1", default)).Should().BeNull("it is no longer its collector");
        (await Gates.ReleaseAsync(Pass("e3"), "digest-e1", default))!.Values<int>().Should().Equal(1, 2, 3);
    }

    [SkippableFact]
    public async Task Delete_OfTheLastRunOfALineage_TakesItsAnswers()
    {
        await WaitAsync("e1", "b1");
        await Gates.ClaimAsync(Pass("e1"), T0, T0 + Hour, default);
        await Runs.EnqueueAsync([], [Stimulus("s", "e1", "b1")], default);
        await Runs.CommitAsync(Finish("e1", (await ClaimAsync("e1")).Lease), default);

        await Runs.DeleteAsync(["e1"], default);

        (await Gates.ClaimAsync(Pass("e1"), T0 + Hour, null, default)).Should().BeTrue("what it was answered is forgotten, and its claim has ended");
    }
}
