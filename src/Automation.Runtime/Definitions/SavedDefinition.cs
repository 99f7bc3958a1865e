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
