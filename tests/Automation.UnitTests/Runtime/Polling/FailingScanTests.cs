using Automation.Runtime;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>A list that answers badly fires nothing, says why, and goes on by itself.</summary>
public sealed class FailingScanTests
{
    [Fact]
    public async Task PollAsync_DuplicateAndBrokenItems_GoodOnesGoOnAndBadOnesAreOneIncidentEach()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Put("x", "good");
        world.Server.Items.Add(new JObject { ["id"] = "x", ["name"] = "good, and newer" });
        world.Server.Items.Add(new JObject { ["name"] = "no id" });
        world.Server.Items.Add("not an object");

        await world.PollAsync();
        await world.PollAsync();

        (await world.FiredAsync("flow")).Should().Equal("x@1");
        (await world.IncidentsAsync()).Should().HaveCount(2).And.OnlyContain(incident => incident.Kind == "item" && incident.Action != null);
    }

    [Theory]
    [InlineData(401, "{\"message\":\"Invalid JWT\"}", "401")]
    [InlineData(403, "{\"message\":\"The token is not authorized for this scope.\"}", "403")]
    [InlineData(404, "{\"message\":\"No such list\"}", "404")]
    [InlineData(503, "{\"message\":\"down\"}", "503")]
    [InlineData(200, "<html><body>Sign in</body></html>", "JSON")]
    [InlineData(200, "{\"things\": [{\"id\": \"x\"", "JSON")]
    [InlineData(200, "{\"other\": []}", "things")]
    public async Task PollAsync_AnswerThatIsNoPage_FiresNothingAndShowsTheReason(int status, string body, string reason)
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 2);
        await world.PublishAsync("flow");
        await world.PollAsync();
        var watermark = (await world.SourceAsync()).Watermark;
        world.Server.Put("x", "new");
        world.Server.Before = async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = body.StartsWith('<') ? "text/html" : "application/json";
            await context.Response.WriteAsync(body);
            return true;
        };

        await world.PollAsync();

        var source = await world.SourceAsync();
        source.LastError.Should().Contain(reason).And.NotContain("secret-key");
        source.Failures.Should().Be(1);
        source.Watermark.Should().Be(watermark);
        (await world.FiredAsync("flow")).Should().BeEmpty();

        world.Server.Before = null;
        await world.PollAsync();
        (await world.FiredAsync("flow")).Should().Equal("x@1");
        (await world.SourceAsync()).LastError.Should().BeNull();
    }

    [Fact]
    public async Task PollAsync_NoAnswerInTime_FiresNothingAndShowsTheReason()
    {
        await using var world = await PollingWorld.StartAsync(callTimeout: TimeSpan.FromMilliseconds(500));
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Before = async (context, _) =>
        {
            var aborted = new TaskCompletionSource();
            await using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
            await aborted.Task;
            return true;
        };

        await world.PollAsync();

        var source = await world.SourceAsync();
        source.LastError.Should().NotBeNullOrEmpty();
        source.Failures.Should().Be(1);
    }

    [Theory]
    [InlineData(2, 5, "come again")]
    [InlineData(7, 60, "come again")]
    [InlineData(1000, 60, "60 pages")]
    public async Task PollAsync_ListWithoutAnEnd_IsStoppedWithItsReasonAndAbandoned(int pagesOfACircle, int requests, string reason)
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.PollAsync();
        world.Server.Before = async (context, skip) =>
        {
            // The same hundred ids under ever new page tokens would be one page; these come round, or are ever new ones.
            var page = new JArray(Enumerable.Range(0, 100).Select(i => new JObject { ["id"] = $"e{(skip / 100 % pagesOfACircle * 100) + i}" }));
            await ListServer.WriteAsync(context, new JObject { ["things"] = page });
            return true;
        };
        var before = world.Server.Requests;

        await world.PollAsync();

        (world.Server.Requests - before).Should().BeInRange(2, requests);
        var source = await world.SourceAsync();
        source.LastError.Should().Contain(reason);
        source.ScanUpper.Should().BeNull();
        source.DueAt.Should().BeAfter(world.Clock.GetUtcNow());
    }

    [Fact]
    public async Task PollAsync_FailuresInARow_BackOffAndRaiseOneIncidentThatClosesWithTheOutage()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow", interval: "60s");
        await world.PollAsync();
        world.Server.Before = (context, _) =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        var waits = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            await world.PollAsync();
            var source = await world.SourceAsync();
            waits.Add(Math.Round((source.DueAt!.Value - source.LastPollAt!.Value).TotalMinutes));
        }

        waits.Should().Equal(1, 2, 4, 8, 16);
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.Kind == "source" && incident.ResolvedAt == null);

        world.Server.Before = null;
        await world.PollAsync();
        (await world.IncidentsAsync()).Should().ContainSingle(incident => incident.ResolvedAt != null);
    }

    [Fact]
    public async Task PollAsync_ConnectionDeleted_SaysSoOnTheSource()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.PublishAsync("flow");
        await world.Get<Automation.Runtime.Connections.ConnectionVault>().DeleteAsync(PollingWorld.Connection, force: true, default);

        await world.PollAsync();

        (await world.SourceAsync()).LastError.Should().Contain(PollingWorld.Connection).And.Contain("does not exist");
        world.Server.Requests.Should().Be(0);
    }

    [Fact]
    public async Task PollAsync_ConnectionMovedToAnotherLocation_ReadsNothingThereAndSaysWhatToDo()
    {
        await using var world = await PollingWorld.StartAsync();
        Fill(world, 3);
        await world.PublishAsync("flow");
        await world.PollAsync();
        var vault = world.Get<Automation.Runtime.Connections.ConnectionVault>();
        var connection = (await vault.FindAsync(PollingWorld.Connection, default))!;
        world.Server.Put("of-loc-2", "new there");
        var before = world.Server.Requests;

        await vault.SaveAsync(connection with { LocationId = "loc-2" }, default);
        await world.PollAsync();
        var error = (await world.SourceAsync()).LastError;
        await vault.SaveAsync(connection, default);
        await world.PollAsync();

        error.Should().Contain("loc-1").And.Contain("loc-2").And.Contain("Publish the flow again");
        world.Server.Requests.Should().Be(before + 1, "only the location that it watches was read");
        (await world.FiredAsync("flow")).Should().Equal("of-loc-2@1");
    }

    [Fact]
    public async Task PollAsync_ConnectionGivenAnotherServer_TakesANewBaseline()
    {
        await using var world = await PollingWorld.StartAsync(isSandbox: false);
        Fill(world, 3);
        await world.PublishAsync("flow", interval: "1m");
        await world.PollAsync();
        var vault = world.Get<Automation.Runtime.Connections.ConnectionVault>();
        await using var other = await ListServer.StartAsync();
        other.Put("i1", "another's");
        other.Put("theirs", "another's");

        await vault.SaveAsync((await vault.FindAsync(PollingWorld.Connection, default))! with { BaseUrl = other.Url }, default);
        var reset = await world.SourceAsync();
        await world.PollAsync();
        other.Put("theirs", "changed");
        await world.PollAsync();

        reset.BaselinedAt.Should().BeNull();
        (await world.FiredAsync("flow")).Should().Equal("theirs@2");
        (await world.Triggers.CountBackfillAsync(await world.TriggerAsync("flow"), default)).Should().Be((2L, 2L), "what only the other server had is no part of the list");
    }

    private static void Fill(PollingWorld world, int count)
    {
        for (var i = world.Server.Items.Count; i < count; i++)
        {
            world.Server.Put($"i{i}", $"name {i}");
        }
    }
}
