using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Changes what an output hands to the variable or workflow output that it is bound to; the output itself stays what it was. An empty value is handed on as it is.</summary>
/// <param name="Id">Stable id, as in <c>converter.id</c> of an output's JSON; upper and lower case matter.</param>
/// <param name="DisplayName">Name in the designer.</param>
/// <param name="Description">What it does.</param>
/// <param name="Convert">The value and the binding's settings → the converted value. A <see cref="FaultException"/> faults the activity and leaves the destination as it was.</param>
public sealed record OutputConverter(string Id, string DisplayName, string Description, Func<object, JObject?, object?> Convert)
{
    /// <summary>JSON schema of the settings; null: there are none.</summary>
    public JObject? SettingsSchema { get; init; }

    /// <summary>Checks the settings at publish: what is wrong with them, null when nothing is.</summary>
    public Func<JObject?, string?>? Check { get; init; }

    /// <summary>The converters that come with the engine.</summary>
    public static IReadOnlyList<OutputConverter> BuiltIn { get; } =
    [
        new("Automation.JsonText", "JSON text", "The value as JSON text.", static (value, _) => Json.Write(ValueConverter.ToJson(value))),
        new("Automation.ParseJson", "Parsed JSON", "The object or list that a JSON text stands for.", static (value, _) => ValueConverter.Convert(value, typeof(JToken))),
        new("Automation.Pick", "A part of it", "The part of an object or list at a path, as items[0].id.", static (value, settings) => ValueConverter.ToJson(value).SelectToken((string?)settings?["path"] ?? "")?.Plain())
        {
            SettingsSchema = Schema("path"),
            Check = static settings => settings?["path"] is JValue { Value: string { Length: > 0 } } ? null : "the setting 'path' is missing",
        },
        new("Automation.Convert", "Another type", "The value as another type: String, Int32, Decimal, DateTime …", static (value, settings) => ValueConverter.Convert(value, ValueConverter.TypeOf((string?)settings?["type"])))
        {
            SettingsSchema = Schema("type"),
            Check = static settings => settings?["type"] is JValue { Value: string { Length: > 0 } } ? null : "the setting 'type' is missing",
        },
    ];

    private static JObject Schema(string name) => new()
    {
        ["type"] = "object",
        ["properties"] = new JObject { [name] = new JObject { ["type"] = "string" } },
        ["required"] = new JArray(name),
    };
}
