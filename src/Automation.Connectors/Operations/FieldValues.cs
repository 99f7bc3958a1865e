using System.Collections.Concurrent;
using System.Globalization;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// Turns values of a location's own fields, given by name (<c>{"Company size": 12}</c>), into the list that the API takes (<c>[{"id": "…", "field_value": 12}]</c>), each value as its
/// field's type wants it. A list is the API's own form and stays as it is.
/// </summary>
public sealed class FieldValues(OperationCatalog catalog, OperationClient client, TimeProvider clock)
{
    /// <summary>How long definitions are believed. A name that they do not have is looked up again at once.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<(string Connection, string? Location, string Operation, string Inputs), Definitions> known = new();

    /// <summary>The inputs with their fields resolved; the same ones when there is nothing to resolve.</summary>
    /// <exception cref="ConnectorException">A field is unknown, its name is that of several, or its value does not fit (<c>invalid-input</c>); or the definitions cannot be read.</exception>
    public async ValueTask<JObject> ResolveAsync(Operation operation, Connection connection, JObject inputs, CancellationToken cancellationToken)
    {
        foreach (var input in operation.Inputs)
        {
            if (input.Fields is { } source && ByName(inputs[input.Name]) is { } byName)
            {
                inputs = new JObject(inputs) { [input.Name] = await ListAsync(operation, input, source, connection, inputs, byName, cancellationToken) };
            }
        }

        return inputs;
    }

    /// <summary>Values by name, as an object or as its text; null: they are not by name.</summary>
    internal static JObject? ByName(JToken? value)
    {
        if (value is JValue { Value: string text } && text.AsSpan().TrimStart() is ['{', ..])
        {
            try
            {
                value = Json.Parse(text);
            }
            catch (JsonException)
            {
                // What the text should be is said where it is bound to the input.
                return null;
            }
        }

        return value as JObject;
    }

    private async ValueTask<JArray> ListAsync(Operation operation, OperationInput input, FieldSource source, Connection connection, JObject inputs, JObject byName, CancellationToken cancellationToken)
    {
        var definitions = await DefinitionsAsync(source, connection, inputs, clock.GetUtcNow() - Fresh, cancellationToken);
        if (byName.Properties().Any(p => definitions.Named(p.Name).Count == 0))
        {
            // Somebody may just have added the field.
            definitions = await DefinitionsAsync(source, connection, inputs, definitions.ReadAt.AddTicks(1), cancellationToken);
        }

        var list = new JArray();
        foreach (var (name, value) in byName)
        {
            var field = definitions.Named(name) switch
            {
                [var one] => one,
                [] => throw Invalid($"The location has no field '{InputBinding.Cut(name, 60)}'.", $"Use one of {definitions.Some()}."),
                var several => throw Invalid($"The location has {several.Count} fields '{InputBinding.Cut(name, 60)}'.", $"Use the key of one: {string.Join(", ", several.Select(f => f.Key))}."),
            };
            var (bound, problem) = Bind(field, value ?? JValue.CreateNull());
            if (problem is not null)
            {
                throw Invalid($"The value of the field '{field.Name}' {problem}.", $"Correct '{field.Name}'.");
            }

            list.Add(new JObject { ["id"] = field.Id, ["field_value"] = source.AsText && bound is JValue plain ? new JValue(JsonPaths.Text(plain) ?? "") : bound });
        }

        return list;

        ConnectorException Invalid(string what, string action) => new($"Input '{input.Name}' of {operation.Name}: {what}") { Code = "invalid-input", Property = input.PropertyName, Action = action };
    }

    private async ValueTask<Definitions> DefinitionsAsync(FieldSource source, Connection connection, JObject inputs, DateTimeOffset notBefore, CancellationToken cancellationToken)
    {
        var list = catalog.Find(source.Operation) ?? throw new InvalidOperationException($"There is no operation '{source.Operation}'.");
        var wanted = (JObject)source.Inputs.DeepClone();
        var location = JsonPaths.Text(inputs["locationId"]) ?? connection.LocationId;
        if (location is not null)
        {
            wanted["locationId"] = location;
        }

        var key = (connection.Id, location, source.Operation, Json.Write(source.Inputs));
        if (known.TryGetValue(key, out var found) && found.ReadAt >= notBefore)
        {
            return found;
        }

        // Two at once read it twice, which is only waste.
        var response = await client.SendAsync(list, connection, client.Build(list, connection, wanted), CallPriority.Action, null, cancellationToken);
        return known[key] = new Definitions(clock.GetUtcNow(), [.. (JsonPaths.Find(response.Body, list.Response.CollectionPath) as JArray ?? []).OfType<JObject>().Select(Field.Read).OfType<Field>()]);
    }

    private static (JToken? Value, string? Problem) Bind(Field field, JToken value)
    {
        var isMany = field.Type is "CHECKBOX" or "MULTIPLE_OPTIONS";
        if (value.Type is JTokenType.Null or JTokenType.Undefined)
        {
            return (isMany ? new JArray() : new JValue(""), null);
        }

        switch (field.Type)
        {
            case "NUMERICAL" or "MONETORY":
                return InputBinding.Bind(new OperationInput { Name = field.Name, Place = InputPlace.Body, Type = "number" }, value);
            case "DATE":
                return DateTimeOffset.TryParse(JsonPaths.Text(value), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day)
                    ? (new JValue(day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)), null)
                    : (null, "must be a date, as 2026-01-31");
            case "FILE_UPLOAD" or "SIGNATURE":
                return value is JContainer ? (value.DeepClone(), null) : (null, "must be the files that were uploaded, as the API describes them");
            case "TEXTBOX_LIST" when value is JContainer:
                return (value.DeepClone(), null);
            case "CHECKBOX" or "MULTIPLE_OPTIONS" or "SINGLE_OPTIONS" or "RADIO":
                var chosen = value is JArray many ? many.Select(JsonPaths.Text).ToList() : [JsonPaths.Text(value)];
                if (chosen.Contains(null) || (!isMany && chosen.Count != 1))
                {
                    return (null, isMany ? "must be a list of texts" : "must be one text");
                }

                return field.Options.Count > 0 && chosen.FirstOrDefault(text => !field.Options.Contains(text!)) is { } stranger
                    ? (null, $"is '{InputBinding.Cut(stranger, 60)}'; allowed are {string.Join(", ", field.Options.Take(40))}")
                    : (isMany ? new JArray(chosen) : new JValue(chosen[0]), null);
            default:
                return InputBinding.Bind(new OperationInput { Name = field.Name, Place = InputPlace.Body }, value);
        }
    }

    private sealed record Definitions(DateTimeOffset ReadAt, IReadOnlyList<Field> Fields)
    {
        /// <summary>Those of an id, else of a key (with or without its model), else of a name in any case.</summary>
        public IReadOnlyList<Field> Named(string name)
        {
            foreach (var fits in (Func<Field, bool>[])[f => f.Id == name, f => f.Key == name || f.Key.EndsWith("." + name, StringComparison.Ordinal), f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)])
            {
                if (Fields.Where(fits).ToList() is { Count: > 0 } found)
                {
                    return found;
                }
            }

            return [];
        }

        public string Some() => Fields.Count == 0 ? "its fields, of which it has none yet" : string.Join(", ", Fields.Take(20).Select(f => $"'{f.Name}'")) + (Fields.Count > 20 ? ", …" : "");
    }

    /// <summary>A definition. Options: what may be chosen; empty: anything.</summary>
    private sealed record Field(string Id, string Key, string Name, string? Type, IReadOnlyList<string> Options)
    {
        public static Field? Read(JObject definition) => JsonPaths.Text(definition["id"]) is not { } id ? null : new Field(
            id,
            JsonPaths.Text(definition["fieldKey"]) ?? "",
            JsonPaths.Text(definition["name"]) ?? id,
            JsonPaths.Text(definition["dataType"]),
            definition["isAllowedCustomOption"] is JValue { Value: true } ? [] : [.. (definition["picklistOptions"] as JArray ?? []).Select(JsonPaths.Text).OfType<string>()]);
    }
}
