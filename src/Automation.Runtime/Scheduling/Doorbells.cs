using Automation.Runtime.Polling;
using Automation.Runtime.Running;
using Hangfire;

namespace Automation.Runtime.Scheduling;

/// <summary>What Hangfire's jobs call: ids go in, no state. No retries: what fails or is lost is found again by the sweep and the due-time service.</summary>
[AutomaticRetry(Attempts = 0)]
public sealed class Doorbells(RunQueue queue, Poller poller)
{
    /// <summary>There is work on these instances.</summary>
    public Task RunAsync(string[] ids)
    {
        queue.Add(ids);
        return Task.CompletedTask;
    }

    /// <summary>These sources are due.</summary>
    public Task PollAsync(string[] ids, CancellationToken cancellationToken) => poller.PollAsync(ids, false, cancellationToken);
}
