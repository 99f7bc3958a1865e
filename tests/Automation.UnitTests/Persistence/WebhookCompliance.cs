using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Webhooks are taken once; hints are one per item and end only when they were read as they are; secret addresses outlive republishing.</summary>
public abstract class WebhookCompliance : PollCompliance
{
    private static WebhookRecord Webhook(string id = "w1", string outcome = "taken") => new()
    {
        ConnectionId = "con-1",
        WebhookId = id,
        Type = "ContactUpdate",
        LocationId = "loc-1",
        ItemId = "c1",
        SentAt = T0,
        ReceivedAt = T0.AddSeconds(1),
        Outcome = outcome,
        Body = new JObject { ["id"] = "c1", ["note"] = new string('x', 200) },
    };

    private static HintRecord Hint(string item = "c1", int due = 0, int sent = 0) => new("src", item, "Contact", T0.AddSeconds(sent), 1, 0, T0.AddSeconds(due));

    private static Arrival Arrival(string id, string key = "c1@w1") => new("t1", key, new NewInstance
    {
        Id = id,
        DefinitionId = "def-1",
        VersionId = "def-1-v1",
        Version = 1,
        TriggerId = "t1",
        StartedBy = "webhook",
        CreatedAt = T0,
        Subjects = ["c1"],
        Start = new RunStart { InstanceId = id, TriggerPayload = new JObject { ["key"] = key, ["at"] = "2026-03-01T12:00:00Z" } },
    });

    private static WebhookCommit Commit(WebhookRecord webhook, params HintRecord[] hints) => new(webhook) { Hints = hints };

    [SkippableFact]
    public async Task TakeAsync_Twice_WritesOnce()
    {
        await PublishAsync(PollTrigger("t1") with { Kind = "webhook", SourceId = null });

        (await Webhooks.TakeAsync(Commit(Webhook(), Hint()) with { Arrivals = [Arrival("i1")] }, default))!.Arrivals.Should().Equal(ArrivalOutcome.Started);
        (await Webhooks.TakeAsync(Commit(Webhook(), Hint("c2")) with { Arrivals = [Arrival("i2")] }, default)).Should().BeNull();

        (await Webhooks.ListAsync("con-1", 0, 10, default)).Items.Should().ContainSingle().Which.Should().BeEquivalentTo(Webhook(), options => options.Excluding(w => w.Body));
        (await Webhooks.ReadHintsAsync("src", T0, 10, default)).Should().ContainSingle().Which.ItemId.Should().Be("c1");
        (await Runs.FindAsync("i1", default)).Should().NotBeNull();
        (await Runs.FindAsync("i2", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task TakeAsync_ManyAtOnceWithOneId_TakesOne()
    {
        await PublishAsync(PollTrigger("t1") with { Kind = "webhook", SourceId = null });

        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Webhooks.TakeAsync(Commit(Webhook()) with { Arrivals = [Arrival($"i{i}")] }, default)));

        taken.Count(once => once is not null).Should().Be(1);
        (await Runs.ListAsync(new RunFilter { PageSize = 50 }, default)).Total.Should().Be(1);
    }

    [SkippableFact]
    public async Task Hints_OfOneItem_AreOne_AndKeepTheNewestTime()
    {
        await Webhooks.TakeAsync(Commit(Webhook("w1"), Hint(due: 5, sent: 9)), default);
        await Webhooks.TakeAsync(Commit(Webhook("w2"), Hint(due: 7, sent: 3)), default);

        var hint = (await Webhooks.ReadHintsAsync("src", T0.AddSeconds(5), 10, default)).Should().ContainSingle().Subject;
        (hint.SentAt, hint.Version, hint.DueAt).Should().Be((T0.AddSeconds(9), 2L, T0.AddSeconds(5)));
    }

    [SkippableFact]
    public async Task SettleAsync_AnotherWebhookCameMeanwhile_LeavesIt()
    {
        await Webhooks.TakeAsync(Commit(Webhook("w1"), Hint("c1"), Hint("c2")), default);
        var read = await Webhooks.ReadHintsAsync("src", T0, 10, default);
        await Webhooks.TakeAsync(Commit(Webhook("w2"), Hint("c2")), default);

        await Webhooks.SettleAsync(read, default);

        (await Webhooks.ReadHintsAsync("src", T0, 10, default)).Should().ContainSingle().Which.ItemId.Should().Be("c2");
    }

    [SkippableFact]
    public async Task PostponeAsync_MovesThem_AndDueSaysWhenTheNextIs()
    {
        await Webhooks.TakeAsync(Commit(Webhook(), Hint()), default);
        var read = await Webhooks.ReadHintsAsync("src", T0, 10, default);

        await Webhooks.PostponeAsync([read[0] with { Attempts = 1 }], T0.AddSeconds(30), default);

        var (due, next) = await Webhooks.DueAsync(T0, 10, default);
        due.Should().BeEmpty();
        next.Should().Be(T0.AddSeconds(30));
        (await Webhooks.DueAsync(T0.AddSeconds(30), 10, default)).SourceIds.Should().Equal("src");
        (await Webhooks.ReadHintsAsync("src", T0.AddSeconds(30), 10, default))[0].Attempts.Should().Be(1);
    }

    [SkippableFact]
    public async Task DeleteBeforeAsync_DeletesTheOld_AndCountsGoByTypeAndOutcome()
    {
        await Webhooks.TakeAsync(Commit(Webhook("w1")), default);
        await Webhooks.TakeAsync(Commit(Webhook("w2", "unknown-type") with { ReceivedAt = T0.AddDays(1) }), default);

        (await Webhooks.CountAsync(default)).Should().Equal(("ContactUpdate", "taken", 1L), ("ContactUpdate", "unknown-type", 1L));
        (await Webhooks.DeleteBeforeAsync(T0.AddHours(1), default)).Should().Be(1);
        (await Webhooks.ListAsync(null, 0, 10, default)).Items.Should().ContainSingle().Which.WebhookId.Should().Be("w2");
    }

    [SkippableFact]
    public async Task IntakeAsync_Aside_TakesRowsAndEvents_AndLeavesTheScanAlone()
    {
        await Definitions.SaveAsync([Version(1)], default);
        await Definitions.PublishAsync(new Publication { VersionId = "def-1-v1", DefinitionId = "def-1", Triggers = [PollTrigger("t1")], Sources = [Source()] }, default);
        var lease = await LeaseAsync();
        var page = new IntakePage { SourceId = "src", Lease = lease, Items = [], IsBaseline = true, ObservedAt = T0, ScanUpper = T0, EndsScan = true, DueAt = T0.AddMinutes(5) };
        await Polls.IntakeAsync(page, default);
        await Polls.IntakeAsync(page with { IsBaseline = false, EndsScan = false, NextPageToken = "p2", ScanUpper = T0.AddMinutes(5) }, default);
        var before = await Polls.FindSourceAsync("src", default);

        var result = await Polls.IntakeAsync(
            page with { IsBaseline = false, EndsScan = false, IsAside = true, Items = [new PolledItem("c1", "hash", T0.AddHours(1), new JObject { ["id"] = "c1" }, [])], ScanUpper = T0.AddHours(2), DueAt = T0.AddHours(2) },
            default);

        result.New.Should().Be(1);
        var after = await Polls.FindSourceAsync("src", default);
        after.Should().BeEquivalentTo(before! with { LedgerEnd = before.LedgerEnd + 1, ItemCount = 1, HintedAt = T0 });
        (await Polls.ReadEventsAsync("src", 0, 10, default)).Should().ContainSingle().Which.Key.Should().Be("c1@1");
        (await Polls.IntakeAsync(page with { IsBaseline = false, Items = [new PolledItem("c1", "hash", T0.AddHours(1), new JObject { ["id"] = "c1" }, [])] }, default)).Unchanged.Should().Be(1, "the poll sees it as it is known");
    }

    [SkippableFact]
    public async Task TakeAsync_Deletion_MakesTheItemsReturnNew_ButNotWhatALaggingListStillShows()
    {
        await Definitions.SaveAsync([Version(1)], default);
        await Definitions.PublishAsync(new Publication { VersionId = "def-1-v1", DefinitionId = "def-1", Triggers = [PollTrigger("t1")], Sources = [Source()] }, default);
        var lease = await LeaseAsync();
        Task<IntakeResult> ReadAsync(int minute, string hash = "hash", bool isBaseline = false) => Polls.IntakeAsync(
            new IntakePage
            {
                SourceId = "src",
                Lease = lease,
                Items = [new PolledItem("c1", hash, null, new JObject { ["id"] = "c1" }, [])],
                IsBaseline = isBaseline,
                ObservedAt = T0.AddMinutes(minute),
                ScanUpper = T0.AddMinutes(minute),
                EndsScan = true,
                DueAt = T0.AddMinutes(minute),
            },
            default);
        Task DeleteAsync(string id, int minute) => Webhooks.TakeAsync(
            Commit(Webhook(id) with { Type = "ContactDelete", SentAt = T0.AddMinutes(minute), ReceivedAt = T0.AddMinutes(minute).AddSeconds(30) }) with { GoneFrom = ["src"] }, default);
        await ReadAsync(0, isBaseline: true);

        await DeleteAsync("w1", 10);
        var lagging = await ReadAsync(11);
        var back = await ReadAsync(12);
        await DeleteAsync("w2", 11);
        var late = await ReadAsync(20);

        (lagging.Unchanged, back.Changed, late.Unchanged).Should().Be((1, 1, 1), "the second was sent before the item was back");
        var fired = (await Polls.ReadEventsAsync("src", 0, 10, default)).Should().ContainSingle().Subject;
        (fired.Key, fired.Previous).Should().Be(("c1@2", null));
    }

    [SkippableFact]
    public async Task IntakeAsync_WhatNoWebhookToldOf_IsCountedWhileWebhooksCome()
    {
        await PublishAsync(PollTrigger("t1"));
        var lease = await LeaseAsync();
        async Task<SourceRecord> PollAsync(int minute, string[] ids, bool isBaseline = false, bool isAside = false, int age = 60)
        {
            var at = T0.AddMinutes(minute);
            await Polls.IntakeAsync(
                new IntakePage
                {
                    SourceId = "src",
                    Lease = lease,
                    Items = [.. ids.Select(id => new PolledItem(id, $"hash {minute}", at.AddSeconds(-age), new JObject { ["id"] = id }, []))],
                    IsBaseline = isBaseline,
                    IsAside = isAside,
                    ObservedAt = at,
                    ScanUpper = at,
                    EndsScan = !isAside,
                    DueAt = at,
                },
                default);
            return (await Polls.FindSourceAsync("src", default))!;
        }

        await PollAsync(0, ["c1", "c2"], isBaseline: true);
        (await PollAsync(10, ["c1"])).Missed.Should().Be(0, "no webhook has come for this list, so none is expected");
        (await PollAsync(11, ["c1"], isAside: true)).HintedAt.Should().Be(T0.AddMinutes(11));
        await Webhooks.TakeAsync(Commit(Webhook("w1") with { ReceivedAt = T0.AddMinutes(19) }), default);
        await Webhooks.TakeAsync(Commit(Webhook("w2") with { ReceivedAt = T0.AddMinutes(19), ItemId = null }, Hint("c2")), default);

        var told = await PollAsync(20, ["c1", "c2"]);
        await PollAsync(28, []);
        var missed = await PollAsync(30, ["c1", "c2", "c3"]);
        var young = await PollAsync(40, ["c1"], age: 5);
        var unexpected = await PollAsync((2 * 24 * 60) + 40, ["c1"]);

        told.Missed.Should().Be(0, "one is in the journal, the other is to be read yet");
        (missed.Missed, missed.MissedAt).Should().Be((2L, T0.AddMinutes(30)), "c1 and c3; c2 is to be read yet");
        young.Missed.Should().Be(2, "its webhook may be on its way");
        await Webhooks.SettleAsync(await Webhooks.ReadHintsAsync("src", T0.AddDays(9), 10, default), default);
        (unexpected.Missed, (await PollAsync(4 * 24 * 60, ["c1"])).Missed).Should().Be((3L, 3L), "hints are there once more, then none has come for a day");
    }

    [SkippableFact]
    public async Task Hooks_SurviveRepublishing_AndAreFoundByTheirHashWhilePublished()
    {
        await Definitions.SaveAsync([Version(1)], default);
        var trigger = PollTrigger("t1") with { Kind = "hook", SourceId = null, ConnectionId = null };
        Publication Publish(string hash) => new() { VersionId = "def-1-v1", DefinitionId = "def-1", Triggers = [trigger], Sources = [], Hooks = [new HookRecord("t1", hash, [1], T0)] };
        await Definitions.PublishAsync(Publish("first"), default);
        await Definitions.PublishAsync(Publish("second"), default);

        (await Webhooks.FindHookAsync("t1", default))!.Hash.Should().Be("first");
        (await Webhooks.FindByHookAsync("first", default))!.Id.Should().Be("t1");
        (await Webhooks.FindByHookAsync("second", default)).Should().BeNull();

        await Webhooks.RotateHookAsync(new HookRecord("t1", "third", [3], T0), default);
        (await Webhooks.FindByHookAsync("first", default)).Should().BeNull();
        (await Webhooks.FindByHookAsync("third", default)).Should().NotBeNull();

        await Definitions.RetractAsync("def-1", default);
        (await Webhooks.FindByHookAsync("third", default)).Should().BeNull("nothing answers while the flow is not published");
        await Definitions.PublishAsync(Publish("fourth"), default);
        (await Webhooks.FindByHookAsync("third", default)).Should().NotBeNull("the address is the same again");
    }

    private async Task<Lease> LeaseAsync() => (await Polls.ClaimSourcesAsync(["src"], "n", LeaseTime, 1, evenIfNotDue: true, default)).Single().Lease;
}
