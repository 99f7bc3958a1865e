namespace Automation.Connectors;

/// <summary>Addresses that are mailed to people.</summary>
public interface ITaskLinks
{
    /// <summary>The task's page, for those who can sign in.</summary>
    Uri PageOf(string taskId);

    /// <summary>A signed link to a page on which an approval is decided without signing in, until a time. Whoever has it may decide, once.</summary>
    Uri DecisionOf(string taskId, DateTimeOffset expiresAt);
}
