namespace Automation.Engine;

/// <summary>New ids: 32 hex characters that sort by the time they were made, so that indexes grow at their end.</summary>
public static class Ids
{
#pragma warning disable RS0030 // The one place that makes ids.
    /// <summary>A new id from the given clock.</summary>
    public static string New(TimeProvider clock) => Guid.CreateVersion7(clock.GetUtcNow()).ToString("N");
#pragma warning restore RS0030
}
