using System.Reflection;
using Automation.Connectors;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// What bodies may hold below their first level: a table made from the official specifications, by <c>METHOD /path</c> and property. A shape is the name of a type (<c>any</c>: anything; with
/// <c>?</c> also null), <c>["a", "b"]</c> the values of a text, <c>{"list": shape}</c>, <c>{"object": {name: shape}, "required": [name]}</c>, or <c>{"oneOf": [shape]}</c>.
/// </summary>
internal sealed class BodyTable
{
    private readonly JObject table;

    private BodyTable(JObject table) => this.table = table;

    public static BodyTable Empty { get; } = new([]);

    /// <summary>The table embedded in this assembly.</summary>
    public static BodyTable Read(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource) ?? throw new InvalidDataException($"There is no embedded file '{resource}'.");
        using var reader = new JsonTextReader(new StreamReader(stream)) { DateParseHandling = DateParseHandling.None };
        return new BodyTable(JObject.Load(reader));
    }

    /// <summary>Adds what is wrong inside a body, each in the words of the API's own validator, with the property of the first level.</summary>
    public void Check(Operation operation, JToken? body, List<(string Field, string Message)> wrong)
    {
        if (table[ApiProfile.KeyOf(operation)] is not JObject shapes || body is null)
        {
            return;
        }

        if (body is JArray && shapes["$"] is { } whole)
        {
            Check(whole, body, "body", "body", wrong);
            return;
        }

        foreach (var (name, shape) in shapes)
        {
            if ((body as JObject)?[name] is JContainer value)
            {
                Check(shape!, value, name, name, wrong);
            }
        }
    }

    private static void Check(JToken shape, JToken value, string at, string field, List<(string, string)> wrong)
    {
        switch (shape)
        {
            case JArray allowed:
                if (!allowed.Any(a => JToken.DeepEquals(a, value) || (a.Type is JTokenType.Integer or JTokenType.Float && value.Type is JTokenType.Integer or JTokenType.Float && a.Value<double>() == value.Value<double>())))
                {
                    wrong.Add((field, $"{at} must be one of the following values: {string.Join(", ", allowed)}"));
                }

                break;
            case JValue { Value: string type }:
                var plain = type.TrimEnd('?');
                if (plain != "any" && !(value.Type == JTokenType.Null && plain != type) && !RequestCheck.Fits(value, plain))
                {
                    wrong.Add((field, RequestCheck.MustBe(at, plain)));
                }

                break;
            case JObject choice when choice["oneOf"] is JArray shapes:
                if (!shapes.Any(one => Fits(one, value, at)))
                {
                    // What the first of them misses says most.
                    Check(shapes[0], value, at, field, wrong);
                }

                break;
            case JObject list when list["list"] is { } element:
                if (value is not JArray items)
                {
                    wrong.Add((field, RequestCheck.MustBe(at, "array")));
                    break;
                }

                for (var i = 0; i < items.Count; i++)
                {
                    Check(element, items[i], $"{at}.{i}", field, wrong);
                }

                break;
            case JObject known:
                CheckObject(known, value, at, field, wrong);
                break;
        }
    }

    private static void CheckObject(JObject shape, JToken value, string at, string field, List<(string, string)> wrong)
    {
        if (value is not JObject fields)
        {
            wrong.Add((field, RequestCheck.MustBe(at, "object")));
            return;
        }

        var properties = (JObject)shape["object"]!;
        foreach (var name in (shape["required"] as JArray ?? []).Select(name => name.ToString()))
        {
            if (fields[name] is null or { Type: JTokenType.Null })
            {
                wrong.Add((field, $"{at}.{name} should not be empty"));
            }
        }

        foreach (var property in fields.Properties())
        {
            if (properties[property.Name] is not { } inner)
            {
                wrong.Add((field, $"{at}.property {property.Name} should not exist"));
            }
            else if (property.Value.Type != JTokenType.Null || (shape["required"] as JArray)?.Any(name => name.ToString() == property.Name) != true)
            {
                Check(inner, property.Value, $"{at}.{property.Name}", field, wrong);
            }
        }
    }

    private static bool Fits(JToken shape, JToken value, string at)
    {
        var wrong = new List<(string, string)>();
        Check(shape, value, at, at, wrong);
        return wrong.Count == 0;
    }
}
