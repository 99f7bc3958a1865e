using System.Collections.Concurrent;
using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Definitions;

/// <summary>
/// Compiled plans by version id. A published version never changes under its id, so its plan is kept; a draft may be overwritten, on any node, so its row is
/// compared before its plan is used. Bounded; each version is compiled once, however many ask.
/// </summary>
internal sealed class PlanCache(IDefinitionStore store, WorkflowEngine engine, WorkflowLibrary library)
{
    private const int Capacity = 1024;
    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private long uses;
    private long doubts;

    public ValueTask<WorkflowPlan?> GetAsync(string versionId, CancellationToken cancellationToken)
    {
        if (entries.TryGetValue(versionId, out var entry) && entry.Task.Value is { IsCompletedSuccessfully: true } task && task.Result is { IsPublished: true } kept && entry.TrustedAt == Interlocked.Read(ref doubts))
        {
            entry.LastUse = Interlocked.Increment(ref uses);
            return ValueTask.FromResult<WorkflowPlan?>(kept.Plan);
        }

        return LoadAsync(versionId, cancellationToken);
    }

    /// <summary>Another process changed definitions: a version may have been retracted, edited and published again under its id. Each plan is compared with its row once, when it is used next.</summary>
    public void Doubt()
    {
        Interlocked.Increment(ref doubts);
        library.Forget();
    }

    public void Forget(string versionId)
    {
        entries.TryRemove(versionId, out _);
        library.Forget(versionId);
    }

    /// <summary>Compiles a definition with the workflows that it uses as activities.</summary>
    public async Task<WorkflowPlan> CompileAsync(WorkflowDefinition definition, CancellationToken cancellationToken) =>
        engine.Compile(definition, await library.GatherAsync(definition, cancellationToken));

    private async ValueTask<WorkflowPlan?> LoadAsync(string versionId, CancellationToken cancellationToken)
    {
        var doubt = Interlocked.Read(ref doubts);
        var entry = entries.GetOrAdd(versionId, id => new Entry(new Lazy<Task<Compiled?>>(() => CompileAsync(id))) { TrustedAt = doubt });
        entry.LastUse = Interlocked.Increment(ref uses);
        Compiled? compiled;
        try
        {
            compiled = await entry.Task.Value.WaitAsync(cancellationToken);
        }
        catch (Exception) when (entry.Task.Value.IsFaulted)
        {
            entries.TryRemove(KeyValuePair.Create(versionId, entry));
            throw;
        }

        if (compiled is null)
        {
            entries.TryRemove(KeyValuePair.Create(versionId, entry));
            return null;
        }

        if (!compiled.IsPublished && await store.FindVersionAsync(versionId, cancellationToken) is var row && (row is null || row.IsPublished || row.Json != compiled.Json || compiled.UsesWorkflows))
        {
            entries.TryRemove(KeyValuePair.Create(versionId, entry));
            return row is null ? null : row.Json == compiled.Json && !compiled.UsesWorkflows ? compiled.Plan : (await CompileAsync(row, cancellationToken)).Plan;
        }

        if (compiled.IsPublished && entry.TrustedAt != doubt)
        {
            if (await store.FindVersionAsync(versionId, cancellationToken) is not { } stored || stored.Json != compiled.Json || !stored.IsPublished)
            {
                entries.TryRemove(KeyValuePair.Create(versionId, entry));
                return await LoadAsync(versionId, cancellationToken);
            }

            entry.TrustedAt = doubt;
        }

        Trim();
        return compiled.Plan;
    }

    private async Task<Compiled?> CompileAsync(string versionId) =>
        await store.FindVersionAsync(versionId, CancellationToken.None) is { } version ? await CompileAsync(version, CancellationToken.None) : null;

    private async Task<Compiled> CompileAsync(DefinitionVersion version, CancellationToken cancellationToken)
    {
        var (definition, problems) = DefinitionReader.Read(version.Json);
        if (definition is null)
        {
            throw new InvalidOperationException($"The stored definition {version.DefinitionId}, version {version.Version}, cannot be read: {string.Join(' ', problems)}");
        }

        var lookup = await library.GatherAsync(definition, cancellationToken);
        return new Compiled(engine.Compile(definition, lookup), version.Json, version.IsPublished, lookup is not null);
    }

    private void Trim()
    {
        if (entries.Count <= Capacity)
        {
            return;
        }

        foreach (var oldest in entries.OrderBy(entry => entry.Value.LastUse).Take(Capacity / 4).ToList())
        {
            entries.TryRemove(oldest);
        }
    }

    /// <param name="Plan">The plan.</param>
    /// <param name="Json">What it was made from.</param>
    /// <param name="IsPublished">The version is published: it means the same workflows for good.</param>
    /// <param name="UsesWorkflows">It uses workflows as activities; those that a draft means may change.</param>
    private sealed record Compiled(WorkflowPlan Plan, string Json, bool IsPublished, bool UsesWorkflows);

    private sealed class Entry(Lazy<Task<Compiled?>> task)
    {
        public Lazy<Task<Compiled?>> Task { get; } = task;
        public long LastUse { get; set; }

        /// <summary>Number of doubts when it was read or compared.</summary>
        public long TrustedAt { get; set; }
    }
}
