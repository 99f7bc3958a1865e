using System.Globalization;
using System.Text;
using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Definitions;

/// <summary>The Elsa 3 model of a version: what is kept of a saved one, and how it is shown.</summary>
internal static class DefinitionModel
{
    private const string Schema = "https://elsaworkflows.io/schemas/workflow-definition/v3.0.0/schema.json";
    private static readonly string[] Arrays = ["variables", "inputs", "outputs", "outcomes"];
    private static readonly string[] Objects = ["customProperties", "options"];
    private static readonly string[] Texts = ["id", "definitionId", "name", "description", "toolVersion"];

    /// <summary>Properties that the server gives; a difference in them is no difference of two models.</summary>
    private static readonly string[] Given = ["$schema", "links", "id", "definitionId", "version", "createdAt", "isLatest", "isPublished", "isReadonly", "isSystem", "providerName", "materializerName", "materializerContext", "tenantId"];

    /// <summary>The JSON kept for a version: the model as it came, with the server's own fields in it and transport ones left out.</summary>
    public static string Keep(JObject model, string id, string definitionId, int version, DateTimeOffset createdAt)
    {
        var kept = (JObject)model.DeepClone();
        kept.Remove("links");
        kept.Remove("$schema");
        kept["id"] = id;
        kept["definitionId"] = definitionId;
        kept["version"] = version;
        kept["createdAt"] = Iso(createdAt);
        return Json.Write(kept);
    }

    /// <summary>The model with what the row knows of it, and empty lists for nulls.</summary>
    public static JObject Model(DefinitionVersion version)
    {
        var model = (JObject)Json.Parse(version.Json, Json.DefinitionDepth);
        foreach (var name in Arrays.Where(name => model[name] is null or { Type: JTokenType.Null }))
        {
            model[name] = new JArray();
        }

        foreach (var name in Objects.Where(name => model[name] is null or { Type: JTokenType.Null }))
        {
            model[name] = new JObject();
        }

        model["id"] = version.Id;
        model["definitionId"] = version.DefinitionId;
        model["name"] = version.Name;
        model["version"] = version.Version;
        model["createdAt"] = Iso(version.CreatedAt);
        model["isReadonly"] = version.IsReadonly;
        model["isSystem"] = version.IsSystem;
        model["isLatest"] = version.IsLatest;
        model["isPublished"] = version.IsPublished;
        return model;
    }

    /// <summary>Text of an export: the model after its schema line.</summary>
    public static string Export(JObject model)
    {
        model.AddFirst(new JProperty("$schema", Schema));
        return model.ToString(Formatting.Indented).ReplaceLineEndings("\n") + "\n";
    }

    /// <summary>File name of an export. An id may be any text; in a file name it leads nowhere.</summary>
    public static string FileName(DefinitionVersion version)
    {
        var slug = Slug(version.Name);
        return $"workflow-definition-{(slug.Length == 0 ? "" : slug + "-")}{Plain(version.DefinitionId)}-{Plain(version.Id)}.json";

        static string Plain(string id) => string.Concat(id.Select(character => char.IsLetterOrDigit(character) || character is '-' or '_' or '.' ? character : '-')).Replace("..", "-", StringComparison.Ordinal);
    }

    /// <summary>Members of the wrong type: kept, they would break every reader of the definition.</summary>
    public static IReadOnlyList<DefinitionProblem> WrongTypes(JObject model)
    {
        var problems = new List<DefinitionProblem>();
        void Expect(string name, string kind, Func<JToken, bool> fits)
        {
            if (model[name] is { Type: not JTokenType.Null } value && !fits(value))
            {
                var line = (IJsonLineInfo)value;
                problems.Add(new DefinitionProblem(ProblemSeverity.Error, "wrong-type", $"'{name}' must be {kind}; it is of type {value.Type}.")
                {
                    Property = name,
                    Line = line.HasLineInfo() ? line.LineNumber : null,
                    Column = line.HasLineInfo() ? line.LinePosition : null,
                });
            }
        }

        foreach (var name in Texts)
        {
            Expect(name, "text", value => value.Type == JTokenType.String);
        }

        foreach (var name in Arrays)
        {
            Expect(name, "a list", value => value is JArray || value["$values"] is JArray);
        }

        foreach (var name in Objects)
        {
            Expect(name, "an object", value => value is JObject);
        }

        Expect("version", "a whole number", value => value is JValue { Value: long and >= 0 and <= int.MaxValue });
        return problems;
    }

    /// <summary>Two models say the same, apart from what the server gives.</summary>
    public static bool SameContent(JObject left, JObject right) => JToken.DeepEquals(Content(left), Content(right));

    /// <summary>What counts of a model, without what the server gives, node ids and empty values. The version of a workflow used as an activity counts by its number: publishing writes its id.</summary>
    public static JObject Content(JObject model)
    {
        // Two spellings of one thing are no difference: what the designer saves back of an older file says the same.
        var content = DefinitionView.Fit((JObject)model.DeepClone());
        foreach (var name in Given)
        {
            content.Remove(name);
        }

        foreach (var unset in ((JObject)content["options"]!).Properties().Where(property => property.Value is { Type: JTokenType.Null } or JValue { Value: false }).ToList())
        {
            unset.Remove();
        }

        foreach (var empty in content.Properties().Where(property => property.Value is { Type: JTokenType.Null } or JArray { Count: 0 } or JObject { Count: 0 }).ToList())
        {
            empty.Remove();
        }

        foreach (var activity in content.Descendants().OfType<JProperty>().Where(property => property.Name is "nodeId" or "workflowDefinitionVersionId").ToList())
        {
            activity.Remove();
        }

        return content;
    }

    private static string Slug(string? name)
    {
        var slug = new StringBuilder();
        foreach (var character in (name ?? "").Trim().ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(character))
            {
                slug.Append(character);
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        return slug.ToString().TrimEnd('-');
    }

    private static string Iso(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}
