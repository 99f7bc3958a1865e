using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Definitions;

/// <summary>A saved definition, and what publishing would complain of.</summary>
public sealed record SavedDefinition(DefinitionVersion Version, IReadOnlyList<DefinitionProblem> Problems, bool WasNew, bool AlreadyPublished)
{
    /// <summary>Definition ids of workflows that use it as an activity and were changed to use this version.</summary>
    public IReadOnlyList<string> UpdatedConsumers { get; init; } = [];

    /// <summary>Slots for connections that its file had.</summary>
    public IReadOnlyList<ConnectionSlot> Slots { get; init; } = [];
}

/// <summary>A definition was refused; nothing was kept.</summary>
public sealed class DefinitionRejectedException(string message, IReadOnlyList<DefinitionProblem> problems, string? fileName = null) : Exception(message)
{
    public IReadOnlyList<DefinitionProblem> Problems { get; } = problems;
    public string? FileName { get; } = fileName;
}

/// <summary>A definition was to be saved over something else than what it was made from. Nothing was changed.</summary>
public sealed class DefinitionChangedException(string definitionId, DefinitionVersion? stored) : Exception(stored is null
    ? $"The workflow definition '{definitionId}' was deleted meanwhile."
    : $"The workflow definition '{stored.Name ?? definitionId}' was saved by somebody else meanwhile: what is stored is no longer what this one was made from.")
{
    /// <summary>What is stored; null: nothing any more.</summary>
    public DefinitionVersion? Stored { get; } = stored;
}
