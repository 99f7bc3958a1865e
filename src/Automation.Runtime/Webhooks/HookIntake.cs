using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Webhooks;

/// <summary>What became of something that was sent to a secret address.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="InstanceId">The run that it started, or starts when the trigger is resumed; null: none.</param>
public sealed record HookOutcome(ArrivalOutcome Outcome, string? InstanceId);

/// <summary>Starts flows by their secret addresses: the run is a row before the sender is answered, and runs after. What comes while the trigger is paused waits.</summary>
public sealed class HookIntake(IWebhookStore store, IDefinitionStore definitions, IRunStore runs, IDoorbell doorbell, TimeProvider clock)
{
    /// <summary>The published trigger at an address; null: there is none.</summary>
    public Task<TriggerRecord?> FindAsync(string secret, CancellationToken cancellationToken) => store.FindByHookAsync(HookSecrets.HashOf(secret), cancellationToken);

    /// <summary>Starts the trigger's flow.</summary>
    /// <param name="trigger">The trigger.</param>
    /// <param name="payload">What was sent.</param>
    /// <param name="idempotencyKey">The same for every try of a sender; null: each request starts a run.</param>
    /// <param name="cancellationToken">Stops the work before the commit.</param>
    public async Task<HookOutcome> StartAsync(TriggerRecord trigger, JObject payload, string? idempotencyKey, CancellationToken cancellationToken)
    {
        if (await EventRouter.StartByTriggerAsync(definitions, runs, clock, trigger, "hook", null, payload, cancellationToken) is not { } start)
        {
            return new HookOutcome(ArrivalOutcome.Gone, null);
        }

        var id = idempotencyKey is null ? start.Instance.Id : Bookmark.HashOf("hook", $"{trigger.Id}\n{idempotencyKey}");
        if (!start.MayStart && !trigger.IsPaused)
        {
            return idempotencyKey is not null && await runs.FindAsync(id, cancellationToken) is not null ? new HookOutcome(ArrivalOutcome.Repeated, id) : new HookOutcome(ArrivalOutcome.Busy, null);
        }

        var instance = start.Instance with { Id = id, Start = start.Instance.Start with { InstanceId = id, Lineage = id } };

        // 1. A crash before this commit: the sender has no answer and sends again. After it: the run is a pending row, or waits for the trigger, and the sweep finds either.
        var outcome = await store.ArriveAsync(new Arrival(trigger.Id, idempotencyKey is null ? id : "key:" + id, instance), cancellationToken);
        if (outcome == ArrivalOutcome.Started)
        {
            doorbell.RingRuns([id]);
        }

        return new HookOutcome(outcome, outcome is ArrivalOutcome.Busy or ArrivalOutcome.Gone ? null : id);
    }
}
