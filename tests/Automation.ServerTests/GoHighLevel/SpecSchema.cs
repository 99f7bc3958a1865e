using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>What the specifications use of JSON Schema: checks values strictly (an object has no property that its schema does not name), and makes examples.</summary>
internal sealed class SpecSchema(SpecCall call)
{
    /// <summary>What is wrong with a value; empty: nothing.</summary>
    public IEnumerable<string> Check(JToken? token, JToken value, string at)
    {
        if (token is null || call.Resolve(token) is not JObject schema)
        {
            yield break;
        }

        if (value.Type == JTokenType.Null)
        {
            if (schema["nullable"] is not JValue { Value: true } && (string?)schema["type"] is not (null or "object"))
            {
                yield return $"{at} is null";
            }

            yield break;
        }

        foreach (var all in schema["allOf"] as JArray ?? [])
        {
            foreach (var problem in Check(all, value, at))
            {
                yield return problem;
            }
        }

        if ((schema["anyOf"] ?? schema["oneOf"]) is JArray any && !any.Any(one => !Check(one, value, at).Any()))
        {
            yield return $"{at} fits none of its schemas: {value}";
        }

        // 'any' is no type of JSON Schema, and stands in one of the files all the same.
        if ((string?)schema["type"] is { } type and not "any" && !Fits(type, value))
        {
            yield return $"{at} is no {type}: {value}";
            yield break;
        }

        if (schema["enum"] is JArray allowed && value is JValue && !allowed.Any(a => JToken.DeepEquals(a, value)))
        {
            yield return $"{at} is none of {allowed.ToString(Newtonsoft.Json.Formatting.None)}: {value}";
        }

        if (value is JValue { Value: IConvertible } number && value.Type is JTokenType.Integer or JTokenType.Float)
        {
            var amount = value.Value<double>();
            if (amount > (double?)schema["maximum"] || amount < (double?)schema["minimum"])
            {
                yield return $"{at} is out of range: {value}";
            }
        }

        if (value.Type == JTokenType.String && (value.ToString().Length > (int?)schema["maxLength"] || value.ToString().Length < (int?)schema["minLength"]))
        {
            yield return $"{at} has the wrong length: {value}";
        }

        foreach (var problem in Members(schema, value, at))
        {
            yield return problem;
        }
    }

    /// <summary>A value that fits the schema, made of its examples as far as they do themselves.</summary>
    /// <param name="token">The schema.</param>
    /// <param name="isWhole">Every property, and not only those required.</param>
    /// <param name="example">An example from beside the schema.</param>
    /// <param name="depth">How deep it stands: what holds itself ends somewhere.</param>
    public JToken Example(JToken? token, bool isWhole, JToken? example = null, int depth = 0)
    {
        var schema = token is null ? [] : call.Resolve(token) as JObject ?? [];
        foreach (var given in new[] { example, schema["example"], schema["default"], schema["enum"]?.First })
        {
            if (given is not null && given.Type != JTokenType.Null && !Check(schema, given, "").Any())
            {
                return given.DeepClone();
            }
        }

        if ((schema["allOf"] ?? schema["anyOf"] ?? schema["oneOf"])?.First is { } first)
        {
            return Example(first, isWhole, null, depth);
        }

        switch ((string?)schema["type"])
        {
            case "number" or "integer":
                return (double?)schema["minimum"] is { } least ? new JValue((long)least) : new JValue(1);
            case "boolean":
                return true;
            case "array":
                return depth > 6 ? new JArray() : new JArray(Example(schema["items"], isWhole, null, depth + 1));
            case "object" or null:
                var made = new JObject();
                var required = (schema["required"] as JArray ?? []).Values<string>().ToHashSet();
                foreach (var property in (schema["properties"] as JObject ?? []).Properties().Where(p => depth <= 6 && (isWhole || required.Contains(p.Name))))
                {
                    made[property.Name] = Example(property.Value, isWhole, null, depth + 1);
                }

                return made;
            default:
                return "text";
        }
    }

    /// <summary>The answer as the specification's own examples have it, right or wrong.</summary>
    public JToken AnswerAsGiven(JToken? token, int depth = 0)
    {
        var schema = token is null ? [] : call.Resolve(token) as JObject ?? [];
        if (schema["example"] is { } example)
        {
            return example.DeepClone();
        }

        if ((schema["allOf"] ?? schema["anyOf"] ?? schema["oneOf"])?.First is { } first)
        {
            return AnswerAsGiven(first, depth);
        }

        return (string?)schema["type"] switch
        {
            "array" => depth > 8 ? new JArray() : new JArray(AnswerAsGiven(schema["items"], depth + 1)),
            "object" or null => new JObject((schema["properties"] as JObject ?? []).Properties().Where(_ => depth <= 8).Select(p => new JProperty(p.Name, AnswerAsGiven(p.Value, depth + 1)))),
            "boolean" => true,
            "number" or "integer" => 1,
            _ => schema["enum"]?.First?.DeepClone() ?? "text",
        };
    }

    /// <summary>A text of the path or the query as its type wants it; null: it does not fit.</summary>
    public JToken? Read(JToken? token, IReadOnlyList<string> texts)
    {
        var schema = token is null ? [] : call.Resolve(token) as JObject ?? [];
        return (string?)schema["type"] switch
        {
            "array" => new JArray(texts.Select(text => Read(schema["items"], [text]))),
            "number" or "integer" => texts.Count == 1 && double.TryParse(texts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? new JValue(number) : null,
            "boolean" => texts is ["true" or "false"] ? new JValue(texts[0] == "true") : null,
            _ => texts.Count == 1 ? new JValue(texts[0]) : null,
        };
    }

    private IEnumerable<string> Members(JObject schema, JToken value, string at)
    {
        if (value is JArray list)
        {
            if (list.Count < (int?)schema["minItems"] || list.Count > (int?)schema["maxItems"])
            {
                yield return $"{at} has {list.Count} elements";
            }

            for (var i = 0; i < list.Count; i++)
            {
                foreach (var problem in Check(schema["items"], list[i], $"{at}[{i}]"))
                {
                    yield return problem;
                }
            }
        }

        if (value is JObject fields && schema["properties"] is JObject { Count: > 0 } properties)
        {
            foreach (var name in (schema["required"] as JArray ?? []).Values<string>().Where(name => fields[name!] is null))
            {
                yield return $"{at}.{name} is missing";
            }

            foreach (var field in fields.Properties())
            {
                if (properties[field.Name] is not { } property)
                {
                    if (schema["additionalProperties"] is null or JValue { Value: false })
                    {
                        yield return $"{at}.{field.Name} is unknown";
                    }

                    continue;
                }

                foreach (var problem in Check(property, field.Value, $"{at}.{field.Name}"))
                {
                    yield return problem;
                }
            }
        }
    }

    private static bool Fits(string type, JToken value) => type switch
    {
        "string" => value.Type == JTokenType.String,
        "number" => value.Type is JTokenType.Integer or JTokenType.Float,
        "integer" => value.Type == JTokenType.Integer,
        "boolean" => value.Type == JTokenType.Boolean,
        "array" => value.Type == JTokenType.Array,
        "object" => value.Type == JTokenType.Object,
        _ => false,
    };
}
