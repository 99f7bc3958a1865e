using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Engine;

public sealed class CommitStrategyTests
{
    private readonly EngineHarness harness = new();

    [Theory]
    [InlineData(null)]
    [InlineData("WorkflowExecuted")]
    [InlineData("Nonsense")]
    [InlineData("WorkflowExecuting", "")]
    [InlineData("ActivityExecuting", "", "", "", "a", "a,b")]
    [InlineData("ActivityExecuted", "", "", "a", "a,b", "a,b,c")]
    public async Task Strategy_OfTheWorkflow_CommitsWhereItSays(string? name, params string[] expected)
    {
        (await CommitsAsync(name, Say("a"), Say("b"), Say("c"))).Should().Equal(expected);
    }

    [Theory]
    [InlineData("CommitAlways", "a", "a,b")]
    [InlineData("Executing", "a")]
    [InlineData("Executed", "a,b")]
    public async Task Strategy_OfAnActivity_CommitsAroundIt(string name, params string[] expected)
    {
        (await CommitsAsync(null, Say("a"), Say("b", name), Say("c"))).Should().Equal(expected);
    }

    [Fact]
    public async Task Strategy_NeverOfAnActivity_WinsOverTheWorkflows()
    {
        (await CommitsAsync("ActivityExecuted", Say("a", "CommitNever"))).Should().NotContain("a");
    }

    [Fact]
    public async Task Strategy_Periodic_CommitsWhenTheLastCommitIsOld()
    {
        harness.OnAct = (_, _) =>
        {
            harness.Clock.Advance(TimeSpan.FromSeconds(11));
            return ValueTask.FromResult(ActivityResult.Done);
        };
        (await CommitsAsync("Periodic", Say("a"), Def.Activity("Test.Act", "slow"), Say("b"))).Should().Equal("a");
    }

    private static JObject Say(string text, string? strategy = null)
    {
        var say = Def.Say(text);
        if (strategy is not null)
        {
            ((JObject)say["customProperties"]!)["commitStrategyName"] = strategy;
        }

        return say;
    }

    /// <summary>What had been said at each commit.</summary>
    private async Task<List<string>> CommitsAsync(string? strategy, params JObject[] activities)
    {
        var run = harness.Create(Def.Of(Def.Sequence("s", activities)).With("options", new JObject { ["commitStrategyName"] = strategy }));
        var host = new Host(harness.Said);
        run.Host = host;
        await harness.BurstAsync(run);
        return host.Commits;
    }

    private sealed class Host(List<string> said) : IRunHost
    {
        public List<string> Commits { get; } = [];

        public void EnsureHeld()
        {
        }

        public ValueTask CheckpointAsync(WorkflowRun run, CancellationToken cancellationToken)
        {
            run.SaveState();
            Commits.Add(string.Join(",", said));
            return ValueTask.CompletedTask;
        }
    }
}
