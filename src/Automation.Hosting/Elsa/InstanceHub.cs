using System.Collections.Concurrent;
using System.Text.Json;
using Automation.Engine;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary><c>/elsa/hubs/workflow-instance</c>: tells who looks at a run that it went on. The browser brings the session's cookie.</summary>
internal sealed class InstanceHub(InstanceWatch watch) : Hub
{
    /// <summary>Path beside the API's: its clients take it from there.</summary>
    public const string Path = "/elsa/hubs/workflow-instance";

    /// <summary>The feature that makes the designer look for the hub; without it the designer polls.</summary>
    public const string Feature = "Elsa.RealTimeWorkflowUpdates";

    /// <summary>The name is the protocol's.</summary>
    public async Task ObserveInstanceAsync(string instanceId)
    {
        await Groups.AddToGroupAsync(Context.ConnectionId, instanceId, Context.ConnectionAborted);
        watch.Observe(Context.ConnectionId, instanceId);
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        watch.Forget(Context.ConnectionId);
        return base.OnDisconnectedAsync(exception);
    }
}

/// <summary>
/// Looks twice a second at the rows of the runs that somebody observes, and at none when nobody does: whichever node drives a run, its row tells. The designer reads a run anew at each
/// push, so it hears of many commits once.
/// </summary>
internal sealed class InstanceWatch(IRunStore runs, IHubContext<InstanceHub> hub, TimeProvider clock, ILogger<InstanceWatch> logger) : BackgroundService
{
    /// <summary>Runs read at once.</summary>
    private const int PageSize = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>A run observed anew is told of when its last change is no older: it may have come between the reader's look and the observation.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, string> observed = new(StringComparer.Ordinal);
    private Dictionary<string, DateTimeOffset> seen = [];

    public void Observe(string connectionId, string instanceId) => observed[connectionId] = instanceId;

    public void Forget(string connectionId) => observed.TryRemove(connectionId, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                // Whoever looks sees nothing new for a moment; the next look finds it. Runs do not depend on this.
                logger.LogWarning(error, "The runs that are being watched could not be read.");
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (observed.IsEmpty)
        {
            seen = [];
            return;
        }

        var now = new Dictionary<string, DateTimeOffset>();
        foreach (var ids in observed.Values.Distinct().Chunk(PageSize))
        {
            foreach (var run in (await runs.ListAsync(new RunFilter { Ids = ids, PageSize = PageSize }, cancellationToken)).Items)
            {
                now[run.Id] = run.UpdatedAt;
                if (seen.TryGetValue(run.Id, out var before) ? before != run.UpdatedAt : clock.GetUtcNow() - run.UpdatedAt < Fresh)
                {
                    await TellAsync(run.Id, cancellationToken);
                }
            }
        }

        seen = now;
    }

    private async Task TellAsync(string instanceId, CancellationToken cancellationToken)
    {
        var group = hub.Clients.Group(instanceId);

        // The designer draws what is inside the workflow's root, and complains of the others.
        var stats = new JArray((await ActivityExecutionEndpoints.StatsAsync(instanceId, [], runs, cancellationToken)).Where(s => ((string)s["activityNodeId"]!).Count(c => c == ':') > 1));
        await group.SendAsync("ActivityExecutionLogUpdatedAsync", Element(new JObject { ["stats"] = stats }), cancellationToken);
        await group.SendAsync("WorkflowExecutionLogUpdatedAsync", new { }, cancellationToken);
        await group.SendAsync("WorkflowInstanceUpdatedAsync", new { workflowInstanceId = instanceId }, cancellationToken);
    }

    /// <summary>The hub writes its messages with another JSON library than the API.</summary>
    private static JsonElement Element(JObject json) => JsonSerializer.Deserialize<JsonElement>(Json.Write(json));
}
