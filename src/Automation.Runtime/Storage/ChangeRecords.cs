namespace Automation.Runtime.Storage;

/// <summary>What other processes on the same database hold in memory, and have to look at again.</summary>
public static class Topics
{
    /// <summary>Definitions, publications, triggers: plans, routes.</summary>
    public const string Definitions = "definitions";

    /// <summary>Connections and their credentials.</summary>
    public const string Connections = "connections";

    /// <summary>Saved documents: lookup tables.</summary>
    public const string Documents = "documents";

    /// <summary>A due time that may be earlier than those before.</summary>
    public const string DueTimes = "due-times";
}

/// <summary>Tells processes on one database of each other's changes: a number per topic, raised in the transaction that makes the change.</summary>
public interface IChangeStore
{
    Task<IReadOnlyDictionary<string, long>> ReadAsync(CancellationToken cancellationToken);
}
