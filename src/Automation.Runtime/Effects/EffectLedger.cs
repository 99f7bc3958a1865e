using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Incidents;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Effects;

/// <summary>The durable ledger of effects. The key of an effect is the same after a crash and in a replay, so whoever executes its activity again finds here what became of it.</summary>
public sealed class EffectLedger(IEffectStore effects, RequestSeal seal, TimeProvider clock, ILogger<EffectLedger> log) : IEffectLedger
{
    /// <inheritdoc />
    public async ValueTask<ConnectorResponse> SendAsync(
        ActivityContext context,
        Effect effect,
        Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> send,
        Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? probe,
        CancellationToken cancellationToken)
    {
        if (context.Run.IsDryRun)
        {
            return Show(context, effect.Request);
        }

        if (context.Run.Host is not RunLease lease)
        {
            return await send(effect.Request, cancellationToken);
        }

        var call = new Call(context, lease, send, probe);
        var known = await effects.FindAsync(effect.Key, cancellationToken);
        switch (known?.Status)
        {
            case "done":
                return known.Response ?? new ConnectorResponse { Status = 200 };
            case "failed" when known.InstanceId == lease.InstanceId:
                throw EffectOutcome.FailureOf(known);
            case "unknown":
                throw Unknown(call, known);
            case "intent":
                return await RecoverAsync(call, known, cancellationToken);
            default:
                // None yet; or it surely did not happen, in an earlier run of this lineage or by a person's word: it is sent as it is asked for now.
                return await SendNewAsync(call, effect, (known?.Attempts ?? 0) + 1, cancellationToken);
        }
    }

    private async Task<ConnectorResponse> SendNewAsync(Call call, Effect effect, int attempts, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var context = call.Context;
        var intent = new EffectRecord
        {
            Key = effect.Key,
            InstanceId = context.Run.InstanceId,
            ActivityId = context.ActivityId,
            NodeId = context.NodeId,
            Iteration = context.Iteration,
            Operation = effect.Operation,
            Class = effect.Class,
            ConnectionId = effect.ConnectionId,
            LocationId = effect.LocationId ?? context.Run.LocationId,
            Request = seal.Close(effect),
            Status = "intent",
            IntentAt = clock.GetUtcNow(),
            Attempts = attempts,
        };

        // Checkpoint 1: nothing was sent, and no intent is stored. A crash here executes the activity again as if for the first time.
        await call.Lease.CommitAsync(context.Run, intent, false, []);

        // Checkpoint 2: state and intent are stored in one transaction; the request has not left, or nobody knows whether it has. A crash from here to
        // checkpoint 3 executes this activity again with the same key, which finds the intent and recovers by the effect's class.
        return await SendRecordedAsync(call, intent);
    }

    /// <summary>An intent without an outcome: whoever sent it is gone.</summary>
    private async Task<ConnectorResponse> RecoverAsync(Call call, EffectRecord intent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        intent = intent with { InstanceId = call.Lease.InstanceId };
        switch (intent.Class)
        {
            case EffectClass.Read or EffectClass.Safe:
                log.LogInformation("Run {InstanceId}: the write {EffectKey} has no recorded outcome; it is safe to repeat and is sent again.", intent.InstanceId, intent.Key);
                return await SendRecordedAsync(call, intent with { Attempts = intent.Attempts + 1 });

            case EffectClass.Probe when call.Probe is not null:
                call.Lease.EnsureHeld();
                if (await call.Probe(seal.Open(intent.Request), intent.IntentAt, call.Lease.Lost) is { } answer)
                {
                    log.LogInformation("Run {InstanceId}: the write {EffectKey} has no recorded outcome; a probe found that it happened.", intent.InstanceId, intent.Key);
                    return await DoneAsync(call, intent, answer);
                }

                log.LogInformation("Run {InstanceId}: the write {EffectKey} has no recorded outcome; a probe found that it did not happen, and it is sent again.", intent.InstanceId, intent.Key);
                return await SendRecordedAsync(call, intent with { Attempts = intent.Attempts + 1 });

            default:
                throw await MarkUnknownAsync(call, intent, "The server stopped after the request had left and before its answer was recorded.");
        }
    }

    private async Task<ConnectorResponse> SendRecordedAsync(Call call, EffectRecord intent)
    {
        call.Lease.EnsureHeld();
        ConnectorResponse response;
        try
        {
            // Once begun it is cut off only when the lease is lost: a cancelled run or a stopping node waits for the answer, so that it is recorded.
            response = await call.Send(seal.Open(intent.Request), call.Lease.Lost);
        }
        catch (ConnectorException exception) when (intent.Class is EffectClass.Read or EffectClass.Safe || !EffectOutcome.IsAmbiguous(exception))
        {
            if (intent.Attempts > 1 && await AnswerOfEarlierAsync(call, intent, exception) is { } earlier)
            {
                return await DoneAsync(call, intent, earlier);
            }

            await RecordAsync(call, EffectOutcome.Failed(intent, exception, clock.GetUtcNow()), null);
            throw;
        }
        catch (ConnectorException exception)
        {
            if (call.Probe is not null && await ProbeOnceAsync(call, intent) is { } answer)
            {
                return await DoneAsync(call, intent, answer);
            }

            throw await MarkUnknownAsync(call, intent, exception.Message);
        }
        catch (OperationCanceledException) when (call.Lease.Lost.IsCancellationRequested)
        {
            throw new LeaseLostException(call.Lease.InstanceId);
        }

        return await DoneAsync(call, intent, response);
    }

    private async Task<ConnectorResponse> DoneAsync(Call call, EffectRecord intent, ConnectorResponse response)
    {
        await RecordAsync(call, intent with { Status = "done", Response = response, OutcomeAt = clock.GetUtcNow() }, null);

        // Checkpoint 3: the outcome is stored. A crash here executes the activity again, which gets this answer from the ledger.
        return response;
    }

    /// <summary>Records an outcome. Where it cannot be stored the burst ends as in a crash, and the effect is recovered from its intent by the next one.</summary>
    private async Task RecordAsync(Call call, EffectRecord outcome, IncidentRecord? incident)
    {
        try
        {
            await effects.CompleteAsync(outcome, incident, call.Lease.Lease, CancellationToken.None);
        }
        catch (LeaseLostException)
        {
            log.LogWarning("Run {InstanceId}: the answer of the write {EffectKey} came after the lease was lost; it is not recorded, and whoever took the run over finds out what became of it.", outcome.InstanceId, outcome.Key);
            call.Lease.Lose();
            throw;
        }
        catch (Exception exception)
        {
            log.LogError(exception, "Run {InstanceId}: the outcome of the write {EffectKey} could not be stored; it is recovered when the run's lease has run out.", outcome.InstanceId, outcome.Key);
            call.Lease.Lose();
            throw new LeaseLostException(call.Lease.InstanceId);
        }
    }

    /// <summary>Asks once whether an unanswered write happened; a "no" so soon may be a lagging index, so only a "yes" counts.</summary>
    private async Task<ConnectorResponse?> ProbeOnceAsync(Call call, EffectRecord intent)
    {
        call.Lease.EnsureHeld();
        try
        {
            return await call.Probe!(seal.Open(intent.Request), intent.IntentAt, call.Lease.Lost);
        }
        catch (ConnectorException exception)
        {
            log.LogWarning("Run {InstanceId}: the probe of the write {EffectKey} failed: {Message}", intent.InstanceId, intent.Key, exception.Message);
            return null;
        }
    }

    /// <summary>
    /// A repeated write is refused because the one before it happened after all: what it deletes is gone, what it makes is there (a list that lagged behind had shown nothing). Null: it is refused for itself.
    /// </summary>
    private async Task<ConnectorResponse?> AnswerOfEarlierAsync(Call call, EffectRecord intent, ConnectorException refusal) => refusal.Status switch
    {
        404 when intent.Class == EffectClass.Safe && intent.Request.Method == "DELETE" => new ConnectorResponse { Status = 404, TraceId = refusal.TraceId },
        400 or 409 or 422 when intent.Class == EffectClass.Probe && call.Probe is not null => await ProbeOnceAsync(call, intent),
        _ => null,
    };

    private async Task<FaultException> MarkUnknownAsync(Call call, EffectRecord intent, string reason)
    {
        var unknown = intent with { Status = "unknown", Error = $"{IncidentRecords.OutcomeUnknown}: {reason}", OutcomeAt = clock.GetUtcNow() };
        var fault = Unknown(call, unknown);
        await RecordAsync(call, unknown, IncidentRecords.OfEffect(unknown, fault.Fault, call.Lease, call.Context.ActivityType, clock.GetUtcNow()));
        return fault;
    }

    private static FaultException Unknown(Call call, EffectRecord effect)
    {
        call.Lease.UnknownEffects[call.Context.ActivityInstanceId] = effect;
        return new FaultException(new Fault($"Whether {effect.Request.Method} {effect.Request.Url} happened is unknown, so it was not sent again.")
        {
            Code = IncidentRecords.OutcomeUnknown,
            Detail = effect.Error?[(effect.Error.IndexOf(' ') + 1)..],
            Action = "Look in the other system. Then settle the incident: 'happened' goes on as if it had been answered, 'notHappened' sends it again.",
        });
    }

    private static ConnectorResponse Show(ActivityContext context, ConnectorRequest request)
    {
        var shown = new JObject
        {
            ["method"] = request.Method,
            ["url"] = request.Url,
            ["headers"] = JObject.FromObject(request.Headers),
            ["body"] = request.Body?.DeepClone(),
        };
        context.Journal("DryRun", $"Would send {request.Method} {request.Url}.", new JObject { ["request"] = shown });
        return new ConnectorResponse { Status = 200, Body = new JObject { ["dryRun"] = true, ["request"] = shown.DeepClone() } };
    }

    private sealed record Call(
        ActivityContext Context,
        RunLease Lease,
        Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> Send,
        Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? Probe);
}
