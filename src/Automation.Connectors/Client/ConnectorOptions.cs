using System.ComponentModel.DataAnnotations;

namespace Automation.Connectors;

/// <summary>Limits of calls to connectors.</summary>
public sealed class ConnectorOptions
{
    /// <summary>Name of the HTTP client that all calls of connectors go through.</summary>
    public const string HttpClientName = "automation-connector";

    /// <summary>How long one call may take, its answer included. Default 30 s, at most 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes an answer may have. Default 10 MB.</summary>
    [Range(1024, 100 * 1024 * 1024)]
    public int MaximumAnswer { get; set; } = 10 * 1024 * 1024;

    /// <summary>Times one call is tried in all. Default 4.</summary>
    [Range(1, 10)]
    public int Attempts { get; set; } = 4;

    /// <summary>Tries of a run's call while the other side takes no connection: half a minute, in which most things are restarted.</summary>
    public int AttemptsToConnect { get; set; } = 8;

    /// <summary>Time spent in calls, pauses not counted, after which no further try begins. Default 45 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>Pause before the second try; each further one is twice as long, up to 20 s, less a random half. Default 0.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:20")]
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(500);
}
