namespace Automation.Persistence.Sql;

/// <summary>A write that may share its statements with others of its kind. Used once.</summary>
internal abstract class GroupedWork<T>
{
    /// <summary>Works of equal keys go together; null: this one is written alone.</summary>
    public abstract object? Key { get; }

    /// <summary>What it came to in its group.</summary>
    public T Result { get; protected set; } = default!;

    /// <summary>Set: it failed in its group, and wrote nothing.</summary>
    public Exception? Failure { get; protected set; }

    /// <summary>Writes it alone.</summary>
    public abstract T Write(Session session);

    /// <summary>Writes all of a group; each has its <see cref="Result"/> or <see cref="Failure"/> afterwards.</summary>
    /// <exception cref="GroupSpoiledException">One of them does not go with the others: nothing may be committed, each is to be tried alone.</exception>
    public abstract void WriteGroup(Session session, IReadOnlyList<GroupedWork<T>> group);
}

/// <summary>Writes that were to share their statements do not go together.</summary>
internal sealed class GroupSpoiledException() : Exception("One of the writes has to be made alone.");
