using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>Saved field maps. A map is prepared once per text; what another node saves is seen at once.</summary>
public sealed class FieldMapService(IDocumentStore documents, WorkflowEngine engine, TimeProvider clock) : IFieldMaps
{
    private const string Kind = "mapping";
    private const int Capacity = 500;
    private readonly ConcurrentDictionary<string, FieldMap> prepared = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<(JObject Map, DateTimeOffset UpdatedAt)>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await documents.ListAsync(Kind, cancellationToken)).Select(document => ((JObject)Json.Parse(document.Json), document.UpdatedAt))];

    /// <inheritdoc />
    public async Task<FieldMap?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (await documents.FindAsync(Kind, name, cancellationToken) is not { } document)
        {
            return null;
        }

        if (prepared.Count > Capacity)
        {
            prepared.Clear();
        }

        return prepared.GetOrAdd(document.Json, text => Read((JObject)Json.Parse(text)));
    }

    /// <summary>Reads a map without keeping it.</summary>
    /// <exception cref="FaultException">It is no map.</exception>
    public FieldMap Read(JObject map) => FieldMap.Read(map, engine.Expressions);

    /// <summary>What a map makes of an item.</summary>
    /// <exception cref="FaultException">A script failed.</exception>
    public JObject Preview(FieldMap map, JToken item, CancellationToken cancellationToken) => map.Apply(item, engine.Expressions.OpenSession(), new NoRunScope(clock), cancellationToken);

    /// <summary>Saves a map, in place of one of its name.</summary>
    /// <exception cref="FaultException">It is no map.</exception>
    public async Task<FieldMap> SaveAsync(JObject map, CancellationToken cancellationToken)
    {
        var read = Read(map);
        var now = clock.GetUtcNow();
        await documents.SaveAsync(new DocumentRecord(Kind, read.Name, Json.Write(map), now, now), cancellationToken);
        return read;
    }

    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) => documents.DeleteAsync(Kind, name, cancellationToken);
}
