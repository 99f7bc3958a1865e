namespace Automation.Engine;

/// <summary>What activities may ask about other workflows. In memory (tests, command line) there is none.</summary>
public interface IWorkflowCatalog
{
    /// <summary>Whether a workflow has a published version, so that a run of it can be started.</summary>
    ValueTask<bool> IsPublishedAsync(string definitionId, CancellationToken cancellationToken);
}
