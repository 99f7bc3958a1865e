using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A choice of a drop-down.</summary>
/// <param name="Text">What a person reads.</param>
/// <param name="Value">What the API takes.</param>
public sealed record InputOption(string Text, string Value);

/// <summary>Live options of inputs that are ids: the pipelines, calendars, users… that a connection has.</summary>
public sealed class InputOptions(OperationCatalog catalog, IConnections connections, IPollReader reader, TimeProvider clock)
{
    private static readonly string[] Names = ["name", "title", "label", "tag", "fullName", "contactName", "email"];

    /// <summary>
    /// The first page of the list that an input takes its options from; empty where the input has none, no connection is chosen yet, or the list needs an input that
    /// is not set yet.
    /// </summary>
    /// <param name="activityType">The operation.</param>
    /// <param name="property">The input, as the definition names it.</param>
    /// <param name="connectionId">The connection chosen.</param>
    /// <param name="inputs">What is set already, by the definition's names.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="ConnectorException">The list cannot be read.</exception>
    public async ValueTask<IReadOnlyList<InputOption>> ReadAsync(string activityType, string property, string? connectionId, JObject inputs, CancellationToken cancellationToken)
    {
        var operation = catalog.Find(activityType);
        var input = operation?.Inputs.FirstOrDefault(i => i.PropertyName.Equals(property, StringComparison.OrdinalIgnoreCase));
        if ((input?.OptionsFrom ?? input?.Fields?.Operation) is not { } source || catalog.Find(source) is not { } list || string.IsNullOrEmpty(connectionId)
            || await connections.FindAsync(connectionId, cancellationToken) is not { } connection || connection.Connector != list.Connector)
        {
            return [];
        }

        var wanted = (JObject?)input!.Fields?.Inputs.DeepClone() ?? [];
        foreach (var needed in list.Inputs.Where(i => i.Required && i.Default is null && !list.Pagination.Params.Contains(i.Name)))
        {
            if (inputs[needed.PropertyName] is JValue { Value: not null and not "" } set)
            {
                wanted[needed.Name] = set;
            }
            else if (RequestBuilder.FromConnection(needed, connection) is null)
            {
                return [];
            }
        }

        var page = await reader.ReadPageAsync(list, connection, wanted, new ScanPosition(null, clock.GetUtcNow(), null), CallPriority.Action, cancellationToken);
        if (input.OptionsPath is { } path)
        {
            var parent = operation!.Inputs.FirstOrDefault(i => i.OptionsFrom == source && i.OptionsPath is null);
            return Within(page.Items, path, parent is null ? null : JsonPaths.Text(inputs[parent.PropertyName]));
        }

        return [.. page.Items.Select(item => new InputOption(NameOf(item.Payload, item.Id), item.Id)).OrderBy(option => option.Text, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>Elements of a list in the items, in the order that the API gives them.</summary>
    private static IReadOnlyList<InputOption> Within(IReadOnlyList<PolledItem> items, string path, string? parentId) =>
    [
        .. items.Where(item => string.IsNullOrEmpty(parentId) || item.Id == parentId)
            .SelectMany(item => (item.Payload[path] as JArray ?? []).OfType<JObject>().Select(element => (Item: item, Element: element)))
            .Where(pair => JsonPaths.Text(pair.Element["id"]) is not null)
            .Select(pair =>
            {
                var id = JsonPaths.Text(pair.Element["id"])!;
                var name = NameOf(pair.Element, id);
                return new InputOption(string.IsNullOrEmpty(parentId) ? $"{NameOf(pair.Item.Payload, pair.Item.Id)}: {name}" : name, id);
            }),
    ];

    private static string NameOf(JObject item, string id)
    {
        foreach (var name in Names)
        {
            if (JsonPaths.Text(item[name]) is { } text)
            {
                return text;
            }
        }

        var whole = $"{JsonPaths.Text(item["firstName"])} {JsonPaths.Text(item["lastName"])}".Trim();
        return whole.Length > 0 ? whole : id;
    }
}
