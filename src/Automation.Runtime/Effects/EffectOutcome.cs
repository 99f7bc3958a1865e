using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Effects;

/// <summary>How a failed write is judged, recorded and told again.</summary>
internal static class EffectOutcome
{
    /// <summary>It may have happened although it failed: no answer came after it had left, or the other side broke while it worked on it.</summary>
    public static bool IsAmbiguous(ConnectorException exception) => exception.MayHaveHappened || exception.Status >= 500;

    public static EffectRecord Failed(EffectRecord effect, ConnectorException exception, DateTimeOffset at) => effect with
    {
        Status = "failed",
        Error = $"{exception.Code}: {exception.Message}",
        Response = exception.Status is { } status ? new ConnectorResponse { Status = status, Body = exception.ProviderMessage, TraceId = exception.TraceId } : null,
        OutcomeAt = at,
    };

    /// <summary>The failure as it was recorded. It is final: the same run does not send it again.</summary>
    public static ConnectorException FailureOf(EffectRecord effect)
    {
        var error = effect.Error ?? "provider-error: The call failed.";
        var colon = error.IndexOf(": ", StringComparison.Ordinal);
        return new ConnectorException(colon < 0 ? error : error[(colon + 2)..])
        {
            Code = colon < 0 ? "provider-error" : error[..colon],
            Status = effect.Response?.Status,
            ProviderMessage = (string?)effect.Response?.Body,
            TraceId = effect.Response?.TraceId,
        };
    }
}
