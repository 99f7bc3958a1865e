using System.Collections.Frozen;
using Automation.Engine;
using Automation.Engine.Functions;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>
/// Saved lookup tables, all of them in memory, because expressions ask without waiting. What another process saves is loaded when <see cref="ChangeWatch"/> sees it;
/// until then an expression sees the table as it was.
/// </summary>
public sealed class LookupTableService(IDocumentStore documents, TimeProvider clock, ILogger<LookupTableService> log) : ILookupTables, IHostedService, IDisposable
{
    /// <summary>Tables at most.</summary>
    public const int MaximumTables = 200;

    /// <summary>Characters of all tables at most: they are held in memory.</summary>
    public const int MaximumLength = 32 * 1024 * 1024;

    private const string Kind = "table";
    private readonly SemaphoreSlim loading = new(1, 1);
    private FrozenDictionary<string, LookupTable> tables = FrozenDictionary<string, LookupTable>.Empty;

    /// <inheritdoc />
    public LookupTable? Find(string name) => tables.GetValueOrDefault(name);

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => LoadAsync(cancellationToken);

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public void Dispose() => loading.Dispose();

    public async Task<IReadOnlyList<(JObject Table, DateTimeOffset UpdatedAt)>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await documents.ListAsync(Kind, cancellationToken)).Select(document => ((JObject)Json.Parse(document.Json), document.UpdatedAt))];

    /// <summary>The table as it was saved; null: there is none.</summary>
    public async Task<JObject?> ReadAsync(string name, CancellationToken cancellationToken) =>
        await documents.FindAsync(Kind, name, cancellationToken) is { } document ? (JObject)Json.Parse(document.Json) : null;

    /// <summary>Saves a table, in place of one of its name.</summary>
    /// <exception cref="FaultException">It is no table, or there are too many.</exception>
    public async Task<LookupTable> SaveAsync(JObject json, CancellationToken cancellationToken)
    {
        var table = LookupTable.Read(json);
        var text = Json.Write(json);
        var others = (await documents.ListAsync(Kind, cancellationToken)).Where(other => !other.Name.Equals(table.Name, StringComparison.OrdinalIgnoreCase)).ToList();
        if (others.Count >= MaximumTables || others.Sum(other => (long)other.Json.Length) + text.Length > MaximumLength)
        {
            throw new FaultException(new Fault($"There is room for {MaximumTables} tables of {MaximumLength / (1024 * 1024)} MB in all.") { Code = "table", Action = "Delete tables that no flow uses." });
        }

        var now = clock.GetUtcNow();
        await documents.SaveAsync(new DocumentRecord(Kind, table.Name, text, now, now), cancellationToken);
        await LoadAsync(cancellationToken);
        return table;
    }

    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        var was = await documents.DeleteAsync(Kind, name, cancellationToken);
        await LoadAsync(cancellationToken);
        return was;
    }

    /// <summary>Loads all tables again, in the background.</summary>
    internal void Reload() => _ = Task.Run(async () =>
    {
        try
        {
            await LoadAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            log.LogWarning(exception, "The lookup tables could not be loaded; expressions see them as they were until the next change or start.");
        }
    });

    /// <summary>One that cannot be read any more keeps neither the others nor the server from their work: flows that ask for it are told that there is none.</summary>
    private LookupTable? TryRead(DocumentRecord document)
    {
        try
        {
            return LookupTable.Read((JObject)Json.Parse(document.Json));
        }
        catch (Exception exception) when (exception is FaultException or JsonException or InvalidCastException)
        {
            log.LogError(exception, "The lookup table '{Table}' cannot be read, and is left out: save it again.", document.Name);
            return null;
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        await loading.WaitAsync(cancellationToken);
        try
        {
            tables = (await documents.ListAsync(Kind, cancellationToken)).Select(TryRead).OfType<LookupTable>().ToFrozenDictionary(table => table.Name, StringComparer.OrdinalIgnoreCase);
        }
        finally
        {
            loading.Release();
        }
    }
}
