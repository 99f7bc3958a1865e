using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Templates;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>A place of a definition for a connection, as an import found it.</summary>
/// <param name="Name">Its name: <c>gohighlevel</c>, <c>gohighlevel2</c>.</param>
/// <param name="Connector">The connector that it is for.</param>
/// <param name="ConnectionId">The connection that fills it; null: it is to be chosen in the designer.</param>
public sealed record ConnectionSlot(string Name, string Connector, string? ConnectionId);

/// <summary>
/// Connections of a definition on its way out and in. An id means something to this installation alone, so an export names a slot instead (<c>{{slot:gohighlevel}}</c>) and says in
/// <c>customProperties.connectionSlots</c> which connector it is for and what the connection is called. An import puts the connection of that name back, or the one that was chosen for the slot.
/// </summary>
internal sealed partial class ConnectionSlots(IConnections connections, OperationCatalog operations)
{
    private const string Property = "connectionSlots";

    /// <summary>Writes slots in place of the connections of a model.</summary>
    public async Task WriteAsync(JObject model, CancellationToken cancellationToken)
    {
        if (model["root"] is not JObject root || IsTemplate(model))
        {
            return;
        }

        var declared = Declared(model);
        var taken = Placeholder().Matches(Json.Write(model)).Select(match => match.Groups[1].Value).Concat(declared.Select(NameOf)).ToHashSet(StringComparer.Ordinal);
        var slotOf = new Dictionary<string, string>(StringComparer.Ordinal);
        var slots = new List<JObject>();
        foreach (var entry in ActivityTree.Walk(root))
        {
            if (Value(entry.Json["connectionId"]) is not { Value: string { Length: > 0 } id } value)
            {
                continue;
            }

            if (Named(id) is { } open)
            {
                Use(declared.Find(slot => NameOf(slot) == open));
                continue;
            }

            var connection = await connections.FindAsync(id, cancellationToken);
            if ((connection?.Connector ?? operations.Find((string?)(entry.Json["type"] as JValue) ?? "")?.Connector) is { } connector)
            {
                value.Value = SlotFor(connection?.Id ?? id, connector, connection?.Name);
            }
        }

        foreach (var value in InstalledConnections(model))
        {
            var connection = value.Value is string { Length: > 0 } id && Named(id) is null ? await connections.FindAsync(id, cancellationToken) : null;
            value.Value = connection is not null ? SlotFor(connection.Id, connection.Connector, connection.Name) : value.Value is string text && Named(text) is not null ? text : "";
        }

        Declare(model, slots);

        string SlotFor(string key, string connector, string? connectionName)
        {
            if (!slotOf.TryGetValue(key, out var name))
            {
                // A slot that was there when the definition came in keeps its name.
                var known = connectionName is null ? null : declared.Find(slot => string.Equals((string?)(slot["connection"] as JValue), connectionName, StringComparison.OrdinalIgnoreCase) && !slotOf.ContainsValue(NameOf(slot)));
                name = known is null ? Free(connector) : NameOf(known);
                slotOf[key] = name;
                slots.Add(new JObject { ["name"] = name, ["connector"] = connector, ["connection"] = connectionName });
            }

            return $"{{{{slot:{name}}}}}";
        }

        string Free(string connector)
        {
            for (var number = 1; ; number++)
            {
                var name = number == 1 ? connector : connector + number;
                if (taken.Add(name))
                {
                    return name;
                }
            }
        }

        void Use(JObject? slot)
        {
            if (slot is not null && !slots.Exists(other => NameOf(other) == NameOf(slot)))
            {
                slots.Add((JObject)slot.DeepClone());
            }
        }
    }

    /// <summary>Puts connections in place of the slots of a model: those chosen, else those of the names that the file tells.</summary>
    /// <exception cref="DefinitionRejectedException">A chosen connection is not there, or of another connector.</exception>
    public async Task<IReadOnlyList<ConnectionSlot>> ReadAsync(JObject model, IReadOnlyDictionary<string, string> chosen, CancellationToken cancellationToken)
    {
        if (model["root"] is not JObject root || IsTemplate(model))
        {
            return [];
        }

        var declared = Declared(model);
        var found = new Dictionary<string, ConnectionSlot>(StringComparer.Ordinal);
        foreach (var entry in ActivityTree.Walk(root))
        {
            if (Value(entry.Json["connectionId"]) is { Value: string id } value && Named(id) is { } name)
            {
                if (!found.TryGetValue(name, out var slot))
                {
                    var own = declared.Find(candidate => NameOf(candidate) == name);
                    var connector = (string?)(own?["connector"] as JValue) ?? operations.Find((string?)(entry.Json["type"] as JValue) ?? "")?.Connector ?? "";
                    found[name] = slot = new ConnectionSlot(name, connector, await FillAsync(name, connector, chosen.GetValueOrDefault(name), (string?)(own?["connection"] as JValue), cancellationToken));
                }

                value.Value = slot.ConnectionId ?? id;
            }
        }

        foreach (var value in InstalledConnections(model))
        {
            value.Value = value.Value is string text && Named(text) is { } name && found.GetValueOrDefault(name)?.ConnectionId is { } id ? id : value.Value;
        }

        return [.. found.Values];
    }

    private async Task<string?> FillAsync(string slot, string connector, string? chosen, string? told, CancellationToken cancellationToken)
    {
        if ((chosen ?? told) is not { Length: > 0 } wanted)
        {
            return null;
        }

        var connection = await connections.FindAsync(wanted, cancellationToken);
        if (connection is not null && (connector.Length == 0 || connection.Connector == connector))
        {
            return connection.Id;
        }

        if (chosen is null)
        {
            return null;
        }

        var message = connection is null
            ? $"There is no connection '{chosen}' for the slot '{slot}'. Choose another, or add it under Connections."
            : $"The slot '{slot}' takes a {connector} connection; '{connection.Name}' is for {connection.Connector}.";
        throw new DefinitionRejectedException(message, [new DefinitionProblem(ProblemSeverity.Error, connection is null ? "unknown-connection" : "wrong-connection", message) { Property = $"connections.{slot}" }]);
    }

    private static void Declare(JObject model, List<JObject> slots)
    {
        if (slots.Count == 0)
        {
            (model["customProperties"] as JObject)?.Remove(Property);
            return;
        }

        if (model["customProperties"] is not JObject custom)
        {
            model["customProperties"] = custom = [];
        }

        custom[Property] = new JArray(slots);
    }

    /// <summary>A template's own slots are filled when it is installed.</summary>
    private static bool IsTemplate(JObject model) => model["customProperties"]?["template"] is JObject;

    private static List<JObject> Declared(JObject model) => [.. (model["customProperties"]?[Property] as JArray ?? []).OfType<JObject>().Where(slot => NameOf(slot).Length > 0)];

    private static string NameOf(JObject slot) => (string?)(slot["name"] as JValue) ?? "";

    /// <summary>Connections that an installed template was given.</summary>
    private static IEnumerable<JValue> InstalledConnections(JObject model) =>
        (model["customProperties"]?[InstalledFrom.Property]?["connections"] as JObject ?? []).Properties().Select(property => property.Value).OfType<JValue>();

    /// <summary>The slot that a text names; null: it names none.</summary>
    private static string? Named(string text) => Placeholder().Match(text.Trim()) is { Success: true } match && match.Length == text.Trim().Length ? match.Groups[1].Value : null;

    private static JValue? Value(JToken? input) => input switch
    {
        JValue bare => bare,
        JObject wrapped when wrapped["expression"] is JObject expression && (string?)(expression["type"] as JValue) is null or "Literal" => wrapped["expression"]?["value"] as JValue,
        _ => null,
    };

    [GeneratedRegex(@"\{\{\s*slot:([A-Za-z0-9_-]+)\s*\}\}")]
    private static partial Regex Placeholder();
}
