using Automation.Connectors;
using Automation.Engine;
using Automation.Tests;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel.Polling;

/// <summary>The life of each of the 55 triggers, through the real poller and store: everything that a list can do between two polls, and how often it fires.</summary>
public sealed class EveryTriggerLifeTests(GhlPollingWorld ghl) : IClassFixture<GhlPollingWorld>
{
    public static TheoryData<string> Types() => [.. PollCase.All.Select(poll => poll.Type)];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Trigger_WhateverItsListDoes_FiresOncePerChange(string type)
    {
        var poll = PollCase.All.Single(c => c.Type == type);
        var operation = ghl.World.Get<OperationCatalog>().Find(poll.ActivityType)!;
        var fired = 0L;

        async Task FiresAsync(int times, string because)
        {
            fired += times;
            (await ghl.World.CountRunsAsync(type)).Should().Be(fired, because);
        }

        async Task PollAsync(int fires, string because)
        {
            await ghl.PollAsync(type);
            await FiresAsync(fires, because);
        }

        await ghl.PublishAsync(type, poll.Type, JObject.Parse(poll.Inputs));
        await PollAsync(0, "the first poll takes a baseline");
        await PollAsync(0, "nothing has changed");

        ghl.Between.Change = (_, body) => Rearrange(operation, body, items => items.Reverse());
        await PollAsync(0, "a page came in another order");
        ghl.Between.Change = (_, body) => Rearrange(operation, body, items => items.Concat(items.Select(item => item.DeepClone())));
        await PollAsync(0, "each item came twice");
        ghl.Between.Change = null;

        var stale = (JToken?)null;
        foreach (var (collection, text) in poll.Changes)
        {
            stale = ghl.Between.Last;
            await ghl.PutAsync(collection, new JArray(JObject.Parse(text)));
            await PollAsync(1, $"{collection} {text} was changed");
            await PollAsync(0, "it was seen");
        }

        if (operation.Response.UpdatedAtPath is not null)
        {
            ghl.Between.Change = (_, _) => stale!.DeepClone();
            await PollAsync(0, "an index that lags showed the state before");
            ghl.Between.Change = null;
            await PollAsync(0, "and then the state that was seen already");
        }

        await ghl.PublishAsync(type, poll.Type, JObject.Parse(poll.Inputs));
        await PollAsync(0, "the flow was published again");

        await BackAndForthAsync(poll, operation, PollAsync);
        if (type != "Calendars.GetFreeSlots")
        {
            await GoneAndBackAsync(poll, operation, PollAsync);
        }
    }

    /// <summary>A record is deleted and put back: no list fires for that; a record that is watched alone is a failing source meanwhile, or fires when it is there again where the API says that it may be absent.</summary>
    private async Task GoneAndBackAsync(PollCase poll, Operation operation, Func<int, string, Task> pollAsync)
    {
        var (collection, text) = poll.Changes[^1];
        var change = JObject.Parse(text);
        var id = (string)(change["id"] ?? change["_id"] ?? change["messageId"])!;
        var record = (await ghl.FindAsync(collection, id))!;
        (await ghl.Sandbox.ControlAsync("DELETE", $"/ghl/{collection}/{id}")).Status.Should().Be(200);

        if (operation is { Response.CollectionPath: null, Poll.Forgets: false } && operation.Poll.EdgePath is null)
        {
            (await ghl.TryPollAsync(poll.Type)).LastError.Should().Contain("404", "the watched record is gone");
        }
        else
        {
            await pollAsync(0, "a removal cannot be seen by polling");
        }

        await ghl.PutAsync(collection, new JArray(record));
        await pollAsync(operation.Poll!.Forgets ? 1 : 0, "it is there again as it was");
    }

    /// <summary>The last change is taken back and made again: A, B, A fires twice; two changes between two polls fire once.</summary>
    private async Task BackAndForthAsync(PollCase poll, Operation operation, Func<int, string, Task> pollAsync)
    {
        var (collection, text) = poll.Changes[^1];
        var change = JObject.Parse(text);
        var id = (string)(change["id"] ?? change["_id"] ?? change["messageId"])!;
        var changed = change.Properties().Last(p => p.Name is not ("id" or "_id" or "messageId")).Name;
        var b = (await ghl.FindAsync(collection, id))![changed]!;
        var a = Other(b, changed);

        JArray With(JToken value) => [new JObject { [change.ContainsKey("_id") ? "_id" : "id"] = id, [changed] = value.DeepClone() }];

        await ghl.PutAsync(collection, With(a));
        var isFreed = operation.Poll!.Modes is ["new"];
        await pollAsync(isFreed ? 0 : 1, $"'{changed}' went from {b} to {a}");
        await ghl.PutAsync(collection, With(b));
        await pollAsync(1, $"'{changed}' went back to {b}");

        var c = Other(a, changed, "again");
        await ghl.PutAsync(collection, With(a));
        await ghl.PutAsync(collection, With(c));
        var isBack = JToken.DeepEquals(b, c) || changed == "urlSlug";
        await pollAsync(isFreed || isBack ? 0 : 1, "it changed twice between two polls");
        await pollAsync(0, "that was seen");
    }

    private static JToken Other(JToken value, string property, string with = "x") => (value.Type, property) switch
    {
        (_, "appointmentStatus") => "confirmed",
        (_, "email") => $"{with}.{value}",
        (_, "phone") => with == "x" ? "+15550001234" : "+15550004321",
        (_, "channel") => with == "x" ? "whatsapp" : "email",
        (_, "status") => with == "x" ? "lost" : "open",
        (_, "urlSlug") => with == "x" ? "soon-there" : "gone-again",
        (JTokenType.Integer or JTokenType.Float, _) => (double)value + 15,
        (JTokenType.Boolean, _) => !(bool)value,
        _ => $"{value} {with}",
    };

    private static JToken Rearrange(Operation operation, JToken body, Func<IEnumerable<JToken>, IEnumerable<JToken>> order)
    {
        if (operation.Response.CollectionPath is not { } paths)
        {
            return body;
        }

        foreach (var list in paths.Split('|').Select(path => JsonPaths.Find(body, path)).OfType<JArray>().Take(1))
        {
            var items = order(list).Select(item => item.DeepClone()).ToList();
            list.ReplaceAll(items);
        }

        return body;
    }
}
