namespace Automation.Runtime.Running;

/// <summary>The server stops while a caller waits for a run.</summary>
/// <param name="instanceId">The run.</param>
/// <param name="isStored">The run goes on without its caller. Otherwise nothing of it is stored, and nothing was sent: it may be asked for again.</param>
public sealed class ServerStoppingException(string instanceId, bool isStored)
    : Exception(isStored ? $"This server is being stopped. Run {instanceId} is stored and goes on by itself." : "This server is being stopped. The run was not begun: nothing of it is stored, and nothing was sent.")
{
    public bool IsStored { get; } = isStored;
}
