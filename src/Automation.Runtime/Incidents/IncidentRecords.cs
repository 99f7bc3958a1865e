using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Incidents;

/// <summary>Incidents as they are stored: from a run's faults, from effects, from runs that cannot be run.</summary>
internal static class IncidentRecords
{
    /// <summary>Code of an effect whose outcome nobody knows.</summary>
    public const string OutcomeUnknown = "outcome-unknown";

    /// <summary>An incident of a run. One that an unknown effect caused is the effect's own, under the same id.</summary>
    public static IncidentRecord OfRun(Incident incident, RunLease lease)
    {
        var effect = incident.ActivityInstanceId is { } id ? lease.UnknownEffects.GetValueOrDefault(id) : null;
        return new IncidentRecord
        {
            Id = effect is null ? incident.Id : IdOf(effect),
            Kind = effect is null ? "run" : "effect",
            InstanceId = lease.InstanceId,
            DefinitionId = lease.Origin.DefinitionId,
            ActivityId = incident.ActivityId,
            ActivityType = incident.ActivityType,
            EffectKey = effect?.Key,
            LocationId = lease.Origin.LocationId,
            Code = incident.Fault.Code,
            Message = incident.Fault.Message,
            Detail = incident.Fault.Detail,
            Action = incident.Fault.Action,
            CreatedAt = incident.At,
        };
    }

    /// <summary>The incident of an effect with an unknown outcome.</summary>
    public static IncidentRecord OfEffect(EffectRecord effect, Fault fault, RunLease lease, string activityType, DateTimeOffset at) => new()
    {
        Id = IdOf(effect),
        Kind = "effect",
        InstanceId = effect.InstanceId,
        DefinitionId = lease.Origin.DefinitionId,
        ActivityId = effect.ActivityId,
        ActivityType = activityType,
        EffectKey = effect.Key,
        LocationId = effect.LocationId ?? lease.Origin.LocationId,
        Code = fault.Code,
        Message = fault.Message,
        Detail = fault.Detail,
        Action = fault.Action,
        CreatedAt = at,
    };

    /// <summary>An incident of the runtime itself about a run. The same code again for the same run is the same incident.</summary>
    public static IncidentRecord OfRuntime(string instanceId, RunOrigin origin, string code, string message, string? detail, string action, DateTimeOffset at) => new()
    {
        Id = Bookmark.HashOf("runtime:" + code, instanceId),
        Kind = "run",
        InstanceId = instanceId,
        DefinitionId = origin.DefinitionId,
        LocationId = origin.LocationId,
        Code = code,
        Message = message,
        Detail = detail,
        Action = action,
        CreatedAt = at,
    };

    /// <summary>One incident per try: a write that was settled, sent again and unknown again is a new one.</summary>
    private static string IdOf(EffectRecord effect) => Bookmark.HashOf("effect:" + effect.Attempts, effect.Key);
}
