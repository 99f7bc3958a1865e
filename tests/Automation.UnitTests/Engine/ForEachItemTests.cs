using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class ForEachItemTests
{
    private readonly EngineHarness harness = new();

    [Fact]
    public async Task Items_SomeFail_OthersGoOnAndTheErrorsAreNoted()
    {
        var run = await harness.RunAsync(Definition("Continue", 1, FailsAtTwo()));

        harness.Said.Should().Equal("1", "3", "2/1: broken");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        run.Incidents.Should().BeEmpty();
        harness.Journal.Should().ContainSingle(j => j.ActivityId == "f" && j.EventName == "Faulted");
    }

    [Fact]
    public async Task Items_FailAndStop_TheRestIsLeft()
    {
        await harness.RunAsync(Definition("Stop", 1, FailsAtTwo()));
        harness.Said.Should().Equal("1", "1/1: broken");
    }

    [Fact]
    public async Task Items_FailAndFault_IsAnIncident()
    {
        var run = await harness.RunAsync(Definition("Fault", 1, FailsAtTwo()));

        harness.Said.Should().Equal("1");
        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        run.Incidents.Should().ContainSingle().Which.ActivityId.Should().Be("f");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(100, 3)]
    public async Task Items_ThatWait_AreInProgressUpToTheLimit(int concurrency, int waiting)
    {
        var run = await harness.RunAsync(Definition("Continue", concurrency, Def.Sequence("b", Def.Activity("Test.WaitFor", "w").With("key", Def.Js("'k' + getCurrentValue()")), Def.SayJs("said", "String(getCurrentValue())"))));
        run.Bookmarks.Should().HaveCount(waiting);

        for (var i = 1; i <= 3; i++)
        {
            run = harness.Reload(run);
            await harness.ResumeAsync(run, "k" + i);
        }

        harness.Said.Should().Equal("1", "2", "3", "3/0: ");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Item_FailingWhileAParallelBranchWaits_TakesItsBookmarkAway()
    {
        var both = Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.WaitFor("k"), Def.Fail("f")));
        var run = await harness.RunAsync(Definition("Continue", 3, both));

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        run.Bookmarks.Should().BeEmpty();
        harness.Said.Should().Equal("0/3: broken");
    }

    [Fact]
    public async Task Item_WhoseWriteHasAnUnknownOutcome_StaysAnIncident()
    {
        harness.OnAct = (_, _) => ValueTask.FromResult(ActivityResult.Faulted(new Fault("Nobody knows.") { Code = "outcome-unknown" }));
        var run = await harness.RunAsync(Definition("Continue", 1, Def.Act("a")));
        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
    }

    private static JObject FailsAtTwo() =>
        Def.Sequence("b", Def.Activity("Elsa.If", "i").With("condition", Def.Js("getCurrentValue() == 2")).With("then", Def.Fail("f")), Def.SayJs("w", "String(getCurrentValue())"));

    private static JObject Definition(string onError, int concurrency, JObject body) => Def.Of(Def.Sequence(
        "s",
        Def.Activity("Automation.ForEach", "each").With("items", Def.Js("[1,2,3]")).With("concurrency", Def.Literal(concurrency)).With("onError", Def.Literal(onError)).With("body", body),
        Def.SayJs("sum", "`${getOutputFrom('each','Succeeded')}/${getOutputFrom('each','Failed')}: ${(getOutputFrom('each','Errors')[0]||{message:''}).message}`")));
}
