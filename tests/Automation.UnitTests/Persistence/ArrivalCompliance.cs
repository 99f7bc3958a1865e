using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>What comes for triggers by itself starts one run each, at once or when its trigger is resumed; a removed app voids only tokens that are older.</summary>
public abstract class ArrivalCompliance : PollCompliance
{
    [SkippableFact]
    public async Task ArriveAsync_WhilePaused_WaitsAndIsDeliveredInOrderOnce()
    {
        await PublishAsync(Hook("t1"));
        await Polls.UpdateTriggerAsync("t1", isPaused: true, null, null, null, default);

        var waits = await ArriveAsync("i1", "k1");
        var again = await ArriveAsync("i9", "k1");
        await ArriveAsync("i2", "k2");
        var awaited = await Webhooks.ListAwaitedAsync(default);
        var early = await Webhooks.DeliverWaitingAsync("t1", await Webhooks.ListWaitingAsync("t1", 10, default), default);
        await Polls.UpdateTriggerAsync("t1", isPaused: false, null, null, null, default);
        var behind = await ArriveAsync("i3", "k3");
        var waiting = await Webhooks.ListWaitingAsync("t1", 10, default);

        (waits, again, behind).Should().Be((ArrivalOutcome.Waiting, ArrivalOutcome.Repeated, ArrivalOutcome.Waiting), "what comes after the resume stays behind what came before it");
        awaited.Should().BeEmpty("it is paused");
        (early.Started.Count, early.All).Should().Be((0, false));
        (await Webhooks.CountWaitingAsync(["t1", "t2"], default)).Should().BeEquivalentTo(new Dictionary<string, long> { ["t1"] = 3 });
        waiting.Select(entry => entry.Arrival.Instance.Id).Should().Equal("i1", "i2", "i3");
        waiting[0].Arrival.Should().BeEquivalentTo(Arrival("i1", "k1"), options => options.Excluding(arrival => arrival.Instance.Start.TriggerPayload));
        waiting[0].Arrival.Instance.Start.TriggerPayload!.ToString().Should().Be(Arrival("i1", "k1").Instance.Start.TriggerPayload!.ToString(), "dates stay as they came");

        // Two nodes find the same rows.
        var first = await Webhooks.DeliverWaitingAsync("t1", waiting, default);
        var second = await Webhooks.DeliverWaitingAsync("t1", waiting, default);
        (await Webhooks.ListAwaitedAsync(default)).Should().BeEmpty();

        (first.Started.Count, first.All, second.Started.Count, second.All).Should().Be((3, true, 0, true));
        (await Runs.ListAsync(new RunFilter { PageSize = 10 }, default)).Total.Should().Be(3);
        (await ArriveAsync("i4", "k4")).Should().Be(ArrivalOutcome.Started);
        (await ArriveAsync("i9", "k2")).Should().Be(ArrivalOutcome.Repeated, "it was delivered");
        (await Polls.FindTriggerAsync("t1", default))!.LastFiredAt.Should().Be(T0);
    }

    [SkippableFact]
    public async Task ArriveAsync_ManyWhileTriggersArePausedAndResumed_LosesAndDoublesNone()
    {
        await PublishAsync(Hook("t1"));

        var arrivals = Enumerable.Range(0, 40).Select(i => Task.Run(() => ArriveAsync($"i{i}", $"k{i % 20}")));
        var switches = Enumerable.Range(0, 10).Select(i => Task.Run(() => Polls.UpdateTriggerAsync("t1", isPaused: i % 2 == 0, null, null, null, default)));
        await Task.WhenAll([.. arrivals, .. switches]);
        await Polls.UpdateTriggerAsync("t1", isPaused: false, null, null, null, default);
        var waiting = await Webhooks.ListWaitingAsync("t1", 100, default);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Webhooks.DeliverWaitingAsync("t1", waiting, default)));

        (await Webhooks.ListWaitingAsync("t1", 10, default)).Should().BeEmpty();
        (await Polls.ListDeliveriesAsync("t1", null, 100, default)).Select(delivery => delivery.EventKey).Should().BeEquivalentTo(Enumerable.Range(0, 20).Select(i => $"k{i}"));
        (await Runs.ListAsync(new RunFilter { PageSize = 1 }, default)).Total.Should().Be(20);
    }

    [SkippableFact]
    public async Task ArriveAsync_TriggerRetractedMeanwhile_IsGone_AndWhatWaitedComesWithItsReturn()
    {
        await PublishAsync(Hook("t1"));
        await Polls.UpdateTriggerAsync("t1", isPaused: true, null, null, null, default);
        await ArriveAsync("i1", "k1");

        await Definitions.RetractAsync("def-1", default);
        var gone = await ArriveAsync("i2", "k2");
        var away = await Webhooks.DeliverWaitingAsync("t1", await Webhooks.ListWaitingAsync("t1", 10, default), default);
        await PublishAsync(Hook("t1"));

        gone.Should().Be(ArrivalOutcome.Gone);
        away.Started.Should().BeEmpty();
        (await Webhooks.ListAwaitedAsync(default)).Should().ContainSingle().Which.Id.Should().Be("t1");
        (await Webhooks.DeliverWaitingAsync("t1", await Webhooks.ListWaitingAsync("t1", 10, default), default)).Started.Should().Equal("i1");
    }

    [SkippableFact]
    public async Task DeliverWaitingAsync_FlowThatRunsOneAtATime_StopsAtTheFirstThatMayNotStart()
    {
        await PublishAsync(Hook("t1"));
        await Polls.UpdateTriggerAsync("t1", isPaused: true, null, null, null, default);
        await ArriveAsync("i1", "k1");
        await ArriveAsync("i2", "k2");
        await Polls.UpdateTriggerAsync("t1", isPaused: false, null, null, null, default);
        async Task<IReadOnlyList<(long, Arrival)>> WaitingAsync() =>
            [.. (await Webhooks.ListWaitingAsync("t1", 10, default)).Select(entry => (entry.No, entry.Arrival with { Instance = entry.Arrival.Instance with { Activation = new ActivationKey("definition/def-1", null) } }))];

        var first = await Webhooks.DeliverWaitingAsync("t1", await WaitingAsync(), default);
        var busy = await Webhooks.DeliverWaitingAsync("t1", await WaitingAsync(), default);
        var claimed = await ClaimAsync("i1");
        await Runs.CommitAsync(Finish("i1", claimed.Lease), default);
        var second = await Webhooks.DeliverWaitingAsync("t1", await WaitingAsync(), default);

        (first.All, busy.Started.Count, busy.All, second.All).Should().Be((false, 0, false, true));
        first.Started.Concat(second.Started).Should().Equal("i1", "i2");
    }

    [SkippableFact]
    public async Task PublishAsync_WebhookTriggerOfAnotherLocation_ListensThere()
    {
        await PublishAsync(Hook("t1") with { Kind = "webhook", Hash = "h" });

        await PublishAsync(Hook("t1") with { Kind = "webhook", Hash = "h", LocationId = "loc-2" });

        (await Polls.FindListeningAsync(["other", "h"], default)).Should().ContainSingle().Which.LocationId.Should().Be("loc-2");
    }

    [SkippableFact]
    public async Task DropWaitingAsync_PastRetention_DeletesAndSaysSoOnce()
    {
        await PublishAsync(Hook("t1"));
        await Polls.UpdateTriggerAsync("t1", isPaused: true, null, null, null, default);
        await ArriveAsync("i1", "k1");
        await ArriveAsync("i2", "k2");
        await ArriveAsync("i3", "k3", T0.AddDays(40));

        var (first, second, third) = (await DropAsync(1), await DropAsync(1), await DropAsync(1));

        (first, second, third).Should().Be((1, 1, 0));
        (await Webhooks.ListWaitingAsync("t1", 10, default)).Should().ContainSingle().Which.Arrival.EventKey.Should().Be("k3");
        (await Incidents.ListAsync(true, null, null, 0, 10, default)).Items.Should().ContainSingle().Which.Code.Should().Be("arrivals-dropped");

        Task<int> DropAsync(int limit) => Webhooks.DropWaitingAsync(T0.AddDays(30), T0.AddDays(60), limit, default);
    }

    [SkippableFact]
    public async Task TakeAsync_AppRemoved_VoidsTheTokenOnce_AndLeavesYoungerOnesAlone()
    {
        await Tokens.ConnectAsync(Token(T0), default);

        var removed = await Webhooks.TakeAsync(Removal("w1", T0.AddMinutes(1)), default);
        var refused = await Tokens.FindAsync("con-1", "", default);
        await Tokens.ConnectAsync(Token(T0.AddMinutes(2)), default);
        var again = await Webhooks.TakeAsync(Removal("w1", T0.AddMinutes(1)), default);
        var late = await Webhooks.TakeAsync(Removal("w2", T0.AddMinutes(1)), default);
        var kept = await Tokens.FindAsync("con-1", "", default);

        (removed!.Webhook.Outcome, again, late!.Webhook.Outcome).Should().Be(("removed", null, "outdated"));
        (refused!.IsRefused, refused.Error).Should().Be((true, "The app was removed."));
        (kept!.IsRefused, kept.Error, kept.Secret).Should().BeEquivalentTo((false, (string?)null, new byte[] { 1 }), "a person has connected again since");
        (await Webhooks.ListAsync("con-1", 0, 10, default)).Items.Select(webhook => webhook.Outcome).Should().Equal("outdated", "removed");
        (await Incidents.ListAsync(null, null, null, 0, 10, default)).Items.Should().ContainSingle().Which.Id.Should().Be(Automation.Runtime.Connections.AccessTokens.IncidentIdOf("con-1", "", 1));
    }

    [SkippableFact]
    public async Task TakeAsync_AppInstalledInALocation_TakesItsRefusalBackAndResolvesTheIncident()
    {
        await Tokens.ConnectAsync(Token(T0), default);
        await Webhooks.TakeAsync(Removal("w1", T0.AddMinutes(1)) with { TokenLocation = "loc-1" }, default);
        var own = await Tokens.FindAsync("con-1", "", default);

        await Webhooks.TakeAsync(new WebhookCommit(Webhook("w2", T0.AddMinutes(2), "installed")) { TokenLocation = "loc-1" }, default);

        own!.IsRefused.Should().BeFalse("the app is there in the agency's other locations");
        (await Tokens.FindAsync("con-1", "loc-1", default))!.Should().Match<TokenRecord>(token => !token.IsRefused && token.Error == null);
        (await Incidents.ListAsync(true, null, null, 0, 10, default)).Total.Should().Be(0);
    }

    private static TriggerRecord Hook(string id) => PollTrigger(id) with { Kind = "hook", SourceId = null, ConnectionId = null };

    private static Arrival Arrival(string id, string key, DateTimeOffset? at = null) => new("t1", key, Instance(id, "c1") with
    {
        TriggerId = "t1",
        StartedBy = "hook",
        CreatedAt = at ?? T0,
        Start = new RunStart { InstanceId = id, LocationId = "loc-1", TriggerActivityId = "poll", TriggerPayload = new JObject { ["at"] = "2026-03-01T12:00:00Z", ["n"] = null } },
    });

    private Task<ArrivalOutcome> ArriveAsync(string id, string key, DateTimeOffset? at = null) => Webhooks.ArriveAsync(Arrival(id, key, at), default);

    private static TokenRecord Token(DateTimeOffset issued) => new() { ConnectionId = "con-1", LocationId = "", Secret = [1], IssuedAt = issued, ExpiresAt = issued.AddDays(1) };

    private static WebhookRecord Webhook(string id, DateTimeOffset sent, string outcome) => new() { ConnectionId = "con-1", WebhookId = id, Type = "UNINSTALL", SentAt = sent, ReceivedAt = sent.AddSeconds(1), Outcome = outcome, Body = [] };

    private static WebhookCommit Removal(string id, DateTimeOffset sent) => new(Webhook(id, sent, "removed")) { TokenLocation = "", Removed = Incident("") with { Message = "The app was removed." } };
}
