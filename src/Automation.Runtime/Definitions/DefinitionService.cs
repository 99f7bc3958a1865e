using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>Saves, checks, publishes, imports and exports definitions.</summary>
public sealed class DefinitionService
{
    /// <summary>
    /// Saves a model as a draft: overwrites the latest draft, or adds version + 1 to a published one. A model without or with an unknown definitionId creates.
    /// Retried saves of the same model change nothing more. Problems that only publishing refuses are returned as warnings.
    /// </summary>
    /// <exception cref="DefinitionRejectedException">The model cannot be kept.</exception>
    public Task<SavedDefinition> SaveAsync(JObject model, bool publish, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Publishes the latest version: checks, then marks it and moves its triggers in one transaction.</summary>
    /// <exception cref="DefinitionRejectedException">A check failed; the draft stays.</exception>
    public Task<SavedDefinition> PublishAsync(string definitionId, CancellationToken cancellationToken) => throw new NotImplementedException();

    public Task<DefinitionVersion?> RetractAsync(string definitionId, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<DefinitionVersion?> RevertAsync(string definitionId, int version, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<bool> DeleteAsync(string definitionId, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Imports files (name and text), all or none, as drafts. Zip archives are expanded by the caller.</summary>
    /// <exception cref="DefinitionRejectedException">One file cannot be kept: names it, with place and reason; nothing was kept.</exception>
    public Task<IReadOnlyList<SavedDefinition>> ImportAsync(IReadOnlyList<(string FileName, string Text)> files, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The export of a version: file name and JSON text, stable to the byte.</summary>
    public (string FileName, string Text) Export(DefinitionVersion version) => throw new NotImplementedException();

    /// <summary>Reads, compiles and checks a definition without keeping it: all its problems.</summary>
    public Task<IReadOnlyList<DefinitionProblem>> ValidateAsync(string text, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The compiled plan of a version, cached.</summary>
    public ValueTask<WorkflowPlan?> GetPlanAsync(string versionId, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>A saved definition, and what publishing would complain of.</summary>
public sealed record SavedDefinition(DefinitionVersion Version, IReadOnlyList<DefinitionProblem> Problems, bool WasNew, bool AlreadyPublished);

/// <summary>A definition was refused; nothing was kept.</summary>
public sealed class DefinitionRejectedException(string message, IReadOnlyList<DefinitionProblem> problems, string? fileName = null) : Exception(message)
{
    public IReadOnlyList<DefinitionProblem> Problems { get; } = problems;
    public string? FileName { get; } = fileName;
}
