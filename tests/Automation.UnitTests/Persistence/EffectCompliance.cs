using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>The ledger of effects and the incidents.</summary>
public abstract class EffectCompliance : StoreCompliance
{
    private async Task<Lease> IntentAsync(string key = "k")
    {
        await EnqueueAsync(Instance("i1"));
        var lease = (await ClaimAsync("i1")).Lease;
        await Runs.CommitAsync(Commit("i1", lease) with { Intent = Intent(key, "i1"), Release = false }, default);
        return lease;
    }

    [SkippableFact]
    public async Task Complete_OfAnOwnerThatLostItsLease_ChangesNothing()
    {
        await EnqueueAsync(Instance("i1"));
        var stale = (await ClaimAsync("i1", TimeSpan.FromSeconds(-1))).Lease;
        await Runs.CommitAsync(Commit("i1", stale) with { Intent = Intent("k", "i1"), Release = false, LeaseDuration = TimeSpan.FromSeconds(-1) }, default);
        var present = (await ClaimAsync("i1")).Lease;

        await FluentActions.Awaiting(() => Effects.CompleteAsync(Intent("k", "i1") with { Status = "done", OutcomeAt = T0 }, null, stale, default)).Should().ThrowAsync<LeaseLostException>();
        (await Effects.FindAsync("k", default))!.Status.Should().Be("intent");

        await Effects.CompleteAsync(Intent("k", "i1") with { Status = "done", OutcomeAt = T0 }, null, present, default);
        (await Effects.FindAsync("k", default))!.Status.Should().Be("done");
    }

    [SkippableFact]
    public async Task Intent_IsStoredAsItWillBeSent()
    {
        await IntentAsync();

        var effect = (await Effects.FindAsync("k", default))!;

        effect.Status.Should().Be("intent");
        effect.Class.Should().Be(EffectClass.Unsafe);
        effect.Request.Url.Should().Be("https://flocksy.test/tags");
        effect.Request.Headers["Version"].Should().Be("1");
        effect.Request.Body!["name"]!.ToString().Should().Be("vip");
        effect.OutcomeAt.Should().BeNull();
    }

    [SkippableTheory]
    [InlineData("intent", false)]
    [InlineData("done", false)]
    [InlineData("unknown", false)]
    [InlineData("failed", true)]
    [InlineData("abandoned", true)]
    public async Task Intent_OfAKeyThatIsThere_ReplacesOnlyWhatDidNotHappen(string status, bool replaced)
    {
        var lease = await IntentAsync();
        if (status != "intent")
        {
            await Effects.CompleteAsync(Intent("k", "i1") with { Status = status, OutcomeAt = T0 }, null, null, default);
        }

        var again = () => Runs.CommitAsync(Commit("i1", lease) with { Intent = Intent("k", "i1", attempts: 2), Release = false, State = [9] }, default);

        if (replaced)
        {
            await again();
        }
        else
        {
            await again.Should().ThrowAsync<LeaseLostException>();
            (await Runs.GetStateAsync("i1", default)).Should().NotEqual(new byte[] { 9 });
        }

        (await Effects.FindAsync("k", default))!.Attempts.Should().Be(replaced ? 2 : 1);
    }

    [SkippableFact]
    public async Task Complete_Done_KeepsTheResponseAndIsNotTakenBack()
    {
        await IntentAsync();
        var response = new ConnectorResponse { Status = 201, Body = new JObject { ["id"] = "t1" }, Content = [1, 2, 3], TraceId = "tr", Duration = TimeSpan.FromMilliseconds(12) };

        await Effects.CompleteAsync(Intent("k", "i1") with { Status = "done", Response = response, OutcomeAt = T0.AddSeconds(3) }, null, null, default);
        await Effects.CompleteAsync(Intent("k", "i1") with { Status = "unknown", OutcomeAt = T0.AddSeconds(9) }, Incident("inc", "i1"), null, default);

        var effect = (await Effects.ListAsync("i1", default)).Single();
        effect.Status.Should().Be("done");
        effect.OutcomeAt.Should().Be(T0.AddSeconds(3));
        effect.Response!.Body!["id"]!.ToString().Should().Be("t1");
        effect.Response.Content.Should().Equal(1, 2, 3);
        effect.Response.Duration.Should().Be(TimeSpan.FromMilliseconds(12));
        (await Incidents.FindAsync("inc", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Complete_Unknown_BringsItsIncidentAndCountsIt()
    {
        await IntentAsync();

        await Effects.CompleteAsync(Intent("k", "i1") with { Status = "unknown", OutcomeAt = T0 }, Incident("inc", "i1"), null, default);

        (await Runs.FindAsync("i1", default))!.IncidentCount.Should().Be(1);
        (await Incidents.ListAsync(true, "i1", null, 0, 10, default)).Items.Single().Id.Should().Be("inc");
    }

    [SkippableFact]
    public async Task Complete_WithoutIntent_IsABug() =>
        await FluentActions.Awaiting(() => Effects.CompleteAsync(Intent("none", "i1") with { Status = "done" }, null, null, default)).Should().ThrowAsync<InvalidOperationException>();

    [SkippableFact]
    public async Task Incidents_AddedTwice_AreOneAndResolvedOnce()
    {
        await Incidents.AddAsync([Incident("a", sourceId: "s"), Incident("b")], default);
        await Incidents.AddAsync([Incident("a", sourceId: "s") with { Message = "other" }], default);

        (await Incidents.ListAsync(null, null, "s", 0, 10, default)).Items.Single().Message.Should().Be("It failed: a");
        (await Incidents.ListAsync(new IncidentFilter { Search = "FAILED: a" }, default)).Items.Single().Message.Should().Be("It failed: a");
        (await Incidents.ListAsync(new IncidentFilter { DefinitionId = "nobody's" }, default)).Total.Should().Be(0);
        (await Incidents.ResolveAsync("a", "Settled.", T0, default)).Should().BeTrue();
        (await Incidents.ResolveAsync("a", "Again.", T0, default)).Should().BeFalse();
        (await Incidents.ListAsync(true, null, null, 0, 10, default)).Items.Single().Id.Should().Be("b");
        (await Incidents.ListAsync(new IncidentFilter { DefinitionId = "none" }, default)).Total.Should().Be(0);
        (await Incidents.ListAsync(new IncidentFilter { Since = T0.AddYears(50) }, default)).Total.Should().Be(0);
        (await Incidents.ListAsync(new IncidentFilter { Since = T0.AddYears(-50) }, default)).Total.Should().BePositive();
        (await Incidents.ListAsync(false, null, null, 0, 10, default)).Items.Single().Resolution.Should().Be("Settled.");
    }

    [SkippableFact]
    public async Task Delete_RunOfALineage_KeepsEffectsUntilItsLastRunGoes()
    {
        var lease = await IntentAsync();
        await Runs.CommitAsync(Finish("i1", lease), default);
        var replay = Instance("i2");
        await EnqueueAsync(replay with { Start = replay.Start with { Lineage = "i1" } });
        await Runs.CommitAsync(Finish("i2", (await ClaimAsync("i2")).Lease), default);

        (await Runs.DeleteAsync(["i1"], default)).Should().Be(1);
        (await Effects.FindAsync("k", default)).Should().NotBeNull();
        await Runs.DeleteAsync(["i2"], default);
        (await Effects.FindAsync("k", default)).Should().BeNull();
    }
}
