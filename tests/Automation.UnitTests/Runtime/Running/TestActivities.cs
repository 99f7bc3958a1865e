using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Runtime.Running;

/// <summary>The other side of the wire, shared by all nodes of a test: what arrived there, and how it answers.</summary>
public sealed class Outside
{
    private readonly ConcurrentQueue<string> arrived = new();
    private readonly ConcurrentDictionary<string, int> executions = new();

    /// <summary>URLs of the writes that arrived, in order.</summary>
    public IReadOnlyList<string> Arrived => [.. arrived];

    /// <summary>Answers a write that is on its way; by default it arrives and is answered with 200.</summary>
    public Func<ConnectorRequest, CancellationToken, Task<ConnectorResponse>> OnSend { get; set; }

    /// <summary>Answers a probe: null, the write is not there.</summary>
    public Func<ConnectorRequest, Task<ConnectorResponse?>> OnProbe { get; set; }

    /// <summary>Runs in the middle of every Test.Note.</summary>
    public Func<CancellationToken, Task> OnNote { get; set; } = _ => Task.CompletedTask;

    public Outside()
    {
        OnSend = (request, _) => Task.FromResult(Take(request));
        OnProbe = request => Task.FromResult(arrived.Contains(request.Url) ? new ConnectorResponse { Status = 200, Body = "probed" } : null);
    }

    /// <summary>The write arrives.</summary>
    public ConnectorResponse Take(ConnectorRequest request)
    {
        arrived.Enqueue(request.Url);
        return new ConnectorResponse { Status = 200, Body = new JObject { ["url"] = request.Url } };
    }

    public int Executions(string activity) => executions.GetValueOrDefault(activity);

    internal void Count(string activity) => executions.AddOrUpdate(activity, 1, (_, n) => n + 1);
}

/// <summary>Writes to the outside as an effect.</summary>
[Activity("Test.Send", "Test")]
internal sealed class Send(IEffectLedger ledger, Outside outside) : Activity
{
    public Input<string> Url { get; init; } = default!;
    public Input<string> Class { get; init; } = default!;
    public Input<string> Method { get; init; } = default!;

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        outside.Count(context.ActivityId);
        var effectClass = Enum.Parse<EffectClass>(context.Get(Class) ?? "Safe");
        var effect = new Effect
        {
            Key = context.EffectKey,
            Class = effectClass,
            Operation = "Test.Send",
            Request = new ConnectorRequest { Method = context.Get(Method) ?? "POST", Url = $"https://outside.test/{context.Get(Url)}/{outside.Executions(context.ActivityId)}", Body = context.Get(Url) == "secret" ? new JObject { ["password"] = "hunter2" } : null },
            HoldsSecret = context.Get(Url) == "secret",
        };
        try
        {
            var response = await ledger.SendAsync(
                context,
                effect,
                async (request, token) => await outside.OnSend(request, token),
                effectClass == EffectClass.Probe ? async (request, _, _) => await outside.OnProbe(request) : null,
                cancellationToken);
            context.Journal("Answered", response.Body?.ToString(Newtonsoft.Json.Formatting.None));
            return ActivityResult.Done;
        }
        catch (ConnectorException exception)
        {
            return ActivityResult.Faulted(new Fault(exception.Message) { Code = exception.Code });
        }
    }
}

/// <summary>Counts its executions, and lets a test stop in its middle.</summary>
[Activity("Test.Note", "Test")]
internal sealed class Note(Outside outside) : Activity
{
    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        outside.Count(context.ActivityId);
        await outside.OnNote(cancellationToken);
        return ActivityResult.Done;
    }
}

/// <summary>Waits for an event by its name, or for a time.</summary>
[Activity("Test.Wait", "Test", Kind = ActivityKind.Trigger)]
internal sealed class Wait(TimeProvider clock) : Activity
{
    public Input<string> Event { get; init; } = default!;
    public Input<int> Milliseconds { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.IsTriggerOfRun)
        {
            return ValueTask.FromResult(ActivityResult.Done);
        }

        var delay = context.Get(Milliseconds);
        return ValueTask.FromResult(ActivityResult.Suspended(delay > 0
            ? new BookmarkRequest("Test.Wait", null, clock.GetUtcNow().AddMilliseconds(delay))
            : new BookmarkRequest("Elsa.Event", context.Get(Event))));
    }
}

/// <summary>Faults, until the test says otherwise.</summary>
[Activity("Test.Fault", "Test")]
internal sealed class Faulty(Outside outside) : Activity
{
    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        outside.Count(context.ActivityId);
        return ValueTask.FromResult(outside.Executions(context.ActivityId) > 1 ? ActivityResult.Done : ActivityResult.Faulted(new Fault("It broke.") { Code = "test-fault" }));
    }
}

/// <summary>Starts another workflow and waits for its end.</summary>
[Activity("Test.Call", "Test")]
internal sealed class Call : Activity
{
    public Input<string> Definition { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var child = context.DispatchChild(context.Get(Definition)!, null, waitForCompletion: true);
        return ValueTask.FromResult(ActivityResult.Suspended(child.Bookmark!));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        context.Journal("ChildEnded", (string?)resumption.Input?["subStatus"]);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}

/// <summary>Publishes an event.</summary>
[Activity("Test.Publish", "Test")]
internal sealed class Publish : Activity
{
    public Input<string> Event { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        context.PublishEvent(context.Get(Event)!);
        return ValueTask.FromResult(ActivityResult.Done);
    }
}
