using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>What an installed flow remembers of its template, for an upgrade; it travels with the definition in its custom properties.</summary>
/// <param name="Template">The template's name.</param>
/// <param name="Revision">The template as it was.</param>
/// <param name="Content">The flow as it was installed.</param>
/// <param name="Connections">Connection id by slot.</param>
/// <param name="Inputs">Inputs as given.</param>
public sealed record InstalledFrom(string Template, string Revision, string Content, IReadOnlyDictionary<string, string> Connections, JObject Inputs)
{
    public const string Property = "installedFrom";

    public static InstalledFrom? Of(JObject model) => model["customProperties"]?[Property] is JObject json && (string?)(json["template"] as JValue) is { Length: > 0 } template
        ? new InstalledFrom(
            template,
            (string?)(json["revision"] as JValue) ?? "",
            (string?)(json["content"] as JValue) ?? "",
            (json["connections"] as JObject ?? []).Properties().ToDictionary(slot => slot.Name, slot => (string?)(slot.Value as JValue) ?? "", StringComparer.Ordinal),
            json["inputs"] as JObject ?? [])
        : null;

    public JObject ToJson() => new()
    {
        ["template"] = Template,
        ["revision"] = Revision,
        ["content"] = Content,
        ["connections"] = new JObject(Connections.Select(slot => new JProperty(slot.Key, slot.Value))),
        ["inputs"] = Inputs,
    };

    /// <summary>A model without this mark, to compare.</summary>
    public static JObject Without(JObject model)
    {
        var plain = (JObject)model.DeepClone();
        (plain["customProperties"] as JObject)?.Remove(Property);
        return plain;
    }

    /// <summary>Hash of what a model says: another one means that somebody changed it.</summary>
    public static string HashOf(JObject model)
    {
        var content = DefinitionModel.Content(Without(model));
        content.Remove("toolVersion");
        content.Remove("name");
        return Hash(content);
    }

    public static string Hash(JObject json) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json.Write(json))))[..16];
}

/// <summary>What an upgrade of an installed flow would change, or has changed.</summary>
public sealed record TemplateUpgrade
{
    public required string Template { get; init; }

    /// <summary>The flow has the template's present revision already.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>The flow was changed since it was installed; the changes that undo that are among <see cref="Changes"/>.</summary>
    public required bool WasEdited { get; init; }
    public required IReadOnlyList<DefinitionChange> Changes { get; init; }

    /// <summary>The new draft or publication; null: it was only looked at, or there was nothing to change.</summary>
    public SavedDefinition? Saved { get; init; }
}
