using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Automation.Connectors;

/// <summary>
/// What tracing and metrics see of an installation. Names and ids only: no URL, header, input, output or message leaves this way, for any of them may hold a secret or a person's data.
/// Costs next to nothing while nobody listens.
/// </summary>
public static class Telemetry
{
    /// <summary>Name of the source and of the meter.</summary>
    public const string Name = "Automation";

    /// <summary>Spans: <c>run</c> (one burst of a run), <c>poll</c> (one scan of a source), <c>call</c> (one call of a connector, its retries included).</summary>
    public static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> Bursts = Meter.CreateHistogram<double>("automation.run.burst.duration", "s", "Time from a run's load to its commit.");
    private static readonly Histogram<double> Polls = Meter.CreateHistogram<double>("automation.poll.duration", "s", "Time of one scan of a poll source.");
    private static readonly Histogram<double> Calls = Meter.CreateHistogram<double>("automation.call.duration", "s", "Time of one call of a connector, with its waiting and its retries.");

    /// <summary>A burst has ended.</summary>
    public static void Burst(System.Diagnostics.Activity? span, TimeSpan duration, string definitionId, string status)
    {
        span?.SetTag("automation.run.sub_status", status);
        span?.SetStatus(status == "Faulted" ? ActivityStatusCode.Error : ActivityStatusCode.Ok);
        if (Bursts.Enabled)
        {
            Bursts.Record(duration.TotalSeconds, new("automation.definition.id", definitionId), new("automation.run.sub_status", status));
        }
    }

    /// <summary>A scan has ended.</summary>
    public static void Poll(System.Diagnostics.Activity? span, TimeSpan duration, string operation, bool succeeded)
    {
        span?.SetStatus(succeeded ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
        if (Polls.Enabled)
        {
            Polls.Record(duration.TotalSeconds, new("automation.operation", operation), new("automation.succeeded", succeeded));
        }
    }

    /// <summary>A call has ended; <paramref name="error"/> is its short code.</summary>
    public static void Call(System.Diagnostics.Activity? span, TimeSpan duration, string operation, int? status, string? error)
    {
        span?.SetTag("http.response.status_code", status);
        span?.SetTag("error.type", error);
        span?.SetStatus(error is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
        if (Calls.Enabled)
        {
            Calls.Record(duration.TotalSeconds, new("automation.operation", operation), new("http.response.status_code", status), new("error.type", error));
        }
    }
}
