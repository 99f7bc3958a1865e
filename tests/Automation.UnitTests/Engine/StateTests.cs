using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class StateTests
{
    private readonly EngineHarness harness = new();

    [Theory]
    [InlineData("Token")]
    [InlineData("Counter")]
    public async Task Reload_BetweenAllBursts_EqualsAnUninterruptedRun(string mode)
    {
        var plain = new EngineHarness();
        var uninterrupted = await BurstsAsync(plain, mode, (h, run) => run);
        var reloaded = await BurstsAsync(harness, mode, (h, run) => h.Reload(run));

        harness.Said.Should().Equal(plain.Said).And.HaveCount(8);
        harness.Journal.Select(Line).Should().Equal(plain.Journal.Select(Line));
        reloaded.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        reloaded.DescribeState().ToString().Should().Be(uninterrupted.DescribeState().ToString());

        static string Line(JournalRecord j) => $"{j.Sequence} {j.EventName} {j.ActivityInstanceId} {j.NodeId}#{j.Iteration} {j.State?.ToString(Newtonsoft.Json.Formatting.None)}";
    }

    [Theory]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("3")]
    [InlineData("-9007199254740993")]
    [InlineData("1.5")]
    [InlineData("\"text ü 😀\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"a\":[1,null,{\"b\":\"2030-01-01T00:00:00Z\"}],\"$id\":\"1\"}")]
    [InlineData("123456789012345678901234567890")]
    public async Task Variables_OfAnyJson_RoundTrip(string json)
    {
        var definition = Def.Of(Def.WaitFor("k"), Def.Variable("V", "Object"));
        var run = await harness.RunAsync(definition, new RunStart { InstanceId = "run", Variables = new JObject { ["V"] = Json.Parse(json) }, Input = new JObject { ["in"] = Json.Parse(json) } });
        var before = run.Variables.Single().Value;
        run = harness.Reload(run);

        var after = run.Variables.Single().Value;
        (after?.GetType()).Should().Be(before?.GetType());
        Json.Write(Automation.Engine.Expressions.ValueConverter.ToJson(after)).Should().Be(json);
        Json.Write(run.Input["in"]).Should().Be(json);
    }

    [Fact]
    public async Task Checkpoint_InAnActivity_OnlyThatActivityIsExecutedAgain()
    {
        byte[]? saved = null;
        var executions = new List<(string Key, string Instance, string? Text, string? Secret)>();
        harness.OnAct = (context, _) =>
        {
            executions.Add((context.EffectKey, context.ActivityInstanceId, context.GetInput("text") as string, context.GetInput("SECRET") as string));
            context.PublishEvent("sent");
            saved ??= context.Run.SaveState();
            return ValueTask.FromResult(ActivityResult.Done);
        };

        // The input counts its evaluations: what a checkpoint kept is not evaluated again.
        var act = Def.Act("a").With("text", Def.Js("setN(getN() + 1), `n${getN()}`")).With("secret", Def.Literal("s3cret"));
        var definition = Def.Of(Def.Sequence("s", Def.Say("before"), Def.Activity("Elsa.For", "f").With("end", Def.Literal(1)).With("body", act), Def.Say("after")), Def.Variable("N", "Int32", "0"));
        var plan = harness.Compile(definition);
        var first = harness.Engine.Create(plan, new RunStart { InstanceId = "run" });
        await harness.Engine.RunAsync(first, [], NoServices.Instance, CancellationToken.None);
        var uninterrupted = executions.ToList();
        executions.Clear();
        harness.Said.Clear();

        System.Text.Encoding.UTF8.GetString(saved!).Should().NotContain("s3cret");
        var again = harness.Engine.Load(plan, saved!);
        await harness.Engine.RunAsync(again, [], NoServices.Instance, CancellationToken.None);

        executions.Should().Equal(uninterrupted).And.HaveCount(2);
        executions.Select(e => e.Key).Should().Equal("run/Workflow1:s:f:a#0", "run/Workflow1:s:f:a#1");
        executions.Select(e => e.Text).Should().Equal("n1", "n2");
        harness.Said.Should().Equal("after");
        again.DrainChanges().Events.Should().HaveCount(2);
        again.ActivityCount.Should().Be(first.ActivityCount);
    }

    [Fact]
    public async Task Checkpoint_InAResume_IsResumedAgain()
    {
        byte[]? saved = null;
        var calls = 0;
        harness.OnAct = (context, _) =>
        {
            if (++calls == 1)
            {
                return ValueTask.FromResult(ActivityResult.Suspended(new BookmarkRequest("b", "k")));
            }

            saved ??= context.Run.SaveState();
            return ValueTask.FromResult(ActivityResult.Done);
        };
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Act("a"), Def.Say("end"))));
        await harness.ResumeAsync(run, "k");
        var again = harness.Engine.Load(run.Plan, saved!);
        again.Bookmarks.Should().BeEmpty();
        await harness.BurstAsync(again);

        calls.Should().Be(3);
        harness.Said.Should().Equal("end", "end");
    }

    [Fact]
    public async Task Host_Checkpoint_GetsTheChangesWithoutWhatTheRunningActivityAskedFor()
    {
        var host = new Host();
        harness.OnAct = async (context, cancellationToken) =>
        {
            context.PublishEvent("e");
            context.Journal("Sending", "about to send");
            await context.CheckpointAsync(cancellationToken);
            return ActivityResult.Done;
        };
        var run = harness.Create(Def.Of(Def.Act("a")));
        run.Host = host;
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);

        host.Changes.Should().ContainSingle().Which.Should().Match<RunChanges>(c => c.Events.Count == 0 && c.Journal.Any(j => j.EventName == "Sending"));
        run.DrainChanges().Events.Should().ContainSingle();
    }

    [Fact]
    public async Task Host_LongLoop_CommitsBetweenActivitiesAndGoesOnFromThere()
    {
        var host = new Host();
        var definition = Def.Of(Def.Activity("Elsa.For", "loop").With("start", Def.Literal(1)).With("end", Def.Literal(900)).With("body", Def.SayJs("w", "'' + getVariable('CurrentValue')")));
        var run = harness.Create(definition);
        run.Host = host;
        await harness.Engine.RunAsync(run, [], NoServices.Instance, CancellationToken.None);
        host.Changes.Should().ContainSingle().Which.Journal.Should().HaveCount(1_000);
        run.DrainChanges().Journal.Should().HaveCount(804);

        harness.Said.Clear();
        var again = harness.Engine.Load(run.Plan, host.States[0]);
        await harness.Engine.RunAsync(again, [], NoServices.Instance, CancellationToken.None);
        harness.Said.Should().Equal(Enumerable.Range(500, 401).Select(i => $"{i}"));
    }

    [Fact]
    public async Task Replay_OfAFaultedRun_GoesOnFromTheFailedActivity()
    {
        var isBroken = true;
        var keys = new List<string>();
        harness.OnAct = (context, _) =>
        {
            keys.Add(context.EffectKey);
            return ValueTask.FromResult(isBroken ? ActivityResult.Faulted("broken") : ActivityResult.Done);
        };
        var definition = Def.Of(Def.Sequence("s", Def.Say("one"), Def.Activity("Test.Write", "wr").With("value", Def.Literal("kept")), Def.Act("a"), Def.SayJs("two", "getOutputFrom('wr')")));
        var run = await harness.RunAsync(definition);
        run.SubStatus.Should().Be(WorkflowSubStatus.Faulted);
        isBroken = false;
        var replay = harness.Engine.Replay(run.Plan, run.SaveState(), "run2");
        await harness.BurstAsync(replay);

        harness.Said.Should().Equal("one", "kept");
        keys.Should().Equal("run/Workflow1:s:a#0", "run/Workflow1:s:a#0");
        (replay.InstanceId, replay.Lineage, replay.SubStatus).Should().Be(("run2", "run", WorkflowSubStatus.Finished));
        replay.Incidents.Should().BeEmpty();
    }

    [Fact]
    public async Task Retry_OfAFaultedRun_RunsItsOtherBranchesToo()
    {
        var isBroken = true;
        harness.OnAct = (_, _) => ValueTask.FromResult(isBroken ? ActivityResult.Faulted("broken") : ActivityResult.Done);
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.WaitFor("k"), Def.Act("a"), Def.Say("queued"))), Def.Say("end"))));
        run = harness.Reload(run);
        isBroken = false;
        harness.Engine.Retry(run).Should().BeTrue();
        await harness.BurstAsync(run);
        run.Bookmarks.Should().ContainSingle();
        await harness.ResumeAsync(harness.Reload(run), "k");

        harness.Said.Should().Equal("queued", "end");
    }

    [Fact]
    public async Task Retry_OfAFaultedContainer_StartsItAnew()
    {
        var loop = Def.Activity("Elsa.While", "loop").With("condition", Def.Js("getN() > 1 ? broken() : getN() < 2")).With("body", Def.Sequence("b", Def.SayJs("w", "`n${getN()}`"), Def.Set("N", Def.Js("getN() + 1"))));
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", loop, Def.Say("end")), Def.Variable("N", "Int32", "0")));
        run.Incidents.Should().ContainSingle().Which.ActivityId.Should().Be("loop");
        run = harness.Reload(run);
        harness.Engine.Retry(run).Should().BeTrue();
        await harness.BurstAsync(run);

        harness.Said.Should().Equal("n0", "n1");
        run.Incidents.Select(i => i.ActivityId).Should().Equal("loop", "loop");
        harness.Engine.Retry(await harness.RunAsync(Def.Of(Def.Say("x")))).Should().BeFalse();
    }

    [Theory]
    [InlineData("Elsa.Complete")]
    [InlineData("Elsa.Finish")]
    public async Task Fault_AnotherBranchEndsTheWorkflow_RunStaysFaulted(string end)
    {
        var run = await harness.RunAsync(Def.Of(Def.Sequence("s", Def.Activity("Elsa.Parallel", "p").With("activities", new JArray(Def.Fail("f"), Def.Activity(end, "x"))))));

        (run.Status, run.SubStatus).Should().Be((WorkflowStatus.Finished, WorkflowSubStatus.Faulted));
        run.Incidents.Should().ContainSingle().Which.ActivityId.Should().Be("f");
    }

    [Fact]
    public async Task Load_NewerFormat_IsRefused()
    {
        var run = await harness.RunAsync(Def.Of(Def.WaitFor("k")));
        var blob = run.SaveState();
        blob[0] = (WorkflowEngine.StateFormat + 1) * 2;

        var load = () => harness.Engine.Load(run.Plan, blob);
        load.Should().Throw<StateFormatException>().WithMessage("*format 2*up to 1*");
    }

    [Fact]
    public async Task Load_DamagedBlob_SaysSo()
    {
        var run = await harness.RunAsync(Def.Of(Def.WaitFor("k")));
        var blob = run.SaveState();

        var load = () => harness.Engine.Load(run.Plan, blob[..(blob.Length / 2)]);
        load.Should().Throw<InvalidDataException>();
    }

    [Fact]
    public async Task Load_GoldenFileOfFormat1_GoesOn()
    {
        // Written by format 1 and never changed: a state that a user's database holds.
        var path = Path.Combine(AppContext.BaseDirectory, "Engine", "Golden", "state-1.base64");
        var blob = Convert.FromBase64String(await File.ReadAllTextAsync(path));
        var plan = harness.Compile(Golden());
        var run = harness.Engine.Load(plan, blob);

        run.Variables.Single(v => v.Name == "Cfg").Value.Should().BeOfType<JObject>().Which["a"]![1]!.Value<double>().Should().Be(2.5);
        run.Incidents.Should().BeEmpty();
        await harness.ResumeAsync(run, "left", "loop-0");
        run = harness.Reload(run);
        await harness.ResumeAsync(run, "loop-1");
        harness.Said.Should().Equal("joined v {\"a\":[1,2.5,\"x\"]}");
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    [Fact]
    public async Task Load_BackwardExecutionsCountedAsVisits_JoinOfTheNextRoundIsReached()
    {
        // Written before executions by a backward connection ceased to count as visits: 'join' was visited twice, and each way to it once.
        var path = Path.Combine(AppContext.BaseDirectory, "Engine", "Golden", "state-1-backward.base64");
        var run = harness.Engine.Load(harness.Compile(Loops()), Convert.FromBase64String(await File.ReadAllTextAsync(path)));

        await harness.ResumeAsync(run, "w");
        await harness.ResumeAsync(run, "w");
        harness.Said.Should().Equal("outer", "side", "end");
        run.Variables.Single(v => v.Name == "J").Value.Should().Be(3);
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
    }

    /// <summary>A loop to a join, inside of a loop around it.</summary>
    internal static JObject Loops() => Def.Of(
        Def.Flowchart(
            ["outer -> join", "outer -> side", "side -> join", "join -> w", "w -> count", "count -> inner", "inner:True -> join", "inner:False -> again", "again:True -> outer", "again:False -> end"],
            Def.Say("outer"),
            Def.Say("side"),
            Def.Set("J", Def.Js("getJ() + 1"), "join"),
            Def.WaitFor("w"),
            Def.Set("N", Def.Js("getN() + 1"), "count"),
            Def.Decision("inner", "getN() == 1"),
            Def.Decision("again", "getN() == 2"),
            Def.Say("end")),
        Def.Variable("N", "Int32", "0"),
        Def.Variable("J", "Int32", "0")).InMode("Counter");

    internal static JObject Golden() => Def.Of(
        Def.Flowchart(
            ["set -> left", "set -> loop", "left -> join", "loop -> join", "join -> end"],
            Def.Set("Cfg", Def.Js("({a:[1,2.5,'x']})"), "set"),
            Def.WaitFor("left"),
            Def.Activity("Elsa.ForEach", "loop").With("items", Def.Expression("Object", "[0,1]")).With("body", Def.Activity("Test.WaitFor", "w").With("key", Def.Js("'loop-' + getVariable('CurrentValue')"))),
            Def.Join("join", "WaitAll"),
            Def.SayJs("end", "`joined ${getInput('in')} ${toJson(getCfg())}`")),
        Def.Variable("Cfg", "Object"));

    private static async Task<WorkflowRun> BurstsAsync(EngineHarness harness, string mode, Func<EngineHarness, WorkflowRun, WorkflowRun> between)
    {
        var loop = Def.Activity("Elsa.For", "loop").With("end", Def.Literal(2)).With("body", Def.Sequence(
            "body",
            Def.Activity("Test.WaitFor", "w").With("key", Def.Js("'k' + getVariable('CurrentValue')")),
            Def.SayJs("said", "getVariable('CurrentValue') + ' ' + getOutputFrom('w')")));
        var definition = Def.Of(Def.Flowchart(
            ["a -> loop", "a -> side", "loop -> join", "side -> join", "join -> end", "d:True -> yes", "d:False -> no", "end -> d", "yes -> close", "no -> close"],
            Def.SayJs("a", "'a'"), loop, Def.WaitFor("side"), Def.Join("join", "WaitAll"), Def.Say("end"), Def.Decision("d", "true"), Def.Say("yes"), Def.Say("no"), Def.Say("close"), Def.Say("lost"))).InMode(mode);
        definition["root"]!["start"] = "a";
        var run = between(harness, harness.Create(definition));
        await harness.BurstAsync(run);
        foreach (var key in new[] { "k0", "side", "k1", "k2" })
        {
            run = between(harness, run);
            await harness.ResumeAsync(run, key);
        }

        harness.Said.Add("over");
        return run;
    }

    private sealed class Host : IRunHost
    {
        public void EnsureHeld()
        {
        }

        public List<RunChanges> Changes { get; } = [];
        public List<byte[]> States { get; } = [];

        public ValueTask CheckpointAsync(WorkflowRun run, CancellationToken cancellationToken)
        {
            States.Add(run.SaveState());
            Changes.Add(run.DrainChanges());
            return ValueTask.CompletedTask;
        }
    }
}
